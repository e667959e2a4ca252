"""Settings from the environment (`COPLAN_…`) or from files of the same names in a folder of secrets."""

import re
from datetime import timedelta
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    DirectoryPath,
    Field,
    FilePath,
    HttpUrl,
    RedisDsn,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from service.domain.catalogue import Catalogue, Trackable
from service.domain.policy import Policy, PractitionerAccess, ProxyAccess
from service.issuer_settings import IssuerSettings, is_discoverable

_TRACKABLES: Final = TypeAdapter(tuple[Trackable, ...])
ReferenceTo = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$")]


def _seconds(value: Any) -> Any:
    """The environment has text only: `10` are seconds, all else is ISO 8601."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value


def _must_be_some_time(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
SomeTime = Annotated[Duration, AfterValidator(_must_be_some_time)]


class Settings(BaseSettings):
    """What an operator decides. Nothing is read from a `.env` file by itself."""

    model_config = SettingsConfigDict(env_prefix="COPLAN_", frozen=True, extra="ignore")

    secrets_dir: DirectoryPath | None = Field(
        None, description="Folder with any of these settings as files of their names; the environment goes first"
    )

    mode: Literal["development", "production"] = Field(
        "development", description="In production the service does not start with insecure settings"
    )
    fhir_base_url: HttpUrl = Field(description="Base of the FHIR R4 server, for example https://ehr.example/fhir")
    fhir_authorization: SecretStr | None = Field(None, description="`Authorization` header that the FHIR server wants")
    fhir_deadline: SomeTime = Field(timedelta(seconds=10), description="The most that one call of it may take")
    fhir_connections: int = Field(100, ge=1, le=1000, description="Connections to the FHIR server at once")

    upstream_identity: Literal["static", "pass-through", "token-exchange", "backend-services"] = Field(
        "static",
        description="Whose token the FHIR server gets: COPLAN_FHIR_AUTHORIZATION, the caller's, one for it, ours",
    )
    token_endpoint: HttpUrl | None = Field(None, description="Token endpoint of the FHIR server's authorisation server")
    client_id: str | None = Field(None, description="Id of this service at that authorisation server")
    client_keys: SecretStr | None = Field(None, description="JWK Set with the private keys of this client")
    client_keys_folder: Path | None = Field(
        None, description="Folder with those keys instead, as *.json (JWK) and *.pem files"
    )
    client_signing_key: str | None = Field(
        None, description="Id of the key to sign with; without it the first one. All are published"
    )
    upstream_scope: str = Field("system/*.cruds", description="Scopes to ask for as a system; the least that does")
    upstream_audience: str | None = Field(
        None, description="`audience` of exchanged tokens; without it the base of the FHIR server"
    )

    issuers: dict[str, HttpUrl | IssuerSettings] = Field(
        default_factory=dict,
        description="Trusted token issuers, as JSON: `iss` to the URL of its JWKS, or to an object (below)",
    )
    audience: str = Field("coplan", pattern=r"^\S{1,200}$", description="`aud` that tokens for this service name")
    organization: ReferenceTo | None = Field(
        None, description="Organization on whose behalf practitioners act here; US Core Provenance wants one"
    )

    public_url: HttpUrl | None = Field(
        None, description="URL of this service as callers know it; without it the one of each request"
    )
    practitioner_access: PractitionerAccess = Field(
        PractitionerAccess.CARE_TEAM, description="Whose data practitioners see: `care-team`, `launch` or `any`"
    )
    proxy_access: ProxyAccess = Field(
        ProxyAccess.FULL, description="What a RelatedPerson may whom no Consent names: `full`, `read` or `none`"
    )
    proxies_end_patients_goals: bool = Field(
        False, description="A RelatedPerson may cancel, withdraw or void what the patient has proposed"
    )

    redis_url: RedisDsn | None = Field(None, description="Redis; without it each process keeps its own cache")
    cache_secret: SecretStr | None = Field(
        None, description="Keys and values in Redis are sealed with it; all replicas"
    )
    plan_kept_for: Duration = Field(timedelta(seconds=10), description="How long a plan view may be answered again")
    replies_kept_for: Duration = Field(timedelta(hours=24), description="Fast path of Idempotency-Keys")

    ending_needs_confirmation: bool = Field(True, description="The other side confirms the end of a goal")
    self_managed_goals: bool = Field(True, description="The care team may agree to disagree")
    all_asked_must_agree: bool = Field(
        False, description="A goal is agreed only once each who was asked agrees, not the patient and one more"
    )
    language: Literal["en", "es"] = Field("en", description="Of what is written where the Patient says none")
    custodians: frozenset[ReferenceTo] = Field(
        frozenset(), description="Who besides the author may mark goals as entered in error, as JSON list"
    )

    audit_reads: bool = Field(True, description="Reads of patients' data and refusals become AuditEvents, too")
    audit_capacity: int = Field(10_000, ge=100, description="AuditEvents of reads that may wait to be written")
    audit_fail_closed: bool = Field(False, description="Reads that cannot be recorded are refused, not just counted")

    allowed_hosts: frozenset[str] = Field(
        frozenset(),
        description="Names that the service answers to, as JSON list; `*.example.org` for all below. None: any",
    )
    cors_origins: frozenset[str] = Field(
        frozenset(), description="Origins whose pages may call from a browser, as JSON list"
    )
    docs: bool | None = Field(None, description="Pages about the API; open in development, closed in production")
    rate_limit: int = Field(600, ge=1, description="Requests per minute of one principal (issuer, client, subject)")
    refused_rate_limit: int = Field(60, ge=1, description="Requests per minute of one address that identify nobody")
    max_concurrent_requests: int = Field(500, ge=1, description="Requests at once in one process; more are shed (503)")
    body_deadline: SomeTime = Field(timedelta(seconds=15), description="The most that a body may take to arrive")
    metrics_port: int | None = Field(None, ge=1, le=65535, description="Port of `/metrics`; none without it")
    metrics_host: str = Field("127.0.0.1", description="Address of `/metrics`")
    trackables: FilePath | None = Field(
        None, description="JSON file of an operator's own trackables, added to those of the catalogue or in their place"
    )
    template_patients: int = Field(1, ge=1, description="So many patients or relatives endorse a template first")
    template_clinicians: int = Field(1, ge=0, description="So many clinicians endorse a template first")
    conflict_rules: FilePath | None = Field(
        None, description="Rules of conflicts of this installation, as JSON; without it those that CoPlan comes with"
    )

    cds_base_url: HttpUrl | None = Field(
        None, description="Base by which CDS Hooks clients reach this service; the `aud` of their tokens begins with it"
    )
    cds_clients: dict[str, HttpUrl] = Field(
        default_factory=dict, description="CDS Hooks clients: `iss` to the URL of its JWKS, as JSON; without it, none"
    )
    cds_fhir_servers: frozenset[HttpUrl] = Field(
        frozenset(), description="FHIR servers that hooks may name, as JSON list; our own counts only if it is here"
    )
    cds_budget: SomeTime = Field(timedelta(milliseconds=420), description="After it, a hook is answered without cards")
    cds_app_url: HttpUrl | None = Field(None, description="Launch URL of the SMART app that cards link to")
    cds_origins: frozenset[str] = Field(
        frozenset(), description="Origins whose scripts may call hooks (CORS), as JSON list; without it, none"
    )

    max_body_bytes: int = Field(1_000_000, ge=1_000, description="The largest body that is taken")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then files of the folder that one of them names. No `.env` file."""
        folder = {**env_settings(), **init_settings()}.get("secrets_dir")
        is_there = folder is not None and Path(folder).is_dir()  # otherwise validation says so
        files = (SecretsSettingsSource(settings_cls, folder),) if is_there else ()
        return init_settings, env_settings, *files

    @model_validator(mode="after")
    def _must_seal_what_redis_holds(self) -> Self:
        if self.redis_url and not self.cache_secret:
            raise ValueError("COPLAN_REDIS_URL needs COPLAN_CACHE_SECRET, the same for all replicas")
        return self

    @model_validator(mode="after")
    def _must_be_able_to_get_tokens(self) -> Self:
        if self.upstream_identity in {"token-exchange", "backend-services"} and not self.is_client:
            raise ValueError(
                f"COPLAN_UPSTREAM_IDENTITY={self.upstream_identity} needs COPLAN_TOKEN_ENDPOINT, COPLAN_CLIENT_ID and"
                " COPLAN_CLIENT_KEYS or COPLAN_CLIENT_KEYS_FOLDER"
            )
        return self

    @model_validator(mode="after")
    def _must_be_able_to_ask_issuers(self) -> Self:
        asked = [i for i in self.issuers.values() if isinstance(i, IssuerSettings) and i.introspection]
        if not self.has_client_keys and any(i.client_secret is None for i in asked):
            raise ValueError(
                "introspection in COPLAN_ISSUERS needs a client_secret, or COPLAN_CLIENT_KEYS or"
                " COPLAN_CLIENT_KEYS_FOLDER to sign with"
            )
        return self

    @model_validator(mode="after")
    def _must_know_where_hooks_are(self) -> Self:
        if self.cds_clients and not self.cds_base_url:
            raise ValueError("COPLAN_CDS_CLIENTS needs COPLAN_CDS_BASE_URL: a token names the endpoint that it is for")
        return self

    @field_validator("organization")
    @classmethod
    def _must_be_organization(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("Organization/"):
            raise ValueError("must be an Organization")
        return value

    @property
    def are_docs_open(self) -> bool:
        """True where the pages about the API are served."""
        return self.mode == "development" if self.docs is None else self.docs

    @property
    def is_client(self) -> bool:
        """True if this service can get tokens of its own."""
        return bool(self.token_endpoint and self.client_id and self.has_client_keys)

    @property
    def has_client_keys(self) -> bool:
        """True if this service can prove itself by a signature."""
        return bool(self.client_keys or self.client_keys_folder)

    @field_validator("issuers")
    @classmethod
    def _must_be_told_apart(cls, value: dict[str, Any]) -> dict[str, Any]:
        if sum(isinstance(i, IssuerSettings) and i.opaque for i in value.values()) > 1:
            raise ValueError("only one issuer can have opaque tokens: nothing in them says whose they are")
        return value

    @field_validator("fhir_base_url")
    @classmethod
    def _must_take_paths(cls, value: HttpUrl) -> HttpUrl:
        if value.query is not None or value.fragment is not None:
            raise ValueError("must be without query and fragment: paths are added to it")
        return value

    @field_validator("fhir_authorization")
    @classmethod
    def _must_be_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        told = value.get_secret_value() if value else ""
        if not (told.isascii() and told.isprintable()):
            raise ValueError("must be one line of ASCII: it is sent as a header")
        return value

    @field_validator("issuers")
    @classmethod
    def _must_have_keys_somewhere(cls, value: dict[str, Any]) -> dict[str, Any]:
        for number, (name, issuer) in enumerate(value.items(), 1):
            if not name.strip():
                raise ValueError(f"has as entry {number} no `iss`")
            if isinstance(issuer, IssuerSettings) and issuer.is_discovered and not is_discoverable(name):
                raise ValueError(
                    f"has as entry {number} an issuer whose keys cannot be found: give it `jwks`, or write its `iss` as"
                    " the http(s) URL that it is"
                )
        return value

    @cached_property
    def catalogue(self) -> Catalogue:
        """What can be tracked here."""
        shipped = _TRACKABLES.validate_json(resources.files("service").joinpath("trackables.json").read_bytes())
        own = _TRACKABLES.validate_json(self.trackables.read_bytes()) if self.trackables else ()
        return Catalogue(shipped).with_own(own)

    @cached_property
    def policy(self) -> Policy:
        """The switches of the lifecycle."""
        return Policy(
            self.ending_needs_confirmation,
            self.self_managed_goals,
            frozenset(self.custodians),
            self.all_asked_must_agree,
            self.practitioner_access,
            self.proxy_access,
            self.proxies_end_patients_goals,
            self.template_patients,
            self.template_clinicians,
        )
