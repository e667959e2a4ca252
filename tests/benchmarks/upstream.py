"""What an act asks of the FHIR server: `python -m tests.benchmarks.upstream` prints requests and rounds for each.

A round is what is under way at the same time. *For the plan* are the searches of the kinds that its narrative tells of;
progress asks for the series of the goal by one of them, too.
"""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from fhir_mappings.carrier import Json
from service.gateways.embedded_fhir import create_embedded_store
from service.rights import Rights
from tests.conftest import FhirServer, open_world
from tests.people import World, said
from tests.workflow_pages.recording import Exchange, Recording

TOLD_OF = frozenset({"Observation/_search", "List/_search", "CommunicationRequest/_search", "ServiceRequest/_search"})
MOMENT = "2026-11-01T10:00:00Z"
Act = Callable[[World, Json], Awaitable[httpx.Response]]


def on_goal(who: str, act: str, **body: object) -> Act:
    """This act on the goal at hand."""
    return lambda world, goal: getattr(world, who).post(f"/v1/goals/{goal['id']}/{act}", body, version=goal["version"])


def of_ann(path: str, **body: object) -> Act:
    """Something that is of Ann and of no goal yet."""
    return lambda world, _: world.ann.post(f"/v1/patients/{world.patient}/{path}", body)


PROGRESS = {"value": {"quantity": {"value": 4, "code": "1"}}, "measure": {"text": "walks"}, "effective": MOMENT}
ACTS: dict[str, Act] = {
    "propose": of_ann("goals", description="Read every evening"),
    "message": on_goal("ann", "messages", text="How far?"),
    "accept": on_goal("bo", "accept"),
    "progress": on_goal("ann", "progress", **PROGRESS),
    "track a value": of_ann("observations", items=[{"what": "pain", "value": 4, "effective": MOMENT}]),
    "hold": on_goal("bo", "hold", reason="The X-ray first"),
    "resume": on_goal("bo", "resume", reason="It is fine"),
    "say what matters": of_ann("what-matters", text="Sleep", about="recharge"),
    "state a preference": of_ann("preferences", words="No operation"),
    "void": on_goal("ann", "entered-in-error", reason="A slip"),
}


def row(name: str, asked: list[Exchange]) -> str:
    """One line of the table."""
    told = sum(e.path in TOLD_OF for e in asked)
    plan = any(entry["resource"]["resourceType"] == "CarePlan" for e in asked for entry in e.entries)
    return f"| {name} | {len(asked)} | {max(e.step for e in asked)} | {told} | {'yes' if plan else 'no'} |"


async def main() -> None:
    store = create_embedded_store()
    recording = Recording(httpx.ASGITransport(store))
    server = FhirServer("embedded", store.base_url, recording)
    print("| Act | requests | rounds | for the plan | writes it |\n|---|---|---|---|---|")
    async with open_world(server, Rights(lambda: recording.now)) as world:
        goal = await world.ann.proposes(world.patient, "Walk to the shops")
        for name, act in ACTS.items():
            recording.begin()
            answer = await act(world, goal)
            assert answer.is_success, answer.text
            print(row(name, recording.exchanges))
            goal = said(await world.ann.get(f"/v1/goals/{goal['id']}"), 200)
    store.close()


if __name__ == "__main__":
    asyncio.run(main())
