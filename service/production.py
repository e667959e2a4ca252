"""What a deployment for real patients must not start with. Pure: settings in, sentences out.

Each sentence names the setting, what is wrong, and never its value.
"""

from collections.abc import Collection, Iterator
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import HttpUrl

from service.issuer_settings import IssuerSettings
from service.settings import Settings

MIN_SECRET: Final = 32
"""Characters. `openssl rand -base64 32` has 44."""
DEMO: Final = "urn:coplan:demo"


class UnfitForProduction(ValueError):
    """Names every setting that is not fit."""

    def __init__(self, flaws: tuple[str, ...]) -> None:
        super().__init__("COPLAN_MODE=production does not start with these settings:\n- " + "\n- ".join(flaws))
        self.flaws = flaws


def must_be_fit(settings: Settings, unknown: Collection[str] = ()) -> Settings:
    """The settings themselves, once nothing speaks against them. In development nothing does.

    Args:
        unknown: what looks like a setting and is none, each in a sentence.

    Raises:
        UnfitForProduction: names all that is wrong, so that it is put right in one go.
    """
    flaws = (*unknown, *_flaws(settings)) if settings.mode == "production" else ()
    if flaws:
        raise UnfitForProduction(flaws)
    return settings


def _flaws(settings: Settings) -> Iterator[str]:
    yield from _of_the_fhir_server(settings)
    yield from _of_the_issuers(settings)
    yield from _of_redis(settings)
    yield from _of_the_edge(settings)
    yield from _of_decision_support(settings)
    if not settings.audit_reads:
        yield "COPLAN_AUDIT_READS is off: reads of patients' data would leave no trace"
    if settings.log_level == "DEBUG":
        yield "COPLAN_LOG_LEVEL=DEBUG is for development"


def _of_the_fhir_server(settings: Settings) -> Iterator[str]:
    if _is_plain(settings.fhir_base_url) and not _is_loopback(settings.fhir_base_url.host):
        yield "COPLAN_FHIR_BASE_URL is http and not on this machine: use https"
    if settings.fhir_base_url.username or settings.fhir_base_url.password:
        yield "COPLAN_FHIR_BASE_URL carries a password: use COPLAN_FHIR_AUTHORIZATION"
    loopback = _is_loopback(settings.fhir_base_url.host)
    if settings.upstream_identity == "static" and not settings.fhir_authorization and not loopback:
        yield "COPLAN_UPSTREAM_IDENTITY=static sends nothing without COPLAN_FHIR_AUTHORIZATION"
    if settings.upstream_identity == "pass-through" and not (settings.is_client or settings.fhir_authorization):
        yield (
            "COPLAN_UPSTREAM_IDENTITY=pass-through leaves the audit trail without an identity:"
            " set COPLAN_FHIR_AUTHORIZATION, or COPLAN_TOKEN_ENDPOINT with COPLAN_CLIENT_ID and keys"
        )
    if settings.token_endpoint and _is_plain(settings.token_endpoint):
        yield "COPLAN_TOKEN_ENDPOINT is http: use https"


def _of_the_issuers(settings: Settings) -> Iterator[str]:
    if not settings.issuers:
        yield "COPLAN_ISSUERS is empty: nobody could be identified"
    for position, (issuer, given) in enumerate(settings.issuers.items(), 1):
        if DEMO in issuer:
            yield f"COPLAN_ISSUERS: issuer {position} is the demo issuer"
        elif not issuer.startswith("https://"):
            yield f"COPLAN_ISSUERS: issuer {position} is not https"
        for what, url in _asked_there(given):
            if _is_plain(url):
                yield f"COPLAN_ISSUERS: the {what} of issuer {position} is not https"
    if settings.audience.startswith(DEMO) or settings.audience == Settings.model_fields["audience"].default:
        yield "COPLAN_AUDIENCE is the default: name this service as its issuers do, for example by its base URL"


def _of_redis(settings: Settings) -> Iterator[str]:
    if settings.redis_url is None:
        return
    if settings.cache_secret and len(settings.cache_secret.get_secret_value()) < MIN_SECRET:
        yield f"COPLAN_CACHE_SECRET is shorter than {MIN_SECRET} characters"
    if _is_loopback(settings.redis_url.host):
        return
    if settings.redis_url.scheme != "rediss":
        yield "COPLAN_REDIS_URL is not rediss (TLS) and not on this machine"
    if not settings.redis_url.password:
        yield "COPLAN_REDIS_URL has no password and is not on this machine"


def _of_the_edge(settings: Settings) -> Iterator[str]:
    if not settings.allowed_hosts or "*" in settings.allowed_hosts:
        yield "COPLAN_ALLOWED_HOSTS is open: name the hosts that this service answers to"
    yield from _of_origins("COPLAN_CORS_ORIGINS", settings.cors_origins, "the portals")


def _of_decision_support(settings: Settings) -> Iterator[str]:
    for position, url in enumerate(settings.cds_clients.values(), 1):
        if _is_plain(url):
            yield f"COPLAN_CDS_CLIENTS: the key set of client {position} is not https"
    if any(_is_plain(url) and not _is_loopback(url.host) for url in settings.cds_fhir_servers):
        yield "COPLAN_CDS_FHIR_SERVERS has one that is http and not on this machine: use https"
    if settings.cds_base_url and _is_plain(settings.cds_base_url):
        yield "COPLAN_CDS_BASE_URL is http: use https"
    if settings.cds_app_url and _is_plain(settings.cds_app_url):
        yield "COPLAN_CDS_APP_URL is http: use https"
    yield from _of_origins("COPLAN_CDS_ORIGINS", settings.cds_origins, "the EHRs")


def _of_origins(setting: str, origins: Collection[str], who: str) -> Iterator[str]:
    if any("*" in origin for origin in origins):
        yield f"{setting} has a wildcard: name {who}"
    if any(not origin.startswith("https://") for origin in origins if "*" not in origin):
        yield f"{setting} has an origin that is not https"


def _asked_there(given: HttpUrl | IssuerSettings) -> Iterator[tuple[str, HttpUrl]]:
    """Each URL of an issuer that is asked, and what it is."""
    if not isinstance(given, IssuerSettings):
        yield "key set", given
        return
    named = (("key set", given.jwks), ("discovery", given.discovery), ("introspection", given.introspection))
    yield from ((what, url) for what, url in named if url is not None)


def _is_plain(url: Any) -> bool:
    return urlsplit(str(url)).scheme != "https"


def _is_loopback(host: str | None) -> bool:
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
