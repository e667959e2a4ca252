"""What waits for an answer, with what it is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from fhir_mappings.activities import Activity
from fhir_mappings.activity_offer import would_replace
from fhir_mappings.model import Goal, Task
from service.domain.actors import Actor
from service.domain.thread import WAITING, is_for


@dataclass(frozen=True, slots=True)
class Question:
    """A Task that asks for an answer. `about` is None where the asked may not see it.

    `before`: what the activity that it is about would replace, or was offered in place of.
    """

    task: Task
    about: Goal | Activity | None = None
    before: Activity | None = None


def questions_about(
    tasks: Iterable[Task], goals: Iterable[Goal], activities: Iterable[Activity]
) -> tuple[Question, ...]:
    """Each Task with what it is about; in the order in which they were asked."""
    known: dict[str, Goal | Activity] = {g.reference: g for g in goals}
    activities = tuple(activities)
    known.update((a.reference, a) for a in activities)
    return tuple(_about(t, known.get(t.focus), activities) for t in sorted(tasks, key=lambda t: t.authored_on))


def split_for(actor: Actor, questions: Iterable[Question]) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """What waits for this actor now, and what waits for others.

    Nobody answers their own question, but for what they are to do themselves: who applies a programme has not said yes
    to each line of it (docs/adr/0045).
    """
    waiting = tuple(q for q in questions if q.task.status in WAITING)
    mine = tuple(q for q in waiting if is_for(q.task, actor) and not _is_answered_by_asking(q.task, actor))
    return mine, tuple(q for q in waiting if q not in mine)


def _about(task: Task, about: Goal | Activity | None, activities: tuple[Activity, ...]) -> Question:
    before = would_replace(about, activities) if isinstance(about, Activity) else None
    return Question(task, about, before)


def _is_answered_by_asking(task: Task, actor: Actor) -> bool:
    to_do = task.owner == actor.reference and task.focus.startswith("ServiceRequest/")
    return task.requester == actor.reference and not to_do
