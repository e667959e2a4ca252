"""The embedded FHIR store does what CoPlan needs of a FHIR server, in memory, in a folder and over a socket."""

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.gateways import embedded_fhir
from service.gateways.embedded_fhir import EmbeddedStore, create_embedded_store
from service.gateways.embedded_search_parameters import ADDITIONAL_PARAMETERS

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[3]
PROBE = ROOT.parent / "shared/tools/fhir_probe.py"
R4_DEFINITIONS = ROOT.parent / "shared/fhir/packages/hl7.fhir.r4.core-4.0.1.tgz"
ABSENT = "the folder ../shared stands beside a clone in continuous integration only"

SYSTEM = "urn:example:operation"
PERTAINS_TO_GOAL = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def client_of(store: EmbeddedStore) -> AsyncIterator[httpx.AsyncClient]:
    with closing(store):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(store), base_url=store.base_url) as client:
            yield client


@pytest.fixture
async def fhir() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_embedded_store()) as client:
        yield client


# ------------------------------------------------------------------------------------------- resources

REQUIRED: dict[str, Json] = {
    "AuditEvent": {
        "type": {"code": "rest"},
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "CoPlan"}},
    },
    "CarePlan": {"status": "active", "intent": "plan", "subject": {"reference": "Patient/anybody"}},
    "CareTeam": {},
    "Communication": {"status": "completed"},
    "Goal": {"lifecycleStatus": "active", "description": {"text": "walk"}, "subject": {"reference": "Patient/anybody"}},
    "Group": {"type": "person", "actual": True},
    "Measure": {"status": "draft"},
    "MeasureReport": {"status": "complete", "type": "summary", "measure": "urn:m", "period": {"start": "2026"}},
    "Observation": {"status": "final", "code": {"text": "steps"}},
    "PlanDefinition": {"status": "draft"},
    "PractitionerRole": {},
    "Provenance": {
        "target": [{"reference": "Goal/any"}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"reference": "Patient/anybody"}}],
    },
    "QuestionnaireResponse": {"status": "completed"},
    "RelatedPerson": {"patient": {"reference": "Patient/anybody"}},
    "ServiceRequest": {"status": "active", "intent": "plan", "subject": {"reference": "Patient/anybody"}},
    "Task": {"status": "requested", "intent": "proposal"},
}


def a(resource_type: str, **elements: Any) -> Json:
    return {"resourceType": resource_type, **REQUIRED.get(resource_type, {}), **elements}


def a_goal_as_written(number: str) -> bytes:
    goal = a("Goal", target=[{"measure": {"text": "weight"}, "detailQuantity": {"value": "NUMBER", "unit": "kg"}}])
    return json.dumps(goal).replace('"NUMBER"', number).encode()


def creates(resource: Json, *, full_url: str | None = None, if_none_exist: str | None = None) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]} | (
        {"ifNoneExist": if_none_exist} if if_none_exist else {}
    )
    return {"fullUrl": full_url or f"urn:uuid:{uuid4()}", "resource": resource, "request": request}


def updates(resource: Json, *, if_match: str) -> Json:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url, "ifMatch": if_match}}


async def transact(fhir: httpx.AsyncClient, *entries: Json) -> httpx.Response:
    return await fhir.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": list(entries)})


async def created(fhir: httpx.AsyncClient, resource: Json) -> Json:
    response = await fhir.post(resource["resourceType"], json=resource)
    assert response.status_code == 201, response.text
    stored: Json = response.json()
    return stored


async def found(fhir: httpx.AsyncClient, query: str) -> list[str]:
    response = await fhir.get(query)
    assert response.status_code == 200, response.text
    return [entry["resource"]["id"] for entry in response.json().get("entry", [])]


# ------------------------------------------------------------------------------------------- what it says of itself


async def test_capability_statement_says_that_it_is_a_sandbox(fhir: httpx.AsyncClient) -> None:
    statement = (await fhir.get("metadata")).json()

    assert "never production" in statement["software"]["name"]
    assert "never production" in statement["implementation"]["description"]
    assert "messaging" not in statement
    assert "cors" not in statement["rest"][0]["security"]


def test_another_version_of_sekmet_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_fhir, "version", lambda _distribution: "0.2.0")

    with pytest.raises(RuntimeError, match=r"needs sekmet-fhir 0\.1\.1; 0\.2\.0 is installed"):
        create_embedded_store()


