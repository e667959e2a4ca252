"""What is to be done for a plan: what has to happen next, what is due today, and this week."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from fhir_mappings.activities import Activity, Report
from fhir_mappings.codes import CarePlanStatus
from fhir_mappings.model import Goal, Reference, Task
from service.domain.activities import Course
from service.domain.due import Due, due, due_today, upcoming, week_of
from service.domain.next_steps import NextStep, next_step

SHOWN = frozenset({CarePlanStatus.DRAFT, CarePlanStatus.ACTIVE, CarePlanStatus.ON_HOLD})


@dataclass(frozen=True, slots=True)
class PlanStep:
    """An activity that is offered or in force, or of which something was reported this week."""

    activity: Activity
    next: NextStep | None
    today: tuple[Due, ...] = ()
    week: tuple[Due, ...] = ()


@dataclass(frozen=True, slots=True)
class GoalSteps:
    """All steps that serve a goal. `goal` None: they serve none."""

    goal: Goal | None
    steps: tuple[PlanStep, ...]


def plan_steps(
    activities: Sequence[Activity], reports: Sequence[Report], tasks: Sequence[Task], today: date, zone: tzinfo
) -> tuple[PlanStep, ...]:
    """In the order in which they were asked for."""
    now = due_today(activities, reports, today, zone)
    week = tuple(due(activities, reports, *week_of(today)))
    steps = (
        PlanStep(
            activity,
            next_step(Course(activity, tasks=tuple(tasks)), upcoming(activity, reports, today, activities)),
            _of(activity, now),
            _of(activity, week),
        )
        for activity in sorted(activities, key=lambda a: a.authored_on.isoformat() if a.authored_on else "")
    )
    return tuple(s for s in steps if s.activity.status in SHOWN or s.week)


def by_goal(steps: Sequence[PlanStep], goals: Iterable[Goal]) -> tuple[GoalSteps, ...]:
    """The steps of each goal that has any, in the order of the goals; last those that serve none of these."""
    goals = tuple(goals)
    found = [GoalSteps(g, tuple(s for s in steps if g.reference in s.activity.goals)) for g in goals]
    known: set[Reference] = {g.reference for g in goals}
    found.append(GoalSteps(None, tuple(s for s in steps if known.isdisjoint(s.activity.goals))))
    return tuple(f for f in found if f.steps)


def _of(activity: Activity, items: Iterable[Due]) -> tuple[Due, ...]:
    return tuple(d for d in items if d.activity.reference == activity.reference)
