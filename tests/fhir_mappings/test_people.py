"""A plan calls people by their names, wherever the record has them."""

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.narrative import called, named
from fhir_mappings.people import names_from_fhir


def a_person(kind: str, *names: Json) -> Json:
    return {"resourceType": kind, "id": "x", "name": list(names)}


BERG = {"family": "Berg", "given": ["Bo", "Ivar"], "prefix": ["Dr"]}


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        pytest.param(a_person("Practitioner", BERG), "Dr Bo Ivar Berg", id="put together"),
        pytest.param(a_person("Patient", {"text": "Ann of Ahl", "family": "Ahl"}), "Ann of Ahl", id="as written"),
        pytest.param(
            a_person("RelatedPerson", {"use": "old", "family": "Mole"}, {"use": "official", "family": "Moss"}),
            "Moss",
            id="never an old one",
        ),
        pytest.param(
            a_person("Patient", {"use": "official", "family": "Ahl"}, {"use": "usual", "given": ["Annie"]}),
            "Annie",
            id="as they are usually called",
        ),
        pytest.param({"resourceType": "Organization", "id": "x", "name": "Knee clinic"}, "Knee clinic", id="a place"),
        pytest.param({"resourceType": "CareTeam", "id": "x", "name": "Knee team"}, "Knee team", id="a team"),
    ],
)
def test_somebody_is_called_by_their_name(resource: Json, name: str) -> None:
    assert names_from_fhir([resource]) == {f"{resource['resourceType']}/x": name}


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(a_person("Patient"), id="no name"),
        pytest.param({"resourceType": "Patient", "id": "x"}, id="not readable"),
        pytest.param({"resourceType": "Organization", "id": "x"}, id="a place without a name"),
        pytest.param({"resourceType": "Goal", "id": "x", "name": [BERG]}, id="nobody"),
    ],
)
def test_who_has_no_name_is_not_given_one(resource: Json) -> None:
    assert names_from_fhir([resource]) == {}


def test_a_care_team_says_what_its_members_are_called_unless_they_say_it_themselves() -> None:
    members = [
        {"member": {"reference": "Practitioner/x/_history/2", "display": "Bo from the team"}},
        {"member": {"reference": "Practitioner/pat", "display": "Pat Palm"}},
        {"member": {"reference": "Practitioner/nameless"}},
        {"role": [{"text": "somebody"}]},
    ]
    team = {"resourceType": "CareTeam", "id": "t", "participant": members}

    assert names_from_fhir([a_person("Practitioner", BERG), team]) == {
        "Practitioner/x": "Dr Bo Ivar Berg",
        "Practitioner/pat": "Pat Palm",
    }


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("Practitioner/bo", "the care team"),
        ("PractitionerRole/bo", "the care team"),
        ("CareTeam/knee", "the care team"),
        ("RelatedPerson/rosa", "a family member"),
        ("Patient/ann", "the patient"),
        ("Organization/clinic", "a clinic"),
        ("Device/watch", "somebody"),
    ],
)
def test_who_has_no_name_is_called_by_what_they_are_never_by_an_id(reference: str, said: str) -> None:
    assert named(reference, None) == said
    assert called(reference, None, names={reference: "Kim"}) == "Kim"


def test_a_name_comes_with_what_somebody_is_where_that_is_known() -> None:
    names = {"Organization/clinic": "Knee clinic", "Device/watch": "A watch"}
    assert named("Organization/clinic", None, names=names) == "Knee clinic (clinic)"
    assert named("Device/watch", None, names=names) == "A watch"
