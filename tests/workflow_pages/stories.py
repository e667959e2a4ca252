"""What is recorded for each page: the same people as in the workflow tests, on a record of their own."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_mappings.carrier import Json, decode
from tests.people import Person, World
from tests.workflow_pages.recording import Names, Recording
from tests.workflow_pages.rendering import block

STEPS: Final = {
    "measure": {"text": "steps"},
    "value": {"quantity": {"value": 4000, "code": "{steps}/d", "comparator": ">="}},
}


@dataclass
class Book:
    """Keeps a block for each thing that is shown."""

    world: World
    recording: Recording
    names: Names
    blocks: dict[str, str] = field(default_factory=dict)

    async def shows(
        self, name: str, who: str, person: Person, path: str, body: Any = None, *, version: str | None = None
    ) -> Any:
        """Sends it, and keeps what went over the wire as block `name`. Without a body it is a read."""
        self.recording.begin()
        answer = await (person.get(path) if body is None else person.post(path, body, version=version))
        assert answer.is_success, answer.text
        asked = ("GET" if body is None else "POST", path, body, version)
        self.blocks[name] = block(who, asked, answer.status_code, self.recording, self.names)
        return decode(answer.content)

    async def act(self, who: str, person: Person, goal: Json, act: str, name: str | None = None, **body: Any) -> Any:
        """An act on a goal at the version at hand."""
        path = f"/v1/goals/{goal['id']}/{act}"
        return await self.shows(name or act, who, person, path, body, version=goal["version"])

    async def agreed(self, words: str = "Walk to the shops", **offer: Any) -> Json:
        """Not shown: an offer of Ann's that Dr Bo has agreed to."""
        return await self.quietly(self.world.bo, await self.offered(words, **offer), "accept")

    async def offered(self, words: str = "Walk to the shops", **offer: Any) -> Json:
        """Not shown: an offer of Ann's."""
        self.recording.begin()
        goal = await self.world.ann.proposes(self.world.patient, words, **offer)
        self._learn()
        return goal

    async def quietly(self, person: Person, goal: Json, act: str, **body: Any) -> Json:
        self.recording.begin()
        goal = await person.acts(goal, act, **body)
        self._learn()
        return goal

    def _learn(self) -> None:
        for exchange in self.recording.exchanges:
            if exchange.entries:
                self.names.learn(exchange)


async def propose(book: Book) -> None:
    world = book.world
    body = {"description": "Walk to the shops without pain", "targets": [STEPS]}
    await book.shows("propose", "Ann", world.ann, f"/v1/patients/{world.patient}/goals", body)


async def counter_propose(book: Book) -> None:
    words, reason = "Walk around the block every day", "The knee needs strength first"
    offer = await book.offered()
    counter = await book.act(
        "Dr Bo Berg", book.world.bo, offer, "counter-proposals", description=words, targets=[STEPS], reason=reason
    )
    agreed = await book.quietly(book.world.ann, counter, "accept")
    await book.act(
        "Ann",
        book.world.ann,
        agreed,
        "counter-proposals",
        "revise",
        description="Walk to the lake",
        reason="The block has become easy",
    )


async def accept(book: Book) -> None:
    world = book.world
    offer = await book.offered()
    counter = await book.quietly(
        world.bo, offer, "counter-proposals", description="Walk around the block", reason="First steps"
    )
    await book.act("Ann", world.ann, counter, "accept", priority="high-priority", comment="That is doable")
    second = await book.offered("Sleep through the night")
    await book.act("Dr Bo Berg", world.bo, second, "accept", "accept-again")


async def decline(book: Book) -> None:
    offer = await book.offered("Run a marathon in spring")
    await book.act("Dr Bo Berg", book.world.bo, offer, "decline", reason="The knee would not take it yet")


async def agree_to_disagree(book: Book) -> None:
    offer = await book.offered("Swim in the lake all winter")
    await book.act("Dr Bo Berg", book.world.bo, offer, "agree-to-disagree", reason="I would not; it is yours to decide")


async def message(book: Book) -> None:
    offer = await book.offered()
    path = f"/v1/goals/{offer['id']}/messages"
    question = await book.shows("ask", "Dr Bo Berg", book.world.bo, path, {"text": "On Sundays, too?"})
    answer = {"text": "Sundays are free", "inResponseTo": f"Communication/{question['id']}"}
    await book.shows("answer", "Ann", book.world.ann, path, answer)


async def withdraw(book: Book) -> None:
    world, offer = book.world, await book.offered()
    counter = await book.quietly(world.bo, offer, "counter-proposals", description="Around the block", reason="Slowly")
    await book.act("Dr Bo Berg", world.bo, counter, "withdraw")


async def hold_and_resume(book: Book) -> None:
    held = await book.act("Ann", book.world.ann, await book.agreed(), "hold", reason="The knee is swollen")
    await book.act("Dr Bo Berg", book.world.bo, held, "resume", reason="The swelling is gone")


async def end(book: Book) -> None:
    world = book.world
    proposed = await book.act("Ann", world.ann, await book.agreed(), "complete", outcome="achieved")
    await book.act("Dr Bo Berg", world.bo, proposed, "complete", "confirm")
    second = await book.agreed("Sleep through the night")
    await book.act("Ann", world.ann, second, "cancel", reason="It no longer matters to me")


async def entered_in_error(book: Book) -> None:
    await book.act("Ann", book.world.ann, await book.agreed(), "entered-in-error", reason="That was for my sister")


