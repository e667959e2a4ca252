"""A last look at what leaves: who may say and change which element."""

from copy import deepcopy
from typing import Any

import pytest
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.goal import Goal
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    CONFIDENTIALITY,
    GOAL_PRIORITY,
    GOAL_RELATIONSHIP,
    GOAL_THREAD,
    INTEGRITY,
    AcceptanceStatus,
)
from fhir_mappings.goal import goal_to_fhir
from fhir_mappings.model import Acceptance
from service.domain.actors import ProxyRights, Right
from service.domain.edits import CHANGEABLE, PATIENT_SIDE, must_be_theirs_to_write
from service.domain.policy import DEFAULT_POLICY, Policy
from service.errors import NotPermitted
from tests.builders import AGREE, CLINICIAN, DISAGREE, MOTHER, NURSE, PATIENT, PENDING, a_goal, accepted, an_actor

EVERYTHING = ProxyRights(frozenset(Right), "policy")
WHO = {
    "patient": an_actor(),
    "family": an_actor(MOTHER, proxy=EVERYTHING),
    "clinician": an_actor(CLINICIAN),
}
SECRET = {"system": CONFIDENTIALITY, "code": "R"}
ASSERTED = {"system": INTEGRITY, "code": "PATAST"}


def a_resource(**parts: Any) -> Json:
    return goal_to_fhir(a_goal()) | {"id": "g1", "meta": {"versionId": "1"}} | parts


DATED: Json = {"date": "2026-11-30T10:00:00Z"}


def refused(who: str, before: Json | None, after: Json, policy: Policy = DEFAULT_POLICY) -> str:
    """The elements that are not theirs to write; empty where all are."""
    try:
        must_be_theirs_to_write(WHO[who], before, after, policy)
    except NotPermitted as exc:
        return str(exc).removeprefix("not yours to write: ")
    return ""


def elements_of(model: Any) -> set[str]:
    own = {f.alias or n for n, f in model.model_fields.items()}
    return {n for n in own if not n.startswith(("_", "resource")) and n not in {"id", "fhir_comments"}}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("model", "resource_type"), [(Goal, "Goal"), (CarePlan, "CarePlan")])
@given(data=st.data())
def test_no_element_changes_that_is_not_in_the_table(model: Any, resource_type: str, who: str, data: Any) -> None:
    """All elements that R4 has: removed, added, or something else in their place."""
    element = data.draw(st.sampled_from(sorted(elements_of(model))))
    value = data.draw(
        st.sampled_from(["x", {"reference": "Patient/zoe"}, [{"text": "x"}], {"coding": [{"code": "x"}]}])
    )
    other = data.draw(st.sampled_from([None, "y", [{"text": "y"}], {"text": "y"}]))
    before: Json = {"resourceType": resource_type, "id": "x", "subject": {"reference": PATIENT}, "status": "active"}
    before = before | {element: value} if data.draw(st.booleans()) else before
    after = {k: v for k, v in before.items() if k != element} | ({element: other} if other else {})
    table = (CHANGEABLE if who == "clinician" else PATIENT_SIDE)[resource_type]
    if element.removeprefix("_") in table or before == after:
        return

    assert f"{resource_type}.{element}" in refused(who, before, after).split(", ")


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    "change",
    [
        {"subject": {"reference": "Patient/zoe"}},
        {"subject": {"reference": PATIENT, "display": "Zoe"}},
        {"description": {"text": "Something else"}},
        {"_description": {"extension": []}},
        {"expressedBy": {"reference": CLINICIAN}},
        {"target": [{"dueDate": "2027-01-01"}]},
        {"category": [{"text": "x"}]},
        {"text": {"status": "generated", "div": "x"}},
        {"contained": [{"resourceType": "Patient"}]},
        {"modifierExtension": [{"url": "urn:x"}]},
        {"note": []},
        {"note": [{"text": "Rewritten"}]},
        {"identifier": [{"system": "urn:ehr", "value": "1"}]},
        {"identifier": [{"system": GOAL_THREAD, "value": "t1"}, {"system": "urn:ehr", "value": "1"}]},
        {"priority": {"coding": [{"system": GOAL_PRIORITY, "code": "high-priority"}]}},
        {"extension": [{"url": "urn:ehr:secret", "valueString": "x"}]},
        {"meta": {"tag": [{"system": "urn:x", "code": "y"}]}},
        {"meta": {"profile": ["urn:x"]}},
        {"meta": {"security": [ASSERTED]}},
        {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "N"}, {"code": "x"}]}},
    ],
)
def test_nobody_changes_an_offer(who: str, change: Json) -> None:
    assert refused(who, a_resource(), a_resource(**change))


