"""The images and the composition, as far as they can be judged without a container engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from service.settings import Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
DOCKERFILES = (DEPLOY / "Dockerfile", DEPLOY / "hapi" / "Dockerfile")
SECRETS = ("COPLAN_ISSUERS", "COPLAN_REDIS_PASSWORD", "COPLAN_CACHE_SECRET", "COPLAN_DB_PASSWORD")
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:[-?])([^}]*))?\}")


class Unset(LookupError):
    """A variable without which compose refuses to start."""


def interpolated(text: str, **environment: str) -> str:
    """Source: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md"""

    def value(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if name is None:
            return "$"
        if operator == ":?" and not environment.get(name):
            raise Unset(name)
        return environment.get(name) or rest or ""

    return VARIABLE.sub(value, text)


@pytest.fixture(scope="module")
def text() -> str:
    return (DEPLOY / "compose.yaml").read_text()


@pytest.fixture(scope="module")
def document(text: str) -> Any:
    return yaml.safe_load(interpolated(text, **dict.fromkeys(SECRETS, "x")))


@pytest.fixture(scope="module")
def services(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document["services"]
    return found


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_linter_finds_nothing_in_an_image_definition(dockerfile: Path) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, "--failure-threshold", "style", dockerfile], capture_output=True, check=False)

    assert (done.stdout + done.stderr).decode() == ""
    assert done.returncode == 0


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_runs_as_nobody_in_particular_and_says_how_it_is(dockerfile: Path) -> None:
    runtime = re.split(r"(?m)^FROM ", dockerfile.read_text())[-1]

    assert re.search(r"(?m)^USER 10001:10001$", runtime)
    assert re.search(r"(?m)^HEALTHCHECK ", runtime)
    assert not re.search(r"\b(apt-get|apk|gcc|mvn|javac|pip install)\b", runtime)


def test_the_image_is_made_of_files_that_are_there_and_let_in() -> None:
    ignored = (DEPLOY.parent / ".dockerignore").read_text()
    for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text()):
        for source in line.split()[:-1]:
            assert (DEPLOY.parent / source).exists(), source
            assert f"!{source}\n" in ignored, source
    for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", (DEPLOY / "hapi" / "Dockerfile").read_text()):
        for source in line.split()[:-1]:
            assert (DEPLOY / "hapi" / source).exists(), source


def test_the_composition_is_one_by_the_specification(document: Any) -> None:
    composed = PyCompose.from_json(json.dumps(document))

    assert set(composed.service_names()) == {"proxy", "coplan", "redis", "hapi", "postgres"}


@pytest.mark.parametrize("missing", SECRETS)
def test_nothing_starts_with_a_secret_that_nobody_has_set(text: str, missing: str) -> None:
    others = {name: "x" for name in SECRETS if name != missing}

    with pytest.raises(Unset, match=missing):
        interpolated(text, **others)


def test_no_password_stands_in_the_composition(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|AUTH", key):
                assert value in {"x", None}, f"{name}: {key}"


def test_only_the_service_and_the_database_share_a_network_with_the_fhir_server(
    document: Any, services: dict[str, Any]
) -> None:
    networks = document["networks"]
    beside = {n: {s for s in services if n in services[s]["networks"]} for n in services["hapi"]["networks"]}

    assert beside == {"fhir": {"hapi", "coplan"}, "database": {"hapi", "postgres"}}
    assert all(networks[name]["internal"] for name in (*beside, *services["redis"]["networks"]))


def test_one_port_is_published_and_on_this_machine_only(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert published == {"proxy": ["127.0.0.1:8000:8080"]}


def test_what_starts_first_is_healthy_first(services: dict[str, Any]) -> None:
    checked = {n for n, s in services.items() if "healthcheck" in s} | {"coplan", "hapi"}  # these in their images

    assert checked == services.keys()
    for service in services.values():
        for needed in service.get("depends_on", {}).values():
            assert needed == {"condition": "service_healthy"}


def test_the_service_is_given_settings_that_it_has_and_starts_with_them(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = services["coplan"]["environment"]
    assert {name.removeprefix("COPLAN_").lower() for name in given} <= Settings.model_fields.keys()
    for name in [n for n in os.environ if n.startswith("COPLAN_")]:
        monkeypatch.delenv(name)
    for name, value in (given | {"COPLAN_ISSUERS": '{"https://ehr.example": "https://ehr.example/jwks"}'}).items():
        if value is not None:
            monkeypatch.setenv(name, value)

    assert str(Settings().fhir_base_url) == "http://hapi:8090/fhir"


def test_two_replicas_stand_behind_the_proxy(services: dict[str, Any]) -> None:
    assert services["coplan"]["deploy"]["replicas"] == 2
    assert "coplan:8000" in (DEPLOY / "haproxy.cfg").read_text()