@pytest.mark.parametrize("path", ["/", "/ui", "/docs", "/api/openapi.json", "/auth/token", "/hooks/peer/key"])
async def test_nothing_but_fhir_is_served(fhir: httpx.AsyncClient, path: str) -> None:
    response = await fhir.get(httpx.URL(embedded_fhir.IN_PROCESS_ORIGIN).join(path))

    assert response.status_code == 404


async def test_no_web_page_of_another_origin_may_read_it(fhir: httpx.AsyncClient) -> None:
    response = await fhir.get("metadata", headers={"Origin": "https://elsewhere.example"})

    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("True", id="it warns of nothing"),
        pytest.param("not logging.getLogger().handlers", id="it leaves logging alone"),
        pytest.param("not [m for m in sys.modules if m.startswith('sekmet.workflows')]", id="it has no simulator"),
        pytest.param("threading.active_count() == 1", id="it leaves no thread"),
    ],
)
def test_from_import_to_close(claim: str) -> None:
    script = f"""
import logging, sys, threading
from service.gateways.embedded_fhir import create_embedded_store
create_embedded_store().close()
assert {claim}
"""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


async def test_links_begin_with_the_origin_that_it_was_given() -> None:
    async with client_of(create_embedded_store(origin="http://127.0.0.1:8099/")) as fhir:
        location = (await fhir.post("Patient", json=a("Patient"))).headers["Location"]

    assert location.startswith("http://127.0.0.1:8099/fhir/Patient/")


# ------------------------------------------------------------------------------------------- fidelity


@pytest.mark.parametrize("number", ["72.50", "6000.00", "0.10", "1.0E+2", "12345678901234567.89"])
async def test_a_decimal_comes_back_as_it_was_written(fhir: httpx.AsyncClient, number: str) -> None:
    stored = await fhir.post(
        "Goal", content=a_goal_as_written(number), headers={"Content-Type": "application/fhir+json"}
    )
    url = f"Goal/{stored.json()['id']}"
    replaced = await fhir.put(url, content=stored.content, headers={"If-Match": stored.headers["ETag"]})
    answers = [stored, replaced]
    answers += [
        await fhir.get(path) for path in (url, f"{url}/_history/1", f"{url}/_history", "Goal", f"{url}?_pretty=true")
    ]

    as_written = re.compile(rf'"value": ?{re.escape(number)}[,}}\n]')
    assert [len(as_written.findall(answer.text)) for answer in answers] == [1, 1, 1, 1, 2, 1, 1]


async def test_the_history_of_a_deleted_resource_keeps_what_it_was(fhir: httpx.AsyncClient) -> None:
    goal = await created(fhir, a("Goal"))
    await fhir.delete(f"Goal/{goal['id']}")

    entries = (await fhir.get(f"Goal/{goal['id']}/_history")).json()["entry"]

    assert [entry.get("resource") for entry in entries] == [None, goal]


async def test_a_decimal_is_still_found_by_its_value(fhir: httpx.AsyncClient) -> None:
    heavy = await created(fhir, a("Observation", valueQuantity={"value": 72.5, "unit": "kg"}))
    await created(fhir, a("Observation", valueQuantity={"value": 61.5, "unit": "kg"}))

    assert await found(fhir, "Observation?value-quantity=gt70.25") == [heavy["id"]]


async def test_a_body_that_is_not_json_is_a_400_with_an_outcome(fhir: httpx.AsyncClient) -> None:
    response = await fhir.post("Goal", content=b"{", headers={"Content-Type": "application/fhir+json"})

    assert (response.status_code, response.json()["resourceType"]) == (400, "OperationOutcome")


# ------------------------------------------------------------------------------------------- search


