"""Bodies about what is to be done: schedules, activities, reports."""

from datetime import date, time
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from fhir_mappings import model
from fhir_mappings.activities import Pattern, Schedule
from fhir_mappings.codes import DayOfWeek, EventTiming, PeriodUnit, ReportOutcome
from fhir_mappings.timing import is_computable
from fhir_mappings.wording import phrase
from service.api.fields import Day, Id, PastInstant, Reason, ShortText, Words, in_these_centuries, reference_to
from service.api.schemas import Body, Coding
from service.domain.activities import Said
from service.domain.activity_draft import ActivityDraft

PERFORMERS = ("Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "CareTeam", "Organization")


def whole_day(value: Any) -> date:
    """A day of the calendar, written in full."""
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError(phrase("must be a day such as 2026-12-01"))
    try:
        day = date.fromisoformat(value)
    except ValueError as exc:
        raise ValueError(phrase("must be a day of the calendar such as 2026-12-01")) from exc
    return in_these_centuries(day)


def _wall_time(value: Any) -> time:
    if not isinstance(value, str) or len(value) != 5:
        raise ValueError(phrase("must be a time such as 21:00, without a zone"))
    try:
        return time.fromisoformat(value)
    except ValueError as exc:
        raise ValueError(phrase("must be a time such as 21:00, without a zone")) from exc


WholeDay: TypeAlias = Annotated[date, BeforeValidator(whole_day)]
WallTime: TypeAlias = Annotated[time, BeforeValidator(_wall_time)]


class PatternBody(Body):
    """How often: at times or moments of (some) days, or `frequency` times in each `period` of `unit`."""

    days: tuple[DayOfWeek, ...] = Field((), max_length=7, description="Only on these days; without it every day")
    times: tuple[WallTime, ...] = Field(
        (), max_length=12, description="On the wall clock", examples=[["07:30", "21:00"]]
    )
    when: tuple[EventTiming, ...] = Field(
        (), max_length=6, description="Moments of the day: `HS` before going to sleep, `MORN`, `ACM` before breakfast"
    )
    frequency: int = Field(1, ge=1, le=24, strict=True, description="So many times in each period")
    period: int = Field(1, ge=1, le=60, strict=True)
    unit: PeriodUnit = PeriodUnit.DAY

    @model_validator(mode="after")
    def _must_be_computable(self) -> "PatternBody":
        if not is_computable(self.pattern()):
            raise ValueError(
                phrase("says when in ways that contradict each other: times or moments, days or a frequency")
            )
        return self

    def pattern(self) -> Pattern:
        """What the rules take."""
        days = tuple(d for d in DayOfWeek if d in self.days)
        times, when = tuple(sorted(set(self.times))), tuple(dict.fromkeys(self.when))
        return Pattern(days, times, when, self.frequency, self.period, self.unit)


class ScheduleBody(PatternBody):
    """When and how often. Nightly: `{"when": ["HS"]}`; three times a week: `{"frequency": 3, "unit": "wk"}`."""

    start: WholeDay | None = Field(None, description="First day; without it today (UTC)")
    until: WholeDay | None = Field(None, description="Last day, included")
    count: int | None = Field(None, ge=1, le=1000, strict=True, description="So many times in all")

    @model_validator(mode="after")
    def _must_not_end_before_it_begins(self) -> "ScheduleBody":
        if self.until and self.until < (self.start or date.min):
            raise ValueError(phrase("ends before it begins"))
        return self

    def schedule(self, today: date) -> Schedule:
        """What the rules take."""
        return Schedule(self.pattern(), self.start or today, self.until, self.count)


class ActivityBody(Body):
    """What is common to planning and changing."""

    coding: tuple[Coding, ...] = Field((), max_length=10, description="Codes of what is to be done, for EHRs")
    schedule: ScheduleBody | None = None
    due: Day | None = Field(None, description="For a single step: by when. Not together with `schedule`.")
    instruction: Words | None = Field(None, description="How to do it, in plain words")

    @model_validator(mode="after")
    def _must_be_one(self) -> "ActivityBody":
        if self.schedule and self.due:
            raise ValueError(phrase("has a schedule or is due once: one of them"))
        return self

    def draft(self, words: str | None, today: date, **parts: Any) -> ActivityDraft:
        """What the rules take."""
        due: Any = self.due
        return ActivityDraft(
            what=model.Concept(words, tuple(c.noun() for c in self.coding)),
            schedule=self.schedule.schedule(today) if self.schedule else None,
            due=due,
            instruction=self.instruction,
            **parts,
        )


class PlanActivity(ActivityBody):
    """Something to do. Without `schedule` it is a single step."""

    description: ShortText = Field(description="What is to be done, in plain words")
    performers: tuple[Annotated[str, reference_to(*PERFORMERS, "HealthcareService")], ...] = Field(
        (), max_length=5, description="Who does it; without it the patient"
    )
    goals: tuple[Id, ...] = Field((), max_length=20, description="Ids of goals of this patient that it serves")

    def activity(self, today: date) -> ActivityDraft:
        """What the rules take."""
        goals = tuple(f"Goal/{g}" for g in self.goals)
        return self.draft(self.description, today, performers=self.performers, goals=goals)


class ProposeActivityChange(ActivityBody):
    """What should be otherwise. All that is left out stays as it was agreed."""

    description: ShortText | None = None
    reason: Reason

    @model_validator(mode="after")
    def _must_change_something(self) -> "ProposeActivityChange":
        if not self.model_fields_set - {"reason"}:
            raise ValueError(phrase("needs what should be otherwise: a schedule, a description, an instruction"))
        return self

    def change(self, today: date) -> ActivityDraft:
        """What the rules take."""
        return self.draft(self.description, today)


class AcceptActivity(Body):
    """Agreement needs no words."""


class Told(Body):
    """What became of it, with a word if you like."""

    note: Words | None = Field(None, description="In your own words")
    at: PastInstant | None = Field(
        None, description="When it was done, with its zone", examples=["2026-12-03T21:40:00+01:00"]
    )


class ReportActivity(Told):
    """`done`, `partly`, `skipped` or `too-hard`."""

    occurrence: Annotated[str, Field(pattern=r"^(once|\d{4}-\d\d-\d\d(T\d\d:\d\d|\.[A-Za-z0-9.]{1,9})?)$")] = Field(
        description="Which one: its `occurrence` in today's or this week's list", examples=["2026-12-03.HS"]
    )
    outcome: ReportOutcome

    def said(self) -> Said:
        """What the rules take."""
        return Said(self.outcome, self.note, self.at)


class CorrectReport(Told):
    """What it really was. `entered-in-error`: there should be no report at all."""

    outcome: ReportOutcome | Literal["entered-in-error"]
    reason: Reason

    def said(self) -> Said:
        """What the rules take."""
        return Said(self.outcome if isinstance(self.outcome, ReportOutcome) else None, self.note, self.at)
