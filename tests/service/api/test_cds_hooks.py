"""CDS Hooks by its specification: each invariant, requests of the shape of its examples, and who is kept out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from fhir_mappings.carrier import Json, decode
from service import errors
from service.api import cds_hooks
from service.domain.actors import Actor
from service.gateways.fhir_client import open_fhir_client
from service.logs import ALLOWED
from service.ports import FhirGateway
from service.workflows import decision_support
from tests.conftest import FhirServer, app_with, open_test_services
from tests.ehr import ADMISSION, EHR, drafts, hooked
from tests.people import World, said
from tests.service.workflows.test_preferences import HOME, states

ASKED_FIRST = "/cds-services/coplan-asked-first"
WHAT_MATTERS = "/cds-services/coplan-what-matters"


@pytest.fixture
def fhir_server(embedded_server: FhirServer) -> FhirServer:
    """The workflows run on both servers; here it is about the wire."""
    return embedded_server


def by_the_specification(answer: Json) -> Json:
    """Every rule for an answer: cds-resp-1 to 7, and what the tables of attributes say."""
    assert isinstance(answer["cards"], list)
    assert "systemActions" not in answer
    for card in answer["cards"]:
        assert UUID(card["uuid"])
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in {"info", "warning", "critical"}
        assert card["source"]["label"]
        assert "suggestions" not in card and "selectionBehavior" not in card  # cds-resp-1, 2, 5, 6, 7
        for reason in card.get("overrideReasons", []):
            assert reason["display"] and reason["code"]  # cds-resp-4
        for link in card.get("links", []):
            assert link["label"] and link["url"].startswith("https://")
            assert link["type"] in {"absolute", "smart"}
            assert link["type"] == "smart" or "appContext" not in link  # cds-resp-3
    assert_nothing_is_null_or_empty(answer["cards"])
    return answer


def assert_nothing_is_null_or_empty(value: Any, *, top: bool = True) -> None:
    assert value is not None and (top or value not in ("", [], {}))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        assert_nothing_is_null_or_empty(inner, top=False)


async def asks(world: World, path: str, body: Json, status: int = 200, token: str | None = None) -> Json:
    answer = said(await EHR.call(world.ann.http, path, body, token), status)
    return by_the_specification(answer) if status == 200 else answer


async def test_discovery_is_by_the_specification(world: World) -> None:
    services = said(await EHR.discovers(world.ann.http), 200)["services"]

    assert {(s["hook"], s["id"]) for s in services} == {
        ("patient-view", "coplan-what-matters"),
        ("encounter-start", "coplan-asked-first"),
        ("order-select", "coplan-asked-first"),
        ("order-sign", "coplan-asked-first"),
        ("appointment-book", "coplan-agenda"),
    }
    for service in services:
        assert service["description"] and service["title"]
        for template in service["prefetch"].values():
            assert "{{context." in template and ":" not in template.partition("?")[0]
    assert_nothing_is_null_or_empty(services)


@pytest.mark.parametrize("authorization", [None, "Basic canary"])
async def test_a_call_without_a_token_is_in_the_log(
    authorization: str | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, Any]] = []
    told = SimpleNamespace(info=lambda event, **fields: written.append({"event": event, **fields}))
    monkeypatch.setattr(cds_hooks, "log", told)
    request = world.ann.http.build_request("POST", "/cds-services/canary", json={})
    request.headers.pop("Authorization", None)
    request.headers.update({"Authorization": authorization} if authorization else {})

    assert (await world.ann.http.send(request)).status_code == 401
    assert written == [
        {
            "event": "cds_token_refused",
            "reason": "no Bearer token",
            "issuer": "unknown",
            "where": "/cds-services/{serviceId}",
        }
    ]


async def test_every_endpoint_wants_a_token_for_itself(world: World) -> None:
    http = world.ann.http
    assert (await http.get("/cds-services")).status_code == 401
    assert (await EHR.discovers(http, EHR.token(ASKED_FIRST))).status_code == 401
    body = hooked(world, "patient-view")
    for token in (EHR.token("/cds-services"), EHR.token(f"{WHAT_MATTERS}/feedback"), world.bo.token):
        outcome = said(await EHR.call(http, WHAT_MATTERS, body, token), 401)
        assert outcome["resourceType"] == "OperationOutcome"
    once = EHR.token(WHAT_MATTERS)
    assert (await EHR.call(http, WHAT_MATTERS, body, once)).status_code == 200
    assert (await EHR.call(http, WHAT_MATTERS, body, once)).status_code == 401
    assert (await EHR.call(http, f"{WHAT_MATTERS}/feedback", {"feedback": []}, once)).status_code == 401
    assert (await EHR.call(http, "/cds-services/coplan-nothing", body)).status_code == 404
    hostile = {
        "Authorization": f"Bearer {EHR.token(WHAT_MATTERS, aud=f'https://evil.test{WHAT_MATTERS}')}",
        "Host": "evil.test",
    }
    assert (await http.post(WHAT_MATTERS, json=body, headers=hostile)).status_code == 401


def published(world: World, hook: str, user: str = "PractitionerRole", **context: Any) -> Json:
    """The shape of the examples of the hook library: an EHR of another make, more members than we know."""
    return {
        **hooked(world, hook),
        "context": {"userId": f"{user}/A2340113", "patientId": world.patient, "encounterId": "89284", **context},
        "extension": {"org.example.ehr": {"workspace": 4}},
        "somethingNewer": True,
    }


def medication(world: World) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "617993"}],
            "text": "An antibiotic as a suspension",
        },
        "dosageInstruction": [{"text": "twice a day", "doseAndRate": [{"doseQuantity": {"value": 5.0, "unit": "mL"}}]}],
    }


def diet(world: World) -> Json:
    return {
        "resourceType": "NutritionOrder",
        "status": "draft",
        "subject": None,
        "patient": {"reference": f"Patient/{world.patient}"},
        "oralDiet": {
            "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "226211001"}], "text": "Pureed"}]
        },
    }


async def test_requests_of_the_shape_of_the_published_examples_are_answered(world: World) -> None:
    orders = drafts(world, diet(world), medication(world))
    appointment = {
        "resourceType": "Appointment",
        "status": "proposed",
        "reasonCode": [{"text": "sleep"}],
        "participant": [
            {"actor": {"reference": f"Patient/{world.patient}"}, "required": "required", "status": "tentative"},
            {"actor": {"reference": "Practitioner/example"}, "required": "required", "status": "accepted"},
        ],
    }
    booked = {"resourceType": "Bundle", "entry": [{"resource": appointment}, {"resource": appointment}]}
    for path, body in (
        (WHAT_MATTERS, published(world, "patient-view")),
        (
            WHAT_MATTERS,
            {**hooked(world, "patient-view"), "context": {"userId": world.ann.reference, "patientId": world.patient}},
        ),
        (ASKED_FIRST, published(world, "encounter-start")),
        (ASKED_FIRST, published(world, "order-sign", draftOrders=orders)),
        (ASKED_FIRST, published(world, "order-select", draftOrders=orders, selections=["NutritionOrder/draft-0"])),
        ("/cds-services/coplan-agenda", published(world, "appointment-book", appointments=booked)),
    ):
        assert (await asks(world, path, body))["cards"] == []


async def test_only_what_is_selected_is_looked_at(world: World) -> None:
    await states(world.ann, world.patient, **HOME)
    orders = drafts(world, diet(world), ADMISSION)
    for selections, number in ((["NutritionOrder/draft-0"], 0), (["ServiceRequest/draft-1"], 1)):
        body = hooked(world, "order-select", draftOrders=orders, selections=selections)
        assert len((await asks(world, ASKED_FIRST, body))["cards"]) == number


async def test_a_card_is_in_the_language_of_the_clinician(world: World) -> None:
    await states(world.ann, world.patient, **HOME)
    body = hooked(world, "order-sign", draftOrders=drafts(world, ADMISSION))
    summaries = []
    for header in ("es-MX, en;q=0.5", "fr", ""):
        headers = {"Authorization": f"Bearer {EHR.token(ASKED_FIRST)}", "Accept-Language": header}
        (card,) = by_the_specification(said(await world.ann.http.post(ASKED_FIRST, json=body, headers=headers), 200))[
            "cards"
        ]
        summaries.append((card["summary"], card["links"][0]["label"], card["overrideReasons"][1]["display"]))
        assert HOME["words"] in card["detail"]

    spanish, *english = summaries
    assert spanish == (
        "Ingreso que la persona no desea: hablen antes de firmar",
        "Preguntar de nuevo y anotar la respuesta",
        "Urgencia: no hay tiempo para preguntar",
    )
    assert {s for s, _, _ in english} == {"Admission that the patient does not want: talk before you sign"}


async def test_what_a_later_release_adds_to_a_call_is_ignored(world: World) -> None:
    body = hooked(world, "patient-view", prefetch={"newer": {"resourceType": "Basket", "id": "1"}, "none": None})
    body["context"] |= {"newer": {"deep": [1]}, "encounterId": None, "extension": {"org.example": 1}}

    assert (await asks(world, WHAT_MATTERS, body))["cards"] == []


MALFORMED: list[tuple[str, Json]] = [
    ("hook", {"hook": "patient-discharge"}),
    ("hook", {"hook": "appointment-book", "context": {"appointments": {"resourceType": "Bundle"}}}),
    ("hookInstance", {"hookInstance": "1"}),
    ("hookInstance", {"hookInstance": None}),
    ("context.userId", {"context": {"userId": None}}),
    ("context.patientId", {"context": {"patientId": None}}),
    ("body", {"fhirServer": None, "fhirAuthorization": {}}),
    ("fhirServer", {"fhirServer": "ftp://x"}),
    ("context.userId", {"context": {"userId": "bo"}}),
    ("context.userId", {"context": {"userId": "Device/1"}}),
    ("context.patientId", {"context": {"patientId": "a/b"}}),
    ("body", {"context": {"userId": "Patient/somebody-else"}}),
    ("body", {"hook": "order-sign"}),
    ("body", {"hook": "order-select", "context": {"draftOrders": {"resourceType": "Bundle"}}}),
    ("body", {"hook": "encounter-start"}),
    ("body", {"hook": "encounter-start", "context": {"encounterId": "1", "userId": "Patient/x"}}),
    ("body", {"fhirAuthorization": {"patient": "somebody-else"}}),
    ("prefetch.goals", {"prefetch": {"goals": "x"}}),
]
AUTHORIZATION = {
    "access_token": "opaque",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "coplan",
}


async def test_what_is_no_such_request_is_refused_by_its_element(world: World) -> None:
    for path, change in MALFORMED:
        body = hooked(world, "patient-view")
        body |= {k: v for k, v in change.items() if k != "context"}
        body["context"] |= change.get("context", {})
        if "fhirAuthorization" in change:
            body["fhirAuthorization"] = AUTHORIZATION | change["fhirAuthorization"]
        endpoint = (
            WHAT_MATTERS if body["hook"] in {"patient-view", "patient-discharge", "appointment-book"} else ASKED_FIRST
        )
        outcome = await asks(world, endpoint, body, 422)
        assert path in [i["expression"][0] for i in outcome["issue"]], change
        assert "somebody-else" not in str(outcome)


def bundle(*resources: Json, **parts: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources], **parts}


def of(patient: str, resource_type: str = "Goal", element: str = "subject", **parts: Any) -> Json:
    return {"resourceType": resource_type, "id": "1", element: {"reference": f"Patient/{patient}"}, **parts}


async def test_nothing_of_another_patient_comes_into_a_card(world: World) -> None:
    other, own = world.stranger, world.patient
    base = str(world.fhir.base_url).rstrip("/")
    for prefetch in (
        {"goals": bundle(of(own), of(other))},
        {"goals": of(other)},
        {"goals": bundle({"resourceType": "Goal", "id": "1"})},
        {"patient": {"resourceType": "Patient", "id": other}},
        {"whatever": bundle(of(other, "Task", "for"))},
        {"goals": bundle(of(f"x/../{other}"))},
        {"goals": bundle({**of(own), "subject": {"reference": f"https://evil.test/fhir/Patient/{own}"}})},
    ):
        outcome = await asks(world, WHAT_MATTERS, hooked(world, "patient-view", prefetch=prefetch), 422)
        assert next(iter(prefetch)) in outcome["issue"][0]["expression"][0]
    foreign = drafts(world, {**ADMISSION, "subject": {"reference": f"Patient/{other}"}})
    await asks(world, ASKED_FIRST, hooked(world, "order-sign", draftOrders=foreign), 422)
    absolute = {**of(own), "subject": {"reference": f"{base}/Patient/{own}"}, "lifecycleStatus": "active"}
    absolute["description"] = {"text": "Mine"}
    body = hooked(world, "patient-view", prefetch={"goals": bundle(absolute), "tasks": None, "preferences": None})
    assert (await asks(world, WHAT_MATTERS, body))["cards"][0]["summary"] == "1 agreed goal"


async def test_a_server_that_is_not_on_the_list_is_not_asked(world: World) -> None:
    for server in ("https://evil.test/fhir", f"{world.fhir.base_url}x", "http://127.0.0.1:1/fhir"):
        body = {**hooked(world, "patient-view"), "fhirServer": server, "fhirAuthorization": AUTHORIZATION}
        outcome = await asks(world, WHAT_MATTERS, body, 422)
        assert outcome["issue"][0]["expression"] == ["fhirServer"]


class Recorded:
    """A FHIR server that counts what it is asked, and may fail or take its time."""

    def __init__(self, error: Exception | None = None, pause: float = 0, only: str = "") -> None:
        self.asked: list[str] = []
        self._error, self._pause, self._only = error, pause, only

    async def search(self, resource_type: str, *_: Any, **__: Any) -> list[Json]:
        self.asked.append(resource_type)
        if self._only in {"", resource_type}:
            await asyncio.sleep(self._pause)
            if self._error:
                raise self._error
        return []

    async def read(self, resource_type: str, _: str) -> Json:
        if resource_type == "Practitioner":
            return {"resourceType": "Practitioner", "id": _}
        await self.search(resource_type)
        raise errors.ResourceNotFound("absent")


class Servers:
    """`CdsServers` with one server, or with none; remembers the tokens that came."""

    def __init__(self, server: Any) -> None:
        self.server, self.tokens = server, list[str | None]()

    def gateway(self, _: str | None, access_token: str | None) -> FhirGateway | None:
        self.tokens.append(access_token)
        found: FhirGateway | None = self.server
        return found


@asynccontextmanager
async def over(server: FhirServer, behind: Any, budget: float = 60) -> AsyncIterator[tuple[httpx.AsyncClient, Servers]]:
    """The service with this server behind hooks."""
    async with open_test_services(server) as services:
        servers = Servers(behind)
        settings = services.settings.model_copy(update={"cds_budget": timedelta(seconds=budget), "cds_app_url": None})
        changed = replace(services, settings=settings, decisions=replace(services.decisions, servers=servers))
        transport = httpx.ASGITransport(app_with(changed))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            yield http, servers


def call_of(hook: str = "order-sign", **parts: Any) -> Json:
    order = {**ADMISSION, "id": "d", "subject": {"reference": "Patient/ann"}}
    context = {"userId": "Practitioner/bo", "patientId": "ann", "encounterId": "e", "draftOrders": bundle(order)}
    return {"hook": hook, "hookInstance": str(uuid4()), "context": context, **parts}


FAILURES = [
    errors.UpstreamUnavailable("x"),
    errors.UpstreamTimeout("x"),
    errors.UpstreamInvalid("x"),
    errors.UpstreamRefused("x"),
    errors.NotPermitted("x"),
]


class Lines:
    """What was logged."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        assert set(fields) <= ALLOWED
        self.said.append((event, fields))


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines = Lines()
    monkeypatch.setattr(decision_support, "log", lines)
    return lines


