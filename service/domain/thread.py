"""All offers about one wish, and the questions that wait for an answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4

from fhir_mappings.codes import Act, LifecycleStatus, TaskCode, TaskStatus
from fhir_mappings.model import CarePlan, Goal, Message, Note, Noun, Observation, PartialDate, Reference, Stamp, Task
from fhir_mappings.task import ASKS
from fhir_mappings.wording import ENGLISH, Language
from service.domain.actors import Actor, Role
from service.domain.policy import DEFAULT_POLICY, Policy

WAITING: Final = frozenset(
    {TaskStatus.REQUESTED, TaskStatus.RECEIVED, TaskStatus.ACCEPTED, TaskStatus.READY, TaskStatus.IN_PROGRESS}
)
"""Somebody is asked now."""

UNSETTLED: Final = WAITING | {TaskStatus.ON_HOLD}
"""Asked now, or again once a counter-proposal has failed."""

BEHIND_UTC: Final = timedelta(hours=12)
"""So far are the last clocks on earth."""
AHEAD_OF_UTC: Final = timedelta(hours=14)
"""So far are the first."""


def _new_id() -> str:
    return f"urn:uuid:{uuid4()}"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who acts, when, under which policy. `new_id` names the resources that the act creates.

    `language` is the one of what CoPlan itself writes: the patient's.
    """

    actor: Actor
    at: datetime
    policy: Policy = DEFAULT_POLICY
    new_id: Callable[[], str] = field(default=_new_id)
    language: Language = ENGLISH

    @property
    def today(self) -> date:
        return self.at.date()

    @property
    def day(self) -> PartialDate:
        return PartialDate(self.today.isoformat())

    @property
    def earliest_today(self) -> date:
        """The day that it still is somewhere on earth: nobody's today is refused as past."""
        return (self.at - BEHIND_UTC).date()

    @property
    def latest_today(self) -> date:
        """The day that it already is somewhere on earth: what begins later has begun for nobody."""
        return (self.at + AHEAD_OF_UTC).date()


@dataclass(frozen=True, slots=True)
class Thread:
    """The offers in the order in which they were made, the Tasks about them, and the plan they belong to."""

    goals: tuple[Goal, ...]
    tasks: tuple[Task, ...] = ()
    plan: CarePlan | None = None

    def tasks_about(self, goal: Goal, statuses: frozenset[TaskStatus] = UNSETTLED) -> tuple[Task, ...]:
        """The Tasks that wait for an answer about this offer itself, or about its ending."""
        return tuple(t for t in self.tasks if t.focus == goal.reference and t.status in statuses)

    def ending_of(self, goal: Goal, code: TaskCode) -> Task | None:
        """The proposal to complete (`fulfill`) or cancel (`abort`) the goal that waits for confirmation."""
        return next((t for t in self.tasks_about(goal, WAITING) if t.code is code), None)


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does, as nouns new and changed. `about` is what the Provenance is first about.

    `others` are nouns that are no part of a goal's negotiation: activities, preferences, templates.
    """

    act: Act
    about: Reference
    goals: tuple[Goal, ...] = ()
    tasks: tuple[Task, ...] = ()
    plan: CarePlan | None = None
    messages: tuple[Message, ...] = ()
    observations: tuple[Observation, ...] = ()
    others: tuple[Noun, ...] = ()
    revision_of: tuple[Reference, ...] = ()
    reason: str | None = None


def is_for(task: Task, actor: Actor) -> bool:
    """True if this actor may answer: asked by name, as a member of the care team, or in the patient's place."""
    if task.owner in {actor.reference, *actor.members}:
        return True
    if actor.role is Role.PRACTITIONER:
        return task.owner is None or task.owner.partition("/")[0] in {"CareTeam", "Organization", "HealthcareService"}
    return actor.role is Role.RELATED_PERSON and task.owner == task.subject


def settled(
    task: Task, status: TaskStatus, occasion: Occasion, *, reason: str | None = None, output: Reference | None = None
) -> Task:
    """The Task with its answer. R4 wants a reason for what is rejected, cancelled or on hold, and for nothing else."""
    return replace(
        task,
        status=status,
        status_reason=reason,
        business_status=None,
        last_modified=occasion.at,
        output=(output,) if output else task.output,
    )


def question(  # one keyword per element of the Task that a caller may choose
    goal: Goal,
    owner: Reference | None,
    occasion: Occasion,
    *,
    code: TaskCode = TaskCode.APPROVE,
    part_of: tuple[Reference, ...] = (),
    based_on: tuple[Reference, ...] = (),
) -> Task:
    """A Task that asks `owner` (None: anybody of the care team) to answer about the goal."""
    return Task(
        id=occasion.new_id(),
        code=code,
        status=TaskStatus.REQUESTED,
        subject=goal.subject,
        focus=goal.reference,
        requester=occasion.actor.reference,
        owner=owner,
        thread=goal.thread,
        authored_on=occasion.at,
        last_modified=occasion.at,
        part_of=part_of,
        based_on=based_on,
        description=occasion.language.say(ASKS[code]),
    )


def reopened(thread: Thread, goal: Goal, occasion: Occasion) -> tuple[Task, ...]:
    """The questions about the earlier offer that this one had put on hold, asked again now that it has failed."""
    answered = {earlier for t in thread.tasks if t.focus == goal.reference for earlier in t.part_of}
    return tuple(
        settled(t, TaskStatus.REQUESTED, occasion)
        for t in thread.tasks
        if t.reference in answered and t.status is TaskStatus.ON_HOLD
    )


def ended(goal: Goal, status: LifecycleStatus, reason: str | None, occasion: Occasion) -> Goal:
    """The goal under another lifecycle status, since today, for this reason."""
    return replace(goal, lifecycle_status=status, status_date=occasion.day, status_reason=reason)


def with_note(goal: Goal, text: str, occasion: Occasion) -> Goal:
    """The goal with one more note, in the actor's name."""
    return replace(goal, notes=(*goal.notes, Note(text, occasion.actor.reference, occasion.at)))


def tied(goal: Goal) -> Goal:
    """The goal with a thread: one from another system gets its own with the first act on it."""
    return goal if goal.thread else replace(goal, thread=str(uuid4()))


def as_offered(goal: Goal, stamps: Iterable[Stamp]) -> Goal:
    """The goal without a start that it only has because it was agreed on that day: nobody had said one."""
    agreed = {s.recorded.date().isoformat() for s in stamps if s.targets[0] == goal.reference and s.act is Act.ACCEPT}
    return replace(goal, start=None) if goal.start and goal.start.text in agreed else goal
