"""Answers that offer something smaller: bodies to be read, edited and sent."""

from typing import Any, Final

from fhir_mappings import activities as nouns
from fhir_mappings import model
from fhir_mappings.codes import ReportOutcome
from fhir_mappings.target import concept_in_words, own_words
from fhir_mappings.timing import pattern_in_words, schedule_in_words
from fhir_mappings.wording import phrase
from service.api.activity_views import ScheduleView
from service.api.views import ConceptView, Day, Reference, TargetView, ValueView, View
from service.domain.activities import is_correction
from service.domain.target_dates import without_past
from service.workflows.days import Smaller

NOT_SO_EASY: Final = {
    ReportOutcome.TOO_HARD: phrase("It is too hard as it is."),
    ReportOutcome.SKIPPED: phrase("It does not fit into the day as it is."),
    ReportOutcome.PARTLY: phrase("Only a part of it is possible."),
}


class ScheduleOffer(View):
    """A schedule as `proposeActivityChange` takes it."""

    start: Day
    until: Day | None = None
    count: int | None = None
    days: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    frequency: int = 1
    period: int = 1
    unit: str = "d"

    @classmethod
    def of(cls, schedule: nouns.Schedule) -> "ScheduleOffer":
        shown = ScheduleView.of(schedule)
        return cls(**{name: getattr(shown, name) for name in cls.__struct_fields__})


class ChangeToOffer(View):
    """A body for `proposeActivityChange`, to be read and edited before it is sent."""

    schedule: ScheduleOffer
    reason: str


class TargetOffer(View):
    """A target as `counterProposeGoal` takes it."""

    measure: ConceptView | None = None
    value: ValueView | None = None
    due: Day | None = None

    @classmethod
    def of(cls, target: model.Target) -> "TargetOffer":
        shown = TargetView.of(target)
        return cls(measure=shown.measure, value=shown.value, due=shown.due)


class CounterOffer(View):
    """A body for `counterProposeGoal`, to be read and edited before it is sent."""

    description: str
    reason: str
    targets: tuple[TargetOffer, ...] = ()


class GoalToCounter(View):
    """A goal that the activity serves, and what might be offered in its place."""

    goal: Reference
    version: str
    counter_proposal: CounterOffer


class SmallerActivity(View):
    """Something smaller to offer; absent where there is nothing smaller. Nothing of it is written yet."""

    activity: Reference
    version: str
    words: str | None = None
    change: ChangeToOffer | None = None
    goals: tuple[GoalToCounter, ...] = ()

    @classmethod
    def of(cls, found: Smaller) -> "SmallerActivity":
        activity, schedule, reason = found.activity, found.schedule, _reason(found)
        if schedule is None:
            return cls(activity=activity.reference, version=activity.version or "")
        return cls(
            activity=activity.reference,
            version=activity.version or "",
            words=f"{concept_in_words(activity.what)}: {schedule_in_words(schedule, found.reader)}",
            change=ChangeToOffer(schedule=ScheduleOffer.of(schedule), reason=reason),
            goals=tuple(_counter(goal, schedule, reason, found) for goal in found.goals),
        )


ANSWERS: tuple[Any, ...] = (SmallerActivity,)


def _reason(found: Smaller) -> str:
    because = found.because
    if because is None or because.outcome is None:
        return found.language.say("I would like to do less for now.")
    own = [n.text for n in because.notes if not is_correction(n)]
    return own[-1] if own else found.language.say(NOT_SO_EASY[because.outcome])


def _counter(goal: model.Goal, schedule: nouns.Schedule, reason: str, found: Smaller) -> GoalToCounter:
    """In the words of the goal, and in the patient's language: both sides are to read it as said by somebody."""
    language = found.language
    words = language.say(
        "{goal}. Let us start smaller: {what}, {how}.",
        goal=own_words(goal.description, goal.targets, language).rstrip(". "),
        what=concept_in_words(found.activity.what),
        how=pattern_in_words(schedule.pattern, language),
    )
    targets = tuple(map(TargetOffer.of, without_past(goal.targets, found.today)))
    offer = CounterOffer(description=words, reason=reason, targets=targets)
    return GoalToCounter(goal=goal.reference, version=goal.version or "", counter_proposal=offer)
