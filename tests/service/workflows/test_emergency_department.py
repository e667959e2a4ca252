"""Does the patient want to be admitted? Asked first, seen before the order is signed, and counted; on both servers."""

from datetime import UTC, datetime
from typing import Any

from fhir_mappings.carrier import Json
from tests.ehr import ADMISSION, EHR, drafts
from tests.people import World, said
from tests.service.workflows.test_preferences import HOME, states, visit


async def signed(world: World, order: Json, encounter: str) -> str:
    """What the EHR does once the clinician signs."""
    resource = {
        **order,
        "status": "active",
        "subject": {"reference": f"Patient/{world.patient}"},
        "encounter": {"reference": encounter},
        "requester": {"reference": world.bo.reference},
        "authoredOn": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return f"ServiceRequest/{(await world.fhir.post('ServiceRequest', json=resource)).json()['id']}"


async def asked_first(world: World) -> Json:
    return await world.bo.sees(f"/v1/patients/{world.patient}/asked-first")


async def test_the_patient_is_asked_first_and_the_answer_is_seen_before_the_order_is_signed(world: World) -> None:
    encounter = await visit(world, world.patient)
    at_triage = await states(
        world.ann,
        world.patient,
        **HOME,
        onlyIf="the pain stays bearable",
        askedBy=world.nora.reference,
        encounter=encounter,
    )
    on_server = await world.on_server(f"Observation/{at_triage['id']}")
    assert on_server["valueCodeableConcept"]["coding"][0]["code"] == "prefers-home"

    started = await EHR.card(world, "encounter-start", encounterId=encounter.partition("/")[2])
    assert started is not None
    assert started["summary"] == "Asked: the patient prefers care at home, under a condition"
    assert (started["indicator"], "suggestions" in started) == ("info", False)
    assert "I want to sleep in my own bed" in started["detail"]
    assert "Only if: the pain stays bearable." in started["detail"]

    conflict = await EHR.card(world, "order-sign", draftOrders=drafts(world, ADMISSION))
    assert conflict is not None
    assert conflict["summary"] == "Admission that the patient does not want: talk before you sign"
    assert conflict["indicator"] == "warning"
    assert "Ordered: Admit to ward 3" in conflict["detail"]
    assert "I want to sleep in my own bed" in conflict["detail"]
    assert all(reason["display"] for reason in conflict["overrideReasons"])
    assert conflict["links"][0]["type"] == "smart"
    assert conflict["links"][0]["label"] == "Ask again, and write down the answer"

    feedback = {
        "card": conflict["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": {k: conflict["overrideReasons"][0][k] for k in ("code", "system")}},
        "outcomeTimestamp": datetime.now(UTC).isoformat(),
    }
    path = "/cds-services/coplan-asked-first/feedback"
    for _ in range(2):
        assert said(await EHR.call(world.ann.http, path, {"feedback": [feedback]}), 200) == {"taken": 1}
    order = await signed(world, ADMISSION, encounter)
    measured = await asked_first(world)
    assert (measured["askedFirst"], measured["orders"], measured["share"]) == (1, 1, 1)
    assert measured["admissions"][0]["order"]["reference"] == order
    assert measured["admissions"][0]["asked"] == f"Observation/{at_triage['id']}"


async def test_that_nobody_has_asked_is_a_card_too_with_a_link_that_asks(world: World) -> None:
    encounter = await visit(world, world.patient)
    started = await EHR.card(world, "encounter-start", encounterId=encounter.partition("/")[2])
    assert started is not None
    assert started["summary"] == "Not asked yet: does the patient want to be admitted?"
    assert started["links"] == [
        {
            "label": "Ask, and write down the answer",
            "url": EHR.app,
            "type": "smart",
            "appContext": f'{{"ask":"admission","encounter":"{encounter}"}}',
        }
    ]
    signing = await EHR.card(world, "order-sign", draftOrders=drafts(world, ADMISSION))
    assert signing is not None
    assert (signing["summary"], signing["indicator"]) == (started["summary"], "warning")
    assert signing["uuid"] != started["uuid"]

    await signed(world, ADMISSION, encounter)
    await states(world.ann, world.patient, admission="wants-admission", saidAt="2026-01-01T00:00:00Z")
    measured = await asked_first(world)
    assert (measured["askedFirst"], measured["orders"]) == (0, 1), "noted afterwards, however far it is dated back"


async def test_who_could_not_be_asked_is_an_exception_and_not_a_failure(world: World) -> None:
    encounter = await visit(world, world.patient)
    await states(world.bo, world.patient, admission="could-not-be-asked", note="unconscious")
    card = await EHR.card(world, "order-sign", draftOrders=drafts(world, ADMISSION))
    assert card is not None
    assert card["summary"].startswith("Could not be asked yet")
    assert "unconscious" in card["detail"]
    await signed(world, ADMISSION, encounter)

    measured = await asked_first(world)
    assert (measured["askedFirst"], measured["orders"], measured["couldNotBeAsked"]) == (0, 0, 1)
    assert "share" not in measured


async def test_an_order_that_fits_gets_no_card(world: World) -> None:
    await states(world.ann, world.patient, admission="wants-admission")
    blood: dict[str, Any] = {"resourceType": "ServiceRequest", "status": "draft", "code": {"text": "Blood count"}}

    assert await EHR.card(world, "order-sign", draftOrders=drafts(world, ADMISSION)) is None
    assert await EHR.card(world, "order-sign", draftOrders=drafts(world, blood)) is None


async def test_a_routine_visit_does_not_nag(world: World) -> None:
    encounter = await visit(world, world.patient, "AMB")

    assert await EHR.card(world, "encounter-start", encounterId=encounter.partition("/")[2]) is None


async def test_the_chart_shows_what_waits_and_what_matters(world: World) -> None:
    assert await EHR.card(world, "patient-view", "coplan-what-matters") is None
    offer = await world.ann.proposes(world.patient, "Walk to the *shops* (again)")
    await states(world.ann, world.patient, **HOME)
    waiting = await EHR.card(world, "patient-view", "coplan-what-matters")
    assert waiting is not None
    assert waiting["summary"] == "1 offer waits for an answer of the care team; Prefers care at home"
    assert r"Walk to the \*shops\* \(again\)" in waiting["detail"]
    again = await EHR.card(world, "patient-view", "coplan-what-matters")
    assert again == waiting

    await world.bo.acts(offer, "accept")
    agreed = await EHR.card(world, "patient-view", "coplan-what-matters")
    assert agreed is not None
    assert agreed["summary"] == "1 agreed goal; Prefers care at home"
    assert agreed["uuid"] != waiting["uuid"]


async def test_a_visit_that_is_booked_gets_an_agenda(world: World) -> None:
    appointment = {
        "resourceType": "Appointment",
        "status": "proposed",
        "participant": [{"actor": {"reference": f"Patient/{world.patient}"}, "status": "tentative"}],
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": appointment}]}
    assert await EHR.card(world, "appointment-book", "coplan-agenda", appointments=bundle) is None
    await world.ann.proposes(world.patient, "Walk to the shops")
    card = await EHR.card(world, "appointment-book", "coplan-agenda", appointments=bundle)

    assert card is not None
    assert card["summary"] == "For the agenda: 1 offer is open"
