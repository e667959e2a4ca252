"""Answers about the steps of a plan: for each goal what is to be done, today and this week, and who is next."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from fhir_mappings.narrative import when_and_who
from fhir_mappings.target import concept_in_words
from fhir_mappings.wording import Language
from service.api.activity_views import NextStepView
from service.api.due_words import due_in_words
from service.api.views import Day, Reference, View, day_text
from service.domain.due import Due
from service.domain.plan_steps import GoalSteps, PlanStep


class DueStepView(View):
    """One time that it is due, and what was said of it. `occurrence` is what `reportActivity` takes."""

    occurrence: str
    from_: Day = msgspec.field(name="from")
    to: Day | None = None
    words: Annotated[str, msgspec.Meta(description="When, in words")] | None = None
    at: Annotated[datetime, msgspec.Meta(description="The instant, in the time zone asked for")] | None = None
    when: Annotated[str, msgspec.Meta(description="Moment of the day, code of event-timing")] | None = None
    outcome: Annotated[str, msgspec.Meta(description="`done`, `partly`, `skipped`, `too-hard`; else open")] | None = (
        None
    )

    @classmethod
    def of(cls, item: Due, zone: ZoneInfo, language: Language) -> "DueStepView":
        occurrence = item.occurrence
        return cls(
            occurrence=occurrence.key,
            from_=occurrence.first.isoformat(),
            to=occurrence.last.isoformat() if occurrence.last else day_text(item.activity.due),
            words=due_in_words(item, language),
            at=occurrence.instant(zone),
            when=occurrence.when,
            outcome=item.report.outcome if item.report else None,
        )


class StepView(View):
    """Something to do. `words` says when and by whom, `next` what has to happen."""

    activity: Reference
    description: str
    status: str
    words: str | None = None
    instruction: str | None = None
    next: NextStepView | None = None
    today: tuple[DueStepView, ...] = ()
    this_week: tuple[DueStepView, ...] = ()

    @classmethod
    def of(cls, step: PlanStep, zone: ZoneInfo, language: Language, names: Mapping[Reference, str]) -> "StepView":
        activity = step.activity
        return cls(
            activity=activity.reference,
            description=concept_in_words(activity.what),
            status=activity.status,
            words=". ".join(filter(None, when_and_who(activity, language, names))) or None,
            instruction=activity.instruction,
            next=NextStepView.of(step.next, language, names) if step.next else None,
            today=tuple(DueStepView.of(d, zone, language) for d in step.today),
            this_week=tuple(DueStepView.of(d, zone, language) for d in step.week),
        )


class GoalStepsView(View):
    """What is to be done for a goal; without one, what serves none of the goals that are shown."""

    steps: tuple[StepView, ...]
    goal: Reference | None = None
    description: str | None = None

    @classmethod
    def of(
        cls, found: GoalSteps, zone: ZoneInfo, language: Language, names: Mapping[Reference, str]
    ) -> "GoalStepsView":
        return cls(
            goal=found.goal.reference if found.goal else None,
            description=found.goal.description if found.goal else None,
            steps=tuple(StepView.of(s, zone, language, names) for s in found.steps),
        )
