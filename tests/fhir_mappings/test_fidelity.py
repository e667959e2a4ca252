"""Read, change one element, write: every other value stays as it was, byte for byte."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.care_plan import care_plan_from_fhir, care_plan_to_fhir
from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.codes import CarePlanStatus, LifecycleStatus, TaskStatus
from fhir_mappings.goal import goal_from_fhir, goal_to_fhir
from fhir_mappings.task import task_from_fhir, task_to_fhir
from tests.builders import NOW, a_task

EXAMPLES = Path(__file__).parents[3] / "shared" / "fhir" / "examples"
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
EXTENSION = st.fixed_dictionaries({"url": TEXT.map("urn:theirs:{}".format), "valueDecimal": NUMBER})
THEIRS: dict[str, st.SearchStrategy[Any]] = {
    "extension": st.lists(EXTENSION, max_size=3),
    "_startDate": st.fixed_dictionaries({"extension": st.lists(EXTENSION, min_size=1, max_size=1)}),
    "note": st.lists(st.fixed_dictionaries({"text": TEXT, "authorString": TEXT}), max_size=2),
    "target": st.lists(
        st.fixed_dictionaries(
            {
                "measure": st.fixed_dictionaries({"text": TEXT}),
                "detailQuantity": st.fixed_dictionaries({"value": NUMBER}),
            }
        ),
        max_size=2,
    ),
    "contained": st.lists(st.fixed_dictionaries({"resourceType": st.just("Basic"), "id": TEXT}), max_size=1),
    "theirs": NUMBER,
}
GOALS = st.fixed_dictionaries(
    {
        "resourceType": st.just("Goal"),
        "id": st.just("g1"),
        "lifecycleStatus": st.sampled_from([str(s) for s in LifecycleStatus]),
        "description": st.fixed_dictionaries({"text": TEXT}),
        "subject": st.just({"reference": "Patient/ann", "display": "Ann"}),
    },
    optional=THEIRS,
)


def members(resource: Json) -> dict[str, bytes]:
    """Each member as the bytes that it is written as."""
    return {name: encode(value) for name, value in resource.items()}


def changed(before: Json, after: Json) -> set[str]:
    then, now = members(before), members(after)
    return {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}


def hold(goal: Json) -> Json:
    return goal_to_fhir(replace(goal_from_fhir(goal), lifecycle_status=LifecycleStatus.ON_HOLD), onto=goal)


def explain(goal: Json) -> Json:
    return goal_to_fhir(replace(goal_from_fhir(goal), status_reason="because of the knee"), onto=goal)


def tie(goal: Json) -> Json:
    return goal_to_fhir(replace(goal_from_fhir(goal), thread="a-new-thread"), onto=goal)


@pytest.mark.parametrize(
    ("change", "element"), [(hold, "lifecycleStatus"), (explain, "statusReason"), (tie, "identifier")]
)
@given(goal=GOALS)
def test_a_goal_changes_in_the_one_element_only(change: Callable[[Json], Json], element: str, goal: Json) -> None:
    stored = decode(encode(goal))

    assert changed(stored, change(stored)) <= {element}
    assert encode(goal_to_fhir(goal_from_fhir(stored), onto=stored)) == encode(goal)


@given(extensions=st.lists(EXTENSION, max_size=2), value=NUMBER)
def test_a_task_changes_in_its_answer_only(extensions: list[Json], value: Any) -> None:
    stored = task_to_fhir(a_task()) | {"extension": extensions, "id": "k1", "theirs": value}
    answered = replace(task_from_fhir(stored), status=TaskStatus.COMPLETED, last_modified=NOW.replace(year=2027))

    assert changed(stored, task_to_fhir(answered, onto=stored)) == {"status", "lastModified"}


def examples(resource_type: str) -> list[Path]:
    return sorted(p for p in EXAMPLES.rglob("*.json") if p.read_bytes()[:400].find(f'"{resource_type}"'.encode()) > 0)


def official(resource_type: str) -> pytest.MarkDecorator:
    """The official examples of US Core, PCO and the core specification."""
    found = [p for p in examples(resource_type) if decode(p.read_bytes()).get("resourceType") == resource_type]
    marks = [pytest.mark.skip(reason="the official examples are not beside this repository")] if not found else []
    cases = [pytest.param(p, id=f"{p.parent.name}/{p.stem}") for p in found]
    return pytest.mark.parametrize("path", cases or [pytest.param(None, marks=marks)])


@official("Goal")
def test_an_official_goal_changes_in_the_one_element_only(path: Path) -> None:
    theirs = decode(path.read_bytes())

    assert encode(goal_to_fhir(goal_from_fhir(theirs), onto=theirs)) == encode(theirs)
    assert changed(theirs, hold(theirs)) <= {"lifecycleStatus"}
    assert changed(theirs, explain(theirs)) <= {"statusReason", "_statusReason"}
    assert changed(theirs, tie(theirs)) == {"identifier"}


@official("CarePlan")
def test_an_official_care_plan_changes_in_the_one_element_and_its_text_only(path: Path) -> None:
    theirs = decode(path.read_bytes())
    plan = care_plan_from_fhir(theirs)
    ours = care_plan_to_fhir(replace(plan, status=CarePlanStatus.UNKNOWN), onto=theirs, narrative="<div/>")

    assert changed(theirs, ours) <= {"status", "text"}
    linked = care_plan_to_fhir(replace(plan, goals=(*plan.goals, "Goal/new")), onto=theirs, narrative="<div/>")
    assert changed(theirs, linked) == {"goal", "text"}
    assert linked["goal"][: len(theirs.get("goal", []))] == theirs.get("goal", [])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not beside this repository")
def test_every_official_example_travels_without_loss() -> None:
    paths = sorted(EXAMPLES.rglob("*.json"))
    assert paths
    for path in paths:
        value = decode(path.read_bytes(), max_depth=64)
        assert decode(encode(value), max_depth=64) == value
