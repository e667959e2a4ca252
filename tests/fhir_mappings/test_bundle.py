"""Bundles, outcomes and compartments."""

from typing import Any

import pytest

from fhir_mappings.audit_event import audit_event_to_fhir
from fhir_mappings.bundle import (
    Create,
    Update,
    Written,
    collection,
    next_link,
    resources,
    searchset,
    transaction,
    written,
)
from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act
from fhir_mappings.compartment import patient_of, references_in
from fhir_mappings.elements import MappingError
from fhir_mappings.operation_outcome import Issue, issue_codes, operation_outcome
from tests.builders import CLINICIAN, NOW, PATIENT

GOAL: Json = {"resourceType": "Goal", "id": "g1", "subject": {"reference": PATIENT}}
NEW = Create({"resourceType": "Task", "focus": {"reference": "urn:uuid:1"}}, "urn:uuid:2", "identifier=a|b")
ENTRIES = (Create({"resourceType": "Goal"}, "urn:uuid:1"), NEW, Update(GOAL, "3"))


def answered(status: str, **response: Any) -> Json:
    return {"response": {"status": status, **response}}


ANSWER = {
    "entry": [
        answered("201 Created", location="http://server/fhir/Goal/new/_history/1", lastModified="2026-12-01T00:00:00Z"),
        answered("201", location="Task/k9/_history/1"),
        answered("200 OK", etag='W/"4"'),
    ]
}


def test_a_transaction_carries_its_preconditions() -> None:
    requests = [e["request"] for e in transaction(ENTRIES)["entry"]]

    assert requests == [
        {"method": "POST", "url": "Goal"},
        {"method": "POST", "url": "Task", "ifNoneExist": "identifier=a|b"},
        {"method": "PUT", "url": "Goal/g1", "ifMatch": 'W/"3"'},
    ]


def test_what_was_written_has_its_ids_its_versions_and_resolved_references() -> None:
    goal, task, updated = written(ENTRIES, ANSWER)

    assert (goal.reference, goal.version, goal.created) == ("Goal/new", "1", True)
    assert goal.resource["meta"]["lastUpdated"] == "2026-12-01T00:00:00Z"
    assert task.resource["focus"] == {"reference": "Goal/new"}
    assert (updated.reference, updated.version, updated.created) == ("Goal/g1", "4", False)
    assert Written({"id": "x", "resourceType": "Goal"}, False).version is None


def test_a_create_that_found_its_like_says_what_it_found() -> None:
    found = written([NEW], {"entry": [answered("200", location="Task/k1/_history/7")]})[0]
    assert (found.reference, found.version, found.created) == ("Task/k1", "7", False)
    assert set(found.resource) == {"resourceType", "id", "meta"}
    whole = written([NEW], {"entry": [answered("200") | {"resource": {"resourceType": "Task", "id": "k1"}}]})[0]
    assert (whole.id, whole.created) == ("k1", False)


@pytest.mark.parametrize(
    "answer",
    [{}, {"entry": []}, {"entry": [answered("201")]}, {"entry": [answered("201", location="a/Task/x/y")]}],
)
def test_an_answer_that_does_not_say_what_was_written_is_no_answer(answer: Json) -> None:
    with pytest.raises(MappingError, match=r"Bundle\.entry"):
        written([NEW], answer)


def test_a_page_has_resources_and_perhaps_a_next_one() -> None:
    page = {
        "entry": [{"resource": GOAL}, {"fullUrl": "x"}, {"resource": {}, "search": {"mode": "outcome"}}],
        "link": [{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}],
    }

    assert (resources(page), next_link(page), next_link({})) == ([GOAL], "b", None)


def test_what_is_answered_as_a_bundle_counts_what_the_actor_sees() -> None:
    assert searchset([GOAL])["total"] == 1
    assert searchset([]) == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert collection([GOAL]) == {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": GOAL}]}


def test_an_issue_names_its_element_and_the_request() -> None:
    outcome = operation_outcome([Issue("invalid", "is wrong", "Goal.x"), Issue("conflict", "changed")], "req-1")

    assert [i["diagnostics"] for i in outcome["issue"]] == ["req-1", "req-1"]
    assert issue_codes(outcome) == ("invalid@Goal.x", "conflict")
    assert issue_codes({"issue": [{}]}) == ("unknown",)


@pytest.mark.parametrize(
    ("resource", "patient"),
    [
        (GOAL, PATIENT),
        ({"resourceType": "Patient", "id": "ann"}, PATIENT),
        ({"resourceType": "Task", "for": {"reference": f"{PATIENT}/_history/1"}}, PATIENT),
        ({"resourceType": "Goal", "subject": {"display": "Ann"}}, None),
        ({"resourceType": "Goal", "subject": "x"}, None),
        ({"resourceType": "Practitioner"}, None),
        ({}, None),
    ],
)
def test_the_patient_that_a_resource_is_about(resource: Json, patient: str | None) -> None:
    assert patient_of(resource) == patient


def test_every_reference_is_found_with_its_path() -> None:
    found = dict(references_in({"a": [{"reference": "Goal/1"}], "b": {"c": {"reference": 5}}, "d": "x"}, "Task"))

    assert found == {"Task.a[0].reference": "Goal/1"}


@pytest.mark.parametrize(("act", "action"), [(Act.PROPOSE, "C"), (Act.ACCEPT, "U")])
def test_an_audit_event_says_who_did_what_to_whose_data_with_which_application(act: Act, action: str) -> None:
    observed = act is Act.ACCEPT
    event = audit_event_to_fhir(
        act=act,
        actor=CLINICIAN,
        client_id="portal",
        patient=PATIENT,
        written=["Goal/g1"],
        recorded=NOW,
        request_id="req-1",
        operation="op",
        observer="Organization/o" if observed else None,
    )

    assert event["action"] == action
    assert event["agent"][0]["who"] == {"reference": CLINICIAN}
    assert event["agent"][1]["who"] == {"identifier": {"value": "portal"}}
    assert [e["what"].get("reference") for e in event["entity"]] == [PATIENT, "Goal/g1", None]
    assert event["entity"][2]["what"]["identifier"]["value"] == "req-1"
    assert event["source"]["observer"] == (
        {"reference": "Organization/o"} if act is Act.ACCEPT else {"display": "CoPlan"}
    )


def test_references_are_resolved_in_lists_too() -> None:
    entry = Create({"resourceType": "Task", "x": [{"reference": "urn:uuid:2"}, 5]}, "urn:uuid:2")

    assert written([entry], {"entry": [answered("201", location="Task/k/_history/1")]})[0].resource["x"] == [
        {"reference": "Task/k"},
        5,
    ]
