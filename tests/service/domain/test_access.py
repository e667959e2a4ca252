"""Who may see and name what, resource by resource."""

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import CONFIDENTIALITY, CarePlanStatus
from service.domain.access import (
    authorise,
    may_name,
    may_see,
    may_write_beside,
    must_be_in_scope,
    needed_for,
    without_content,
)
from service.domain.actors import Actor, ProxyRights, Right
from service.domain.care_plans import linked, must_be_kept_here, opened, with_hands, without_links
from service.domain.scopes import Interaction
from service.errors import NotPermitted, ScopeMissing, TransitionNotAllowed
from tests.builders import CLINICIAN, PATIENT, a_goal, a_plan, an_actor, an_agreed_goal, an_occasion

ANN, BO = an_actor(), an_actor(CLINICIAN, patients=None)
SEEN = {"Goal/g1"}


def about(patient: str | None, resource_type: str = "Goal", element: str = "subject") -> Json:
    return {"resourceType": resource_type, "id": "x", element: {"reference": patient} if patient else {}}


@pytest.mark.parametrize(
    ("actor", "resource", "sees"),
    [
        pytest.param(ANN, about(PATIENT), True, id="own"),
        pytest.param(ANN, about(f"{PATIENT}/_history/2"), True, id="own, by version"),
        pytest.param(ANN, about("Patient/zoe"), False, id="somebody else's"),
        pytest.param(ANN, about(None), False, id="about nobody"),
        pytest.param(ANN, about("Group/all"), False, id="about a group"),
        pytest.param(BO, about("Patient/zoe"), True, id="any patient"),
        pytest.param(BO, about(None), False, id="about nobody, for a clinician"),
        pytest.param(ANN, {"resourceType": "Patient", "id": "ann"}, True, id="oneself"),
        pytest.param(ANN, {"resourceType": "Patient", "id": "zoe"}, False, id="another patient"),
        pytest.param(ANN, {"resourceType": "Practitioner", "id": "bo"}, True, id="about no patient"),
        pytest.param(ANN, {"resourceType": "Basic", "id": "x"}, False, id="a type that nobody thought of"),
        pytest.param(ANN, about(PATIENT, "Task", "for"), True, id="by the element of its type"),
        pytest.param(
            ANN,
            {"resourceType": "Provenance", "id": "x", "target": [{"reference": "Goal/g1/_history/2"}]},
            True,
            id="who wrote what one sees",
        ),
        pytest.param(
            ANN,
            {"resourceType": "Provenance", "id": "x", "target": [{"reference": "Goal/zoe"}]},
            False,
            id="who wrote what one does not see",
        ),
        pytest.param(
            ANN,
            {"resourceType": "AuditEvent", "id": "x", "entity": [{"what": {"reference": "Goal/g1"}}]},
            True,
            id="who looked at what one sees",
        ),
    ],
)
def test_each_resource_is_judged_by_the_patient_it_is_about(actor: Actor, resource: Json, sees: bool) -> None:
    assert may_see(actor, resource, seen=SEEN) is sees


@pytest.mark.parametrize(
    ("reference", "may"),
    [
        ("urn:uuid:1", True),
        ("#contained", True),
        (PATIENT, True),
        ("Patient/zoe", False),
        ("Goal/g1", True),
        ("Goal/zoe", False),
        ("Provenance/p", False),
        ("Practitioner/bo", True),
        ("RelatedPerson/rosa", False),
    ],
)
def test_what_a_resource_may_refer_to(reference: str, may: bool) -> None:
    assert may_name(ANN, reference, seen=SEEN) is may
    assert may_name(an_actor("RelatedPerson/rosa"), "RelatedPerson/rosa", seen=SEEN)


PORTAL = an_actor(
    scopes=frozenset({"patient/Goal.cruds", "patient/CarePlan.rs", "patient/Observation.crs"}), context=PATIENT
)
GRANULAR = an_actor(scopes=frozenset({"patient/Goal.cruds?category=dietary"}), context=PATIENT)
DIET = {"category": [{"coding": [{"code": "dietary"}]}]}
SHARED = {"identifier": [{"system": "urn:coplan:care-plan", "value": "ann"}]}


def goal_task(focus: str = "Goal/g1") -> Json:
    return about(PATIENT, "Task", "for") | {"focus": {"reference": focus}}