@pytest.mark.parametrize("prefer", ["handling=strict", "handling=lenient", "return=minimal"])
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("Goal?goal-acceptance=agree", id="parameter"),
        pytest.param("Goal?patient=1&goal-acceptance=agree", id="parameter beside a good one"),
        pytest.param("Goal?patient:nonsense=1", id="modifier"),
        pytest.param("Goal?subject.nonsense=1", id="chained parameter"),
        pytest.param("Goal?_sort=nonsense", id="sort key"),
        pytest.param("Goal?_filter=description co walk", id="filter"),
        pytest.param("Goal?_since=2026-01-01", id="parameter of another interaction"),
        pytest.param("Goal?_contained=true", id="parameter that would be taken and ignored"),
        pytest.param("Goal?_include=Goal:nonsense", id="include"),
        pytest.param("Goal?_revinclude=CarePlan:nonsense", id="reverse include"),
        pytest.param("Patient/1/Goal?nonsense=1", id="parameter in a compartment"),
    ],
)
async def test_a_search_that_it_does_not_understand_is_refused(
    fhir: httpx.AsyncClient, query: str, prefer: str
) -> None:
    await fhir.put("Patient/1", json=a("Patient", id="1"))
    await created(fhir, a("Goal", subject={"reference": "Patient/1"}))

    response = await fhir.get(query, headers={"Prefer": prefer})

    assert (response.status_code, response.json()["resourceType"]) == (400, "OperationOutcome")
    assert [issue["severity"] for issue in response.json()["issue"]] == ["error"]
    assert "ignored" not in response.json()["issue"][0]["diagnostics"]


async def test_a_posted_search_is_as_strict_as_any(fhir: httpx.AsyncClient) -> None:
    goal = await created(fhir, a("Goal", subject={"reference": "Patient/1"}))
    await created(fhir, a("Goal", subject={"reference": "Patient/2"}))

    good = await fhir.post("Goal/_search", data={"patient": "1"})
    bad = await fhir.post("Goal/_search", data={"patient": "1", "nonsense": "1"})

    assert [entry["resource"]["id"] for entry in good.json()["entry"]] == [goal["id"]]
    assert bad.status_code == 400


async def test_a_search_inside_a_batch_is_as_strict_as_any(fhir: httpx.AsyncClient) -> None:
    entry = {"request": {"method": "GET", "url": "Goal?nonsense=1"}}

    response = await fhir.post("", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})

    assert response.json()["entry"][0]["response"]["status"] == "400 Bad Request"


