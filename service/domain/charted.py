"""Which chart a goal or a thing that is tracked has: what it is called, in which unit, against which target."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, TypedDict, cast

from fhir_mappings.codes import LOINC
from fhir_mappings.model import Coding, Concept, Goal, Observation, Quantity, Range, Target
from fhir_mappings.target import concept_in_words
from service.domain.amounts import aims, left_out
from service.domain.catalogue import Bounds, Catalogue, Part, Trackable
from service.domain.progress import Progress, bounds, measurable_target, measured, series, unit_of
from service.domain.run_chart import ANYTHING, Aim, RunChart, run_chart
from service.errors import Flaw, InvalidContent

NO_UNIT: Final = "1"
LOINC_CODE: Final = re.compile(r"\d{1,7}-\d")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller means: its measures (of a panel one for each part), the codes to search, and the panel."""

    measures: tuple[Concept, ...]
    searched: str
    panel: Trackable | None = None


def goal_chart(
    goal: Goal,
    progress: Progress,
    observations: Sequence[Observation],
    catalogue: Catalogue,
    language: str,
    *,
    now: datetime,
    more: bool,
) -> RunChart:
    """The chart of a goal: empty where no number can meet its target."""
    target = measurable_target(goal)
    if target is None:
        return RunChart(goal.description, "")
    unit = _unit_words(target.measure, unit_of(target), catalogue, language, _said_unit(target))
    start = progress.baseline.value if progress.baseline else Decimal(0)
    return run_chart(
        _what(target.measure, catalogue, language) or goal.description,
        unit,
        progress.points,
        now=now,
        aim=_aim(target, unit, start),
        due=target.due.last_day if target.due else None,
        possible=_possible(target.measure, catalogue),
        **_ways(target.measure, catalogue),
        more=more,
        left_out=left_out(target, observations, catalogue),
    )


def asked_for(code: str, catalogue: Catalogue) -> Asked:
    """What a caller means by a key of the catalogue or of a part, a LOINC code or `system|code`.

    Raises:
        InvalidContent: it is none of these; names the keys.
    """
    system, bar, plain = code.rpartition("|")
    system = system if bar else LOINC
    found = [(t, p) for t in catalogue for p in t.parts if code == p.key or (system, plain) == _pair(p)]
    if found:
        trackable, part = found[0]
        return Asked((_concept(part),), f"{_searched(trackable)},{system}|{part.code.code}")
    panels = (t for t in catalogue if t.parts and (code == t.key or (system, plain) in t.codings))
    if panel := next(panels, None):
        return Asked(tuple(map(_concept, panel.parts)), _searched(panel), panel)
    if trackable := catalogue.get(code):
        codings = tuple(Coding(system, c) for system, c in sorted(trackable.codings))
        return Asked((Concept(None, codings),), _searched(trackable))
    if not bar and not is_loinc(plain):
        keys = ", ".join(t.key for t in catalogue)
        raise InvalidContent(
            Flaw("query code", "is no LOINC code, no system|code, and none of {keys}", "not-found", {"keys": keys})
        )
    return Asked((Concept(None, (Coding(system, plain),)),), f"{system}|{plain}")


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
    """The chart of what is tracked, without a target; of a panel, one for each part.

    Args:
        unit: None for that of the latest value.
    """
    asked = asked_for(code, catalogue)
    targets = (tracked_target(measure, unit, observations) for measure in asked.measures)
    charts = tuple(
        run_chart(
            _what(target.measure, catalogue, language) or code,
            _unit_words(target.measure, unit_of(target), catalogue, language),
            series(target, observations),
            now=now,
            possible=_possible(target.measure, catalogue),
            **_ways(target.measure, catalogue),
            more=more,
            left_out=left_out(target, observations, catalogue),
        )
        for target in targets
    )
    return RunChart(asked.panel.label(language), "", parts=charts) if asked.panel else charts[0]