def with_note(by: str) -> Json:
    return {"note": [*a_resource()["note"], {"text": "x", "authorReference": {"reference": by}}]}


def with_positions(**positions: AcceptanceStatus | None) -> Json:
    people = {"ann": PATIENT, "bo": CLINICIAN, "nora": NURSE, "rosa": MOTHER}
    given = {people[k]: v for k, v in positions.items() if v is not None}
    return a_resource(extension=goal_to_fhir(a_goal(acceptances=accepted(given))).get("extension", []))


@pytest.mark.parametrize(
    ("who", "before", "after", "flaw"),
    [
        pytest.param("patient", {"ann": PENDING}, {"ann": AGREE}, "", id="one's own"),
        pytest.param("clinician", {"ann": PENDING}, {"ann": AGREE}, "Goal.extension", id="somebody else's"),
        pytest.param("patient", {"bo": PENDING}, {"bo": AGREE}, "Goal.extension", id="the clinician's"),
        pytest.param("clinician", {"nora": DISAGREE}, {"nora": PENDING}, "Goal.extension", id="a colleague's"),
        pytest.param("clinician", {"ann": AGREE}, {"ann": None}, "Goal.extension", id="taken out"),
        pytest.param("patient", {}, {"nora": PENDING}, "", id="somebody is asked"),
        pytest.param("patient", {}, {"nora": AGREE}, "Goal.extension", id="asked and answered for"),
        pytest.param("family", {"ann": PENDING}, {"rosa": AGREE}, "", id="in the patient's place"),
        pytest.param("family", {"ann": AGREE}, {"rosa": AGREE}, "Goal.extension", id="over the patient's word"),
        pytest.param("family", {"bo": PENDING}, {"rosa": AGREE}, "Goal.extension", id="in a clinician's place"),
        pytest.param("clinician", {"ann": PENDING}, {"bo": AGREE}, "Goal.extension", id="a clinician for the patient"),
    ],
)
def test_everybody_speaks_for_themselves(who: str, before: Json, after: Json, flaw: str) -> None:
    assert refused(who, with_positions(**before), with_positions(**after)) == flaw


