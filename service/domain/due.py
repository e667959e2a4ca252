"""What is due on which day, and what was said of it: today, and this week."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from fhir_mappings.activities import Activity, Report
from fhir_mappings.codes import CarePlanStatus
from service.domain.occurrences import Occurrence, occurrences_of
from service.domain.replaced import chain_of, said_before

LOOK_AHEAD: Final = timedelta(days=400)
"""How far the next occurrence is looked for: a yearly check is still found."""


@dataclass(frozen=True, slots=True)
class Due:
    """One occurrence of an activity, and the report on it, if there is one."""

    activity: Activity
    occurrence: Occurrence
    report: Report | None = None

    @property
    def is_open(self) -> bool:
        """True while nobody has said what became of it."""
        return self.report is None or self.report.outcome is None

    @property
    def has_own_day(self) -> bool:
        """True where it is due on one day; else any day of a period will do."""
        return self.occurrence.first == self.occurrence.last


def due(activities: Iterable[Activity], reports: Sequence[Report], first: date, last: date) -> Iterator[Due]:
    """All that is due from `first` to `last`, in the order of days; of what is not in force, what was reported.

    What was reported before a change is due once, as it was then.

    Args:
        activities: with all that they have replaced.
    """
    activities = tuple(activities)
    said = {(r.activity, r.occurrence): r for r in reports}
    found = (
        Due(activity, occurrence, said.get((activity.reference, occurrence.key)))
        for activity in activities
        for occurrence in _unsaid(activity, activities, reports, first, last)
    )
    listed = (d for d in found if d.activity.status is CarePlanStatus.ACTIVE or not d.is_open)
    yield from sorted(listed, key=lambda d: (not d.has_own_day, d.occurrence.first, d.occurrence.at is None))


def due_today(activities: Iterable[Activity], reports: Sequence[Report], today: date, zone: tzinfo) -> tuple[Due, ...]:
    """What is due today. Of what any day will do for: the next that is open, and what was reported today."""
    listed: list[Due] = []
    offered: set[str] = set()
    for item in due(activities, reports, today, today):
        if item.has_own_day or _said_on(item, today, zone):
            listed.append(item)
        elif item.is_open and item.activity.reference not in offered:
            offered.add(item.activity.reference)
            listed.append(item)
    return tuple(listed)


def upcoming(
    activity: Activity, reports: Sequence[Report], today: date, others: Iterable[Activity] = ()
) -> Occurrence | None:
    """The first occurrence that is not over and that nobody has reported on.

    Args:
        others: among which are those that it has replaced.
    """
    ahead = due([activity, *chain_of(activity, others)[1:]], reports, today, today + LOOK_AHEAD)
    return next((d.occurrence for d in ahead if d.is_open and d.activity is activity), None)


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the week that holds the day (ISO 8601)."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def local_day(at: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant in this zone."""
    return at.astimezone(zone).date()


def _unsaid(
    activity: Activity, activities: Sequence[Activity], reports: Sequence[Report], first: date, last: date
) -> Iterator[Occurrence]:
    """Those that nobody had reported on when the activity was still another."""
    found = tuple(occurrences_of(activity, first, last))
    before = said_before(activity, activities, reports, found)
    return (o for o in found if o.key not in before)


def _said_on(item: Due, day: date, zone: tzinfo) -> bool:
    return item.report is not None and not item.is_open and local_day(item.report.authored_on, zone) == day
