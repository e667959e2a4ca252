"""Which chart a goal or a thing that is tracked has: what it is called, in which unit, against which target."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from fhir_mappings.codes import LOINC
from fhir_mappings.model import Coding, Concept, Goal, Observation, Quantity, Target
from fhir_mappings.target import concept_in_words
from service.domain.catalogue import Catalogue, Part, Trackable
from service.domain.progress import Progress, bounds, measurable_target, measured, series, unit_of
from service.domain.run_chart import RunChart, run_chart

NO_UNIT: Final = "1"


def goal_chart(
    goal: Goal, progress: Progress, catalogue: Catalogue, language: str, *, now: datetime, more: bool
) -> RunChart:
    """The chart of a goal: empty where no number can meet its target."""
    target = measurable_target(goal)
    if target is None:
        return RunChart(goal.description, "")
    start = progress.baseline.value if progress.baseline else Decimal(0)
    low, high = bounds(target, start)
    return run_chart(
        _what(target.measure, catalogue, language) or goal.description,
        _unit_words(target.measure, unit_of(target), catalogue, language),
        progress.points,
        now=now,
        low=low,
        high=high,
        due=target.due.last_day if target.due else None,
        more=more,
    )


def measure_of(code: str, catalogue: Catalogue) -> tuple[Concept, str]:
    """What a caller means by a key of the catalogue or of a part, a LOINC code or `system|code`: the measure, and the
    codes to search for it.
    """
    found = [(t, p) for t in catalogue for p in t.parts if code in {p.key, p.code.code}]
    if found:
        trackable, part = found[0]
        return _concept(part), _searched(trackable)
    if trackable := catalogue.get(code):
        return Concept(None, tuple(Coding(system, c) for system, c in sorted(trackable.codings))), _searched(trackable)
    system, bar, plain = code.rpartition("|")
    system = system if bar else LOINC
    return Concept(None, (Coding(system, plain),)), f"{system}|{plain}"


def tracked_chart(
    code: str,
    unit: str | None,
    observations: Sequence[Observation],
    catalogue: Catalogue,
    language: str,
    *,
    now: datetime,
    more: bool,
) -> RunChart:
    """The chart of what is tracked, without a target. `unit` None: that of the latest value."""
    target = tracked_target(code, unit, observations, catalogue)
    points = series(target, observations)
    what = _what(target.measure, catalogue, language) or code
    words = _unit_words(target.measure, unit_of(target), catalogue, language)
    return run_chart(what, words, points, now=now, more=more)


def tracked_target(code: str, unit: str | None, observations: Sequence[Observation], catalogue: Catalogue) -> Target:
    """A target that nothing need meet: the measure, and the unit that all is told in."""
    measure, _ = measure_of(code, catalogue)
    amounts = [amount for o in observations if (amount := measured(o, measure))]
    unit = unit or (amounts[-1].code if amounts else NO_UNIT)
    said = next((o.code.text for o in reversed(observations) if o.code.text), None)
    return Target(replace(measure, text=said), Quantity(Decimal(0), unit))


def _what(measure: Concept | None, catalogue: Catalogue, language: str) -> str:
    if measure is None:
        return ""
    trackable, part = _found(measure, catalogue)
    if part:
        return part.labels.get(language) or part.labels["en"]
    return trackable.label(language) if trackable else concept_in_words(measure)


def _unit_words(measure: Concept | None, unit: str | None, catalogue: Catalogue, language: str) -> str:
    trackable, _ = _found(measure, catalogue) if measure else (None, None)
    known = trackable.unit(unit) if trackable and unit else None
    return known.in_words(language) if known else "" if unit in {None, NO_UNIT} else str(unit)


def _found(measure: Concept, catalogue: Catalogue) -> tuple[Trackable | None, Part | None]:
    wanted = {(c.system, c.code) for c in measure.codings}
    parts = ((t, p) for t in catalogue for p in t.parts if (p.code.system, p.code.code) in wanted)
    return next(parts, (catalogue.of(measure), None))


def _concept(part: Part) -> Concept:
    return Concept(None, (Coding(part.code.system, part.code.code),))


def _searched(trackable: Trackable) -> str:
    return ",".join(sorted(f"{system}|{code}" for system, code in trackable.codings))
