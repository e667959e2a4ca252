"""Who may see and name what, resource by resource."""

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import CarePlanStatus
from service.domain.access import may_name, may_see
from service.domain.actors import Actor
from service.domain.care_plans import linked, must_be_kept_here, opened, with_hands, without_goals
from service.errors import TransitionNotAllowed
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
    assert without_goals(None, {"Goal/g1"}) is None
    plan = without_goals(a_plan(goals=("Goal/g1", "Goal/g2")), {"Goal/g1"})
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
