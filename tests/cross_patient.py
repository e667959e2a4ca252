"""Attempts of one person to reach another's data, generated; nothing of it may be seen, and nothing may change.

`python -m tests.cross_patient 100000` runs so many in this process on the embedded store, half of them while Redis is
down (`up` or `down` after the number: that half alone), then the pairs of a foreign and an absent id. Every text of
the victim carries a canary, and everything that the attackers get is searched for it: status, headers, bodies, logs.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx
import structlog
from fastapi import FastAPI
from structlog.testing import LogCapture

from fhir_mappings.carrier import Json, decode, encode
from service.api.dependencies import Services
from service.gateways.embedded_fhir import create_embedded_store
from service.gateways.redis_store import open_redis
from tests.conftest import ISSUER, FhirServer, app_with, fhir_http, open_test_services
from tests.people import Person, record, said

CANARY: Final = "Canary7431"
NOWHERE: Final = "redis://127.0.0.1:1/0"
VERBS: Final = ("GET", "POST", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
ENCODINGS: Final = (
    lambda v: v,
    lambda v: v,
    lambda v: v,
    lambda v: "".join(f"%{ord(c):02X}" for c in v),
    lambda v: "".join(f"%25{ord(c):02x}" for c in v),
    lambda v: v.upper(),
    lambda v: f"{v}%20",
    lambda v: f"%20{v}",
    lambda v: f"{v}%00",
    lambda v: f"{v};x=y",
    lambda v: f"{v}%2C{v}",
    lambda v: f"{v}/_history/1",
    lambda v: f"{v}%2F_history%2F1",
    lambda v: f"x/../{v}",
    lambda v: f"x%2F..%2F{v}",
    lambda v: f"{v}?patient={v}&_include=*",
    lambda v: f"{v}%23x",
    lambda v: f"{v}%E2%80%AE",
    lambda v: f"Patient%2F{v}",
    lambda v: f"{v}/$everything",
    lambda v: f"{v}/",
    lambda v: f".%2F{v}",
    lambda v: f"{v}%0d%0aX-Leak:1",
)
FORMS: Final = (
    lambda r: r,
    lambda r: r,
    lambda r: f"{r}/_history/1",
    lambda r: f"http://embedded.invalid/fhir/{r}",
    lambda r: r.partition("/")[2],
    lambda r: f"#{r}",
    lambda r: f"{r}?x=y",
    lambda r: quote(r, safe=""),
    lambda r: f"{r} ",
    lambda r: [r],
    lambda r: {"reference": r},
)


@dataclass(slots=True)
class Victim:
    """Ids and references that the attackers know, by path parameter and by type."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=lambda: ["1", "2", "3", "99"])
    keys: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Arena:
    """A record with a victim in it, those who are after it, and the service."""

    app: FastAPI
    http: httpx.AsyncClient
    fhir: httpx.AsyncClient
    attackers: list[Person]
    own: dict[str, str]
    victim: Victim
    logs: LogCapture
    suffix: str

    async def everything(self) -> dict[str, str]:
        """All that stands in the store and has to do with the victim."""
        names = (f"ann-{self.suffix}", CANARY)
        found = {}
        for resource_type in sorted({r.partition("/")[0] for r in self.victim.references} | {"AuditEvent", "Basic"}):
            page = decode((await self.fhir.get(f"{resource_type}?_count=500")).content)
            for entry in page.get("entry", []):
                text = encode(entry["resource"]).decode()
                if any(name in text for name in names):
                    found[f"{resource_type}/{entry['resource']['id']}"] = text
        return found


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, and who sends it."""

    who: Person
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


@dataclass(slots=True)
class Outcome:
    attempts: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    disclosures: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    pairs: int = 0
    differing: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.disclosures or self.writes or self.differing)


@asynccontextmanager
async def arena(*, redis_is_down: bool = False) -> AsyncIterator[Arena]:
    """A store in memory with the victim's record, and the service over it."""
    async with AsyncExitStack() as stack:
        store = create_embedded_store()
        stack.callback(store.close)
        server = FhirServer("embedded", store.base_url, httpx.ASGITransport(store))
        fhir = await stack.enter_async_context(fhir_http(server))
        services = await stack.enter_async_context(open_test_services(server))
        if redis_is_down:
            redis = await stack.enter_async_context(open_redis(NOWHERE, secret=b"s" * 32))
            services = replace(services, cache=redis, replies=redis)
        app = app_with(services)
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test")
        )
        suffix = uuid4().hex[:12]
        assert (await fhir.post(server.base_url, content=encode(record(suffix)))).status_code == 200
        victim = await _victim(services, http, fhir, suffix)
        attackers, own = await _attackers(http, fhir, suffix)
        logs = LogCapture()
        structlog.configure(processors=[structlog.contextvars.merge_contextvars, logs], cache_logger_on_first_use=False)
        yield Arena(app, http, fhir, attackers, own, victim, logs, suffix)