async def test_no_card_when_the_server_is_down_and_the_log_says_so(fhir_server: FhirServer, logged: Lines) -> None:
    for failure in FAILURES:
        async with over(fhir_server, Recorded(failure)) as (http, _):
            assert said(await EHR.call(http, ASKED_FIRST, call_of()), 200) == {"cards": []}
    names = [fields["error"] for event, fields in logged.said if event == "cds_fact_unavailable"]
    assert names == [type(failure).__name__ for failure in FAILURES for _ in range(2)]


async def test_no_card_when_nobody_listens_where_the_server_was(fhir_server: FhirServer, logged: Lines) -> None:
    nobody = open_fhir_client("http://127.0.0.1:9/fhir", deadline=timedelta(seconds=5))
    async with nobody as gone, over(fhir_server, gone) as (http, _):
        assert said(await EHR.call(http, ASKED_FIRST, call_of()), 200) == {"cards": []}
    assert {fields["error"] for _, fields in logged.said} == {"UpstreamUnavailable"}


async def test_no_card_rather_than_a_late_one(fhir_server: FhirServer, logged: Lines) -> None:
    async with over(fhir_server, Recorded(pause=30), budget=0.05) as (http, _):
        assert said(await asyncio.wait_for(EHR.call(http, ASKED_FIRST, call_of()), 10), 200) == {"cards": []}
    assert logged.said == [("cds_facts_late", {"route": "coplan-asked-first", "reason": "preferences,goals"})]


