"""Was the person asked before it was ordered? The measure, for one patient or for any number of them.

The definition in words and as a FHIR Measure: docs/preferences.md, service/measure_definitions/asked-first.json.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fhir_mappings.decision import Order, Preference, Stance
from fhir_mappings.model import Reference
from service.domain.conflicts import Modality
from service.domain.preferences import VALID, in_force

COUNTED: Final = frozenset({"active", "arrived", "completed", "finished", "in-progress", "on-hold", "triaged"})
"""Orders that were signed, and encounters that have begun: a draft has admitted nobody."""


class Verdict(StrEnum):
    """Where an order counts."""

    ASKED_FIRST = "asked-first"
    NOT_ASKED_FIRST = "not-asked-first"
    COULD_NOT_BE_ASKED = "could-not-be-asked"


@dataclass(frozen=True, slots=True)
class Judged:
    """An order and where it counts; `asked` is the preference that was there before it."""

    order: Order
    verdict: Verdict
    asked: Preference | None = None


@dataclass(frozen=True, slots=True)
class AskedFirst:
    """Numerator, denominator and denominator exceptions. `share` None: there was nothing to ask about."""

    judged: tuple[Judged, ...]

    @property
    def asked_first(self) -> int:
        return self._count(Verdict.ASKED_FIRST)

    @property
    def could_not_be_asked(self) -> int:
        return self._count(Verdict.COULD_NOT_BE_ASKED)

    @property
    def orders(self) -> int:
        """The denominator, without those who could not be asked."""
        return len(self.judged) - self.could_not_be_asked

    @property
    def share(self) -> float | None:
        return self.asked_first / self.orders if self.orders else None

    def _count(self, verdict: Verdict) -> int:
        return sum(j.verdict is verdict for j in self.judged)


def asked_first(
    orders: Iterable[Order],
    preferences: Iterable[Preference],
    admission: Modality,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
) -> AskedFirst:
    """Each order to admit whose `authored_on` lies in [since, before), judged by what was recorded before it.

    Both may be of many patients: an order is judged by the preferences of its own subject. An encounter that is
    based on one of the orders is the same admission and counts once.
    """
    by_subject = _by_subject(preferences)
    counted = tuple(
        o
        for o in orders
        if o.authored_on is not None
        and o.status in COUNTED
        and not o.not_to_be_done
        and admission.includes(o)
        and (since is None or o.authored_on >= since)
        and (before is None or o.authored_on < before)
    )
    references = {o.reference for o in counted}
    once = (o for o in counted if references.isdisjoint(o.based_on))
    return AskedFirst(tuple(judged(o, by_subject.get(o.subject, ())) for o in once))


def judged(order: Order, preferences: Iterable[Preference]) -> Judged:
    """One order. Counted is an answer that was recorded strictly before `authoredOn` and held at that moment.

    Undecided and leaving it to others are answers: the person was asked. What counts is when it was recorded,
    not since when it is said to hold: an answer noted afterwards was not asked first.
    """
    at = order.authored_on
    if at is None:
        return Judged(order, Verdict.NOT_ASKED_FIRST)
    held = in_force((p for p in preferences if _recorded_before(p, at)), at)
    about = [p for p in held if p.admission is not None]
    if answer := next((p for p in about if p.is_answer), None):
        return Judged(order, Verdict.ASKED_FIRST, answer)
    if refused := next((p for p in about if p.stance is Stance.COULD_NOT_BE_ASKED), None):
        return Judged(order, Verdict.COULD_NOT_BE_ASKED, refused)
    return Judged(order, Verdict.NOT_ASKED_FIRST)


def _recorded_before(preference: Preference, at: datetime) -> bool:
    recorded = preference.recorded or preference.since
    return preference.status in VALID and recorded is not None and recorded < at


def _by_subject(preferences: Iterable[Preference]) -> Mapping[Reference | None, tuple[Preference, ...]]:
    grouped: dict[Reference | None, list[Preference]] = {}
    for preference in preferences:
        grouped.setdefault(preference.subject, []).append(preference)
    return {subject: tuple(found) for subject, found in grouped.items()}
