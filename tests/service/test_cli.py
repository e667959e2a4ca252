"""What a newcomer types: `coplan run`, then the lines that it prints."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from service import cli
from service.gateways.demo_issuer import DemoIssuer
from service.gateways.demo_record import DEMO_PEOPLE
from service.settings import Settings
from tests.processes import free_port
from tests.sandbox import COPLAN, STEPS, commands, in_shell, running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def said(folder: Path) -> Iterator[str]:
    """What a sandbox in this folder said; it goes on running."""
    with running(folder) as said:
        yield said


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_the_printed_lines_lead_from_an_offer_to_the_plan(said: str, folder: Path, shell: str) -> None:
    """Also when they were sent before, from another shell: each happens once."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    variables, *steps = commands(said)
    assert len(steps) == len(STEPS)
    _, proposed, countered, accepted, measured, plan, read = in_shell(folder, [variables, *steps], shell)

    assert (proposed["lifecycleStatus"], countered["lifecycleStatus"]) == ("proposed", "proposed")
    assert (accepted["id"], accepted["lifecycleStatus"]) == (countered["id"], "active")
    assert measured["goals"] == [f"Goal/{accepted['id']}"]
    assert [(g["id"], g["achievementStatus"]) for g in plan["goals"]] == [(accepted["id"], "in-progress")]
    assert [e["resource"]["resourceType"] for e in read["entry"]] == ["CarePlan", "Goal"]


def asked_as(said: str, folder: Path, name: str, path: str, *more: str) -> Any:
    """What a line answers that is sent as one of the people whom the sandbox offers."""
    curl = " ".join([f"curl -sK .data/demo/{name}.curl $coplan{path}", *more])
    return in_shell(folder, [commands(said)[0], curl])[-1]


def test_each_of_the_people_that_it_offers_can_be_played(said: str, folder: Path) -> None:
    offered = re.findall(r"(\w+) \(", said.partition("You can be ")[2].partition("\n")[0])

    assert set(offered) == set(DEMO_PEOPLE)
    for name in offered:
        assert asked_as(said, folder, name, "/v1/me")["name"] == DEMO_PEOPLE[name][1]


def test_a_father_sees_the_trip_and_not_what_his_son_keeps_between_himself_and_his_doctor(
    said: str, folder: Path
) -> None:
    seen = {name: asked_as(said, folder, name, "/v1/patients/lee/plan") for name in ("lee", "bo", "olaf")}
    goals = {name: {g["id"] for g in plan["goals"]} for name, plan in seen.items()}

    assert goals == {"lee": {"lee-trip", "lee-own"}, "bo": {"lee-trip", "lee-own"}, "olaf": {"lee-trip"}}
    assert [q["requestedByName"] for q in seen["olaf"]["questionsForYou"]] == ["Lee Lund"]
    assert len(seen["bo"]["questionsForYou"]) == 2


def test_luz_is_spoken_to_in_spanish(said: str, folder: Path) -> None:
    body = """-H 'Idempotency-Key: luz-1' -d '{"description": "Caminar", "targets": [{"due": "2099-03-31"}]}'"""
    goal = asked_as(said, folder, "luz", "/v1/patients/luz/goals", body)

    assert goal["description"] == "Caminar (objetivo: a más tardar: 31 de marzo de 2099)"
    assert goal["targets"][0]["words"] == "a más tardar: 31 de marzo de 2099"


