"""What 10,000 tracked values cost beside 100: medians of one run, in which both patients and all calls take turns.

    python -m tests.benchmarks.tracked_values

runs on the HAPI FHIR server that COPLAN_TEST_HAPI names, or on one of its own, and prints the table of
docs/tracking.md.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx

from fhir_mappings.carrier import Json, encode
from tests.conftest import ISSUER, FhirServer, app_with, fhir_http, open_test_services
from tests.hapi_server import HapiServer
from tests.people import Person, record, said

FEW, MANY, CHUNK = 100, 10_000, 500
ROUNDS, WARM_UP = 30, 5
SUGAR: Final = {"text": "sugar", "coding": [{"system": "http://loinc.org", "code": "41653-7"}]}
IN_RANGE: Final = {"low": {"value": 70, "code": "mg/dL"}, "high": {"value": 180, "code": "mg/dL"}}
START: Final = datetime(2026, 11, 1, tzinfo=UTC)


def value(patient: str, goal: str, number: int) -> Json:
    """Ten a day, backwards from the start."""
    at = START - timedelta(minutes=144 * number)
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                  "code": "laboratory"}]}],
        "code": SUGAR,
        "subject": {"reference": f"Patient/{patient}"},
        "focus": [{"reference": f"Goal/{goal}"}],
        "effectiveDateTime": at.isoformat(),
        "valueQuantity": {"value": 90 + number * 7 % 100, "unit": "mg/dL", "system": "http://unitsofmeasure.org",
                          "code": "mg/dL"},
    }  # fmt: skip


async def patient_with(values: int, http: httpx.AsyncClient, fhir: httpx.AsyncClient) -> tuple[Person, str, str]:
    """A patient with an agreed goal and so many values for it, put straight on the FHIR server."""
    suffix = uuid4().hex[:10]
    (await fhir.post("", content=encode(record(suffix)))).raise_for_status()
    patient = f"ann-{suffix}"
    ann, bo = (Person(http, r, ISSUER.token(r)) for r in (f"Patient/{patient}", f"Practitioner/bo-{suffix}"))
    target = {"measure": SUGAR, "value": {"range": IN_RANGE}}
    start_date = (START - timedelta(minutes=144 * values)).date().isoformat()
    offer = await ann.proposes(patient, "Keep my sugar in range", targets=[target], startDate=start_date)
    goal = await bo.acts(offer, "accept")
    for start in range(0, values, CHUNK):
        numbers = range(start, min(start + CHUNK, values))
        entries = [
            {"resource": value(patient, goal["id"], n), "request": {"method": "POST", "url": "Observation"}}
            for n in numbers
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        (await fhir.post("", content=encode(bundle))).raise_for_status()
    return ann, patient, goal["id"]


def calls(ann: Person, patient: str, goal: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    async def gets(path: str) -> None:
        said(await ann.get(path, **{"Cache-Control": "no-cache"}), 200)

    return {
        "plan view": lambda: gets(f"/v1/patients/{patient}/plan"),
        "progress of the goal": lambda: gets(f"/v1/goals/{goal}/progress"),
        "run chart of the goal": lambda: gets(f"/v1/goals/{goal}/run-chart"),
        "run chart of glucose": lambda: gets(f"/v1/patients/{patient}/run-chart?code=glucose"),
        "page of 50 values": lambda: gets(f"/v1/patients/{patient}/observations?code=glucose"),
    }


async def measure(server: FhirServer) -> dict[str, tuple[float, float]]:
    """Milliseconds with few and with many values, by call."""
    async with AsyncExitStack() as stack:
        fhir = await stack.enter_async_context(fhir_http(server))
        fhir.timeout = httpx.Timeout(600)
        services = await stack.enter_async_context(open_test_services(server))
        app = httpx.ASGITransport(app_with(services))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=app, base_url="http://coplan.test"))
        few, many = [calls(*(await patient_with(n, http, fhir))) for n in (FEW, MANY)]
        taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in few}
        for number in range(WARM_UP + ROUNDS):
            for name in few:
                for position, call in enumerate((few[name], many[name])):
                    started = time.perf_counter()
                    await call()
                    if number >= WARM_UP:
                        taken[name][position].append((time.perf_counter() - started) * 1000)
    return {name: (statistics.median(a), statistics.median(b)) for name, (a, b) in taken.items()}


def main() -> None:
    with ExitStack() as stack:
        base = os.environ.get("COPLAN_TEST_HAPI") or stack.enter_context(HapiServer()).base_url
        results = asyncio.run(measure(FhirServer("hapi", base)))
    print(f"| | {FEW} values, ms | {MANY} values, ms | ratio |\n|---|---|---|---|")
    for name, (few, many) in results.items():
        print(f"| {name} | {few:.0f} | {many:.0f} | {many / few:.2f} |")


if __name__ == "__main__":
    main()
