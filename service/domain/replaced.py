"""What a change takes the place of, and what was said of it before. In words: docs/adr/0046."""

from collections import Counter
from collections.abc import Iterable, Sequence

from fhir_mappings.activities import Activity, Report
from service.domain.occurrences import Occurrence, occurrence_with, occurrences_of
from service.errors import TransitionNotAllowed


def chain_of(activity: Activity, others: Iterable[Activity]) -> list[Activity]:
    """The activity, and all that it has replaced, the latest first."""
    known = {a.reference: a for a in others}
    chain = [activity]
    for newer in chain:
        chain += [known[old] for old in newer.replaces if old in known and known[old] not in chain]
    return chain


def said_before(
    activity: Activity, others: Iterable[Activity], reports: Iterable[Report], occurrences: Sequence[Occurrence]
) -> frozenset[str]:
    """Keys of those occurrences that somebody has reported on already, in the form that the activity had then.

    Each such report stands for one: of the same key, else for the first of the same day that is left. A single step
    that was not done goes on.
    """
    if not activity.replaces or activity.schedule is None:
        return frozenset()
    earlier = {a.reference for a in chain_of(activity, others)[1:]}
    reported = [r for r in reports if r.activity in earlier and r.outcome]
    keys = {r.occurrence for r in reported}
    own = {r.occurrence for r in reports if r.activity == activity.reference and r.outcome}
    present = {o.key for o in occurrences}
    left = Counter(r.first for r in reported if r.first == r.last and r.occurrence not in present)
    taken = {o.key for o in occurrences if o.key in keys}
    for o in occurrences:
        if o.key not in taken | own and o.first == o.last and left[o.first]:
            left[o.first] -= 1
            taken.add(o.key)
    return frozenset(taken - own)


def must_be_unsaid(activity: Activity, others: Iterable[Activity], reports: Iterable[Report], key: str) -> None:
    """Refuses a second report on what was reported before the activity was changed.

    Raises:
        TransitionNotAllowed: the first is to be corrected instead.
    """
    occurrence = occurrence_with(activity, key)
    if occurrence is None or occurrence.last is None:
        return
    that_day = tuple(occurrences_of(activity, occurrence.first, occurrence.last))
    if key in said_before(activity, others, reports, that_day):
        raise TransitionNotAllowed("this was reported before the activity was changed: correct that report")