async def _victim(services: Services, http: httpx.AsyncClient, fhir: httpx.AsyncClient, suffix: str) -> Victim:
    """Ann's goals, plan, messages and measurements, written through the service and behind it."""
    ann = Person(http, f"Patient/ann-{suffix}", ISSUER.token(f"Patient/ann-{suffix}", name=f"Ann {CANARY}"))
    bo = Person(http, f"Practitioner/bo-{suffix}", ISSUER.token(f"Practitioner/bo-{suffix}"))
    patient = f"ann-{suffix}"
    offer = await ann.proposes(patient, f"Walk {CANARY}", addresses=[f"Condition/knee-{suffix}"])
    agreed = await bo.acts(offer, "accept", comment=f"Agreed {CANARY}")
    await ann.acts(agreed, "messages", text=f"May I {CANARY}?")
    measured = {"value": {"text": CANARY}, "effective": "2026-11-01T10:00:00Z", "measure": {"text": CANARY}}
    said(await ann.post(f"/v1/goals/{offer['id']}/progress", {**measured, "note": CANARY}, key="known-key-1"), 201)
    other = await bo.proposes(patient, f"Rest {CANARY}")
    await ann.acts(other, "decline", reason=f"No {CANARY}")
    said(await ann.post(f"/v1/patients/{patient}/care-plans", {"title": CANARY, "goals": []}, key="known-key-2"), 201)
    for path in (f"Patient/{patient}", f"Condition/knee-{suffix}", f"CareTeam/team-ann-{suffix}"):
        resource = decode((await fhir.get(path)).content)
        await fhir.put(path, json=resource | _with_canary(resource["resourceType"]))
    victim = Victim(ids={"patientId": [patient]}, keys=["known-key-1", "known-key-2"])
    for resource_type in ("Goal", "CarePlan", "Task", "Communication", "Observation", "CareTeam", "Condition"):
        page = decode((await fhir.get(f"{resource_type}?patient=Patient/{patient}&_count=200")).content)
        ids = [entry["resource"]["id"] for entry in page.get("entry", [])]
        assert ids, resource_type
        victim.ids[f"{resource_type[0].lower()}{resource_type[1:]}Id"] = ids
        victim.references += [f"{resource_type}/{i}" for i in ids]
    provenances = decode((await fhir.get("Provenance?_count=200")).content)["entry"]
    victim.references += [f"Patient/{patient}", *(f"Provenance/{e['resource']['id']}" for e in provenances)]
    return victim


def _with_canary(resource_type: str) -> Json:
    match resource_type:
        case "Patient":
            identifier = [{"system": "urn:coplan:test-record", "value": CANARY}]
            return {"name": [{"family": CANARY}], "identifier": identifier, "telecom": [{"value": CANARY}]}
        case "Condition":
            return {"code": {"text": CANARY}, "note": [{"text": CANARY}]}
    return {"name": CANARY}