@pytest.mark.parametrize(
    ("who", "before", "change", "flaw"),
    [
        pytest.param("patient", {}, with_note(PATIENT), "", id="a note of one's own"),
        pytest.param("patient", {}, with_note(CLINICIAN), "Goal.note", id="a note of another"),
        pytest.param("patient", {}, {"lifecycleStatus": "active"}, "", id="status"),
        pytest.param("patient", {}, {"startDate": "2026-12-01"}, "", id="start where there was none"),
        pytest.param("patient", {"startDate": "2026"}, {"startDate": "2027"}, "Goal.startDate", id="another start"),
        pytest.param("patient", {"identifier": []}, {"identifier": [{"system": GOAL_THREAD}]}, "", id="thread"),
        pytest.param("patient", {}, {"outcomeReference": [{"reference": "Observation/x"}]}, "", id="outcome"),
        pytest.param("family", {}, {"lifecycleStatus": "cancelled"}, "Goal.lifecycleStatus", id="the patient's goal"),
        pytest.param("family", {}, {"lifecycleStatus": "rejected"}, "", id="declined in their place"),
        pytest.param(
            "family", {"expressedBy": {"reference": CLINICIAN}}, {"lifecycleStatus": "cancelled"}, "", id="another's"
        ),
        pytest.param("patient", {}, {"lifecycleStatus": "cancelled"}, "", id="one's own goal"),
        pytest.param(
            "family",
            {"lifecycleStatus": "cancelled"},
            {"outcomeReference": [{"reference": "Observation/x"}]},
            "",
            id="over",
        ),
        pytest.param("patient", {}, {"extension": [{"url": "urn:x"}]}, "Goal.extension", id="of another system"),
        pytest.param("patient", {}, {"meta": {"security": [SECRET]}}, "", id="made private"),
        pytest.param("clinician", {}, {"meta": {"security": [SECRET]}}, "", id="made private for them"),
        pytest.param("family", {}, {"meta": {"security": [SECRET]}}, "Goal.meta.security", id="a mother may not"),
        pytest.param("patient", {"meta": {"security": [SECRET]}}, {"meta": {}}, "", id="shown again"),
        pytest.param(
            "clinician", {"meta": {"security": [SECRET]}}, {"meta": {}}, "Goal.meta.security", id="not by others"
        ),
        pytest.param(
            "patient", {"meta": {"security": [ASSERTED]}}, {"meta": {}}, "Goal.meta.security", id="its origin hidden"
        ),
    ],
)
def test_an_act_changes_what_it_is_about(who: str, before: Json, change: Json, flaw: str) -> None:
    was = a_resource(**before)
    now = was | change | ({"expressedBy": was["expressedBy"]} if "expressedBy" in before else {})
    assert refused(who, was, now) == flaw


def test_a_family_member_gives_up_the_patients_goal_for_another_or_by_policy() -> None:
    after = a_resource(lifecycleStatus="cancelled")
    replaced = deepcopy(after)
    replaced["extension"].append({"url": GOAL_RELATIONSHIP, "extension": []})

    assert refused("family", a_resource(), replaced) == ""
    assert refused("family", a_resource(), after, Policy(proxies_end_patients_goals=True)) == ""
    assert refused("clinician", replaced, after) == "Goal.extension"


def test_a_priority_stands_once_all_agree_on_it() -> None:
    from fhir_mappings.codes import GoalPriority

    high = GoalPriority.HIGH
    agreed = a_goal(acceptances=(Acceptance(PATIENT, AGREE, high), Acceptance(CLINICIAN, AGREE, high)))
    before = goal_to_fhir(agreed) | {"id": "g1"}
    priority = {"coding": [{"system": GOAL_PRIORITY, "code": "high-priority"}]}

    assert refused("clinician", before, before | {"priority": priority}) == ""
    assert refused("clinician", a_resource(), a_resource(priority=priority)) == "Goal.priority"
    asked = goal_to_fhir(a_goal(acceptances=(Acceptance(PATIENT, AGREE), Acceptance(NURSE, PENDING, high))))
    assert refused("patient", a_resource(), a_resource(extension=asked["extension"])) == "Goal.extension"


