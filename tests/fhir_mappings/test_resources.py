"""Each resource to a noun and back: what we say comes back, and what others say is read as far as we understand it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.care_plan import care_plan_from_fhir, care_plan_to_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    AchievementStatus,
    Act,
    BusinessStatus,
    CarePlanStatus,
    GoalPriority,
    LifecycleStatus,
    ObservationCategory,
    ObservationStatus,
    QuantityComparator,
    TaskCode,
    TaskStatus,
)
from fhir_mappings.communication import message_from_fhir, message_to_fhir
from fhir_mappings.elements import MappingError
from fhir_mappings.goal import differences, goal_from_fhir, goal_to_fhir
from fhir_mappings.model import (
    Acceptance,
    Coding,
    Concept,
    Message,
    Observation,
    PartialDate,
    Quantity,
    Range,
    Stamp,
    Target,
    TargetDetail,
)
from fhir_mappings.narrative import agreement_note, plan_narrative
from fhir_mappings.observation import observation_from_fhir, observation_to_fhir
from fhir_mappings.person_centered import PlanContents
from fhir_mappings.provenance import stamp_from_fhir, stamp_to_fhir
from fhir_mappings.target import detail_in_words, own_words, self_standing_text, target_in_words, targets_from_fhir
from fhir_mappings.task import task_from_fhir, task_to_fhir
from tests.builders import (
    AGREE,
    CLINICIAN,
    DISAGREE,
    MOTHER,
    NOW,
    PATIENT,
    PENDING,
    a_goal,
    a_plan,
    a_task,
    accepted,
    an_agreed_goal,
)

STEPS = Concept("steps", (Coding("http://loinc.org", "41950-7"),))
KG = Quantity(Decimal("72.50"), "kg", "kilo", QuantityComparator.AT_MOST)
DETAILS: list[TargetDetail] = [
    KG,
    Range(Quantity(Decimal(1), "kg", "kg"), Quantity(Decimal(2), "kg", "kg")),
    Range(low=Quantity(Decimal(1), "kg", "kg")),
    Concept("walks alone"),
    "as before",
    True,
    5,
]
FULL = an_agreed_goal(
    achievement_status=AchievementStatus.IMPROVING,
    start=PartialDate("2026-12"),
    status_date=PartialDate("2026-12-01"),
    status_reason="because",
    targets=tuple(Target(STEPS, d, PartialDate("2027")) for d in (*DETAILS, None)),
    acceptances=(Acceptance(PATIENT, AGREE, GoalPriority.HIGH, "Ann"), Acceptance(CLINICIAN, AGREE)),
    priority=GoalPriority.HIGH,
    categories=(Concept("physical"),),
    addresses=("Condition/c",),
    outcomes=("Observation/o",),
    replaced_by=("Goal/g2",),
    operation="op.0",
    patient_supplied=True,
)


def as_stored(resource: Json, resource_id: str) -> Json:
    return {**resource, "id": resource_id, "meta": {**resource.get("meta", {}), "versionId": "1"}}


def test_a_goal_comes_back_as_it_was_said() -> None:
    assert goal_from_fhir(as_stored(goal_to_fhir(FULL), "g1")) == FULL
    assert goal_to_fhir(FULL, onto=as_stored(goal_to_fhir(FULL), "g1")) == as_stored(goal_to_fhir(FULL), "g1")


def test_a_task_comes_back_as_it_was_said() -> None:
    task = a_task(
        status=TaskStatus.IN_PROGRESS,
        operation="op.1",
        part_of=("Task/k0",),
        based_on=("CarePlan/p1",),
        proposed_outcome=AchievementStatus.ACHIEVED,
        code=TaskCode.FULFILL,
    )
    stored = as_stored(task_to_fhir(task), "k1")
    assert task_from_fhir(stored) == replace(task)
    answered = replace(
        task,
        status=TaskStatus.COMPLETED,
        status_reason="because",
        business_status=BusinessStatus.WAITING_FOR_INFORMATION,
        output=("Goal/g1",),
        last_modified=datetime(2026, 12, 2, tzinfo=UTC),
    )
    changed = task_to_fhir(answered, onto=stored)
    assert task_from_fhir(changed) == answered
    again = task_to_fhir(replace(answered, status_reason=None, business_status=None), onto=changed)
    assert {"statusReason", "businessStatus"}.isdisjoint(again)
    assert task_to_fhir(answered, onto=changed) == changed


def test_a_task_for_anybody_has_no_owner() -> None:
    resource = task_to_fhir(a_task(owner=None, thread=None))

    assert {"owner", "groupIdentifier"}.isdisjoint(resource)
    assert task_from_fhir(resource | {"input": [{"type": {"text": "x"}, "valueString": "y"}]}).owner is None


def test_a_message_comes_back_as_it_was_said() -> None:
    message = Message(
        PATIENT, "Goal/g1", CLINICIAN, "Why?", NOW, "t1", "c1", "1", (PATIENT,), "Communication/c0", "Task/k1", "op.0"
    )

    assert message_from_fhir(as_stored(message_to_fhir(message), "c1")) == message
    family = message_to_fhir(replace(message, sender=MOTHER, in_response_to=None, part_of=None))
    assert family["meta"]["security"][0]["code"] == "PATAST"
    foreign = {k: v for k, v in family.items() if k not in {"about", "identifier"}}
    assert (message_from_fhir(foreign).about, message_from_fhir(foreign).thread) == ("Goal/g1", "")


def test_a_stamp_comes_back_as_it_was_said() -> None:
    stamp = Stamp(
        ("Goal/g1", "Task/k1"),
        NOW,
        CLINICIAN,
        Act.ACCEPT,
        "v1",
        "Organization/o",
        "because",
        ("Goal/g0",),
        "Bo",
        "op",
        "f",
    )

    assert stamp_from_fhir(as_stored(stamp_to_fhir(stamp), "v1")) == stamp
    bare = Stamp(("Goal/g1",), NOW, PATIENT, None)
    assert stamp_from_fhir(stamp_to_fhir(bare)) == bare
    assert stamp_to_fhir(bare)["meta"]["security"][0]["code"] == "PATAST"
    assert stamp_to_fhir(replace(bare, act=Act.PROPOSE))["activity"]["coding"][0]["code"] == "CREATE"


@pytest.mark.parametrize("value", [KG, Concept("sore"), "fine", True, 5, None])
def test_a_measurement_comes_back_as_it_was_said(value: Any) -> None:
    observation = Observation(
        PATIENT,
        ObservationStatus.FINAL,
        STEPS,
        value,
        NOW,
        ObservationCategory.SURVEY,
        "o1",
        "1",
        (PATIENT,),
        ("Goal/g1",),
        "stiff",
        "op.0",
        True,
    )

    assert observation_from_fhir(as_stored(observation_to_fhir(observation), "o1")) == observation


def test_a_measurement_of_another_system_is_read_as_far_as_we_understand_it() -> None:
    resource = observation_to_fhir(
        Observation(PATIENT, ObservationStatus.FINAL, STEPS, None, None, ObservationCategory.LABORATORY)
    )
    assert "profile" not in resource.get("meta", {})
    assert "category" not in observation_to_fhir(Observation(PATIENT, ObservationStatus.FINAL, STEPS, None, None))
    foreign = resource | {"effectiveInstant": "2026-12-01T09:30:00Z", "valuePeriod": {}, "category": [{"text": "x"}]}
    read = observation_from_fhir(foreign)
    assert (read.effective, read.value, read.category) == (NOW, None, None)


@pytest.mark.parametrize(
    ("read", "resource", "named"),
    [
        (goal_from_fhir, {"lifecycleStatus": "active"}, "Goal.subject"),
        (goal_from_fhir, {"subject": {"reference": PATIENT}}, "Goal.lifecycleStatus"),
        (goal_from_fhir, {"subject": {"reference": PATIENT}, "lifecycleStatus": "bogus"}, "Goal.lifecycleStatus"),
        (task_from_fhir, {}, "Task.code"),
        (task_from_fhir, {"code": task_to_fhir(a_task())["code"]}, "Task.authoredOn"),
        (message_from_fhir, {}, "Communication.sent"),
        (message_from_fhir, {"sent": "2026-12-01T09:30:00Z"}, "Communication.about"),
        (stamp_from_fhir, {}, "Provenance"),
        (observation_from_fhir, {"subject": {"reference": PATIENT}, "status": "final"}, "Observation.code"),
        (care_plan_from_fhir, {"subject": {"reference": PATIENT}}, "CarePlan.status"),
    ],
)
def test_what_r4_requires_is_named_where_it_is_missing(read: Any, resource: Json, named: str) -> None:
    with pytest.raises(MappingError, match=named):
        read(resource)


def test_what_a_modifier_extension_may_turn_around_is_not_edited() -> None:
    theirs = as_stored(goal_to_fhir(FULL), "g1") | {"modifierExtension": [{"url": "urn:not"}]}
    with pytest.raises(MappingError, match="modifierExtension"):
        goal_to_fhir(FULL, onto=theirs)


def test_a_goal_of_another_system_is_read_as_far_as_we_understand_it() -> None:
    goal = goal_from_fhir(
        {
            "resourceType": "Goal",
            "lifecycleStatus": "active",
            "description": {"coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "Walk"}]},
            "subject": {"reference": PATIENT},
            "priority": {"coding": [{"system": "urn:x", "code": "high-priority"}]},
            "extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/goal-acceptance", "extension": []},
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/goal-acceptance",
                    "extension": [{"url": "individual", "valueReference": {"reference": f"{CLINICIAN}/_history/1"}}],
                },
                {"url": "http://hl7.org/fhir/StructureDefinition/goal-relationship", "extension": []},
            ],
            "note": [{"text": "old"}],
            "target": [{"dueDuration": {"value": 1}}, {"detailRatio": {}}],
        }
    )

    assert (goal.description, goal.priority, goal.thread) == ("Walk", None, None)
    assert goal.acceptances == (Acceptance(CLINICIAN, PENDING),)
    assert (goal.replaced_by, goal.offered_at) == ((), None)
    assert goal.targets == (Target(), Target())
    assert goal_from_fhir(goal_to_fhir(a_goal()) | {"description": {}}).description == "(no description)"


def test_an_acceptance_keeps_what_others_say_in_it() -> None:
    theirs = as_stored(goal_to_fhir(a_goal()), "g1")
    theirs["extension"][1]["extension"].append({"url": "urn:theirs", "valueString": "x"})
    goal = replace(goal_from_fhir(theirs), acceptances=accepted({PATIENT: AGREE, CLINICIAN: DISAGREE}))
    ours = goal_to_fhir(goal, onto=theirs)

    assert ours["extension"][0] is theirs["extension"][0]
    assert [e["url"] for e in ours["extension"][1]["extension"]] == ["individual", "status", "urn:theirs"]
    assert goal_from_fhir(ours).acceptances == goal.acceptances


def test_a_target_of_the_wrong_type_is_named() -> None:
    with pytest.raises(MappingError, match=r"Goal\.target\[0\]\.detailString"):
        targets_from_fhir({"target": [{"detailString": {}}]})


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(STEPS, KG, PartialDate("2027")), "steps: at most 72.50 kilo by 2027"),
        (Target(STEPS, Quantity(Decimal(3), "1")), "steps: 3"),
        (Target(STEPS), "steps"),
        (Target(None, None, PartialDate("2027-01")), "by January 2027"),
        (Target(), ""),
        (Target(STEPS, DETAILS[1]), "steps: 1 to 2 kg"),
        (Target(STEPS, DETAILS[2]), "steps: at least 1 kg"),
        (Target(STEPS, Range(high=Quantity(Decimal(2), "kg"))), "steps: at most 2 kg"),
        (Target(STEPS, Range()), "steps"),
        (Target(STEPS, Concept(None, (Coding("s", "c"),))), "steps: c"),
        (Target(STEPS, True), "steps: yes"),
        (Target(STEPS, False), "steps: no"),
        (Target(STEPS, 5), "steps: 5"),
    ],
)
def test_targets_in_words(target: Target, words: str) -> None:
    assert target_in_words(target) == words


@pytest.mark.parametrize(
    ("words", "target", "text"),
    [
        ("Walk", Target(STEPS, Quantity(Decimal(6000), "1")), "Walk (target: steps: 6000)"),
        ("Walk 6000 steps", Target(STEPS, Quantity(Decimal(6000), "1")), "Walk 6000 steps"),
        ("Walk 6,000 steps", Target(STEPS, Quantity(Decimal(6000), "1")), "Walk 6,000 steps"),
        ("Walk", Target(STEPS), "Walk"),
        ("Walk 5 to 6", Target(STEPS, Range(low=Quantity(Decimal(5), "1"))), "Walk 5 to 6"),
        ("Walk", Target(STEPS, "alone"), "Walk (target: steps: alone)"),
        ("Walk", Target(None, None, PartialDate("2027")), "Walk (target: by 2027)"),
    ],
)
def test_a_description_says_each_target_once(words: str, target: Target, text: str) -> None:
    assert self_standing_text(words, (target,)) == text
    assert own_words(text, (target,)) == words
    assert own_words(f"{words} (target: soon)", (target,)) == f"{words} (target: soon)", "that is what they said"
    assert detail_in_words(KG) == "at most 72.50 kilo"


def test_offers_differ_element_by_element() -> None:
    before, after = a_goal(), a_goal(description="Run", start=PartialDate("2027"), categories=(Concept("x"),))

    assert [(d.expression, d.before, d.after) for d in differences(before, after)] == [
        ("Goal.description", "Walk to the shops", "Run"),
        ("Goal.start", None, "2027"),
        ("Goal.category", None, "x"),
    ]


def test_a_plan_comes_back_as_it_was_said() -> None:
    plan = a_plan(
        goals=("Goal/g1",),
        addresses=("Condition/c",),
        care_teams=("CareTeam/t",),
        contributors=(PATIENT,),
        created=NOW,
        period_start=PartialDate("2026-12-01"),
        operation="op.0",
    )

    assert care_plan_from_fhir(as_stored(care_plan_to_fhir(plan, narrative="<div/>"), "p1")) == plan
    assert {"period", "created"}.isdisjoint(care_plan_to_fhir(a_plan(title=None), narrative="<div/>"))


def test_a_plan_keeps_what_else_its_links_say() -> None:
    theirs = as_stored(care_plan_to_fhir(a_plan(goals=("Goal/g1", "Goal/g2")), narrative="<div/>"), "p1")
    theirs["goal"][0]["display"] = "Walk"
    theirs["goal"].append({"identifier": {"value": "elsewhere"}})
    theirs["activity"] = [{"reference": {"reference": "ServiceRequest/s"}}, {"detail": {}}]
    plan = replace(
        care_plan_from_fhir(theirs), goals=("Goal/g1", "Goal/g3"), title="New", status=CarePlanStatus.ON_HOLD
    )
    ours = care_plan_to_fhir(plan, onto=theirs, narrative="<div>x</div>")

    assert ours["goal"] == [
        {"reference": "Goal/g1", "display": "Walk"},
        {"identifier": {"value": "elsewhere"}},
        {"reference": "Goal/g3"},
    ]
    assert (ours["title"], ours["status"], ours["activity"]) == ("New", "on-hold", theirs["activity"])
    assert plan.activities == ("ServiceRequest/s",)
    assert ours["text"] == {"status": "generated", "div": "<div>x</div>"}


def test_the_narrative_names_each_goal_who_agreed_and_what_is_only_offered() -> None:
    shared = an_agreed_goal(
        acceptances=(
            Acceptance(PATIENT, AGREE, display="Ann"),
            Acceptance(CLINICIAN, DISAGREE),
            Acceptance(MOTHER, PENDING),
        ),
        achievement_status=AchievementStatus.NO_CHANGE,
        status_date=PartialDate("2026-12-01"),
    )
    foreign = a_goal("completed", id="g2", description="<b>A & B</b>", acceptances=(), expressed_by=None)
    offered = a_goal(id="g3", description="Swim", acceptances=(), targets=(Target(STEPS, KG),))
    plan = a_plan(goals=("Goal/g1", "Goal/g2", "Goal/unknown"))
    gone = a_goal("rejected", id="g4", description="Gone")
    div = plan_narrative(plan, PlanContents((shared, foreign, offered, gone), names={CLINICIAN: "Dr Bo Berg"}))

    for said in (
        "under way since December 1, 2026, no change",
        "Agreed by Ann (patient). Not shared by Dr Bo Berg (care team). Waiting for the answer of a family member.",
        "&lt;b&gt;A &amp; B&lt;/b&gt;",
        "We do not know who agreed.",
        "<li>A goal that is kept elsewhere</li>",
        "Swim (target: steps: at most 72.50 kilo)</b> <i>(offered, not agreed)</i>. Said by the patient.",
    ):
        assert said in div
    assert "<p>2 goals are agreed. 1 goal is done. 1 offer waits for an answer.</p>" in div
    asking = a_goal(id="g5", acceptances=accepted({PATIENT: AGREE, CLINICIAN: PENDING}))
    asked = plan_narrative(a_plan(), PlanContents((asking,)))
    assert "Wanted by the patient. Waiting for the answer of the care team." in asked
    assert not {"Gone", "rosa", "unknown"} & set(re.split(r"\W+", div))
    assert "No goal is agreed yet" in plan_narrative(a_plan(title=None), PlanContents())
    three = an_agreed_goal(acceptances=accepted({PATIENT: AGREE, CLINICIAN: AGREE, MOTHER: AGREE}))
    assert agreement_note(three) == "Agreed by the patient, the care team, and a family member."


def test_lifecycle_statuses_of_r4_are_all_known() -> None:
    assert len(LifecycleStatus) == 9
    assert str(PartialDate("2026")) == "2026"
