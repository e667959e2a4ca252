"""What was done of what was due. Counts, not marks; what nobody reported is missing, and is said to be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Final

from fhir_mappings.activities import Activity, Report
from fhir_mappings.codes import Act, ReportOutcome
from fhir_mappings.model import Stamp
from service.domain.occurrences import Occurrence, occurrences_of
from service.domain.replaced import chain_of, said_before

WINDOWS: Final = (7, 28)
"""Days of the windows that adherence is told for."""
COUNTS: Final = ("due", "done", "partly", "skipped", "too_hard", "missing")
PAUSING: Final = frozenset({Act.HOLD, Act.CANCEL, Act.DECLINE})
RESUMING: Final = frozenset({Act.RESUME, Act.ACCEPT})


@dataclass(frozen=True, slots=True)
class Adherence:
    """From `first` to `last`: `due` = done + partly + skipped + too hard + missing. `missing`: nobody said anything."""

    days: int
    first: date
    last: date
    due: int = 0
    done: int = 0
    partly: int = 0
    skipped: int = 0
    too_hard: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """Days on which nothing was due, both ends included; `last` None where it goes on."""

    first: date
    last: date | None = None

    def covers(self, occurrence: Occurrence) -> bool:
        """True if all its days lie in the pause: what could be done before or after it was due."""
        return self.first <= occurrence.first and (occurrence.last or date.max) <= (self.last or date.max)


@dataclass(frozen=True, slots=True)
class Version:
    """An activity as it was agreed once: from when (None: always) until it was replaced, and how it went meanwhile."""

    activity: Activity
    pauses: tuple[Pause, ...]
    since: date | None = None
    until: date | None = None


def versions_of(
    activity: Activity, others: Sequence[Activity], stamps: Sequence[Stamp], zone: tzinfo
) -> tuple[Version, ...]:
    """The activity and all that it has replaced, the oldest first.

    The day on which one took the place of another belongs to neither, but for what was reported.

    Args:
        stamps: the acts on any of them.
    """
    chain = chain_of(activity, others)
    began = {a.reference: _day_in_force(a, stamps, zone) for a in (*chain, *others) if a.replaces}
    ended = {old: began[a.reference] for a in (*chain, *others) for old in a.replaces}
    return tuple(_version(a, began.get(a.reference), ended.get(a.reference), stamps, zone) for a in reversed(chain))


def together(parts: Iterable[Adherence], *, days: int, today: date) -> Adherence:
    """One window over several versions: a change of the plan does not wipe out what was done before."""
    parts = tuple(parts)
    counts = {name: sum(getattr(p, name) for p in parts) for name in COUNTS}
    return Adherence(days, today - timedelta(days=days - 1), today, **counts)


def adherence(
    activity: Activity,
    reports: Sequence[Report],
    pauses: Sequence[Pause],
    *,
    days: int,
    today: date,
    others: Sequence[Activity] = (),
) -> Adherence:
    """The window of `days` up to today. What can still be done today or later counts once somebody has reported it.

    Args:
        reports: on the activity, and on those among the `others` that it has replaced: what was reported then is not
            due again now.
    """
    first = today - timedelta(days=days - 1)
    said = reported(r for r in reports if r.activity == activity.reference)
    found = tuple(occurrences_of(activity, first, today))
    before = said_before(activity, others, reports, found)
    due = [
        o
        for o in found
        if o.key not in before and (o.key in said or (_is_over(o, today) and not any(p.covers(o) for p in pauses)))
    ]
    outcomes = [said.get(o.key) for o in due]
    return Adherence(
        days,
        first,
        today,
        due=len(due),
        done=outcomes.count(ReportOutcome.DONE),
        partly=outcomes.count(ReportOutcome.PARTLY),
        skipped=outcomes.count(ReportOutcome.SKIPPED),
        too_hard=outcomes.count(ReportOutcome.TOO_HARD),
        missing=outcomes.count(None),
    )


def reported(reports: Iterable[Report]) -> Mapping[str, ReportOutcome]:
    """What was said of which occurrence; a report that was a mistake says nothing."""
    return {r.occurrence: r.outcome for r in reports if r.outcome}


def pauses_of(stamps: Iterable[Stamp], zone: tzinfo) -> tuple[Pause, ...]:
    """When the activity was not in force, from the acts on it: before it was agreed, while on hold, after its end.

    The day on which it was agreed, paused or taken up again belongs to the pause: who knows whether it was before.
    """
    acts = sorted((s for s in stamps if s.act in PAUSING | RESUMING), key=lambda s: s.recorded)
    pauses: list[Pause] = []
    since: date | None = date.min if acts and acts[0].act in RESUMING else None
    for stamp in acts:
        day = stamp.recorded.astimezone(zone).date()
        if stamp.act in RESUMING and since is not None:
            pauses.append(Pause(since, day))
            since = None
        elif stamp.act in PAUSING and since is None:
            since = day
    return (*pauses, *([Pause(since)] if since is not None else []))


def _version(
    activity: Activity, began: date | None, ended: date | None, stamps: Iterable[Stamp], zone: tzinfo
) -> Version:
    pauses = pauses_of((s for s in stamps if activity.reference in s.targets), zone)
    before = (Pause(date.min, began),) if began else ()
    after = (Pause(ended),) if ended else ()
    return Version(activity, (*before, *pauses, *after), began, ended)


def _day_in_force(activity: Activity, stamps: Iterable[Stamp], zone: tzinfo) -> date | None:
    """The day on which a change was agreed, or made where nobody had to be asked."""
    ours = [s for s in stamps if s.targets[0] == activity.reference]
    agreed = [s for s in ours if s.act is Act.ACCEPT] or ours
    return min((s.recorded.astimezone(zone).date() for s in agreed), default=None)


def _is_over(occurrence: Occurrence, today: date) -> bool:
    return occurrence.last is not None and occurrence.last < today