@pytest.mark.parametrize(
    ("resource_type", "elements", "query"),
    [
        ("Goal", {"subject": {"reference": "Patient/$"}}, "patient=1"),
        ("Goal", {"subject": {"reference": "Group/$"}}, "subject=Group/1"),
        ("Goal", {"identifier": [{"system": "urn:t", "value": "t$"}]}, "identifier=urn:t|t1"),
        ("Goal", {"target": [{"dueDate": "2026-06-0$"}]}, "target-date=lt2026-06-02"),
        ("Goal", {"startDate": "2026-06-0$"}, "start-date=2026-06-01"),
        ("Goal", {"achievementStatus": {"coding": [{"code": "s$"}]}}, "achievement-status=s1"),
        ("Goal", {"category": [{"coding": [{"code": "c$"}]}]}, "category=c1"),
        ("Goal", {"meta": {"tag": [{"system": "urn:t", "code": "t$"}]}}, "_tag=urn:t|t1"),
        ("CarePlan", {"goal": [{"reference": "Goal/$"}]}, "goal=Goal/1"),
        ("CarePlan", {"careTeam": [{"reference": "CareTeam/$"}]}, "care-team=CareTeam/1"),
        ("CarePlan", {"addresses": [{"reference": "Condition/$"}]}, "condition=Condition/1"),
        ("CarePlan", {"activity": [{"reference": {"reference": "Task/$"}}]}, "activity-reference=Task/1"),
        ("CarePlan", {"instantiatesCanonical": ["http://t.example/$"]}, "instantiates-canonical=http://t.example/1"),
        ("CareTeam", {"participant": [{"member": {"reference": "Practitioner/$"}}]}, "participant=Practitioner/1"),
        ("CareTeam", {"subject": {"reference": "Patient/$"}}, "patient=Patient/1"),
        ("Task", {"owner": {"reference": "Practitioner/$"}}, "owner=Practitioner/1"),
        ("Task", {"requester": {"reference": "Patient/$"}}, "requester=Patient/1"),
        ("Task", {"focus": {"reference": "Goal/$"}}, "focus=Goal/1"),
        ("Task", {"for": {"reference": "Patient/$"}}, "patient=1"),
        ("Task", {"identifier": [{"system": "urn:t", "value": "t$"}]}, "identifier=urn:t|t1"),
        ("Task", {"groupIdentifier": {"system": "urn:t", "value": "t$"}}, "group-identifier=urn:t|t1"),
        ("Task", {"businessStatus": {"coding": [{"code": "b$"}]}}, "business-status=b1"),
        ("Task", {"basedOn": [{"reference": "CarePlan/$"}]}, "based-on=CarePlan/1"),
        ("Task", {"partOf": [{"reference": "Task/$"}]}, "part-of=Task/1"),
        ("Communication", {"basedOn": [{"reference": "Goal/$"}]}, "based-on=Goal/1"),
        ("Communication", {"partOf": [{"reference": "Task/$"}]}, "part-of=Task/1"),
        ("Communication", {"subject": {"reference": "Patient/$"}}, "subject=Patient/1"),
        ("Communication", {"sent": "2026-01-01T00:00:0$Z"}, "sent=lt2026-01-01T00:00:02Z"),
        ("Communication", {"identifier": [{"system": "urn:t", "value": "t$"}]}, "identifier=urn:t|t1"),
        ("Provenance", {"target": [{"reference": "Goal/$"}]}, "target=Goal/1"),
        ("Provenance", {"target": [{"reference": "Patient/$"}]}, "patient=1"),
        ("Provenance", {"agent": [{"who": {"reference": "Practitioner/$"}}]}, "agent=Practitioner/1"),
        ("Provenance", {"recorded": "2026-01-01T00:00:0$Z"}, "recorded=gt2025&recorded=lt2026-01-01T00:00:02Z"),
        ("Provenance", {"meta": {"tag": [{"system": "urn:t", "code": "t$"}]}}, "_tag=urn:t|t1"),
        ("AuditEvent", {"agent": [{"requestor": True, "who": {"reference": "Patient/$"}}]}, "patient=1"),
        ("AuditEvent", {"entity": [{"what": {"reference": "Patient/$"}}]}, "patient=1"),
        ("Observation", {"focus": [{"reference": "Goal/$"}]}, "focus=Goal/1"),
        ("Observation", {"effectiveDateTime": "2026-01-0$"}, "date=ge2026-01-01&date=lt2026-01-02"),
        ("QuestionnaireResponse", {"questionnaire": "http://q.example/$"}, "questionnaire=http://q.example/1"),
        ("QuestionnaireResponse", {"subject": {"reference": "Patient/$"}}, "patient=1"),
        ("PlanDefinition", {"url": "http://p.example/$"}, "url=http://p.example/1"),
        ("Measure", {"url": "http://m.example/$"}, "url=http://m.example/1"),
        ("MeasureReport", {"measure": "http://m.example/$"}, "measure=http://m.example/1"),
        ("MeasureReport", {"reporter": {"reference": "Organization/$"}}, "reporter=Organization/1"),
        ("RelatedPerson", {"patient": {"reference": "Patient/$"}}, "patient=1"),
        ("PractitionerRole", {"practitioner": {"reference": "Practitioner/$"}}, "practitioner=1"),
        ("Group", {"member": [{"entity": {"reference": "Patient/$"}}]}, "member=Patient/1"),
        ("ServiceRequest", {"basedOn": [{"reference": "CarePlan/$"}]}, "based-on=CarePlan/1"),
    ],
)
async def test_a_search_finds_what_matches_and_nothing_else(
    fhir: httpx.AsyncClient, resource_type: str, elements: Json, query: str
) -> None:
    template = json.dumps(a(resource_type, **elements))
    matching = await created(fhir, json.loads(template.replace("$", "1")))
    await created(fhir, json.loads(template.replace("$", "2")))

    assert await found(fhir, f"{resource_type}?{query}") == [matching["id"]]


@pytest.mark.skipif(not R4_DEFINITIONS.exists(), reason=ABSENT)
def test_every_search_parameter_that_is_added_is_one_of_r4() -> None:
    definitions = _r4_search_parameters()
    differing = [
        f"{resource_type}.{name}: {kind} of {path}"
        for resource_type, lines in ADDITIONAL_PARAMETERS.items()
        for name, kind, paths, *target in (line.split(":") for line in lines.split())
        for path in paths.split("|")
        if not _is_defined(definitions.get((resource_type, name)), resource_type, kind, path, target)
    ]

    assert differing == []


def _r4_search_parameters() -> dict[tuple[str, str], Json]:
    with tarfile.open(R4_DEFINITIONS) as package:
        files = (package.extractfile(m) for m in package if "/SearchParameter-" in m.name)
        parameters = [json.load(file) for file in files if file]
    return {(base, parameter["code"]): parameter for parameter in parameters for base in parameter["base"]}