async def test_what_is_known_in_time_is_told_and_what_is_not_is_not_taken_for_nothing(fhir_server: FhirServer) -> None:
    async with over(fhir_server, Recorded(pause=30, only="Goal"), budget=2) as (http, _):
        cards = said(await EHR.call(http, ASKED_FIRST, call_of()), 200)["cards"]
        assert cards[0]["summary"].startswith("Not asked yet")
        assert "links" not in cards[0]
    async with over(fhir_server, Recorded(pause=30, only="Observation"), budget=2) as (http, _):
        assert said(await EHR.call(http, ASKED_FIRST, call_of()), 200) == {"cards": []}


async def test_prefetch_is_used_and_only_the_rest_is_read(fhir_server: FhirServer) -> None:
    server = Recorded()
    everything: Json = {"preferences": None, "goals": bundle()}
    async with over(fhir_server, server) as (http, _):
        assert len(said(await EHR.call(http, ASKED_FIRST, call_of(prefetch=everything)), 200)["cards"]) == 1
        assert server.asked == []
        more = bundle(link=[{"relation": "next", "url": "https://ehr/next"}])
        for incomplete in (more, {"resourceType": "OperationOutcome", "issue": []}):
            server.asked.clear()
            await EHR.call(http, ASKED_FIRST, call_of(prefetch={**everything, "preferences": incomplete}))
            assert server.asked == ["Observation"]


