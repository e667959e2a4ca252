"""What people say of a goal, of their lives and of a visit, as FHIR and back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.agenda_item import agenda_item_from_fhir, agenda_item_to_fhir
from fhir_mappings.assessment import assessment_from_fhir, assessment_to_fhir, is_said
from fhir_mappings.attainment import levels_in_words
from fhir_mappings.bundle import Create, Entry, Update
from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.codes import LifecycleStatus, ObservationStatus
from fhir_mappings.compartment import patient_of
from fhir_mappings.elements import MappingError, is_restricted, with_restriction
from fhir_mappings.goal import goal_from_fhir, goal_to_fhir
from fhir_mappings.label_spread import restricted_alike
from fhir_mappings.model import Coding, Concept, Level, PartialDate, Quantity, Target
from fhir_mappings.narrative import latest_scores, plan_narrative
from fhir_mappings.patient import languages_from_fhir
from fhir_mappings.pco import (
    ATTAINMENT,
    BARRIER,
    CATEGORIES,
    DOMAINS,
    INVENTORY,
    PRIORITIES,
    PROMS,
    READINESS,
    goal_profile,
    is_scaled,
    kind_of,
    rating_concept,
    rating_of,
    score_of,
    scorer_of,
)
from fhir_mappings.person_centered import (
    AgendaItem,
    AgendaKind,
    AgendaStatus,
    AssessmentKind,
    PlanContents,
    PriorityList,
    Visit,
)
from fhir_mappings.priority_list import priority_list_from_fhir, priority_list_to_fhir
from fhir_mappings.r4 import check
from tests.builders import (
    CLINICIAN,
    MOTHER,
    NOW,
    PATIENT,
    a_goal,
    a_plan,
    a_score,
    an_agreed_goal,
    an_assessment,
)

EXAMPLES = Path(__file__).parents[3] / "shared" / "fhir" / "examples"
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf"]), min_size=1, max_size=20)
LEVELS = (Level("a lot", 2), Level("some", 0), Level("none", -2))
PROM = Target(Concept(None, PROMS.concept("70274-6").codings), Quantity(Decimal(10), "1"))
ASSESSMENTS = (
    a_score(1, note="Nice", private=True),
    a_score(0, patient_supplied=True),
    an_assessment(AssessmentKind.BARRIER, BARRIER.concept("811791000000103"), "The pool is cold"),
    an_assessment(AssessmentKind.READINESS, READINESS.concept("importance"), rating_concept(9)),
    an_assessment(AssessmentKind.READINESS, READINESS.concept("readiness-assessment"), members=("Observation/o2",)),
    an_assessment(AssessmentKind.WHAT_MATTERS, INVENTORY.concept("mind"), "Quiet", goal=None, performer=None),
    an_assessment(AssessmentKind.PROM, PROMS.concept("70274-6"), Quantity(Decimal("7"), "1", "1"), effective=None),
)


@pytest.mark.parametrize("assessment", ASSESSMENTS, ids=lambda a: f"{a.kind}-{a.code.codings[0].code}")
def test_what_is_said_comes_back_as_it_was_said(assessment: Any) -> None:
    resource = check(assessment_to_fhir(replace(assessment, id=None, version=None)))

    assert assessment_from_fhir(resource) == replace(assessment, id=None, version=None)
    assert is_restricted(resource) == assessment.private
    stored = {**resource, "id": "o1", "meta": {**resource["meta"], "versionId": "1"}}
    gone = assessment_to_fhir(replace(assessment, status=ObservationStatus.ENTERED_IN_ERROR), onto=stored)
    assert gone == {**stored, "status": "entered-in-error"}


def test_what_is_said_of_goals_is_told_from_what_was_measured() -> None:
    said = {a.kind: is_said(assessment_to_fhir(replace(a, id="o1"))) for a in ASSESSMENTS}
    weight = {"resourceType": "Observation", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}}

    assert {kind for kind, is_one in said.items() if not is_one} == {AssessmentKind.PROM}
    assert not is_said(weight)


@settings(deadline=None)
@given(words=WORDS, score=st.integers(-2, 2))
def test_levels_are_kept_word_for_word(words: str, score: int) -> None:
    goal = replace(an_agreed_goal(), id=None, version=None, levels=(Level(words, score),))

    assert goal_from_fhir(goal_to_fhir(goal)).levels == goal.levels


def test_levels_of_other_systems_may_not_say_which_they_are() -> None:
    goal = replace(an_agreed_goal(), levels=(Level("b", -1), Level("a", 1), Level("?")))
    resource = goal_to_fhir(goal)
    read = goal_from_fhir(resource).levels

    assert read == (Level("a", 1), Level("b", -1), Level("?"))
    assert levels_in_words(read) == ("+1, better than expected: a; \u22121, less than expected: b; level not said: ?")


def test_what_is_measured_is_no_assessment() -> None:
    steps = {"resourceType": "Observation", "code": {"coding": [{"system": "http://loinc.org", "code": "41950-7"}]}}

    assert assessment_from_fhir(steps) is None


def test_a_code_is_known_under_its_final_name_too() -> None:
    (coding,) = CATEGORIES.concept("what-matters").codings
    final = Concept(None, (Coding(str(coding.system).removesuffix("-temporary"), coding.code),))

    assert kind_of(Concept("anything"), (final,)) is AssessmentKind.WHAT_MATTERS
    assert kind_of(Concept("anything"), (Concept(None, (Coding(None, "what-matters"),)),)) is None
    assert rating_of(rating_concept(10)) == 10
    assert (rating_of("ten"), score_of("two"), scorer_of(ATTAINMENT.concept("107332-9"))) == (None, None, None)


@pytest.mark.parametrize(
    ("parts", "profile"),
    [
        pytest.param({}, None, id="no start"),
        pytest.param({"start": PartialDate("2026")}, None, id="no category of PCO"),
        pytest.param(
            {"start": PartialDate("2026"), "categories": (DOMAINS.concept("housing"),)}, "pco-goal-profile", id="domain"
        ),
        pytest.param(
            {"start": PartialDate("2026"), "categories": (CATEGORIES.concept("person-centered"),), "levels": LEVELS},
            "pco-gas-goal-profile",
            id="levels",
        ),
        pytest.param(
            {"start": PartialDate("2026"), "categories": (DOMAINS.concept("housing"),), "targets": (PROM,)},
            "pco-prom-goal-profile",
            id="PROM",
        ),
        pytest.param(
            {"start": PartialDate("2026"), "categories": (DOMAINS.concept("housing"),), "targets": (PROM, PROM)},
            "pco-goal-profile",
            id="two PROMs are none",
        ),
    ],
)
def test_a_goal_declares_the_profile_that_it_keeps(parts: dict[str, Any], profile: str | None) -> None:
    goal = an_agreed_goal(**parts)
    declared = goal_to_fhir(goal)["meta"]["profile"]

    assert goal_profile(goal) == profile
    assert [p.rpartition("/")[2] for p in declared[1:]] == ([profile] if profile else [])


def test_a_goal_scaled_elsewhere_is_known_by_its_measure() -> None:
    assert is_scaled(a_goal(targets=(Target(ATTAINMENT.concept("107332-9")),)))
    assert not is_scaled(a_goal(targets=(PROM, Target())))


LISTS = (
    PriorityList(PATIENT, PATIENT, ("Goal/g1", "Observation/o1"), NOW, key="ann.ann", patient_supplied=True),
    PriorityList(PATIENT, MOTHER, ("Goal/g1",), NOW, note="What comes first, as the family sees it", private=True),
    PriorityList(PATIENT, CLINICIAN, (), NOW, current=False),
)


@pytest.mark.parametrize("priorities", LISTS, ids=lambda p: p.source)
def test_an_order_comes_back_as_it_was_given(priorities: PriorityList) -> None:
    resource = check(priority_list_to_fhir(priorities))

    assert priority_list_from_fhir(resource) == priorities
    turned = replace(priorities, items=tuple(reversed(priorities.items)))
    kept = {**resource, "entry": [{**e, "flag": {"text": "theirs"}} for e in resource.get("entry", [])]}
    again = priority_list_to_fhir(turned, onto=kept)
    assert [e["item"]["reference"] for e in again.get("entry", [])] == list(turned.items)
    assert all(e["flag"] == {"text": "theirs"} for e in again.get("entry", []))


def test_a_list_without_a_source_is_the_patients_own() -> None:
    theirs = {"resourceType": "List", "subject": {"reference": PATIENT}, "date": "2026-12-01T09:30:00Z",
              "status": "current", "entry": [{"deleted": True, "item": {"reference": "Goal/g"}}]}  # fmt: skip
    read = priority_list_from_fhir(theirs)

    assert (read.source, read.items) == (PATIENT, ())
    with pytest.raises(MappingError, match=r"List\.date"):
        priority_list_from_fhir({**theirs, "date": None})


ITEMS = (
    AgendaItem(PATIENT, AgendaKind.QUESTION, "Can I go?", PATIENT, NOW, goal="Goal/g1", patient_supplied=True),
    AgendaItem(PATIENT, AgendaKind.TOPIC, "The tube", CLINICIAN, NOW, display="Dr Bo", private=True,
               visit=Visit("Appointment/a1", PartialDate("2026-12-15"))),
    AgendaItem(PATIENT, AgendaKind.TOPIC, "School", MOTHER, NOW, AgendaStatus.COMPLETED, "Goal/g1",
               Visit("Encounter/e1"), "They know now", CLINICIAN, NOW),
)  # fmt: skip


@pytest.mark.parametrize("item", ITEMS, ids=lambda i: i.text)
def test_an_agenda_item_comes_back_as_it_was_raised(item: AgendaItem) -> None:
    resource = check(agenda_item_to_fhir(item))

    assert agenda_item_from_fhir(resource) == item
    moved = replace(item, visit=Visit(None, PartialDate("2027-03")))
    again = agenda_item_to_fhir(moved, onto={**resource, "theirs": 1})
    assert agenda_item_from_fhir(again) == moved
    assert (again["theirs"], again["payload"]) == (1, resource["payload"])
    closed = agenda_item_to_fhir(replace(moved, outcome="So be it", closed_at=NOW), onto=again)
    assert closed["note"][-1]["text"] == "So be it"
    assert {**closed, "note": again.get("note")} == {"note": None, **again}


def test_a_request_of_another_system_is_no_agenda_item() -> None:
    ours = agenda_item_to_fhir(ITEMS[0])

    assert agenda_item_from_fhir({**ours, "category": [{"text": "reminder"}]}) is None
    with pytest.raises(MappingError, match="authoredOn"):
        agenda_item_from_fhir({**ours, "authoredOn": "2026"})


def test_the_preferred_language_comes_first() -> None:
    def spoken(code: str | None, **parts: Any) -> Json:
        return {"language": {"coding": [{"code": code}] if code else []}, **parts}

    patient = {"communication": [spoken("en"), spoken("es", preferred=True), spoken(None), {"preferred": False}]}
    assert languages_from_fhir(patient) == ("es", "en")
    assert languages_from_fhir({}) == ()


def test_an_appointment_is_about_its_only_patient() -> None:
    def meeting(*actors: str) -> Json:
        return {"resourceType": "Appointment", "participant": [{"actor": {"reference": a}} for a in actors]}

    assert patient_of(meeting(PATIENT, CLINICIAN)) == PATIENT
    assert patient_of(meeting(PATIENT, "Patient/zoe")) is None
    assert patient_of(meeting(CLINICIAN)) is None


def test_a_label_comes_and_goes_alone() -> None:
    other = {"system": "urn:theirs", "code": "x"}
    resource: Json = {"resourceType": "Goal", "meta": {"versionId": "3", "security": [other]}}
    private = with_restriction(resource, True)

    assert is_restricted(private)
    assert with_restriction(private, True) is private
    assert with_restriction(private, False) == resource
    assert with_restriction(with_restriction({"resourceType": "Goal"}, True), False) == {
        "resourceType": "Goal",
        "meta": {},
    }


def test_a_goal_is_hidden_and_shown_by_its_label_alone() -> None:
    shown = goal_to_fhir(an_agreed_goal())
    hidden = goal_to_fhir(an_agreed_goal(private=True), onto=shown)

    assert is_restricted(hidden)
    assert {**hidden, "meta": shown["meta"]} == shown
    assert goal_to_fhir(an_agreed_goal(), onto=hidden) == shown
    assert PRIORITIES.tokens == ("http://loinc.org|81340-2",)


def test_what_refers_to_something_private_is_private_however_far() -> None:
    def new(name: str, *references: str) -> Create:
        return Create({"resourceType": "Basic", "about": [{"reference": r} for r in references]}, f"urn:uuid:{name}")

    shared = Update({"resourceType": "CarePlan", "id": "p", "goal": [{"reference": "Goal/shared"}]}, "1")
    shown = Update({"resourceType": "Goal", "id": "was-private"}, "1")
    entries: list[Entry] = [
        new("task", "Goal/private/_history/2"),
        new("stamp", "urn:uuid:task", "Goal/shared"),
        new("other", "Goal/shared", "Goal/was-private"),
        shared,
        shown,
    ]
    labelled = restricted_alike(entries, {"Goal/private", "Goal/was-private"})

    assert [is_restricted(e.resource) for e in labelled] == [True, True, False, False, False]


def test_the_latest_valid_score_of_each_side_counts() -> None:
    early, late = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2))
    scores = (
        a_score(2, effective=late),
        a_score(-2, effective=early),
        a_score(1, CLINICIAN, status=ObservationStatus.ENTERED_IN_ERROR),
        a_score(0, MOTHER, effective=None),
        a_score(0, MOTHER, goal="Goal/other"),
        an_assessment(AssessmentKind.BARRIER, BARRIER.concept("811791000000103"), "x"),
    )

    assert {who: score_of(a.value) for who, a in latest_scores("Goal/g1", scores).items()} == {
        "Patient": 2,
        "RelatedPerson": 0,
    }


def test_each_plan_tells_of_its_own_kind_alone() -> None:
    shared, own = an_agreed_goal(), an_agreed_goal(id="g2", description="Hidden", private=True)
    matters = an_assessment(AssessmentKind.WHAT_MATTERS, INVENTORY.concept("mind"), "Quiet", goal=None)
    contents = PlanContents(
        (shared, own),
        (
            matters,
            a_score(1),
            a_score(2, goal="Goal/g2", private=True),
            an_assessment(AssessmentKind.ATTAINMENT, ATTAINMENT.concept("107332-9"), "far", id="o2"),
        ),
        (
            PriorityList(PATIENT, "Device/d", ("Goal/g1",), NOW),
            PriorityList(PATIENT, MOTHER, ("Goal/g1",), NOW),
            PriorityList(PATIENT, PATIENT, ("Goal/g1", "Goal/g2", "Observation/o1"), NOW),
        ),
        ITEMS,
    )
    told = plan_narrative(a_plan(goals=("Goal/g1",)), contents)
    kept = plan_narrative(a_plan(goals=("Goal/g2",), private=True, title=None), contents)

    assert "Hidden" not in told
    assert "The tube" not in told
    assert "<ol><li>Walk to the shops</li><li>Quiet</li></ol>" in told
    assert told.index("first (patient)") < told.index("first (family)") < told.index("first (care team)")
    assert "Can I go? (the patient)" in told
    assert "Power of the Mind: Quiet" in told
    assert "<b>Hidden</b>" in kept
    assert "The tube (Dr Bo (care team), December 15, 2026)" in kept
    assert "Walk to the shops" not in kept


def official(*folders: str) -> list[Path]:
    return sorted(p for f in folders for p in (EXAMPLES / f).glob("*.json"))


WRITES: dict[str, Callable[[Json], Json | None]] = {
    "List": lambda r: priority_list_to_fhir(priority_list_from_fhir(r), onto=r),
    "Observation": lambda r: assessment_to_fhir(a, onto=r) if (a := assessment_from_fhir(r)) else None,
    "Goal": lambda r: goal_to_fhir(replace(goal_from_fhir(r), lifecycle_status=LifecycleStatus.ACTIVE), onto=r),
}


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not beside this repository")
def test_the_official_examples_are_understood_and_left_as_they_are() -> None:
    written = [(p, r, WRITES[r["resourceType"]](r)) for p in official("pco-1.0.0")
               if (r := decode(p.read_bytes()))["resourceType"] in WRITES]  # fmt: skip
    understood = [(p, r, w) for p, r, w in written if w is not None]

    assert len(understood) >= 15
    for path, theirs, ours in understood:
        assert encode(ours) == encode(theirs), path.name