async def _attackers(
    http: httpx.AsyncClient, fhir: httpx.AsyncClient, suffix: str
) -> tuple[list[Person], dict[str, str]]:
    """A patient, a mother of another child, one whose right to the victim has ended, clinicians of others, tokens."""
    former = {
        "resourceType": "RelatedPerson",
        "id": f"former-{suffix}",
        "active": True,
        "patient": {"reference": f"Patient/ann-{suffix}"},
        "period": {"end": "2020-01-01"},
    }
    await fhir.put(f"RelatedPerson/{former['id']}", json=former)
    for short in ("pat", "eva"):
        await fhir.put(
            f"Practitioner/{short}-{suffix}", json={"resourceType": "Practitioner", "id": f"{short}-{suffix}"}
        )
    team = {
        "resourceType": "CareTeam",
        "id": f"team-zoe-{suffix}",
        "status": "active",
        "subject": {"reference": f"Patient/zoe-{suffix}"},
        "participant": [{"member": {"reference": f"Practitioner/{short}-{suffix}"}} for short in ("pat", "bo")],
    }
    await fhir.put(f"CareTeam/{team['id']}", json=team)
    zoe = Person(http, f"Patient/zoe-{suffix}", ISSUER.token(f"Patient/zoe-{suffix}"))
    goal = await zoe.proposes(f"zoe-{suffix}", "Mine")
    plan = said(await zoe.post(f"/v1/patients/zoe-{suffix}/care-plans", {"title": "Mine", "goals": []}), 201)
    whole = "openid fhirUser patient/*.cruds user/*.cruds system/*.cruds"
    tokens: list[tuple[str, dict[str, Any]]] = [
        (f"Patient/zoe-{suffix}", {}),
        (f"Patient/zoe-{suffix}", {"scope": whole, "patient": f"zoe-{suffix}"}),
        (f"Patient/zoe-{suffix}", {"scope": "patient/*.*", "patient": f"zoe-{suffix}"}),
        (f"Patient/zoe-{suffix}", {"scope": whole, "patient": f"ann-{suffix}"}),
        (f"RelatedPerson/rosa-{suffix}", {}),
        (f"RelatedPerson/rosa-{suffix}", {"scope": whole, "patient": f"ann-{suffix}"}),
        (f"RelatedPerson/former-{suffix}", {}),
        (f"Practitioner/pat-{suffix}", {}),
        (f"Practitioner/eva-{suffix}", {"scope": whole}),
        (f"Practitioner/pat-{suffix}", {"scope": "patient/*.cruds", "patient": f"ann-{suffix}"}),
        (f"Practitioner/bo-{suffix}", {"scope": "patient/*.cruds user/*.cruds", "patient": f"zoe-{suffix}"}),
    ]
    people = [Person(http, who, ISSUER.token(who, **claims)) for who, claims in tokens]
    own = {"patientId": f"zoe-{suffix}", "goalId": str(goal["id"]), "carePlanId": str(plan["id"])}
    return people, own


class Attempts:
    """Requests that name the victim: in the path, in the body, in the query or in a header."""

    def __init__(self, at: Arena, seed: int) -> None:
        self._at = at
        self._random = random.Random(seed)
        paths = at.app.openapi()["paths"]
        self._routes = [(m.upper(), p, o) for p, ops in paths.items() for m, o in ops.items() if p.startswith("/v1")]

    def next(self) -> Attempt:
        pick = self._random.choice
        method, template, operation = pick(self._routes)
        in_path = self._random.random() < 0.7 and "{" in template
        path = self._path(template, self._at.victim.ids if in_path else {})
        sent = self._body(operation, foreign=not in_path or self._random.random() < 0.3)
        if not in_path and sent is None:
            path += "&" if "?" in path else "?"
            name = pick(["patient", "_id", "subject", "patientId", "_include", "actor"])
            path += f"{name}={pick(self._at.victim.references)}"
        verb = method if self._random.random() < 0.8 else pick(VERBS)
        return Attempt(pick(self._at.attackers), verb, path, self._headers(), sent)

    def _path(self, template: str, ids: dict[str, list[str]]) -> str:
        def named(found: re.Match[str]) -> str:
            name = found[1]
            if name not in ids:
                return self._at.own.get(name, "x")
            known = self._random.choice(ids[name] if self._random.random() < 0.9 else list(chain(*ids.values())))
            return str(self._random.choice(ENCODINGS)(known))

        return re.sub(r"\{(\w+)\}", named, template)

    def _headers(self) -> dict[str, str]:
        pick, victim = self._random.choice, self._at.victim
        headers = {"Accept": pick(["application/json", "application/fhir+json", "*/*"])}
        if self._random.random() < 0.9:
            headers["Idempotency-Key"] = pick([uuid4().hex, uuid4().hex, *victim.keys])
        if self._random.random() < 0.8:
            headers["If-Match"] = f'W/"{pick(victim.versions)}"'
        if self._random.random() < 0.2:
            name = pick(["X-HTTP-Method-Override", "X-Forwarded-User", "X-Patient", "X-Original-URL", "Cookie", "Host"])
            headers[name] = pick(["DELETE", "GET", *victim.references])
        if self._random.random() < 0.2:
            headers["Cache-Control"] = pick(["no-cache", "only-if-cached"])
        return headers

    def _body(self, operation: Json, *, foreign: bool) -> bytes | None:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return None
        body = json.loads(json.dumps(content["example"], default=str))
        return json.dumps(self._tampered(body) if foreign else body).encode()

    def _tampered(self, body: Any) -> Any:
        """Someone else's references where references are, or where nothing is expected."""
        pick, reference = self._random.choice, self._random.choice(self._at.victim.references)
        names = ["addresses", "ask", "inResponseTo", "observation", "carePlan", "careTeam", "goals", "goal", "subject"]
        names += ["performer", "patient", "expressedBy", "id", "resourceType", "contained", "meta"]
        shape = pick(FORMS)(reference)
        value = pick([shape, [shape], {"reference": shape}, reference.partition("/")[2]])
        return {**body, pick(names): value} if isinstance(body, dict) else body


