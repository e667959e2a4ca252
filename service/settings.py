"""Settings from the environment (`COPLAN_…`) or from files of the same names in a folder of secrets."""

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, FilePath, HttpUrl, RedisDsn, SecretStr, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.domain.policy import Policy

ReferenceTo = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$")]


class Settings(BaseSettings):
    """What an operator decides. Nothing is read from a `.env` file by itself."""

    model_config = SettingsConfigDict(env_prefix="COPLAN_", frozen=True, extra="ignore", secrets_dir=None)

    fhir_base_url: HttpUrl = Field(description="Base of the FHIR R4 server, for example https://ehr.example/fhir")
    fhir_authorization: SecretStr | None = Field(None, description="`Authorization` header that the FHIR server wants")
    fhir_deadline: timedelta = Field(timedelta(seconds=10), description="The most that one call of it may take")
    fhir_connections: int = Field(100, ge=1, le=1000, description="Connections to the FHIR server at once")

    issuers: dict[str, HttpUrl] = Field(
        default_factory=dict, description="Trusted token issuers: `iss` to the URL of its JWKS, as JSON"
    )
    audience: str = Field("coplan", description="`aud` that tokens for this service name")
    organization: ReferenceTo | None = Field(
        None, description="Organization on whose behalf practitioners act here; US Core Provenance wants one"
    )

    redis_url: RedisDsn | None = Field(None, description="Redis; without it each process keeps its own cache")
    cache_secret: SecretStr | None = Field(
        None, description="Keys and values in Redis are sealed with it; all replicas"
    )
    plan_kept_for: timedelta = Field(timedelta(seconds=10), description="How long a plan view may be answered again")
    replies_kept_for: timedelta = Field(timedelta(hours=24), description="Fast path of Idempotency-Keys")

    ending_needs_confirmation: bool = Field(True, description="The other side confirms the end of a goal")
    self_managed_goals: bool = Field(True, description="The care team may agree to disagree")
    custodians: frozenset[ReferenceTo] = Field(
        frozenset(), description="Who besides the author may mark goals as entered in error, as JSON list"
    )

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
    cds_budget: timedelta = Field(timedelta(milliseconds=350), description="After it, a hook is answered without cards")
    cds_app_url: HttpUrl | None = Field(None, description="Launch URL of the SMART app that cards link to")
    cds_origins: frozenset[str] = Field(
        frozenset(), description="Origins whose scripts may call hooks (CORS), as JSON list; without it, none"
    )

    max_body_bytes: int = Field(1_000_000, ge=1_000, description="The largest body that is taken")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")

    @model_validator(mode="after")
    def _must_seal_what_redis_holds(self) -> Self:
        if self.redis_url and not self.cache_secret:
            raise ValueError("COPLAN_REDIS_URL needs COPLAN_CACHE_SECRET, the same for all replicas")
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

    @cached_property
    def policy(self) -> Policy:
        """The switches of the lifecycle."""
        return Policy(self.ending_needs_confirmation, self.self_managed_goals, frozenset(self.custodians))
