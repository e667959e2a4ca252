"""Production starts with fit settings only, and names each that is not."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.app import open_services
from service.gateways.client_keys import ClientKeys
from service.production import UnfitForProduction, must_be_fit
from service.setting_names import unknown_settings
from service.settings import Settings

FIT: dict[str, Any] = {
    "mode": "production",
    "fhir_base_url": "https://ehr.example/fhir",
    "fhir_authorization": "Bearer x",
    "issuers": {"https://ehr.example/oauth": "https://ehr.example/oauth/jwks"},
    "audience": "https://coplan.example",
    "allowed_hosts": ["coplan.example"],
    "redis_url": "rediss://:password@cache.example:6380/0",
    "cache_secret": "x" * 44,
}
CLIENT = {"token_endpoint": "https://ehr.example/token", "client_id": "coplan", "client_keys": "{}"}

ASKED = {"introspection": "https://a.example/introspect", "client_id": "coplan", "client_secret": "s3cret"}
CDS = {
    "cds_base_url": "https://coplan.example",
    "cds_clients": {"https://ehr.example": "https://ehr.example/jwks"},
    "cds_fhir_servers": ["https://ehr.example/fhir"],
    "cds_app_url": "https://app.example/launch",
    "cds_origins": ["https://ehr.example"],
}


def flaws(**changed: Any) -> tuple[str, ...]:
    given = {name: value for name, value in {**FIT, **changed}.items() if value is not None}
    try:
        must_be_fit(Settings(**given))
    except UnfitForProduction as exc:
        return exc.flaws
    return ()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="as documented"),
        pytest.param({"redis_url": None, "cache_secret": None}, id="without Redis"),
        pytest.param({"redis_url": "redis://127.0.0.1:6379/0"}, id="Redis on this machine"),
        pytest.param({"fhir_base_url": "http://127.0.0.1:8090/fhir", "fhir_authorization": None}, id="FHIR beside it"),
        pytest.param({"fhir_base_url": "http://[::1]:8090/fhir"}, id="FHIR beside it, IPv6"),
        pytest.param({"upstream_identity": "pass-through"}, id="pass-through with an identity for the trail"),
        pytest.param({"upstream_identity": "pass-through", "fhir_authorization": None, **CLIENT}, id="and a client"),
        pytest.param({"upstream_identity": "backend-services", "fhir_authorization": None, **CLIENT}, id="a system"),
        pytest.param({"cors_origins": ["https://portal.example"]}, id="a portal"),
        pytest.param({"allowed_hosts": ["*.example.org"]}, id="hosts of a domain"),
        pytest.param({"issuers": {"https://a.example": {}}}, id="keys by discovery"),
        pytest.param({"issuers": {"https://a.example": ASKED}}, id="an issuer that is asked"),
        pytest.param(CDS, id="decision support"),
        pytest.param(
            {"cds_fhir_servers": ["http://127.0.0.1:8090/fhir"]}, id="hooks that name the FHIR server beside it"
        ),
        pytest.param({"docs": True}, id="documentation opened on purpose"),
    ],
)
def test_production_starts_with(changed: dict[str, Any]) -> None:
    assert flaws(**changed) == ()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"fhir_base_url": "http://ehr.example/fhir"}, "FHIR_BASE_URL is http", id="FHIR in the clear"),
        pytest.param({"fhir_base_url": "http://10.0.0.8/fhir"}, "FHIR_BASE_URL is http", id="a private address"),
        pytest.param({"fhir_base_url": "https://u:p@ehr.example/fhir"}, "carries a password", id="password in a URL"),
        pytest.param({"fhir_authorization": None}, "UPSTREAM_IDENTITY=static", id="no identity at the FHIR server"),
        pytest.param(
            {"upstream_identity": "pass-through", "fhir_authorization": None}, "audit trail", id="a trail of nobody"
        ),
        pytest.param({**CLIENT, "token_endpoint": "http://ehr.example/token"}, "TOKEN_ENDPOINT is http", id="tokens"),
        pytest.param({"issuers": {}}, "ISSUERS is empty", id="no issuer"),
        pytest.param({"issuers": {"http://a.example": "https://a.example/k"}}, "issuer 1 is not https", id="issuer"),
        pytest.param(
            {"issuers": {"https://a.example": "http://a.example/k"}}, "key set of issuer 1 is not https", id="key set"
        ),
        pytest.param(
            {"issuers": {"https://a.example": {"jwks": "http://a.example/k"}}},
            "key set of issuer 1 is not https",
            id="key set by name",
        ),
        pytest.param(
            {"issuers": {"https://a.example": {"discovery": "http://a.example/d"}}},
            "discovery of issuer 1 is not https",
            id="discovery",
        ),
        pytest.param(
            {"issuers": {"https://a.example": ASKED | {"introspection": "http://a.example/introspect"}}},
            "introspection of issuer 1 is not https",
            id="introspection",
        ),
        pytest.param(
            CDS | {"cds_clients": {"https://ehr.example": "http://ehr.example/jwks"}},
            "CDS_CLIENTS: the key set of client 1 is not https",
            id="key set of a CDS client",
        ),
        pytest.param(
            {"cds_fhir_servers": ["http://ehr.example/fhir"]}, "CDS_FHIR_SERVERS has one", id="FHIR for hooks"
        ),
        pytest.param(CDS | {"cds_base_url": "http://ehr.example"}, "CDS_BASE_URL is http", id="hooks in the clear"),
        pytest.param({"cds_app_url": "http://ehr.example/a"}, "CDS_APP_URL is http", id="an app in the clear"),
        pytest.param({"cds_origins": ["*"]}, "CDS_ORIGINS has a wildcard", id="hooks from any page"),
        pytest.param({"cds_origins": ["http://ehr.example"]}, "CDS_ORIGINS has an origin", id="hooks from the clear"),
        pytest.param(
            {"issuers": {"urn:coplan:demo-issuer": "https://a.example/k"}}, "demo issuer", id="demo identities"
        ),
        pytest.param({"audience": None}, "AUDIENCE is the default", id="audience of everybody"),
        pytest.param({"audience": "urn:coplan:demo"}, "AUDIENCE is the default", id="audience of the demo"),
        pytest.param({"cache_secret": "x" * 31}, "CACHE_SECRET is shorter", id="short secret"),
        pytest.param({"redis_url": "redis://:p@cache.example/0"}, "not rediss", id="Redis in the clear"),
        pytest.param({"redis_url": "rediss://cache.example/0"}, "no password", id="Redis for everybody"),
        pytest.param({"allowed_hosts": []}, "ALLOWED_HOSTS is open", id="any host"),
        pytest.param({"allowed_hosts": ["*"]}, "ALLOWED_HOSTS is open", id="any host by wildcard"),
        pytest.param({"cors_origins": ["*"]}, "CORS_ORIGINS has a wildcard", id="any page"),
        pytest.param({"cors_origins": ["https://*.example"]}, "CORS_ORIGINS has a wildcard", id="many pages"),
        pytest.param({"cors_origins": ["http://portal.example"]}, "not https", id="a page in the clear"),
        pytest.param({"audit_reads": False}, "AUDIT_READS is off", id="no trace"),
        pytest.param({"log_level": "DEBUG"}, "LOG_LEVEL", id="debugging"),
    ],
)
def test_production_names(changed: dict[str, Any], named: str) -> None:
    found = flaws(**changed)

    assert len(found) == 1
    assert named in found[0]
    assert found[0].startswith("COPLAN_")
    assert not any(secret in found[0] for secret in ("ehr.example", "x" * 31, "password@"))


def test_all_flaws_are_named_at_once() -> None:
    found = flaws(issuers={}, allowed_hosts=[], cors_origins=["*"], fhir_base_url="http://ehr.example/fhir")

    assert len(found) == 4


def test_development_starts_with_anything() -> None:
    assert flaws(mode="development", issuers={}, allowed_hosts=[]) == ()


@pytest.mark.parametrize("identity", ["token-exchange", "backend-services"])
def test_an_identity_without_a_client_is_refused_in_every_mode(identity: str) -> None:
    with pytest.raises(ValueError, match="COPLAN_TOKEN_ENDPOINT, COPLAN_CLIENT_ID"):
        Settings(fhir_base_url="https://ehr.example/fhir", upstream_identity=identity)


def test_documentation_is_open_in_development_and_closed_in_production_unless_said() -> None:
    def opened(**given: Any) -> bool:
        return Settings(**{**FIT, **given}).are_docs_open

    assert (opened(mode="development"), opened(), opened(docs=True)) == (True, False, True)
    assert opened(mode="development", docs=False) is False


async def test_no_way_into_the_application_leads_around_it() -> None:
    with pytest.raises(UnfitForProduction):
        async with open_services(Settings(**{**FIT, "issuers": {}}), keys=ClientKeys.generated()):
            pytest.fail("it started")


def test_whoever_starts_it_reads_what_is_wrong() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COPLAN_")}
    environment |= {"COPLAN_MODE": "production", "COPLAN_FHIR_BASE_URL": "http://ehr.example/fhir", "COLUMNS": "200"}
    coplan = Path(sys.executable).with_name("coplan")
    done = subprocess.run([coplan, "serve"], capture_output=True, text=True, env=environment, check=False)

    assert done.returncode == 2
    assert "COPLAN_FHIR_BASE_URL is http" in done.stderr
    assert "COPLAN_ISSUERS is empty" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("10", 10), ("0.5", 0.5), ("PT10S", 10), ("PT2H", 7200), ("3600", 3600)])
def test_durations_are_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("COPLAN_FHIR_BASE_URL", "https://ehr.example/fhir")
    monkeypatch.setenv("COPLAN_FHIR_DEADLINE", text)

    assert Settings().fhir_deadline.total_seconds() == seconds


def test_settings_that_cannot_be_read_are_named_without_their_values() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COPLAN_")}
    environment |= {
        "COPLAN_FHIR_BASE_URL": "s3cret://x",
        "COPLAN_REDIS_URL": "http://:s3cret@x",
        "COPLAN_DOCS": "s3cret",
    }
    coplan = Path(sys.executable).with_name("coplan")
    done = subprocess.run([coplan, "serve"], capture_output=True, text=True, env=environment, check=False)

    assert done.returncode == 2
    assert all(name in done.stderr for name in ("COPLAN_FHIR_BASE_URL", "COPLAN_REDIS_URL", "COPLAN_DOCS"))
    assert "s3cret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"COPLAN_ISUERS": "{}"}, ("COPLAN_ISUERS is no setting: did you mean COPLAN_ISSUERS?",)),
        ({"coplan_proxy_acess": "none"}, ("COPLAN_PROXY_ACESS is no setting: did you mean COPLAN_PROXY_ACCESS?",)),
        ({"COPLAN_SOMETHING_ELSE": "x"}, ("COPLAN_SOMETHING_ELSE is no setting",)),
        ({"COPLAN_ISSUERS": "{}", "coplan_docs": "1", "PATH": "/bin", "COPLANS": "x"}, ()),
        ({"COPLAN_TEST_HAPI": "http://x", "COPLAN_PORT": "8000", "COPLAN_DB_PASSWORD": "x"}, ()),
        ({"COPLAN_SERVICE_HOST": "10.0.0.1", "COPLAN_SERVICE_PORT": "80", "COPLAN_PORT_80_TCP_ADDR": "x"}, ()),
        ({"COPLAN_REDIS_SERVICE_HOST": "10.0.0.1", "COPLAN_REDIS_PORT": "tcp://10.0.0.1:6379"}, ()),
        ({"COPLAN_REDIS_PORT": "6379"}, ("COPLAN_REDIS_PORT is no setting",)),
    ],
)
def test_what_looks_like_a_setting_and_is_none_is_told(environment: dict[str, str], told: tuple[str, ...]) -> None:
    found = unknown_settings(environment)

    assert len(found) == len(told)
    assert all(f.startswith(t) for f, t in zip(found, told, strict=True))


def test_a_misspelt_file_of_a_secret_is_told(tmp_path: Path) -> None:
    for name in ("coplan_cache_secret", "coplan_cache_secert", "..data"):
        (tmp_path / name).touch()

    assert unknown_settings({}, tmp_path) == ("COPLAN_CACHE_SECERT is no setting: did you mean COPLAN_CACHE_SECRET?",)
    assert unknown_settings({}, tmp_path / "none") == ()


def test_production_does_not_start_with_a_misspelt_setting() -> None:
    unknown = ("COPLAN_ISUERS is no setting",)
    with pytest.raises(UnfitForProduction, match="COPLAN_ISUERS is no setting"):
        must_be_fit(Settings(**FIT), unknown)
    must_be_fit(Settings(**FIT | {"mode": "development"}), unknown)


def serve(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`coplan serve` with these settings alone."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COPLAN_")}
    environment |= {f"COPLAN_{name.upper()}": value for name, value in settings.items()}
    coplan = Path(sys.executable).with_name("coplan")
    return subprocess.run([coplan, "serve", *arguments], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("setting", "content", "said"),
    [
        ("conflict_rules", "{", "truncated"),
        ("conflict_rules", '{"version": "1", "modalities": [], "rules": []}', "no modality admission"),
        ("trackables", "[", "must be JSON"),
        ("trackables", '[{"key": 1}]', "[0].key must be text"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_line_that_names_its_setting(
    setting: str, content: str, said: str, tmp_path: Path
) -> None:
    (path := tmp_path / "own.json").write_text(content)
    done = serve(fhir_base_url="https://ehr.example/fhir", mode="development", **{setting: str(path)})

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("- ")]
    assert line.startswith(f"- COPLAN_{setting.upper()} cannot be used: ")
    assert said in line


def test_a_misspelt_setting_is_a_line_of_the_log() -> None:
    """The port is taken, so that it ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve("--port", port, fhir_base_url="https://ehr.example/fhir", mode="development", isuers="{}")

    assert done.returncode == 1
    assert '"event": "unknown_settings"' in done.stdout
    assert "COPLAN_ISUERS is no setting: did you mean COPLAN_ISSUERS?" in done.stdout