def tracked_target(measure: Concept, unit: str | None, observations: Sequence[Observation]) -> Target:
    """A target that nothing need meet: the measure, and the unit that all is told in."""
    amounts = [amount for o in observations if (amount := measured(o, measure))]
    unit = unit or (amounts[-1].code if amounts else NO_UNIT)
    said = next((o.code.text for o in reversed(observations) if o.code.text), None)
    return Target(replace(measure, text=said), Quantity(Decimal(0), unit))


def _aim(target: Target, unit: str, start: Decimal) -> Aim | None:
    """The target with the unit in the reader's words; its amounts and its comparator stay as they were said."""
    low, high = bounds(target, start)
    if low is None and high is None:
        return None
    detail = target.detail
    if isinstance(detail, Range):
        ends = (end and replace(end, unit=unit or NO_UNIT) for end in (detail.low, detail.high))
        return Aim(Range(*ends), low, high)
    return Aim(replace(cast(Quantity, detail), unit=unit or NO_UNIT), low, high)


def _what(measure: Concept | None, catalogue: Catalogue, language: str) -> str:
    if measure is None:
        return ""
    trackable, part = _found(measure, catalogue)
    if part:
        return part.label(language)
    return trackable.label(language) if trackable else concept_in_words(measure)


def _unit_words(
    measure: Concept | None, unit: str | None, catalogue: Catalogue, language: str, said: str | None = None
) -> str:
    """In the words of the catalogue, else as it was `said`, else the code."""
    trackable, _ = _found(measure, catalogue) if measure else (None, None)
    known = trackable.unit(unit) if trackable and unit else None
    return known.in_words(language) if known else said or ("" if unit in {None, NO_UNIT} else str(unit))


def _said_unit(target: Target) -> str | None:
    """How the unit of the target was put in words."""
    return next((amount.unit for _, amount in aims(target) if amount.unit), None)


def _possible(measure: Concept | None, catalogue: Catalogue) -> Bounds:
    trackable, _ = _found(measure, catalogue) if measure else (None, None)
    return trackable.possible if trackable else ANYTHING


class _Ways(TypedDict, total=False):
    whole: bool
    summed: bool
    scale: Bounds | None


def adding_up(goal: Goal, catalogue: Catalogue, now: datetime) -> datetime | None:
    """`now` if what the goal's target measures adds up in the course of a day, else None: see `progress_of`."""
    target = measurable_target(goal)
    return now if target and _ways(target.measure, catalogue).get("summed") else None


def _ways(measure: Concept | None, catalogue: Catalogue) -> _Ways:
    """How its values come, by the arguments of `run_chart`."""
    trackable, _ = _found(measure, catalogue) if measure else (None, None)
    if trackable is None:
        return _Ways()
    return _Ways(whole=trackable.whole, summed=trackable.summed, scale=trackable.scale)


def _found(measure: Concept, catalogue: Catalogue) -> tuple[Trackable | None, Part | None]:
    wanted = {(c.system, c.code) for c in measure.codings}
    parts = ((t, p) for t in catalogue for p in t.parts if (p.code.system, p.code.code) in wanted)
    return next(parts, (catalogue.of(measure), None))


def _concept(part: Part) -> Concept:
    return Concept(None, (Coding(part.code.system, part.code.code),))


def _pair(part: Part) -> tuple[str, str]:
    return part.code.system, part.code.code


def _searched(trackable: Trackable) -> str:
    return ",".join(sorted(f"{system}|{code}" for system, code in trackable.codings))


def is_loinc(code: str) -> bool:
    """True for the form of a LOINC code with the right check digit (mod 10), which tells a code from a typo.

    Source: https://loinc.org/kb/users-guide/ (check digit)
    """
    if not LOINC_CODE.fullmatch(code):
        return False
    digits, _, check = code.partition("-")
    doubled = (int(d) * (2 - i % 2) for i, d in enumerate(reversed(digits)))
    return (sum(n // 10 + n % 10 for n in doubled) + int(check)) % 10 == 0