OTHERS: list[Any] = [
    pytest.param("patient", "Task", {}, {"status": "completed", "output": [{}]}, "", id="an answer"),
    pytest.param("patient", "Task", {}, {"owner": {"reference": PATIENT}}, "Task.owner", id="another owner"),
    pytest.param("clinician", "Task", {}, {"owner": {"reference": CLINICIAN}}, "", id="a clinician takes it"),
    pytest.param("clinician", "Task", {}, {"focus": {"reference": "Goal/x"}}, "Task.focus", id="another question"),
    pytest.param("patient", "Task", {"output": [{"a": 1}]}, {"output": []}, "Task.output", id="an answer taken out"),
    pytest.param("patient", "CarePlan", {}, {"title": "Mine"}, "CarePlan.title", id="a title"),
    pytest.param("clinician", "CarePlan", {}, {"title": "Ours"}, "", id="a title by a clinician"),
    pytest.param("patient", "CarePlan", {}, {"goal": [{"reference": "Goal/g"}]}, "", id="a link"),
    pytest.param("clinician", "CarePlan", {"contributor": [{}]}, {}, "", id="nothing"),
    pytest.param("clinician", "CarePlan", {"contributor": [{}]}, {"contributor": []}, "CarePlan.contributor", id="out"),
    pytest.param("clinician", "CarePlan", {}, {"author": {}}, "CarePlan.author", id="an author"),
    pytest.param("patient", "ServiceRequest", {}, {"status": "active"}, "", id="no table for its type"),
    pytest.param("patient", "ServiceRequest", {}, {"subject": {"reference": PATIENT, "type": "x"}}, "x", id="subject"),
    pytest.param("clinician", "List", DATED, {"status": "retired"}, "List.entry", id="the patient's order"),
    pytest.param("patient", "List", DATED, {"status": "retired"}, "", id="one's own order"),
    pytest.param("patient", "Observation", {}, {"status": "amended"}, "Observation.status", id="of somebody else"),
    pytest.param("clinician", "Observation", {}, {"status": "entered-in-error"}, "", id="void by a clinician"),
    pytest.param("clinician", "Observation", {}, {"note": [{"text": "x"}]}, "", id="with a word of why"),
    pytest.param("clinician", "Observation", {}, {"valueString": "x"}, "Observation.valueString", id="not its value"),
    pytest.param(
        "patient", "Observation", {"performer": [{"reference": PATIENT}]}, {"valueString": "x"}, "", id="one's own"
    ),
    pytest.param(
        "patient", "Observation", {"performer": [{"reference": PATIENT}]}, {"code": {}}, "Observation.code", id="code"
    ),
]


@pytest.mark.parametrize(("who", "resource_type", "before", "change", "flaw"), OTHERS)
def test_other_types_have_their_own_table(who: str, resource_type: str, before: Json, change: Json, flaw: str) -> None:
    element = "for" if resource_type == "Task" else "subject"
    was = {"resourceType": resource_type, "id": "x", element: {"reference": PATIENT}, **before}
    found = refused(who, was, was | change)

    assert found == flaw if flaw != "x" else found == "ServiceRequest.subject"


@pytest.mark.parametrize(
    ("who", "resource", "flaw"),
    [
        pytest.param("patient", {"resourceType": "Goal", "expressedBy": {"reference": PATIENT}}, "", id="own goal"),
        pytest.param(
            "clinician", {"resourceType": "Goal", "expressedBy": {"reference": PATIENT}}, "Goal.expressedBy", id="not"
        ),
        pytest.param("patient", {"resourceType": "Goal"}, "Goal.expressedBy", id="a goal of nobody"),
        pytest.param(
            "family", {"resourceType": "Task", "requester": {"reference": PATIENT}}, "Task.requester", id="as patient"
        ),
        pytest.param("family", {"resourceType": "Communication", "sender": {"reference": MOTHER}}, "", id="a message"),
        pytest.param("patient", {"resourceType": "Observation", "performer": [{"reference": PATIENT}]}, "", id="mine"),
        pytest.param("patient", {"resourceType": "Observation", "performer": [{"display": "x"}]}, "", id="by name"),
        pytest.param(
            "family",
            {"resourceType": "Observation", "performer": [{"reference": PATIENT}]},
            "Observation.performer",
            id="family as patient",
        ),
        pytest.param(
            "clinician", {"resourceType": "Observation", "performer": [{"reference": PATIENT}]}, "", id="written down"
        ),
        pytest.param(
            "clinician",
            {"resourceType": "Observation", "performer": [{"reference": NURSE}]},
            "Observation.performer",
            id="in a colleague's name",
        ),
        pytest.param(
            "patient", {"resourceType": "Observation", "performer": [{"reference": "Organization/x"}]}, "", id="a place"
        ),
        pytest.param(
            "patient", {"resourceType": "Provenance", "agent": [{"who": {"reference": PATIENT}}]}, "", id="stamp"
        ),
        pytest.param(
            "patient",
            {"resourceType": "Provenance", "agent": [{"who": {"reference": CLINICIAN}}]},
            "Provenance.agent",
            id="forged stamp",
        ),
        pytest.param("family", {"resourceType": "AuditEvent", "agent": [{}]}, "AuditEvent.agent", id="nobody did it"),
        pytest.param("patient", {"resourceType": "Observation", "meta": {"security": [ASSERTED]}}, "", id="said so"),
        pytest.param(
            "clinician",
            {"resourceType": "Observation", "meta": {"security": [ASSERTED]}},
            "Observation.meta.security",
            id="said by no patient",
        ),
        pytest.param(
            "patient",
            {"resourceType": "Observation", "meta": {"security": [{"system": "urn:x", "code": "y"}]}},
            "Observation.meta.security",
            id="another label",
        ),
        pytest.param("patient", {"resourceType": "Observation", "meta": {"security": [SECRET]}}, "", id="private"),
        pytest.param(
            "family",
            {"resourceType": "Observation", "meta": {"security": [SECRET]}},
            "Observation.meta.security",
            id="private to oneself",
        ),
    ],
)
def test_what_is_new_is_said_in_ones_own_name(who: str, resource: Json, flaw: str) -> None:
    assert refused(who, None, resource) == flaw