async def run(at: Arena, count: int, *, seed: int = 1, look_every: int = 5_000) -> Outcome:
    """So many attempts; after each `look_every` the victim's record is compared with what it was."""
    attempts, outcome, before = Attempts(at, seed), Outcome(), await at.everything()
    assert CANARY in json.dumps(before)
    for number in range(1, count + 1):
        await _try(at, attempts.next(), outcome)
        if number % look_every == 0 or number == count:
            after = await at.everything()
            outcome.writes += [k for k in before.keys() | after.keys() if before.get(k) != after.get(k)]
            if not outcome.is_clean:
                break
    return outcome


async def _try(at: Arena, attempt: Attempt, outcome: Outcome) -> None:
    at.logs.entries.clear()
    headers = {"Authorization": f"Bearer {attempt.who.token}", "Content-Type": "application/json", **attempt.headers}
    request = at.http.build_request(attempt.method, "/", headers=headers, content=attempt.body)
    # The path goes out as it is written: no client may tidy it up.
    raw, _, query = attempt.path.partition("?")
    request.url = request.url.copy_with(raw_path=(raw + (f"?{query}" if query else "")).encode())
    answer = await at.http.send(request)
    seen = f"{answer.status_code} {answer.headers} {answer.text} {at.logs.entries}"
    outcome.attempts += 1
    outcome.statuses[answer.status_code] += 1
    if CANARY in seen or (answer.is_success and f"ann-{at.suffix}" in answer.text):
        outcome.disclosures.append(f"{attempt.who.reference} {attempt.method} {attempt.path}: {answer.status_code}")


def cases(at: Arena) -> Iterator[tuple[Person, str, str, Json, Any, str]]:
    """Every route with an id in it, for each attacker, with preconditions and keys right, wrong and absent."""
    for template, operations in at.app.openapi()["paths"].items():
        found = re.search(r"\{(\w+)\}", template)
        if not found or not template.startswith("/v1") or found[1] not in at.victim.ids:
            continue
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for who in at.attackers:
                for match in [None] if method == "get" else [None, 'W/"1"', 'W/"2"', 'W/"99"', "garbage"]:
                    for accept in ("application/json", "application/fhir+json"):
                        headers = {"Accept": accept, **({"If-Match": match} if match else {})}
                        yield who, method, template, headers, content.get("example"), found[1]


async def compare(at: Arena, outcome: Outcome) -> None:
    """The answers to a foreign and to an absent id of the same length, byte by byte but for the request id."""
    for who, method, template, headers, example, name in cases(at):
        known = at.victim.ids[name][0]
        absent = "".join("0" if c.isalnum() else c for c in known)
        key = uuid4().hex
        answers = []
        for resource_id in (known, absent):
            sent = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key, "X-Request-Id": "r-1", **headers}
            path = re.sub(r"\{\w+\}", resource_id, template)
            body = None if example is None else json.dumps(example, default=str)
            content = {} if body is None else {"content": body}
            sent |= {} if body is None else {"Content-Type": "application/json"}
            answer = await at.http.request(method, path, headers=sent, **content)  # type: ignore[arg-type]
            answers.append((answer.status_code, sorted(answer.headers.items()), answer.content))
        outcome.pairs += 1
        if answers[0] != answers[1] or answers[0][0] < 400:
            outcome.differing.append(f"{who.reference} {method} {template} {headers}: {answers[0][0]}, {answers[1][0]}")


async def main(count: int, *states: str) -> int:
    started = time.perf_counter()
    outcomes = []
    for redis_is_down in (False, True):
        if states and ("down" if redis_is_down else "up") not in states:
            continue
        async with arena(redis_is_down=redis_is_down) as at:
            outcome = await run(at, count // 2, seed=2 if redis_is_down else 1)
            await compare(at, outcome)
            outcomes.append(outcome)
            state = "down" if redis_is_down else "absent, cache in process"
            print(f"Redis {state}: {outcome.attempts} attempts, answers {dict(sorted(outcome.statuses.items()))}")
            print(f"  disclosures {len(outcome.disclosures)}, writes {len(outcome.writes)}")
            print(f"  pairs {outcome.pairs}, differing {len(outcome.differing)}", flush=True)
            for line in (*outcome.disclosures, *outcome.writes, *outcome.differing)[:20]:
                print(f"  ! {line}")
    print(f"{time.perf_counter() - started:.0f} s")
    return 0 if all(o.is_clean for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000, *sys.argv[2:])))