async def test_a_prefetch_that_cannot_be_read_is_unknown(fhir_server: FhirServer) -> None:
    strange = {"resourceType": "Observation", "id": "1", "subject": {"reference": "Patient/ann"}, "status": "bogus"}
    strange["code"] = {"coding": [{"system": "http://loinc.org", "code": "75773-2"}]}
    async with over(fhir_server, Recorded()) as (http, _):
        prefetch = {"preferences": bundle(strange), "goals": None}
        assert said(await EHR.call(http, ASKED_FIRST, call_of(prefetch=prefetch)), 200) == {"cards": []}


async def test_without_data_and_without_a_server_the_client_is_told_what_to_send(fhir_server: FhirServer) -> None:
    async with over(fhir_server, None) as (http, _):
        outcome = said(await EHR.call(http, ASKED_FIRST, call_of()), 412)
        assert outcome["resourceType"] == "OperationOutcome"
        partly = call_of(prefetch={"preferences": None})
        assert len(said(await EHR.call(http, ASKED_FIRST, partly), 200)["cards"]) == 1


async def test_a_call_that_names_no_server_is_never_answered_from_ours(world: World) -> None:
    await states(world.ann, world.patient, **HOME)
    nameless = {k: v for k, v in hooked(world, "encounter-start", encounterId="e").items() if k != "fhirServer"}

    assert (await asks(world, ASKED_FIRST, nameless, 412))["resourceType"] == "OperationOutcome"


