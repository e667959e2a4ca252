"""What a newcomer types: `coplan run`, then the lines that it prints."""

import json
import os
import re
import shutil
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def test_the_conflict_of_the_readme_is_what_happens(said: str, folder: Path) -> None:
    shown = re.search(r"```\n(curl .*?)\n```.*?```json\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    answer = in_shell(folder, [*commands(said)[:5], shown[1]])[-1]

    assert {name: answer[name] for name in json.loads(shown[2])} == json.loads(shown[2])


def test_a_newcomer_is_told_what_it_is_and_sees_the_documentation(said: str) -> None:
    assert "nothing here is for production" in said
    docs = re.search(r"http://\S+/docs", said)
    assert docs is not None
    with urllib.request.urlopen(docs[0], timeout=5) as page:
        assert b"swagger" in page.read()


def test_tokens_are_for_the_eyes_of_this_user_only(said: str, folder: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder / ".data" / "demo").iterdir()}

    assert modes == {0o600}


def test_data_stay_in_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, "--data", str(tmp_path / "kept")) as said:
        in_shell(tmp_path, commands(said)[:2])
    with running(tmp_path, "--data", str(tmp_path / "kept")) as said:
        variables, *_, plan, _ = commands(said)
        _, seen = in_shell(tmp_path, [variables, plan])
    assert [g["lifecycleStatus"] for g in seen["goals"]] == ["proposed"]


def test_serving_without_settings_says_which_are_missing() -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("COPLAN_")}
    done = subprocess.run([COPLAN, "serve"], capture_output=True, text=True, env=clean, check=False)

    assert done.returncode != 0
    assert "fhir_base_url" in done.stderr


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
        if "health" not in operation["tags"]:
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
