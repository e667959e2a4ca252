"""What the judgement of who may do what costs: medians of one run, as ratios. `python -m tests.benchmarks.access`.

With COPLAN_TEST_HAPI on that server, else on the embedded store. The requests of each kind take turns.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx

from fhir_mappings.carrier import encode
from service.domain.policy import PractitionerAccess
from service.gateways.audit_trail import open_audit_trail
from service.gateways.demo_issuer import AUDIENCE
from service.gateways.embedded_fhir import create_embedded_store
from service.gateways.rate_limits import open_rate_limits
from service.gateways.smart_tokens import SmartTokenVerifier
from service.rights import Rights
from tests.conftest import ISSUER, FhirServer, app_with, fhir_http, open_test_services
from tests.people import Person, record
from tests.redis_server import RedisServer

ROUNDS = 40
Call = Callable[[], Awaitable[Any]]


async def medians(**calls: Call) -> dict[str, float]:
    """Milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS + 5):
        for name, call in calls.items():
            started = time.perf_counter()
            await call()
            if number >= 5:
                taken[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


async def tokens() -> None:
    token = ISSUER.token("Patient/ann", patient="ann", scope="openid patient/Goal.cruds patient/CarePlan.rs")
    kept = SmartTokenVerifier(ISSUER.issuers, audience=AUDIENCE, fhir_base_url="https://fhir.test")

    async def anew() -> None:
        await SmartTokenVerifier(ISSUER.issuers, audience=AUDIENCE, fhir_base_url="https://fhir.test").verify(token)

    found = await medians(anew=anew, kept=lambda: kept.verify(token))
    print(f"token verified anew : kept = {found['anew'] / found['kept']:.0f} : 1")


class Counted:
    """A FHIR server that counts."""

    def __init__(self, fhir: Any) -> None:
        self._fhir, self.calls = fhir, 0

    def __getattr__(self, name: str) -> Any:
        self.calls += name in {"read", "search", "vread"}
        return getattr(self._fhir, name)


async def requests(server: FhirServer) -> None:
    suffix = uuid4().hex[:12]
    async with fhir_http(server) as fhir, open_test_services(server) as services:
        assert (await fhir.post(server.base_url, content=encode(record(suffix)))).status_code == 200
        counted: Any = Counted(services.fhir)
        services = replace(services, fhir=counted)
        app = app_with(services)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            mia = Person(http, f"Patient/mia-{suffix}", ISSUER.token(f"Patient/mia-{suffix}"))
            bo = Person(http, f"Practitioner/bo-{suffix}", ISSUER.token(f"Practitioner/bo-{suffix}"))
            rosa = Person(http, f"RelatedPerson/rosa-{suffix}", ISSUER.token(f"RelatedPerson/rosa-{suffix}"))
            for number in range(10):
                await mia.proposes(f"mia-{suffix}", f"Goal number {number}")
            anyone = services.settings.model_copy(update={"practitioner_access": PractitionerAccess.ANY})
            policies = {"team": services, "any": replace(services, settings=anyone)}

            def asks(person: Person, path: str, *, policy: str = "team", cold: bool = False) -> Call:
                async def ask() -> None:
                    here = policies[policy]
                    app.state.services = replace(here, rights=Rights()) if cold else here
                    answer = await person.get(path, **{"Cache-Control": "no-cache"})
                    assert answer.status_code == 200

                return ask

            for what, path in (
                ("goals", f"/v1/patients/mia-{suffix}/goals"),
                ("plan", f"/v1/patients/mia-{suffix}/plan"),
            ):
                calls = {
                    "patient": asks(mia, path),
                    "clinician, any": asks(bo, path, policy="any"),
                    "clinician, kept": asks(bo, path),
                    "clinician, asked": asks(bo, path, cold=True),
                    "family, kept": asks(rosa, path),
                    "family, asked": asks(rosa, path, cold=True),
                }
                upstream = {}
                for name, call in calls.items():
                    await call()
                    before = counted.calls
                    await call()
                    upstream[name] = counted.calls - before
                found = await medians(**calls)
                base = found["patient"]
                for name, taken in found.items():
                    print(f"{what}, {name}: {taken / base:.2f} of the patient's own; {upstream[name]} FHIR requests")


async def edge(server: FhirServer) -> None:
    """What it costs that each read is recorded, and that each principal is counted: here or in Redis."""
    suffix = uuid4().hex[:12]
    async with AsyncExitStack() as stack:
        fhir = await stack.enter_async_context(fhir_http(server))
        services = await stack.enter_async_context(open_test_services(server))
        assert (await fhir.post(server.base_url, content=encode(record(suffix)))).status_code == 200
        trail = await stack.enter_async_context(open_audit_trail(services.fhir))
        limits: dict[str, Any] = {"counted here": None}
        if RedisServer.is_available() is None:
            limits["counted in Redis"] = stack.enter_context(RedisServer()).url
        kinds = {"neither": services, "recorded": replace(services, audit=trail)}
        for name, url in limits.items():
            opened = open_rate_limits(per_minute=10**6, refused_per_minute=10**6, redis_url=url, secret=b"s" * 32)
            kinds[name] = replace(services, limits=await stack.enter_async_context(opened))
        kinds["both, in Redis"] = replace(kinds[name], audit=trail)
        app = app_with(services)
        transport = httpx.ASGITransport(app)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://coplan.test"))
        mia = Person(http, f"Patient/mia-{suffix}", ISSUER.token(f"Patient/mia-{suffix}"))
        goal = await mia.proposes(f"mia-{suffix}", "A goal")

        def asks(kind: str, path: str) -> Call:
            async def ask() -> None:
                app.state.services = kinds[kind]
                assert (await mia.get(path, **{"Cache-Control": "no-cache"})).status_code == 200

            return ask

        for what, path in (("goal", f"/v1/goals/{goal['id']}"), ("plan", f"/v1/patients/mia-{suffix}/plan")):
            found = await medians(**{kind: asks(kind, path) for kind in kinds})
            for kind, taken in found.items():
                print(f"{what}, {kind}: {taken / found['neither']:.2f} of neither")


async def main() -> None:
    await tokens()
    if running := os.environ.get("COPLAN_TEST_HAPI"):
        await requests(FhirServer("hapi", running))
        await edge(FhirServer("hapi", running))
        return
    store = create_embedded_store()
    embedded = FhirServer("embedded", store.base_url, httpx.ASGITransport(store))
    await requests(embedded)
    await edge(embedded)
    store.close()


if __name__ == "__main__":
    asyncio.run(main())