def _is_defined(parameter: Json | None, resource_type: str, kind: str, path: str, target: list[str]) -> bool:
    """Whether R4 has this parameter, of this type (a canonical is a uri here), with this path among its expressions."""
    if parameter is None or parameter["type"] not in ({"reference", "uri"} if kind == "uri" else {kind}):
        return False
    expressions = {_as_path(e) for e in parameter["expression"].split("|")}
    wanted = {f"{resource_type}.{path}", f"{resource_type}.{path}:{target[0]}" if target else ""}
    open_choice = re.sub(r"(DateTime|Period|Canonical)$", "", f"{resource_type}.{path}")
    return bool(expressions & (wanted | {open_choice}))


def _as_path(expression: str) -> str:
    """FHIRPath in the notation of the table: `(Goal.start as date)` is `Goal.startDate`."""
    path = re.sub(r"\.where\(resolve\(\) is (\w+)\)", r":\1", expression.strip())
    path = re.sub(r"\.where\(system='(\w+)'\)", r"[\1]", path)
    return re.sub(r"\(?([\w.]+) as (\w)(\w*)\)?", lambda m: m[1] + m[2].upper() + m[3], path)


# ------------------------------------------------------------------------------------------- transactions


async def test_a_urn_is_resolved_wherever_a_reference_may_stand(fhir: httpx.AsyncClient) -> None:
    goal, task = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    pertains = {"url": PERTAINS_TO_GOAL, "valueReference": {"reference": goal}}
    response = await transact(
        fhir,
        creates(
            a("Provenance", target=[{"reference": goal}], entity=[{"role": "source", "what": {"reference": task}}])
        ),
        creates(
            a(
                "Task",
                focus={"reference": goal},
                output=[{"type": {"text": "o"}, "valueReference": {"reference": goal}}],
            ),
            full_url=task,
        ),
        creates(a("Observation", extension=[pertains], focus=[{"reference": goal}])),
        creates(a("CarePlan", goal=[{"reference": goal}], activity=[{"reference": {"reference": task}}])),
        creates(a("Goal"), full_url=goal),
    )

    stored = [entry["resource"] for entry in response.json()["entry"]]
    assert [r["resourceType"] for r in stored] == ["Provenance", "Task", "Observation", "CarePlan", "Goal"]
    text = json.dumps(stored)
    assert "urn:uuid:" not in text
    assert text.count(f'"Goal/{stored[4]["id"]}"') == 6
    assert text.count(f'"Task/{stored[1]["id"]}"') == 2


async def test_a_urn_that_no_entry_has_rolls_everything_back(fhir: httpx.AsyncClient) -> None:
    dangling = a("Task", focus={"reference": f"urn:uuid:{uuid4()}"})

    response = await transact(fhir, creates(a("Goal")), creates(dangling))

    assert response.status_code == 400
    assert await found(fhir, "Goal") == []


@pytest.mark.parametrize("if_match", ['W/"1"', 'W/"9"', "nonsense"])
async def test_a_version_that_is_not_the_present_one_rolls_everything_back(
    fhir: httpx.AsyncClient, if_match: str
) -> None:
    goal = await created(fhir, a("Goal"))
    plan = await created(fhir, a("CarePlan"))
    assert (await transact(fhir, updates(goal, if_match='W/"1"'))).status_code == 200

    response = await transact(
        fhir,
        creates(a("Task")),
        updates(plan, if_match='W/"1"'),
        updates(goal | {"startDate": "2026-01-01"}, if_match=if_match),
    )

    assert response.status_code == 412
    assert await found(fhir, "Task") == []
    versions = [(await fhir.get(f"{r['resourceType']}/{r['id']}")).headers["ETag"] for r in (plan, goal)]
    assert versions == ['W/"1"', 'W/"2"']


async def test_of_300_transactions_with_one_version_exactly_one_gets_through(fhir: httpx.AsyncClient) -> None:
    goal = await created(fhir, a("Goal"))
    acts = [transact(fhir, updates(goal, if_match='W/"1"'), creates(a("Task", description=str(i)))) for i in range(300)]

    statuses = Counter(response.status_code for response in await asyncio.gather(*acts))

    assert statuses == {200: 1, 412: 299}
    assert (await fhir.get(f"Goal/{goal['id']}")).headers["ETag"] == 'W/"2"'
    assert len(await found(fhir, "Task")) == 1