async def test_the_token_of_a_call_is_for_that_call_only(fhir_server: FhirServer) -> None:
    async with over(fhir_server, Recorded()) as (http, servers):
        base = "https://ehr.test/fhir"
        await EHR.call(http, ASKED_FIRST, call_of(fhirServer=base, fhirAuthorization=AUTHORIZATION))
        await EHR.call(http, ASKED_FIRST, call_of(fhirServer=base))
    assert servers.tokens == ["opaque", None]


async def test_the_actor_is_the_client_for_one_patient() -> None:
    from service.api.cds_hooks import _actor

    actor: Actor = _actor("PractitionerRole/1", "Patient/ann", "https://ehr.test/")
    assert (actor.reference, str(actor.role), actor.client_id) == ("PractitionerRole/1", "Practitioner", EHR.issuer)
    assert actor.may_act_for("Patient/ann") and not actor.may_act_for("Patient/zoe")


def feedback(**parts: Any) -> Json:
    return {"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-12-03T22:14:05Z", **parts}


async def test_feedback_is_kept_once_and_counted_without_comments(world: World) -> None:
    path = "/cds-services/coplan-agenda/feedback"
    before = await counted(world)
    reason = {"reason": {"code": "cannot-wait", "system": "urn:coplan:override-reason"}, "userComment": "Canary 5512"}
    entries = [
        feedback(),
        feedback(overrideReason=reason),
        feedback(overrideReason={"userComment": "Canary 5512"}),
        feedback(outcome="accepted", acceptedSuggestions=[{"id": str(uuid4())}]),
    ]
    for _ in range(2):
        answer = said(await EHR.call(world.ann.http, path, {"feedback": entries}), 200)
        assert answer == {"taken": 4}
    after = await counted(world)

    assert after["overridden"] - before["overridden"] == 3
    assert after["accepted"] - before["accepted"] == 1
    assert after["commented"] - before["commented"] == 2
    assert {"reason": "urn:coplan:override-reason|cannot-wait", "count": 1} in after["reasons"]
    kept = await world.found("AuditEvent?subtype=urn:coplan:act%7Ccard-feedback&_count=200")
    assert "Canary" not in str(kept)
    assert (await world.ann.get("/v1/decision-support/feedback")).status_code == 403
    none = said(
        await world.bo.get("/v1/decision-support/feedback?from=2030-01-01T00:00:00Z&to=2031-01-01T00:00:00Z"), 200
    )
    assert none["services"] == []


