"""Answers about what is to be done: activities, today, this week, reports, how it went."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from fhir_mappings import activities as nouns
from fhir_mappings import model
from fhir_mappings.narrative import named
from fhir_mappings.target import concept_in_words
from fhir_mappings.timing import schedule_in_words
from fhir_mappings.wording import ENGLISH, Language
from service.api.due_words import due_in_words
from service.api.question_views import QuestionView
from service.api.views import CodingView, Day, NamingView, NoteView, PersonName, Reference, View, day_text, people_in
from service.domain.due import Due
from service.domain.next_steps import NextStep
from service.workflows.days import Agenda, Steps


class ScheduleView(View):
    """`words` says all of it."""

    words: str
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
    def of(cls, schedule: nouns.Schedule, language: Language = ENGLISH) -> "ScheduleView":
        pattern = schedule.pattern
        return cls(
            words=schedule_in_words(schedule, language),
            start=schedule.start.isoformat(),
            until=schedule.until.isoformat() if schedule.until else None,
            count=schedule.count,
            days=pattern.days,
            times=tuple(f"{t:%H:%M}" for t in pattern.times),
            when=pattern.when,
            frequency=pattern.frequency,
            period=pattern.period,
            unit=pattern.unit,
        )


class ActivityView(View):
    """What somebody is to do. `draft` until those asked agree; `revoked` once stopped, declined or replaced."""

    id: str
    version: str
    patient: Reference
    description: str
    status: str
    intent: str
    coding: tuple[CodingView, ...] = ()
    schedule: ScheduleView | None = None
    due: Day | None = None
    schedule_unread: Annotated[bool, msgspec.Meta(description="It has a schedule that is not computed here")] = False
    performers: tuple[Reference, ...] = ()
    requester: Reference | None = None
    goals: tuple[Reference, ...] = ()
    instruction: str | None = None
    notes: tuple[NoteView, ...] = ()
    plans: tuple[Reference, ...] = ()
    replaces: tuple[Reference, ...] = ()
    patient_supplied: bool = False

    @classmethod
    def of(cls, activity: nouns.Activity, language: Language = ENGLISH) -> "ActivityView":
        codings = (CodingView(system=c.system, code=c.code, display=c.display) for c in activity.what.codings)
        return cls(
            id=str(activity.id),
            version=activity.version or "",
            patient=activity.subject,
            description=concept_in_words(activity.what),
            status=activity.status,
            intent=activity.intent,
            coding=tuple(codings),
            schedule=ScheduleView.of(activity.schedule, language) if activity.schedule else None,
            due=day_text(activity.due),
            schedule_unread=activity.unread_timing,
            performers=activity.performers,
            requester=activity.requester,
            goals=activity.goals,
            instruction=activity.instruction,
            notes=_notes(activity.notes),
            plans=activity.based_on,
            replaces=activity.replaces,
            patient_supplied=activity.patient_supplied,
        )


class NextStepView(View):
    """Who has to do what next: `answer` the proposal, `do` it, `resume` it. `words` says all of it."""

    what: str
    words: str
    who: tuple[Reference, ...] = ()
    by: Day | None = None

    @classmethod
    def of(
        cls, step: NextStep, language: Language = ENGLISH, names: Mapping[Reference, str] | None = None
    ) -> "NextStepView":
        by = step.by.isoformat() if step.by else None
        return cls(what=step.what, words=next_in_words(step, language, names or {}), who=step.who, by=by)


def next_in_words(step: NextStep, language: Language, names: Mapping[Reference, str]) -> str:
    """`Next: Ann Ahl (patient), by December 3, 2026.`"""
    who = language.listing(dict.fromkeys(named(w, None, language, names) for w in step.who))
    match step.what:
        case "answer" if who:
            return language.say("Waiting for the answer of {names}.", names=who)
        case "answer":
            return language.say("Waiting for an answer.")
        case "resume":
            return language.say("Paused. It goes on when you say so.")
        case _ if step.by:
            date = language.date(model.PartialDate(step.by.isoformat()))
            return language.say("Next: {names}, by {date}.", names=who, date=date)
        case _:
            return language.say("Next: {names}.", names=who)


class ActivityStep(View):
    activity: ActivityView
    next: NextStepView | None = None


class ActivityList(NamingView):
    """Each activity, and who has to do what next."""

    activities: tuple[ActivityStep, ...]
    people: tuple[PersonName, ...] = ()

    @classmethod
    def of(cls, found: Steps) -> "ActivityList":
        language, names = found.language, found.names
        return cls(
            activities=tuple(
                ActivityStep(
                    activity=ActivityView.of(s.activity, language),
                    next=NextStepView.of(s.next, language, names) if s.next else None,
                )
                for s in found.steps
            ),
            people=people_in(names),
        )


class ReportView(View):
    """What became of one occurrence. Without an outcome the report was a mistake."""

    id: str
    version: str
    activity: Reference
    occurrence: str
    status: str
    reported_at: datetime
    outcome: str | None = None
    at: datetime | None = None
    notes: tuple[NoteView, ...] = ()
    patient_supplied: bool = False

    @classmethod
    def of(cls, report: nouns.Report) -> "ReportView":
        return cls(
            id=str(report.id),
            version=report.version or "",
            activity=report.activity,
            occurrence=report.occurrence,
            status=report.status,
            reported_at=report.authored_on,
            outcome=report.outcome,
            at=report.done_at,
            notes=_notes(report.notes),
            patient_supplied=report.patient_supplied,
        )


class DueView(View):
    """Something that is due: `from` one day `to` another, at a time or moment if one was agreed."""

    activity: Reference
    occurrence: Annotated[str, msgspec.Meta(description="Names it for `reportActivity`")]
    description: str
    from_: Day = msgspec.field(name="from")
    number: Annotated[int, msgspec.Meta(description="Which of so many within the same day or period")]
    of_: int = msgspec.field(name="of")
    to: Day | None = None
    words: Annotated[str, msgspec.Meta(description="When, in words")] | None = None
    at: Annotated[datetime, msgspec.Meta(description="The instant, in the time zone asked for")] | None = None
    when: Annotated[str, msgspec.Meta(description="Moment of the day, code of event-timing")] | None = None
    performers: tuple[Reference, ...] = ()
    instruction: str | None = None
    report: ReportView | None = None

    @classmethod
    def of(cls, item: Due, zone: ZoneInfo, language: Language = ENGLISH) -> "DueView":
        activity, occurrence = item.activity, item.occurrence
        return cls(
            activity=activity.reference,
            occurrence=occurrence.key,
            description=concept_in_words(activity.what),
            from_=occurrence.first.isoformat(),
            to=occurrence.last.isoformat() if occurrence.last else day_text(activity.due),
            words=due_in_words(item, language),
            at=occurrence.instant(zone),
            when=occurrence.when,
            number=occurrence.number,
            of_=occurrence.of,
            performers=activity.performers,
            instruction=activity.instruction,
            report=ReportView.of(item.report) if item.report else None,
        )


class Today(NamingView):
    """What is due on `date` by the clock of `timeZone`, and the proposals that wait for you."""

    patient: Reference
    time_zone: str
    date: Day
    items: tuple[DueView, ...] = ()
    questions_for_you: tuple[QuestionView, ...] = ()
    people: tuple[PersonName, ...] = ()

    @classmethod
    def of(cls, agenda: Agenda) -> "Today":
        return cls(
            patient=agenda.patient,
            time_zone=agenda.zone.key,
            date=agenda.first.isoformat(),
            items=tuple(DueView.of(item, agenda.zone, agenda.language) for item in agenda.items),
            questions_for_you=tuple(QuestionView.of(q, agenda.language, agenda.names) for q in agenda.questions),
            people=people_in(agenda.names),
        )


class DayOfPlan(View):
    date: Day
    items: tuple[DueView, ...]


class Week(NamingView):
    """Monday to Sunday. `days` has what is due on a day of its own, `anyDay` what may be done on several."""

    patient: Reference
    time_zone: str
    from_: Day = msgspec.field(name="from")
    to: Day
    days: tuple[DayOfPlan, ...] = ()
    any_day: tuple[DueView, ...] = ()
    people: tuple[PersonName, ...] = ()

    @classmethod
    def of(cls, agenda: Agenda) -> "Week":
        own = [item for item in agenda.items if item.has_own_day]
        return cls(
            patient=agenda.patient,
            time_zone=agenda.zone.key,
            from_=agenda.first.isoformat(),
            to=agenda.last.isoformat(),
            days=tuple(
                DayOfPlan(
                    date=day.isoformat(), items=tuple(DueView.of(item, agenda.zone, agenda.language) for item in items)
                )
                for day, items in groupby(own, key=_first_day)
            ),
            any_day=tuple(
                DueView.of(item, agenda.zone, agenda.language) for item in agenda.items if not item.has_own_day
            ),
            people=people_in(agenda.names),
        )


ANSWERS: tuple[Any, ...] = (
    ActivityList,
    ActivityView,
    ReportView,
    Today,
    Week,
)


def _first_day(item: Due) -> date:
    return item.occurrence.first


def _notes(notes: Iterable[model.Note]) -> tuple[NoteView, ...]:
    return tuple(NoteView(text=n.text, author=n.author, time=n.time) for n in notes)