def test_the_conflict_of_the_readme_is_what_happens(said: str, folder: Path) -> None:
    shown = re.search(r"```\n(curl .*?)\n```.*?```json\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    answer = in_shell(folder, [*commands(said)[:5], shown[1]])[-1]

    assert {name: answer[name] for name in json.loads(shown[2])} == json.loads(shown[2])


def test_the_day_of_the_readme_is_what_happens(said: str, folder: Path) -> None:
    shown = re.search(r"A day with the plan.*?```\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    before = [f"{{ {command}\n}} > printed 2>&1" for command in commands(said)[:5]]
    script = "\n".join([*before, shown[1]])
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    recorded, reported, stated = (json.loads(line) for line in done.stdout.replace("}{", "}\n{").splitlines())

    assert [result["outcome"] for result in recorded["results"]] == ["created"]
    assert reported["outcome"] == "done"
    assert stated["words"] == "No operation before exercise was tried"
    assert "<title" in (folder / "steps.svg").read_text()


def test_a_newcomer_is_told_what_it_is_and_sees_the_documentation(said: str) -> None:
    assert "nothing here is for production" in said
    docs = re.search(r"http://\S+/docs", said)
    assert docs is not None
    with urllib.request.urlopen(docs[0], timeout=5) as page:
        assert b"swagger" in page.read()


def test_tokens_are_for_the_eyes_of_this_user_only(said: str, folder: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder / ".data" / "demo").iterdir()}

    assert modes == {0o600}


def test_a_second_sandbox_takes_nothing_from_the_first(tmp_path: Path) -> None:
    with running(tmp_path, stop=signal.SIGTERM) as first:
        variables, propose, *_ = commands(first)
        port = re.search(r"127\.0\.0\.1:(\d+)/docs", first)
        assert port is not None
        with running(tmp_path, "--port", port[1]) as second:
            assert f"Port {port[1]} is taken" in second
            _, theirs = in_shell(tmp_path, commands(second)[:2])
        _, ours = in_shell(tmp_path, [variables, propose])

    assert (ours["lifecycleStatus"], theirs["lifecycleStatus"]) == ("proposed", "proposed")
    assert len([path for path in (tmp_path / ".data").iterdir() if path.name.startswith("demo")]) == 2


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"COPLAN_FHIR_BASE_URL": "http://127.0.0.1:1/fhir"}
        done = CliRunner().invoke(cli.app, ["serve", "--port", str(port)], env=environment)

    assert done.exit_code == 1
    assert done.stderr == (
        f"Cannot listen at 127.0.0.1, port {port}: address already in use. Choose another with --port or --host.\n"
    )


def test_ctrl_c_at_make_run_ends_it_quietly(tmp_path: Path) -> None:
    """At a terminal, where make would get it as well."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    (tmp_path / "Makefile").write_text(f"run:\n\t@{COPLAN} run --port 0\n")
    seen, code = at_a_terminal(["make", "run"], tmp_path, until="Stop with")

    assert (seen.replace("^C", "").strip(), code) == ("CoPlan has stopped.", 0)


def at_a_terminal(command: list[str], folder: Path, *, until: str) -> tuple[str, int]:
    """What is printed after Ctrl+C, which is pressed once this was seen, and the exit code."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover  # the other process
        os.chdir(folder)
        os.execvp(command[0], command)
    seen, pressed_at = "", None
    with suppress(OSError):  # the terminal is gone once nobody has it
        while part := os.read(terminal, 4096):
            seen += part.decode()
            if pressed_at is None and until in seen:
                pressed_at = len(seen)
                os.write(terminal, b"\x03")
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return seen[pressed_at:].replace("Ctrl+C.", ""), os.waitstatus_to_exitcode(status)


def test_data_stay_in_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, "--data", str(tmp_path / "kept")) as said:
        in_shell(tmp_path, commands(said)[:2])
    with running(tmp_path, "--data", str(tmp_path / "kept")) as said:
        variables, *_, plan, _ = commands(said)
        _, seen = in_shell(tmp_path, [variables, plan])
    assert [g["lifecycleStatus"] for g in seen["goals"]] == ["proposed"]


@pytest.fixture
def fhir(said: str) -> str:
    """The FHIR server of the sandbox."""
    found = re.search(r"FHIR server +(\S+)", said)
    assert found is not None
    return found[1]