async def counted(world: World) -> Json:
    services = (await world.bo.sees("/v1/decision-support/feedback"))["services"]
    found: Json = next((s for s in services if s["service"] == "coplan-agenda"), {})
    return {"accepted": 0, "overridden": 0, "commented": 0, "reasons": [], **found}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(feedback(outcome="ignored"), id="cds-fb-1: another outcome"),
        pytest.param(feedback(outcome="accepted"), id="cds-fb-2: nothing accepted"),
        pytest.param(feedback(overrideReason={}), id="cds-fb-3: neither reason nor comment"),
        pytest.param(feedback(card="1"), id="no uuid"),
        pytest.param(feedback(outcomeTimestamp="2026-12-03"), id="no time"),
        pytest.param(feedback(outcomeTimestamp="2026-12-03T10:00:00"), id="a time of no zone"),
        pytest.param(feedback(outcomeTimestamp=None), id="never"),
        pytest.param(feedback(overrideReason={"reason": {"system": "urn:x"}}), id="a reason without a code"),
        pytest.param(feedback(acceptedSuggestions=[{"id": "x"}]), id="no uuid of a suggestion"),
    ],
)
async def test_feedback_that_is_not_by_the_specification_is_refused(world: World, entry: Json) -> None:
    answer = await EHR.call(world.ann.http, "/cds-services/coplan-agenda/feedback", {"feedback": [entry]})
    assert answer.status_code == 422


async def test_scripts_of_other_pages_may_call_hooks_only_if_they_are_listed(fhir_server: FhirServer) -> None:
    from service.app import create_app

    preflight = {
        "Origin": "https://ehr.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    async with open_test_services(fhir_server) as services:
        for origins, allowed in (((), None), (("https://ehr.test",), "https://ehr.test"), (("https://x.test",), None)):
            app = create_app(lambda: pytest.fail("no lifespan"), cds_origins=origins)
            app.state.services = services
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test") as http:
                hook = await http.options(ASKED_FIRST, headers=preflight)
                other = await http.options("/v1/me", headers=preflight)
                called = await EHR.discovers(http, origin="https://ehr.test")
            assert called.status_code == 200
            assert called.headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in called.headers
            assert hook.headers.get("access-control-allow-origin") == allowed
            assert (hook.status_code == 200) is (allowed is not None)
            assert "access-control-allow-origin" not in other.headers


async def test_a_body_that_is_no_json_is_refused_as_everywhere(world: World) -> None:
    headers = {"Authorization": f"Bearer {EHR.token(ASKED_FIRST)}", "Content-Type": "application/json"}
    answer = await world.ann.http.post(ASKED_FIRST, content=b"{", headers=headers)
    assert decode(answer.content)["resourceType"] == "OperationOutcome"
    assert answer.status_code == 400