@pytest.mark.parametrize(
    ("actor", "resource", "letters"),
    [
        pytest.param(PORTAL, about(PATIENT), "crus", id="a goal"),
        pytest.param(PORTAL, about("Patient/zoe"), "", id="somebody else's"),
        pytest.param(PORTAL, about(PATIENT, "CarePlan"), "rs", id="a plan"),
        pytest.param(PORTAL, about(PATIENT, "Condition"), "", id="another type"),
        pytest.param(PORTAL, goal_task(), "crus", id="a question about a goal"),
        pytest.param(PORTAL, goal_task("ServiceRequest/s"), "", id="a question about something else"),
        pytest.param(PORTAL, about(PATIENT, "Task", "for"), "", id="a question about nothing"),
        pytest.param(PORTAL, goal_task("urn:uuid:1"), "crus", id="about a goal of the same transaction"),
        pytest.param(PORTAL, goal_task("urn:uuid:2"), "", id="about something else of it"),
        pytest.param(PORTAL, {"resourceType": "Patient", "id": "ann"}, "rs", id="the patient"),
        pytest.param(PORTAL, {"resourceType": "Practitioner", "id": "bo"}, "rs", id="who works here"),
        pytest.param(PORTAL, {"resourceType": "Provenance", "target": [{"reference": "Goal/g1"}]}, "crus", id="ledger"),
        pytest.param(GRANULAR, about(PATIENT) | DIET, "crus", id="within the condition"),
        pytest.param(GRANULAR, about(PATIENT), "", id="outside the condition"),
        pytest.param(GRANULAR, goal_task(), "", id="a granular scope reaches no further"),
        pytest.param(an_actor(scopes=frozenset()), about(PATIENT), "", id="no scope"),
    ],
)
def test_one_judgement_for_all_that_passes(actor: Actor, resource: Json, letters: str) -> None:
    granted = (i for i in Interaction if authorise(actor, resource, i, seen=SEEN, new_goals={"urn:uuid:1"}))

    assert "".join(sorted(granted)) == "".join(sorted(letters))


@pytest.mark.parametrize(
    ("actor", "resource_type", "least"),
    [
        (PORTAL, "Condition", "patient/Condition.r"),
        (an_actor(scopes=frozenset({"user/Goal.s"})), "Goal", "user/Goal.r"),
        (an_actor("Device/app", scopes=frozenset({"system/Goal.s"})), "Goal", "system/Goal.r"),
        (GRANULAR, "Task", "patient/Task.r"),
    ],
)
def test_a_missing_scope_is_named_whatever_the_id(actor: Actor, resource_type: str, least: str) -> None:
    with pytest.raises(ScopeMissing) as refusal:
        must_be_in_scope(actor, resource_type, Interaction.READ)

    assert refusal.value.scope == least


def test_what_takes_no_scope_or_has_one_is_asked_for() -> None:
    for resource_type in ("Goal", "Task", "Communication", "Practitioner", "Patient", "Provenance"):
        must_be_in_scope(PORTAL, resource_type, Interaction.READ)
    with pytest.raises(NotPermitted, match="may not see"):
        blind = an_actor("RelatedPerson/rosa", proxy=ProxyRights(frozenset({Right.RECORD}), "consent"))
        must_be_in_scope(blind, "Practitioner", Interaction.READ)


PAIN = about(PATIENT, "Observation")
SECRET: Json = {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}}


@pytest.mark.parametrize(
    ("before", "after", "others", "may"),
    [
        pytest.param(None, about(PATIENT, "CarePlan") | SHARED, [], True, id="a patient's first plan"),
        pytest.param(None, about(PATIENT, "CarePlan"), [], False, id="another plan"),
        pytest.param(
            about(PATIENT, "CarePlan"), about(PATIENT, "CarePlan") | {"goal": []}, [about(PATIENT)], True, id="a link"
        ),
        pytest.param(about(PATIENT, "CarePlan"), about(PATIENT, "CarePlan") | {"goal": []}, [], False, id="by hand"),
        pytest.param(
            about(PATIENT, "CarePlan"),
            about(PATIENT, "CarePlan") | {"goal": []},
            [about("Patient/zoe")],
            False,
            id="with another patient's goal",
        ),
        pytest.param(
            about(PATIENT, "CarePlan"), about(PATIENT, "CarePlan") | {"title": "x"}, [about(PATIENT)], False, id="title"
        ),
        pytest.param(
            about(PATIENT),
            about(PATIENT) | {"achievementStatus": {}},
            [about(PATIENT, "Observation")],
            True,
            id="progress",
        ),
        pytest.param(about(PATIENT), about(PATIENT) | {"achievementStatus": {}}, [], False, id="no measurement"),
        pytest.param(
            about(PATIENT), about(PATIENT) | {"note": []}, [about(PATIENT, "Observation")], False, id="more than that"
        ),
        pytest.param(None, about(PATIENT), [about(PATIENT, "Observation")], False, id="a new goal"),
        pytest.param(None, about(PATIENT, "Condition"), [about(PATIENT)], False, id="anything else"),
        pytest.param(PAIN, PAIN | SECRET, [about(PATIENT) | SECRET], True, id="as private as its goal"),
        pytest.param(PAIN, PAIN | SECRET, [about(PATIENT)], False, id="more private than its goal"),
        pytest.param(PAIN, PAIN | SECRET, [about("Patient/zoe") | SECRET], False, id="as private as another's goal"),
        pytest.param(PAIN, PAIN | SECRET, [], False, id="private by itself"),
        pytest.param(PAIN, PAIN | SECRET | {"valueString": "x"}, [about(PATIENT) | SECRET], False, id="and its value"),
        pytest.param(None, PAIN | SECRET, [about(PATIENT) | SECRET], False, id="a new measurement"),
    ],
)
def test_what_is_written_beside_an_act(before: Json | None, after: Json, others: list[Json], may: bool) -> None:
    assert may_write_beside(PORTAL, after, before, others) is may