async def test_of_64_transactions_with_one_operation_each_resource_is_created_once(fhir: httpx.AsyncClient) -> None:
    tag, identifier = {"tag": [{"system": SYSTEM, "code": "k"}]}, [{"system": SYSTEM, "value": "k"}]

    def act() -> list[Json]:
        goal = f"urn:uuid:{uuid4()}"
        return [
            creates(a("Goal", identifier=identifier), full_url=goal, if_none_exist=f"identifier={SYSTEM}|k"),
            creates(
                a("Task", identifier=identifier, focus={"reference": goal}), if_none_exist=f"identifier={SYSTEM}|k"
            ),
            creates(a("Provenance", meta=tag, target=[{"reference": goal}]), if_none_exist=f"_tag={SYSTEM}|k"),
            creates(
                a("AuditEvent", meta=tag, entity=[{"what": {"reference": goal}}]), if_none_exist=f"_tag={SYSTEM}|k"
            ),
        ]

    responses = await asyncio.gather(*(transact(fhir, *act()) for _ in range(64)))

    assert {response.status_code for response in responses} == {200}
    answers = Counter(entry["response"]["status"] for response in responses for entry in response.json()["entry"])
    assert answers == {"201 Created": 4, "200 OK": 4 * 63}
    ids = {tuple(entry["resource"]["id"] for entry in response.json()["entry"]) for response in responses}
    assert ids == {tuple([(await found(fhir, t))[0] for t in ("Goal", "Task", "Provenance", "AuditEvent")])}
    assert [len(await found(fhir, t)) for t in ("Goal", "Task", "Provenance", "AuditEvent")] == [1, 1, 1, 1]


@pytest.mark.parametrize("condition", [f"identifier={SYSTEM}|k", f"_tag={SYSTEM}|k"])
async def test_of_64_conditional_creates_exactly_one_creates(fhir: httpx.AsyncClient, condition: str) -> None:
    goal = a("Goal", identifier=[{"system": SYSTEM, "value": "k"}], meta={"tag": [{"system": SYSTEM, "code": "k"}]})

    responses = await asyncio.gather(
        *(fhir.post("Goal", json=goal, headers={"If-None-Exist": condition}) for _ in range(64))
    )

    assert Counter(response.status_code for response in responses) == {201: 1, 200: 63}
    assert len({response.json()["id"] for response in responses}) == 1


async def test_of_64_conditional_updates_exactly_one_creates(fhir: httpx.AsyncClient) -> None:
    goal, url = a("Goal", identifier=[{"system": SYSTEM, "value": "k"}]), f"Goal?identifier={SYSTEM}|k"

    responses = await asyncio.gather(*(fhir.put(url, json=goal) for _ in range(64)))

    assert Counter(response.status_code for response in responses) == {201: 1, 200: 63}


async def test_conditional_deletes_that_meet_delete_once(fhir: httpx.AsyncClient) -> None:
    goal = await created(fhir, a("Goal", identifier=[{"system": SYSTEM, "value": "k"}]))

    responses = await asyncio.gather(*(fhir.delete(f"Goal?identifier={SYSTEM}|k") for _ in range(32)))

    assert Counter(response.status_code for response in responses) == {200: 1, 204: 31}
    assert (await fhir.get(f"Goal/{goal['id']}")).status_code == 410


async def test_patches_that_meet_are_all_kept(fhir: httpx.AsyncClient) -> None:
    url = f"Goal/{(await created(fhir, a('Goal', note=[{'text': 'first'}])))['id']}"
    headers = {"Content-Type": "application/json-patch+json"}
    patches = [[{"op": "add", "path": "/note/-", "value": {"text": str(i)}}] for i in range(50)]

    await asyncio.gather(*(fhir.patch(url, content=json.dumps(patch), headers=headers) for patch in patches))

    assert len((await fhir.get(url)).json()["note"]) == 51


# ------------------------------------------------------------------------------------------- memory and folder


async def test_a_store_in_memory_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with client_of(create_embedded_store()) as fhir:
        await created(fhir, a("Goal"))
        export = await fhir.get("$export", headers={"Prefer": "respond-async"})
    async with client_of(create_embedded_store()) as another:
        goals = await found(another, "Goal")

    assert export.status_code == 404
    assert (goals, list(tmp_path.iterdir())) == ([], [])


