"""Unique words stand in every text, name and identifier of one patient; nobody else and nothing else ever shows one.

The service runs as a process of its own, with a real Redis; its log, its metrics, what it asks the FHIR server by URL,
all of Redis, and every answer that another patient gets are searched for the words.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis import Redis
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.codes import TASK_CODE
from service.gateways.demo_issuer import AUDIENCE, DemoIssuer
from service.gateways.demo_issuer import ISSUER as ISSUER_NAME
from service.gateways.embedded_fhir import create_embedded_store
from tests.people import record
from tests.processes import Service, coplan_serve, free_port, served
from tests.redis_server import RedisServer

SUFFIX = "canary0"
ANN, ZOE = f"Patient/ann-{SUFFIX}", f"Patient/zoe-{SUFFIX}"
MARK = f"Kanarienvogel{secrets.token_hex(4)}x"
"""Each word begins with it: whoever shows any word shows this."""


def canary(what: str = "w") -> str:
    """A word that stands nowhere else."""
    return f"{MARK}{what}{secrets.token_hex(3)}"


@dataclass(slots=True)
class Outside:
    """All that is around the service: its FHIR server with an access log, the key set of its issuer, its Redis."""

    service: Service
    issuer: DemoIssuer
    fhir: str
    redis: str
    metrics: str
    asked: list[str] = field(default_factory=list)
    planted: int = 0

    def client(self, reference: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.issuer.token(reference, name=None)}"}
        return httpx.Client(base_url=self.service.origin, headers=headers, trust_env=False, timeout=30)


class Behind:
    """The FHIR store and the key set on one port; notes each URL and each header that could carry words."""

    def __init__(self, store: Any, issuer: DemoIssuer, asked: list[str]) -> None:
        self._store, self._asked = store, asked
        keys = issuer.issuers[ISSUER_NAME]
        self._keys: Any = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._asked.append(f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} {scope['headers']}")
        if scope["path"] == "/jwks":
            key_set = await self._keys.with_key("")
            await JSONResponse(key_set.as_dict(private=False))(scope, receive, send)
        else:
            await self._store(scope, receive, send)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    if reason := RedisServer.is_available():
        pytest.skip(reason)
    issuer, asked, port, metrics = DemoIssuer(), list[str](), free_port(), free_port()
    store = create_embedded_store(origin=f"http://127.0.0.1:{port}")
    with ExitStack() as stack:
        stack.callback(store.close)
        redis = stack.enter_context(RedisServer())
        origin = stack.enter_context(served(Behind(store, issuer, asked), port))
        service = stack.enter_context(
            coplan_serve(
                fhir_base_url=f"{origin}/fhir",
                issuers=encode({ISSUER_NAME: f"{origin}/jwks"}).decode(),
                audience=AUDIENCE,
                redis_url=redis.url,
                cache_secret="c" * 40,
                metrics_port=str(metrics),
                log_level="DEBUG",
                replies_kept_for="3600",
                plan_kept_for="3600",
            )
        )
        there = Outside(service, issuer, f"{origin}/fhir", redis.url, f"http://127.0.0.1:{metrics}/metrics", asked)
        _plant(there)
        yield there


def _plant(outside: Outside) -> None:
    """People first, then a word into every text that a resource of Ann has."""
    with httpx.Client(trust_env=False, headers={"Content-Type": "application/fhir+json"}) as fhir:
        fhir.post(outside.fhir, content=encode(record(SUFFIX))).raise_for_status()
        for resource in _record_of_ann():
            path = f"{outside.fhir}/{resource['resourceType']}/{resource['id']}"
            fhir.put(path, content=encode(resource)).raise_for_status()
            outside.planted += str(resource).count(MARK)
    outside.asked.clear()


def _record_of_ann() -> list[Json]:
    subject = {"subject": {"reference": ANN, "display": canary()}}
    concept = {"coding": [{"system": "urn:x", "code": "c", "display": canary()}], "text": canary()}
    identifier = {"identifier": [{"system": "urn:mrn", "value": canary("mrn")}]}
    note = {"note": [{"text": canary(), "authorReference": {"reference": ANN, "display": canary()}}]}
    extension = {"extension": [{"url": "urn:x", "valueString": canary()}]}
    narrative = {"text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{canary()}</div>'}}
    quantity = {"value": 5, "unit": canary(), "system": "http://unitsofmeasure.org", "code": "kg"}
    return [
        {
            "resourceType": "Patient",
            "id": ANN.partition("/")[2],
            **identifier,
            **narrative,
            **extension,
            "name": [{"family": canary("family"), "given": [canary("given")], "text": canary()}],
            "telecom": [{"system": "phone", "value": canary("phone")}],
            "address": [{"line": [canary("street")], "city": canary("city")}],
            "contact": [{"name": {"text": canary()}}],
        },
        {"resourceType": "Condition", "id": f"knee-{SUFFIX}", **subject, "code": concept, **note, **identifier},
        {
            "resourceType": "Goal",
            "id": "planted",
            **subject,
            **identifier,
            **narrative,
            **extension,
            **note,
            "lifecycleStatus": "active",
            "description": concept,
            "statusReason": canary(),
            "category": [concept],
            "target": [{"measure": concept, "detailQuantity": quantity}],
        },
        {
            "resourceType": "CarePlan",
            "id": "planted",
            **subject,
            **identifier,
            **narrative,
            **note,
            "status": "active",
            "intent": "plan",
            "title": canary(),
            "description": canary(),
            "goal": [{"reference": "Goal/planted", "display": canary()}],
        },
        {"resourceType": "CareTeam", "id": "planted", **subject, **identifier, **narrative, "name": canary()},
        {
            "resourceType": "Observation",
            "id": "planted",
            **subject,
            **identifier,
            **note,
            "status": "final",
            "code": concept,
            "effectiveDateTime": "2026-11-01T10:00:00Z",
            "valueString": canary(),
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal",
                    "valueReference": {"reference": "Goal/planted"},
                }
            ],
        },
        {
            "resourceType": "Task",
            "id": "planted",
            **identifier,
            **note,
            "status": "requested",
            "intent": "proposal",
            "description": canary(),
            "code": {"coding": [{"system": TASK_CODE, "code": "approve", "display": canary()}], "text": canary()},
            "authoredOn": "2026-11-01T10:00:00Z",
            "requester": {"reference": f"Practitioner/bo-{SUFFIX}", "display": canary()},
            "for": {"reference": ANN, "display": canary()},
            "focus": {"reference": "Goal/planted", "display": canary()},
        },
        {
            "resourceType": "Communication",
            "id": "planted",
            **subject,
            **identifier,
            **note,
            "status": "completed",
            "about": [{"reference": "Goal/planted"}],
            "payload": [{"contentString": canary()}],
        },
    ]


def _post(http: httpx.Client, path: str, body: Any, version: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    if version:
        headers["If-Match"] = f'W/"{version}"'
    return http.post(path, content=encode(body), headers=headers)


@pytest.fixture(scope="module")
def lived(outside: Outside) -> list[str]:
    """What Ann and her clinician do in words, right and wrong. Gives the ids of her goals."""
    with outside.client(ANN) as ann, outside.client(f"Practitioner/bo-{SUFFIX}") as bo:
        made = decode(_post(ann, f"/v1/patients/{ANN.partition('/')[2]}/goals", {"description": canary()}).content)
        goal = f"/v1/goals/{made['id']}"
        assert _post(bo, f"{goal}/messages", {"text": canary()}).status_code == 201
        assert _post(bo, f"{goal}/accept", {"comment": canary()}, made["version"]).status_code == 200
        measured = {"value": {"text": canary()}, "measure": {"text": canary()}, "effective": "2026-11-01T10:00:00Z"}
        assert _post(ann, f"{goal}/progress", {**measured, "note": canary()}).status_code == 201
        assert _post(ann, f"/v1/patients/{ANN.partition('/')[2]}/care-plans", {"title": canary()}).status_code == 201
        for http in (ann, bo):
            for path in _reads("planted", made["id"]):
                assert http.get(path).status_code == 200
                assert http.get(path, headers={"Accept": "application/fhir+json"}).status_code in {200, 406}
        _mistakes(ann, goal)
    return ["planted", made["id"]]


def _reads(*goals: str) -> list[str]:
    patient = ANN.partition("/")[2]
    of_goals = [f"/v1/goals/{goal}{part}" for goal in goals for part in ("", "/thread", "/progress")]
    of_patient = [f"/v1/patients/{patient}/{part}" for part in ("plan", "goals", "care-plans")]
    return [*of_goals, *of_patient, "/v1/care-plans/planted"]


def _mistakes(ann: httpx.Client, goal: str) -> None:
    """Words where none belong: none of them comes back, not even to whoever sent it."""
    patient = ANN.partition("/")[2]
    word = canary()
    answers = [
        _post(ann, f"/v1/patients/{patient}/goals", {"description": f"<b>{word}</b>"}),
        _post(ann, f"/v1/patients/{patient}/goals", {"description": "x", "startDate": word}),
        _post(ann, f"/v1/patients/{patient}/goals", {"description": "x", "ask": [f"Practitioner/{word}/{word}"]}),
        _post(ann, f"/v1/patients/{patient}/goals", {"description": "x", "priority": word}),
        _post(ann, f"{goal}/decline", {"reason": word}, "99"),
        _post(ann, f"{goal}/{word}", {}),
        ann.post(f"/v1/patients/{patient}/goals", content=f'{{"{word}'.encode()),
        ann.get(f"/v1/patients/{patient}/goals?status={word}"),
        ann.get(f"/v1/patients/{patient}/goals?{word}=1"),
        ann.get(f"/v1/{word}"),
        ann.get(f"/v1/goals/{word} "),
        ann.get("/v1/me", headers={"If-Match": word, "Accept": word, "Cookie": word, "Referer": word}),
        httpx.get(f"{ann.base_url}/v1/me", headers={"Authorization": f"Bearer {word}"}, trust_env=False),
    ]
    assert all(400 <= answer.status_code < 500 for answer in answers[:-2])
    assert [a.request.url.path for a in answers if word in a.text + str(a.headers)] == []


def test_words_were_planted_everywhere(outside: Outside, lived: list[str]) -> None:
    with outside.client(ANN) as ann:
        assert MARK in ann.get(f"/v1/patients/{ANN.partition('/')[2]}/plan").text
    assert outside.planted > 50


@pytest.mark.parametrize("accept", ["application/json", "application/fhir+json", "*/*"])
def test_another_patient_is_shown_none(outside: Outside, lived: list[str], accept: str) -> None:
    shown = []
    with outside.client(ZOE) as zoe:
        for path in _reads(*lived):
            answer = zoe.get(path, headers={"Accept": accept})
            assert answer.status_code in {404, 406}
            shown.append(answer)
        for act in ("accept", "decline", "withdraw", "messages", "progress", "counter-proposals", "entered-in-error"):
            shown += [_post(zoe, f"/v1/goals/{goal}/{act}", {"reason": "x", "text": "x"}, "1") for goal in lived]
        addressed = {"description": "x", "addresses": [f"Condition/knee-{SUFFIX}"], "ask": [ANN]}
        shown.append(_post(zoe, f"/v1/patients/{ZOE.partition('/')[2]}/goals", addressed))
        shown.append(zoe.get(f"/v1/patients/{ZOE.partition('/')[2]}/plan"))
        shown.append(zoe.get("/v1/me"))
    assert [a.request.url.path for a in shown if MARK in a.text + str(a.headers)] == []


def test_the_log_has_none(outside: Outside, lived: list[str]) -> None:
    said = outside.service.said()

    assert said.count('"event": "answered"') > 50
    assert MARK not in said


def test_the_metrics_have_none_and_grow_with_routes_only(outside: Outside, lived: list[str]) -> None:
    before = httpx.get(outside.metrics, trust_env=False).text
    with outside.client(ZOE) as zoe:
        for _ in range(300):
            zoe.request(secrets.choice(["GET", "POST", "PURGE", canary()]), f"/{canary()}/{secrets.token_hex(4)}")
    after = httpx.get(outside.metrics, trust_env=False).text

    assert 'route="/v1/goals/{goalId}"' in before
    assert MARK not in before + after
    unmatched = {line.partition(" ")[0] for line in after.splitlines() if "<unmatched>" in line and "_total" in line}
    assert len(unmatched) <= 8


def test_the_addresses_that_the_fhir_server_logs_have_none(outside: Outside, lived: list[str]) -> None:
    assert len(outside.asked) > 50
    assert [line for line in outside.asked if MARK in line] == []
    assert not any("patient=" in line.partition(" [")[0] for line in outside.asked), "searches go by POST"


def test_redis_has_none_in_keys_or_values(outside: Outside, lived: list[str]) -> None:
    with Redis.from_url(outside.redis) as redis:
        keys: Any = redis.keys("*")
        values = [redis.dump(key) for key in keys]
    assert len(keys) > 10
    assert not any(MARK.encode() in bytes(shown) for shown in (*keys, *values))
    assert not any(SUFFIX.encode() in bytes(shown) for shown in (*keys, *values)), "nor a patient's id"


def test_the_audit_trail_names_ids_only(outside: Outside, lived: list[str]) -> None:
    with httpx.Client(trust_env=False) as fhir:
        limit = time.monotonic() + 20
        found = ""
        while "search-type" not in found and time.monotonic() < limit:
            found = fhir.get(f"{outside.fhir}/AuditEvent?_count=500").text
            time.sleep(0.2)
    assert "search-type" in found
    assert MARK not in found