def test_only_the_patient_labels_what_is_about_a_goal() -> None:
    others = [about(PATIENT) | SECRET]

    assert not may_write_beside(an_actor(CLINICIAN), PAIN | SECRET, PAIN, others)
    assert not may_write_beside(an_actor("RelatedPerson/rosa"), PAIN | SECRET, PAIN, others)


def test_without_goals_to_update_no_plan_opens_along() -> None:
    reader = an_actor(scopes=frozenset({"patient/Goal.rs"}), context=PATIENT)

    assert not may_write_beside(reader, about(PATIENT, "CarePlan") | SHARED, None, [])
    assert not may_write_beside(PORTAL, about(None, "CarePlan") | SHARED, None, [])
    assert needed_for(about(PATIENT, "CarePlan") | SHARED, Interaction.CREATE) == ("Goal", Interaction.UPDATE)
    assert needed_for(about(PATIENT, "CarePlan"), Interaction.CREATE) == ("CarePlan", Interaction.CREATE)
    assert needed_for(about(PATIENT), Interaction.UPDATE) == ("Goal", Interaction.UPDATE)


def test_a_person_is_no_more_than_there_without_a_scope() -> None:
    ann = {"resourceType": "Patient", "id": "ann", "meta": {}, "name": [{"family": "Ahl"}]}
    named = an_actor(scopes=frozenset({"user/Patient.r"}))

    assert without_content(PORTAL, ann) == {"resourceType": "Patient", "id": "ann", "meta": {}}
    assert without_content(named, ann) == ann
    assert without_content(PORTAL, about(PATIENT)) == about(PATIENT)


def test_a_scope_for_one_patient_shows_no_family_of_another() -> None:
    launched = an_actor(CLINICIAN, scopes=frozenset({"patient/RelatedPerson.r"}), context=PATIENT, patients=None)
    family = [about(p, "RelatedPerson", "patient") | {"name": [{"text": "Rosa"}]} for p in (PATIENT, "Patient/zoe")]

    assert ["name" in without_content(launched, person) for person in family] == [True, False]


def test_the_family_does_not_see_what_is_private() -> None:
    assert may_see(ANN, about(PATIENT) | SECRET)
    assert not may_see(an_actor("RelatedPerson/rosa"), about(PATIENT) | SECRET)


def test_answers_are_kept_for_one_actor_token_and_right() -> None:
    actors = [
        PORTAL,
        GRANULAR,
        ANN,
        an_actor(CLINICIAN),
        an_actor(client_id="other"),
        an_actor(issuer="other"),
        an_actor(context=PATIENT),
        an_actor("RelatedPerson/rosa"),
        an_actor("RelatedPerson/rosa", proxy=ProxyRights(frozenset({Right.READ}), "consent")),
    ]

    assert len({a.fingerprint for a in actors}) == len(actors)


def test_only_the_care_team_is_not_on_the_patients_side() -> None:
    assert [an_actor(r).on_patient_side for r in (PATIENT, "RelatedPerson/rosa", CLINICIAN)] == [True, True, False]


def test_a_plan_links_what_is_agreed_and_names_who_had_a_hand_in_it() -> None:
    plan = opened(PATIENT, "Plan", [an_agreed_goal()], an_occasion(CLINICIAN))

    assert (plan.goals, plan.contributors) == (("Goal/g1",), (CLINICIAN, PATIENT))
    assert plan.shared
    assert linked(plan, an_agreed_goal(), an_occasion()).goals == plan.goals
    assert with_hands(plan, (None, CLINICIAN)) == plan
    with pytest.raises(TransitionNotAllowed, match="cannot be linked"):
        linked(plan, a_goal(), an_occasion())


def test_a_goal_leaves_a_plan() -> None:
    plan = without_links(a_plan(goals=("Goal/g1", "Goal/g2")), {"Goal/g1"})
    assert plan is not None
    assert plan.goals == ("Goal/g2",)


def test_goals_are_linked_from_open_plans_of_ours_only() -> None:
    must_be_kept_here(a_plan())
    with pytest.raises(TransitionNotAllowed, match="another system"):
        must_be_kept_here(a_plan(shared=None))
    with pytest.raises(TransitionNotAllowed, match="is revoked"):
        must_be_kept_here(a_plan(status=CarePlanStatus.REVOKED))


def test_new_resources_have_names_of_their_own() -> None:
    from service.domain.thread import Occasion

    names = {Occasion(ANN, an_occasion().at).new_id() for _ in range(3)}
    assert len(names) == 3
    assert all(n.startswith("urn:uuid:") for n in names)
