"""What CoPlan publishes says the same as its code, and rules that are not by the schema are refused."""

import json
import tarfile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from fhir_mappings.codes import ADMISSION_PREFERENCE, PREFERENCE_STANCE
from fhir_mappings.decision import ADMISSION, ADMISSION_IN_WORDS, STANCE_IN_WORDS
from service.domain.cards import OVERRIDE_REASON, OVERRIDE_REASONS
from service.gateways.definitions import FOLDER, conflict_rules, published

PACKAGES = Path(__file__).parents[4] / "shared" / "fhir" / "packages"
CODINGS = {c.code: c.display for c in OVERRIDE_REASONS}


def document(name: str) -> Any:
    return json.loads(FOLDER.joinpath(f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "url", "displays"),
    [
        ("admission-preference", ADMISSION_PREFERENCE, {str(k): v for k, v in ADMISSION_IN_WORDS.items()}),
        ("preference-stance", PREFERENCE_STANCE, {str(k): v for k, v in STANCE_IN_WORDS.items()}),
        ("override-reason", OVERRIDE_REASON, CODINGS),
    ],
)
def test_published_codes_are_those_of_the_code(name: str, url: str, displays: dict[str, str]) -> None:
    system = document(f"CodeSystem-{name}")

    assert system["url"] == url
    assert {c["code"]: c["display"] for c in system["concept"]} == displays
    assert system["count"] == len(displays)


def test_topics_are_those_of_the_code() -> None:
    topics = document("CodeSystem-preference-topic")
    assert (topics["url"], topics["concept"][0]["code"]) == (ADMISSION.system, ADMISSION.code)
    for name in ("admission-preference", "preference-stance"):
        value_set = document(f"ValueSet-{name}")
        assert value_set["compose"]["include"] == [{"system": document(f"CodeSystem-{name}")["url"]}]


def test_codes_of_admission_are_called_what_hl7_terminology_calls_them() -> None:
    """SNOMED CT by the value set of its Global Patient Set, encounter classes by their code system."""
    package = PACKAGES / "hl7.terminology.r4-7.3.0.tgz"
    if not package.exists():
        pytest.skip("the packages of FHIR are not here")
    with tarfile.open(package) as files:
        patient_set, act_codes = (
            json.load(files.extractfile(f"package/{name}.json") or pytest.fail(name))
            for name in ("ValueSet-snomed-intl-gps", "CodeSystem-v3-ActCode")
        )
    known = {("http://snomed.info/sct", c["code"]): c["display"] for c in concepts(patient_set["compose"]["include"])}
    known |= {(act_codes["url"], c["code"]): c.get("display") for c in concepts(act_codes["concept"])}

    for modality in document("conflict-rules")["modalities"]:
        assert modality["source"]
        for coding in modality["codes"]:
            assert known[coding["system"], coding["code"]] == coding["display"]


def concepts(of: list[Any]) -> list[Any]:
    """All of them, at whatever depth."""
    deeper = [c for one in of for c in concepts(one.get("concept", []))]
    return [one for one in of if "code" in one] + deeper


def test_every_file_is_named_after_what_it_is_and_can_be_had() -> None:
    for path in (Path(str(p)) for p in FOLDER.iterdir()):
        if path.name[0].isupper():
            resource = json.loads(path.read_bytes())
            assert path.stem == f"{resource['resourceType']}-{resource['id']}"
            assert published(resource["resourceType"], resource["id"]) == path.read_bytes()
    assert published("CodeSystem", "nothing") is None


def test_the_rules_that_coplan_comes_with_are_by_the_schema() -> None:
    validator = jsonschema_rs.validator_for(document("conflict-rules.schema"))
    validator.validate(document("conflict-rules"))
    rules = conflict_rules()

    assert rules.admission.words == "Admission to hospital"
    assert {r.id for r in rules.rules} >= {"admission-not-wanted", "treatment-not-wanted"}


BROKEN: list[dict[str, Any]] = [
    {"rules": [{"id": "x", "title": "x", "against": {"stances": ["hates"]}}]},
    {"rules": [{"id": "x", "title": "x", "against": {"stances": ["wants"]}, "modalty": "admission"}]},
    {"rules": [{"id": "x", "title": "x"}]},
    {"rules": [{"id": "x", "title": "x", "against": {"stances": ["wants"]}, "indicator": "red"}]},
    {"modalities": []},
    {"version": None},
]


@pytest.mark.parametrize("change", BROKEN)
def test_what_is_not_by_the_schema_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    broken = {**document("conflict-rules"), **change}
    (tmp_path / "rules.json").write_text(json.dumps(broken))

    assert not jsonschema_rs.validator_for(document("conflict-rules.schema")).is_valid(broken)
    with pytest.raises(ValueError, match="conflict rules"):
        conflict_rules(tmp_path / "rules.json")


def test_a_rule_about_a_kind_of_order_that_is_not_described_is_refused(tmp_path: Path) -> None:
    rules = document("conflict-rules")
    rules["rules"][0]["modality"] = "surgery"
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    with pytest.raises(ValueError, match="no modality surgery"):
        conflict_rules(tmp_path / "rules.json")


@pytest.mark.parametrize(
    ("list_", "changed", "said"),
    [
        ("rules", {}, "rule {id} more than once"),
        ("rules", {"id": "another"}, "rule another is rule {id} under another id"),
        ("modalities", {}, "modality {code} more than once"),
    ],
)
def test_nothing_stands_there_twice(tmp_path: Path, list_: str, changed: dict[str, str], said: str) -> None:
    rules = document("conflict-rules")
    first = rules[list_][0]
    rules[list_].append({**first, **changed})
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    with pytest.raises(ValueError, match=said.format(**first)):
        conflict_rules(tmp_path / "rules.json")


def test_an_installation_brings_its_own(tmp_path: Path) -> None:
    own = {**document("conflict-rules"), "rules": []}
    (tmp_path / "rules.json").write_text(json.dumps(own))

    assert conflict_rules(tmp_path / "rules.json").rules == ()
