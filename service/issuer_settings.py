"""What an operator says of one token issuer, where the URL of its key set is not enough."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, model_validator

Algorithm = Literal["ES256", "ES384", "RS256", "RS384"]


_URL: Final = TypeAdapter(HttpUrl)


def is_discoverable(issuer: str) -> bool:
    """True for a URL below which a discovery document can be.

    Source: https://www.rfc-editor.org/rfc/rfc8414#section-2
    """
    try:
        url = _URL.validate_python(issuer)
    except ValidationError:
        return False
    return url.query is None and url.fragment is None


class IssuerSettings(BaseModel):
    """One entry of `COPLAN_ISSUERS`. An empty object: its keys are found by discovery below `iss`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jwks: HttpUrl | None = Field(None, description="URL of the key set; without it, discovery")
    discovery: HttpUrl | None = Field(None, description="URL of the discovery document, where it is not below `iss`")
    algorithms: tuple[Algorithm, ...] = Field(("ES256", "ES384", "RS256", "RS384"), min_length=1)
    audience: str | None = Field(None, min_length=1, description="`aud` of its tokens; without it COPLAN_AUDIENCE")
    fhir_base_url: HttpUrl | None = Field(
        None, description="As which URL its absolute `fhirUser` names the FHIR server"
    )
    introspection: HttpUrl | None = Field(None, description="RFC 7662 endpoint; then each token is asked about there")
    client_id: str | None = Field(None, description="Id of this service there")
    client_secret: SecretStr | None = Field(None, description="Its secret; without it, COPLAN_CLIENT_KEYS sign")
    opaque: bool = Field(False, description="Tokens that are no JWT are this issuer's")

    @property
    def is_discovered(self) -> bool:
        """True where its discovery document says where its keys are; an issuer that is asked needs none."""
        return self.jwks is None and self.introspection is None

    @model_validator(mode="after")
    def _must_be_able_to_ask(self) -> Self:
        if self.introspection and not self.client_id:
            raise ValueError("introspection needs client_id")
        if self.opaque and not self.introspection:
            raise ValueError("opaque tokens need introspection")
        return self
