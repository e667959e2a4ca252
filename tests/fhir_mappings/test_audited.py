"""The AuditEvent of a read or a refusal, after IHE BALP, and valid as R4."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime

from fhir_mappings.audit_event import access_event_to_fhir, sent_before, without_references
from fhir_mappings.audited import Access, AuditOutcome, Interaction
from fhir_mappings.r4 import check

READ = Access(
    id="e1",
    interaction=Interaction.READ,
    outcome=AuditOutcome.SUCCESS,
    status=200,
    query="GET /v1/goals/g1",
    recorded=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    request_id="r1",
    who="Practitioner/bo",
    client_id="portal",
    network="192.0.2.1",
    patient="Patient/ann",
    data=("Goal/g1",),
    observer="Organization/clinic",
)


def test_a_read_says_who_read_what_of_whom_with_which_application() -> None:
    event = check(access_event_to_fhir(READ))

    assert event["subtype"] == [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}]
    assert (event["action"], event["outcome"], event["outcomeDesc"]) == ("R", "0", "HTTP 200")
    user, application = event["agent"]
    assert (user["who"], user["requestor"]) == ({"reference": "Practitioner/bo"}, True)
    assert "network" not in user
    assert application["who"]["identifier"]["value"] == "portal"
    patient, data, query, request = event["entity"]
    assert (patient["what"]["reference"], patient["role"]["code"]) == ("Patient/ann", "1")
    assert (data["what"]["reference"], data["role"]["code"]) == ("Goal/g1", "4")
    assert (b64decode(query["query"]), query["role"]["code"]) == (b"GET /v1/goals/g1", "24")
    assert request["what"]["identifier"]["value"] == "r1"
    assert event["source"]["observer"] == {"reference": "Organization/clinic"}


def test_a_request_of_nobody_says_where_it_came_from() -> None:
    nobody = replace(READ, who=None, client_id=None, patient=None, data=(), observer=None)
    event = check(access_event_to_fhir(nobody))

    assert event["agent"] == [
        {"who": {"display": "not identified"}, "requestor": True, "network": {"address": "192.0.2.1", "type": "2"}}
    ]
    assert len(event["entity"]) == 2
    assert event["source"]["observer"] == {"display": "CoPlan"}
    assert "network" not in access_event_to_fhir(replace(nobody, network=None))["agent"][0]


def test_a_search_is_executed() -> None:
    event = access_event_to_fhir(replace(READ, interaction=Interaction.SEARCH))

    assert (event["action"], event["subtype"][0]["code"]) == ("E", "search-type")


def test_an_event_is_found_again_by_its_tag() -> None:
    assert sent_before(access_event_to_fhir(READ)) == "_tag=urn:coplan:audited-request|e1"


def test_without_references_everything_is_named_by_identifier() -> None:
    event = without_references(access_event_to_fhir(READ))

    assert "'reference'" not in str(check(event))
    assert event["entity"][0]["what"] == {"identifier": {"value": "Patient/ann"}}
    assert without_references(event) == event