def test_what_is_served_for_production_starts_from_settings_and_stops_when_asked(fhir: str) -> None:
    """It trusts no issuer that it was not told of: not the one of the sandbox either."""
    environment = {
        "COPLAN_FHIR_BASE_URL": fhir,
        "COPLAN_ISSUERS": '{"https://ehr.example": "http://127.0.0.1:1/jwks"}',
        "COPLAN_REDIS_URL": "redis://127.0.0.1:1/0",
        "COPLAN_CACHE_SECRET": "for this test only",
    }
    with served(**environment) as (base, process):
        assert httpx.get(f"{base}/livez", trust_env=False).json() == {"status": "ok"}
        assert httpx.get(f"{base}/readyz", trust_env=False).json() == {"status": "ok", "degraded": ["redis"]}
        token = DemoIssuer().token("Patient/ann")
        answer = httpx.get(f"{base}/v1/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert answer.status_code == 401
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM


@contextmanager
def served(**environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`coplan serve` on a port of its own, once it answers."""
    port = free_port()
    with subprocess.Popen([COPLAN, "serve", "--port", str(port)], env={**os.environ, **environment}) as process:
        base = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with suppress(httpx.TransportError):
                httpx.get(f"{base}/livez", trust_env=False)
                break
            assert process.poll() is None
            time.sleep(0.05)
        try:
            yield base, process
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"redis_url": "redis://127.0.0.1/0"}, "COPLAN_CACHE_SECRET", id="Redis is never unsealed"),
        pytest.param({"organization": "Patient/ann"}, "must be an Organization", id="nobody acts for a patient here"),
        pytest.param({"fhir_base_url": "ftp://ehr.example/fhir"}, "fhir_base_url", id="FHIR is spoken over HTTP"),
    ],
)
def test_settings_that_cannot_stand_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings(**{"fhir_base_url": "https://ehr.example/fhir", **settings})


def test_serving_without_settings_says_which_are_missing() -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("COPLAN_")}
    done = subprocess.run([COPLAN, "serve"], capture_output=True, text=True, env=clean, check=False)

    assert done.returncode == 2
    assert done.stderr == "COPLAN_… settings that cannot be used:\n- COPLAN_FHIR_BASE_URL is missing\n"


FOUND = "an issuer whose keys cannot be found: give it `jwks`, or write its `iss` as the http(s) URL that it is"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COPLAN_ISSUERS", '{"kept-to-myself":', "COPLAN_ISSUERS must be JSON"),
        *(
            ("COPLAN_ISSUERS", value, f"COPLAN_ISSUERS has {flaw}")
            for value, flaw in (
                ('{"kept-to-myself": {}}', f"as entry 1 {FOUND}"),
                ('{"https://ehr.example/": {}, "ftp://kept-to-myself": {}}', f"as entry 2 {FOUND}"),
                ('{"https://kept-to-myself/?x": {"discovery": "https://ehr.example/x"}}', f"as entry 1 {FOUND}"),
                ('{"https://kept-to-myself/#x": {"audience": "x"}}', f"as entry 1 {FOUND}"),
                ('{" ": "https://kept-to-myself/jwks"}', "as entry 1 no `iss`"),
            )
        ),
        ("COPLAN_LOG_LEVEL", "kept-to-myself", "COPLAN_LOG_LEVEL must be one of: DEBUG, INFO, WARNING, ERROR"),
        ("COPLAN_RATE_LIMIT", "kept-to-myself", "COPLAN_RATE_LIMIT must be a whole number such as 3, without quotes"),
        (
            "COPLAN_FHIR_BASE_URL",
            "kept-to-myself",
            "COPLAN_FHIR_BASE_URL must be a URL such as https://ehr.example/fhir",
        ),
        (
            "COPLAN_FHIR_BASE_URL",
            "https://ehr.example/fhir?kept-to-myself",
            "COPLAN_FHIR_BASE_URL must be without query and fragment: paths are added to it",
        ),
        (
            "COPLAN_FHIR_AUTHORIZATION",
            "kept\nto-myself",
            "COPLAN_FHIR_AUTHORIZATION must be one line of ASCII: it is sent as a header",
        ),
        ("COPLAN_AUDIENCE", "", "COPLAN_AUDIENCE must be a URI or code of 1 to 200 characters, without spaces"),
        ("COPLAN_FHIR_DEADLINE", "0", "COPLAN_FHIR_DEADLINE must be longer than nothing"),
        ("COPLAN_BODY_DEADLINE", "PT0S", "COPLAN_BODY_DEADLINE must be longer than nothing"),
        ("COPLAN_CDS_BUDGET", "0", "COPLAN_CDS_BUDGET must be longer than nothing"),
        ("COPLAN_CLIENT_KEYS", "kept-to-myself", "COPLAN_CLIENT_KEYS cannot be used: not a JWK Set"),
        (
            "COPLAN_CLIENT_KEYS_FOLDER",
            "/kept-to-myself",
            "COPLAN_CLIENT_KEYS_FOLDER cannot be used: the key to sign with is not among the keys",
        ),
        ("COPLAN_TRACKABLES", "kept-to-myself", "COPLAN_TRACKABLES must be the path of a file"),
        (
            "COPLAN_REDIS_URL",
            "redis://127.0.0.1/0",
            "COPLAN_REDIS_URL needs COPLAN_CACHE_SECRET, the same for all replicas",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_never_shown(name: str, value: str, said: str) -> None:
    environment = {"COPLAN_FHIR_BASE_URL": "http://127.0.0.1:1/fhir", name: value}
    done = CliRunner().invoke(cli.app, ["serve"], env=environment)

    assert (done.exit_code, done.stderr.splitlines()[1:]) == (2, [f"- {said}"])
    assert "kept-to-myself" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "COPLAN_TRACKABLES",
            '{"kept-to-myself": 1}',
            "COPLAN_TRACKABLES cannot be used: must be a list, in square brackets",
        ),
        ("COPLAN_TRACKABLES", '[{"key": "x"}]', "COPLAN_TRACKABLES cannot be used: [0].code is missing"),
        (
            "COPLAN_CONFLICT_RULES",
            "{}",
            "COPLAN_CONFLICT_RULES cannot be used: conflict rules: Object missing required field `version`",
        ),
    ],
)
def test_a_file_that_cannot_be_used_keeps_the_service_from_starting(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / "file.json").write_text(content)
    environment = {"COPLAN_FHIR_BASE_URL": "http://127.0.0.1:1/fhir", name: str(tmp_path / "file.json")}
    done = CliRunner().invoke(cli.app, ["serve"], env=environment)

    assert (done.exit_code, done.stderr.splitlines()[1:]) == (2, [f"- {said}"])


def test_programmes_are_installed_once(tmp_path: Path) -> None:
    with running(tmp_path) as hello:
        base = re.search(r"FHIR server +(\S+)", hello)
        assert base is not None
        command = [COPLAN, "templates", "install", "--fhir", base[1]]
        again = subprocess.run(command, capture_output=True, text=True, check=True)
        query = f"{base[1]}/PlanDefinition?url=urn:coplan:template:knee"
        (found,) = in_shell(tmp_path, [f"curl -s '{query}'"])

    assert again.stdout.splitlines()[0] == "was there  urn:coplan:template:cystic-fibrosis|1"
    assert found["total"] == 1


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load((ROOT / "openapi.yaml").read_text())


def test_openapi_yaml_is_what_the_service_says_of_itself() -> None:
    done = subprocess.run([COPLAN, "openapi"], capture_output=True, text=True, check=True)

    assert done.stdout == (ROOT / "openapi.yaml").read_text(), "write it anew: make openapi"


def test_openapi_yaml_is_valid(document: Any) -> None:
    from openapi_spec_validator import validate

    validate(document)


def test_every_operation_says_what_it_is_what_it_takes_and_what_can_go_wrong(document: Any) -> None:
    operations = [o for path in document["paths"].values() for o in path.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["example"] is not None
        success = next(r for status, r in operation["responses"].items() if status.startswith("2"))
        assert success["content"]["application/json"]["example"]
        if {"health", "definitions"}.isdisjoint(operation["tags"]):
            assert {"401", "403"} <= operation["responses"].keys()
            assert operation["security"]


def test_the_examples_are_what_the_schemas_say(document: Any) -> None:
    import jsonschema_rs

    registry = jsonschema_rs.Registry([("urn:openapi", document)])
    checked = 0
    for operation in (o for path in document["paths"].values() for o in path.values()):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (b.get("content", {}).get("application/json", {}) for b in bodies):
            if "example" in content:
                schema = {"$ref": f"urn:openapi{content['schema']['$ref']}"}
                jsonschema_rs.validator_for(schema, registry=registry).validate(content["example"])
                checked += 1
    assert checked >= 40