async def test_a_store_in_a_folder_keeps_its_data_there_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with client_of(create_embedded_store(tmp_path / "data")) as fhir:
        goal = await fhir.post("Goal", content=a_goal_as_written("72.50"))
    async with client_of(create_embedded_store(tmp_path / "data")) as fhir:
        kept = await fhir.get(f"Goal/{goal.json()['id']}")

    assert kept.content == goal.content
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["data", "data/fhir.sqlite"]


async def test_data_of_an_earlier_version_is_found_by_the_parameters_of_this_one(tmp_path: Path) -> None:
    async with client_of(create_embedded_store(tmp_path)) as fhir:
        goal = await created(fhir, a("Goal", subject={"reference": "Patient/1"}))
    with closing(sqlite3.connect(tmp_path / "fhir.sqlite")) as earlier, earlier:
        earlier.execute("DELETE FROM idx WHERE param = 'patient'")
        earlier.execute("UPDATE kv SET v = 'fewer' WHERE k = 'search_parameters'")

    async with client_of(create_embedded_store(tmp_path)) as fhir:
        assert await found(fhir, "Goal?patient=1") == [goal["id"]]


async def test_a_sort_finds_the_values_of_one_resource_by_an_index(tmp_path: Path) -> None:
    create_embedded_store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "fhir.sqlite")) as database:
        query = "EXPLAIN QUERY PLAN SELECT min(lo) FROM idx WHERE type = 'Goal' AND id = '1' AND param = 'start-date'"
        plan = str(database.execute(query).fetchall())

    assert "(type=? AND id=? AND param=?)" in plan