@pytest.mark.parametrize(
    ("rights", "before", "after", "may"),
    [
        ({"read"}, None, {"resourceType": "Observation"}, False),
        ({"read", "record"}, None, {"resourceType": "Observation"}, True),
        ({"read", "record"}, {"resourceType": "Goal"}, {"resourceType": "Goal", "achievementStatus": {}}, True),
        ({"read", "record"}, {"resourceType": "Goal"}, {"resourceType": "Goal", "note": []}, False),
        ({"read", "record"}, {"resourceType": "Task"}, {"resourceType": "Task", "status": "x"}, False),
        (set(), None, {"resourceType": "Provenance", "agent": [{"who": {"reference": MOTHER}}]}, True),
    ],
)
def test_a_family_member_writes_as_far_as_allowed(rights: set[str], before: Json, after: Json, may: bool) -> None:
    actor = an_actor(MOTHER, proxy=ProxyRights(frozenset(Right(r) for r in rights), "consent"))
    if may:
        must_be_theirs_to_write(actor, before, after, DEFAULT_POLICY)
        return
    with pytest.raises(NotPermitted, match="decided by consent"):
        must_be_theirs_to_write(actor, before, after, DEFAULT_POLICY)


def test_an_application_without_a_user_writes_nothing() -> None:
    with pytest.raises(NotPermitted, match="token with fhirUser"):
        must_be_theirs_to_write(an_actor("Device/app"), None, {"resourceType": "Observation"}, DEFAULT_POLICY)


def test_a_custodian_corrects_what_others_measured() -> None:
    before = {"resourceType": "Observation", "subject": {"reference": PATIENT}, "performer": [{"reference": PATIENT}]}
    after = before | {"valueString": "x"}

    assert refused("clinician", before, after) == "Observation.valueString"
    assert refused("clinician", before, after, Policy(custodians=frozenset({CLINICIAN}))) == ""


def test_a_goal_never_moves_to_another_patient() -> None:
    moved = a_resource(subject={"reference": "Patient/zoe"})

    assert refused("clinician", a_resource(), moved) == "Goal.subject"
    assert refused("clinician", {"resourceType": "Basic", "id": "a"}, {"resourceType": "Basic", "id": "b"}) == ""
    another = {"resourceType": "Patient", "id": "b"}
    assert refused("clinician", {"resourceType": "Patient", "id": "a"}, another) == "Patient.id"