async def record_progress(book: Book) -> None:
    goal, world = await book.agreed(targets=[STEPS]), book.world
    body = {"value": {"quantity": {"value": 4200, "code": "{steps}/d"}}, "effective": "2026-11-01T19:30:00+01:00"}
    path = f"/v1/goals/{goal['id']}/progress"
    await book.shows("record", "Ann", world.ann, path, body)
    await book.shows("read", "Dr Bo Berg", world.bo, path)


async def care_plans(book: Book) -> None:
    goal, world = await book.agreed(), book.world
    path = f"/v1/patients/{world.patient}/care-plans"
    body = {"title": "Back on my feet", "addresses": [f"Condition/knee-{world.suffix}"]}
    plan = await book.shows("open", "Dr Bo Berg", world.bo, path, body)
    link = f"/v1/care-plans/{plan['id']}/goals"
    await book.shows("link", "Ann", world.ann, link, {"goal": goal["id"]}, version=plan["version"])
    await book.shows("read", "Ann", world.ann, f"/v1/care-plans/{plan['id']}")
    await book.shows("list", "Ann", world.ann, path)


async def plan_view(book: Book) -> None:
    await book.agreed()
    path = f"/v1/patients/{book.world.patient}/plan"
    await book.shows("plan", "Ann", book.world.ann, path)
    await book.shows("again", "Ann", book.world.ann, path)


async def read(book: Book) -> None:
    goal, world = await book.agreed(), book.world
    await book.shows("goal", "Ann", world.ann, f"/v1/goals/{goal['id']}")
    await book.shows("list", "Ann", world.ann, f"/v1/patients/{world.patient}/goals?status=active")
    await book.shows("thread", "Dr Bo Berg", world.bo, f"/v1/goals/{goal['id']}/thread")


async def identify(book: Book) -> None:
    world = book.world
    await book.shows("patient", "Ann", world.ann, "/v1/me")
    await book.shows("practitioner", "Dr Bo Berg", world.bo, "/v1/me")
    await book.shows("family", "Rosa, Mia's mother,", world.rosa, "/v1/me")


LEVELS: Final = [
    {"score": 1, "text": "Twice a week"},
    {"score": 0, "text": "Once a week"},
    {"score": -1, "text": "Now and then"},
]


async def attainment(book: Book) -> None:
    world = book.world
    goal = await book.agreed("Swim with friends", levels=LEVELS, domains=["physical-function"])
    path = f"/v1/goals/{goal['id']}"
    await book.shows("score", "Ann", world.ann, f"{path}/scores", {"score": 0, "effective": "2026-11-01T09:00:00Z"})
    await book.shows("barrier", "Dr Bo Berg", world.bo, f"{path}/barriers", {"text": "The pool is far away"})
    await book.shows("readiness", "Ann", world.ann, f"{path}/readiness", {"importance": 9, "confidence": 6})
    await book.shows("attainment", "Ann", world.ann, f"{path}/attainment")


async def what_matters(book: Book) -> None:
    goal, world = await book.agreed(), book.world
    path = f"/v1/patients/{world.patient}"
    words = {"text": "To be with my friends", "about": "relationships"}
    said = await book.shows("say", "Ann", world.ann, f"{path}/what-matters", words)
    order = {"items": [f"Observation/{said['id']}", f"Goal/{goal['id']}"]}
    await book.shows("order", "Ann", world.ann, f"{path}/priorities", order)
    back = f"/v1/assessments/{said['id']}/entered-in-error"
    await book.shows("take-back", "Ann", world.ann, back, {"reason": "Said otherwise"}, version=said["version"])


async def private_goals(book: Book) -> None:
    world, words = book.world, "Stop smoking without a fuss"
    body = {"description": words, "visibility": "private"}
    offer = await book.shows("propose", "Ann", world.ann, f"/v1/patients/{world.patient}/goals", body)
    agreed = await book.act("Dr Bo Berg", world.bo, offer, "accept")
    await book.act("Ann", world.ann, agreed, "visibility", "show", visibility="shared")


async def agenda(book: Book) -> None:
    goal, world = await book.agreed(), book.world
    path, visit = f"/v1/patients/{world.patient}/agenda", {"day": "2099-12-15"}
    asked = {"text": "May I run again?", "kind": "question", "goal": goal["id"], "visit": visit}
    item = await book.shows("add", "Ann", world.ann, path, asked)
    later = {"visit": {"day": "2100-03-16"}, "items": [item["id"]]}
    await book.shows("carry-over", "Dr Bo Berg", world.bo, f"{path}/carry-over", later)
    moved = (await world.bo.sees(path))["items"][0]
    outcome = {"outcome": "Yes, from April on"}
    await book.shows(
        "close", "Dr Bo Berg", world.bo, f"/v1/agenda-items/{item['id']}/close", outcome, version=moved["version"]
    )
    await book.shows("list", "Ann", world.ann, path)


STORIES: Final[Mapping[str, Callable[[Book], Awaitable[None]]]] = {
    "identify": identify,
    "propose": propose,
    "counter-propose": counter_propose,
    "accept": accept,
    "decline": decline,
    "agree-to-disagree": agree_to_disagree,
    "message": message,
    "withdraw": withdraw,
    "hold-and-resume": hold_and_resume,
    "end": end,
    "entered-in-error": entered_in_error,
    "record-progress": record_progress,
    "care-plans": care_plans,
    "plan-view": plan_view,
    "read": read,
    "attainment": attainment,
    "what-matters": what_matters,
    "private-goals": private_goals,
    "agenda": agenda,
}
"""By the name of their page in docs/workflows."""