async def test_the_lifespan_of_an_asgi_server_closes_the_database(tmp_path: Path) -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    said: list[str] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(messages)

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message["type"])
        said.extend(path.name for path in tmp_path.glob("*-wal"))

    await create_embedded_store(tmp_path)({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    assert said == ["lifespan.startup.complete", "fhir.sqlite-wal", "lifespan.shutdown.complete"]


async def test_an_export_holds_the_resources_as_they_were_written(tmp_path: Path) -> None:
    async with client_of(create_embedded_store(tmp_path)) as fhir:
        await fhir.post("Goal", content=a_goal_as_written("72.50"))
        manifest = await _exported(fhir, "$export?_type=Goal")
        lines = (await fhir.get(manifest.json()["output"][0]["url"])).text.splitlines()

    assert len(lines) == 1
    assert '"value":72.50' in lines[0]


async def test_no_path_leads_out_of_the_exports(tmp_path: Path) -> None:
    async with client_of(create_embedded_store(tmp_path)) as fhir:
        await created(fhir, a("Goal"))
        await _exported(fhir, "$export")
        (tmp_path / "exports/key.pem").write_text("secret")
        response = await fhir.get("bulk-files/%2e%2e/key.pem")

    assert (response.status_code, response.text) == (404, "")


async def _exported(fhir: httpx.AsyncClient, kickoff: str) -> httpx.Response:
    status_url = (await fhir.get(kickoff, headers={"Prefer": "respond-async"})).headers["Content-Location"]
    for _ in range(100):
        if (status := await fhir.get(status_url)).status_code != 202:
            break
        await asyncio.sleep(0.05)
    assert status.status_code == 200, status.text
    return status


# ------------------------------------------------------------------------------------------- subscriptions


class Subscriber(ThreadingHTTPServer):
    """Keeps what it is notified of."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Notified)
        self.bodies: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Notified(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        assert isinstance(self.server, Subscriber)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.end_headers()

    vars()["do_POST"] = do_PUT

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with Subscriber() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def a_subscription(endpoint: str, criteria: str) -> Json:
    channel = {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json"}
    return a("Subscription", status="requested", reason="test", criteria=criteria, channel=channel)


async def notified(subscriber: Subscriber) -> list[str]:
    for _ in range(100):
        if subscriber.bodies:
            break
        await asyncio.sleep(0.05)
    return subscriber.bodies


async def test_a_subscriber_gets_what_matches_and_the_store_keeps_no_copy(
    tmp_path: Path, subscriber: Subscriber
) -> None:
    async with client_of(create_embedded_store(tmp_path)) as fhir:
        await created(fhir, a_subscription(subscriber.url, "Goal?lifecycle-status=active"))
        await created(fhir, a("Goal", lifecycleStatus="proposed"))
        await fhir.post("Goal", content=a_goal_as_written("72.50"))
        bodies = await notified(subscriber)

    assert len(bodies) == 1
    assert '"value":72.50' in bodies[0]
    with closing(sqlite3.connect(tmp_path / "fhir.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM traffic").fetchone() == (0,)


async def test_a_store_that_is_closed_ends_the_threads_that_notify(subscriber: Subscriber) -> None:
    async with client_of(create_embedded_store()) as fhir:
        await created(fhir, a_subscription(subscriber.url, "Goal?lifecycle-status=active"))
        await created(fhir, a("Goal"))
        await notified(subscriber)
    notifying = [thread for thread in threading.enumerate() if thread.name.startswith("sub-notify")]
    for thread in notifying:
        thread.join(timeout=5)

    assert not any(thread.is_alive() for thread in notifying)


async def test_a_subscription_to_a_topic_is_told_that_there_is_none(fhir: httpx.AsyncClient) -> None:
    subscription = await created(fhir, a_subscription("http://127.0.0.1:9", "http://topics.example/goal-agreed"))

    now = (await fhir.get(f"Subscription/{subscription['id']}")).json()
    assert (now["status"], "topics.example" in now["error"]) == ("error", True)
    assert await found(fhir, "Basic") == []


# ------------------------------------------------------------------------------------------- a real socket

SERVE = """
import sys, uvicorn
from pathlib import Path
from service.gateways.embedded_fhir import create_embedded_store
port = int(sys.argv[1])
store = create_embedded_store(Path(sys.argv[2]), origin=f"http://127.0.0.1:{port}")
uvicorn.run(store, host="127.0.0.1", port=port, log_level="error")
"""


@contextmanager
def served(data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The store in a process of its own, and its base URL; asked to stop at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-W", "error", "-c", SERVE, port, str(data)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            _await_answer(base, process)
            yield base, process
        finally:
            process.send_signal(signal.SIGINT)


def _await_answer(base: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{base}/metadata")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the embedded store did not start (exit status {process.poll()})")


def test_a_server_that_is_asked_to_stop_closes_the_database_and_is_silent(tmp_path: Path) -> None:
    with served(tmp_path) as (base, process):
        assert httpx.post(f"{base}/Goal", json=a("Goal")).status_code == 201
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)

    assert said == ""
    assert [path.name for path in tmp_path.iterdir()] == ["fhir.sqlite"]


def test_a_killed_server_has_kept_every_transaction_that_it_acknowledged_and_no_half_of_one(tmp_path: Path) -> None:
    acknowledged: list[str] = []

    def act_until_the_server_dies() -> None:
        with httpx.Client() as fhir:
            for _ in range(10_000):
                key = str(uuid4())
                identifier = [{"value": key}]
                entries = [creates(a("Goal", identifier=identifier)), creates(a("Task", identifier=identifier))]
                try:
                    response = fhir.post(base, json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
                except httpx.TransportError:
                    return
                assert response.status_code == 200
                acknowledged.append(key)

    with served(tmp_path) as (base, process):
        writers = [threading.Thread(target=act_until_the_server_dies) for _ in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        os.kill(process.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()

    with served(tmp_path) as (base, _process), httpx.Client(base_url=base) as fhir:
        goals, tasks = (_identifiers(fhir, resource_type) for resource_type in ("Goal", "Task"))

    assert len(acknowledged) > 10
    assert set(acknowledged) <= goals
    assert goals == tasks


def _identifiers(fhir: httpx.Client, resource_type: str) -> set[str]:
    values: set[str] = set()
    url: str | None = f"{resource_type}?_count=500"
    while url:
        page = fhir.get(url).json()
        values |= {entry["resource"]["identifier"][0]["value"] for entry in page["entry"]}
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return values


@pytest.mark.skipif(not PROBE.exists(), reason=ABSENT)
def test_every_core_check_of_the_probe_passes_over_a_socket(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (base, _process):
        report = tmp_path / "report.json"
        command = [sys.executable, str(PROBE), base, "--json", str(report)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout
    failed = {check["id"] for check in json.loads(report.read_text())["results"] if check["status"] == "FAIL"}
    assert failed <= {
        "op.validate-invalid",
        "http.dangling-reference",
    }  # neither code bindings nor referential integrity
