"""From what was counted to what may be shown: reports with small cells masked, and the charts that are drawn of them.

A chart is made of reports alone, so it knows no more than everybody may know.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from fhir_mappings.measuring import (
    Counted,
    MeasureDefinition,
    MeasureReport,
    Period,
    Scoring,
    Stratum,
    Tally,
)
from fhir_mappings.model import Reference
from service.domain.control_charts import (
    BASELINE,
    ControlChart,
    Limits,
    Share,
    limits_of,
    outside_by_chance,
    p_chart,
    run_chart,
)
from service.domain.hidden_together import families, hidden_together
from service.domain.small_cells import SMALLEST_CELL

FEWEST_CENTRES = 3
WINDOW, MOST_MISSING = 12, 1
"""In no so many periods in a row more than this may be missing, or nothing is said about change."""


class Judgement(StrEnum):
    """Whether anything is said about change, and why not."""

    JUDGED = "judged"
    NOTHING_SHOWN = "nothing-shown"
    TOO_FEW_POINTS = "too-few-points"
    TOO_MANY_HIDDEN = "too-many-hidden"


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one reporter over time, by period, and the chart of what is shown of it.

    `reports` has one for each period from the first to the last; one of nobody where there was none. `chart` is over
    the `shown` periods; None where nothing is, or too little to stand for the rest: what is hidden is hidden because of
    what it is, so the shown ones alone would tell another story. None, too, while it is too early: what would be the
    usual level may hold a change itself.
    """

    measure: MeasureDefinition
    reporter: Reference
    reports: tuple[MeasureReport, ...]
    chart: ControlChart | None
    judgement: Judgement

    @property
    def shown(self) -> tuple[MeasureReport, ...]:
        return tuple(r for r in self.reports if r.tally.score is not None)

    @property
    def first_signal(self) -> Period | None:
        """The first period at which somebody who looked each time would have been told."""
        at = self.chart.first_signal if self.chart else None
        return None if at is None else self.shown[at].period


@dataclass(frozen=True, slots=True)
class Centre:
    """One centre of a funnel; `limits` None where its counts are masked or empty."""

    reporter: Reference
    tally: Tally
    limits: Limits | None

    @property
    def is_outside(self) -> bool:
        """True if chance alone would hardly put it there."""
        score = self.tally.score
        return self.limits is not None and score is not None and self.limits.exclude(float(score))


@dataclass(frozen=True, slots=True)
class Funnel:
    """The centres in one period, against the share of the whole network.

    `outside_by_chance` is how likely one of them at least lies outside by chance alone.
    """

    measure: MeasureDefinition
    period: Period
    network: Tally
    centres: tuple[Centre, ...]
    outside_by_chance: float


class WhyNoFunnel(StrEnum):
    """Why centres are not put beside each other."""

    MEDIAN = "median"
    NETWORK_HIDDEN = "network-hidden"
    FEW_CENTRES = "few-centres"


@dataclass(frozen=True, slots=True)
class NoFunnel:
    """In place of a funnel. `shown` of `centres` have counts in the period that may be shown."""

    why: WhyNoFunnel
    period: Period | None = None
    shown: int = 0
    centres: int = 0


def reports(
    counted: Counted, measure: MeasureDefinition, *, network: str, at: datetime, smallest: int = SMALLEST_CELL
) -> Iterator[MeasureReport]:
    """Of one measure that is published alone: see `reports_of_run`."""
    return reports_of_run([counted], {measure.id: measure}, network=network, at=at, smallest=smallest)


def reports_of_run(
    counted: Iterable[Counted],
    known: Mapping[str, MeasureDefinition],
    *,
    network: str,
    at: datetime,
    smallest: int = SMALLEST_CELL,
) -> Iterator[MeasureReport]:
    """All that is published together: for each measure and period one report of the network with its strata and one
    of each centre. What one of them hides, no other tells.
    """
    for together in families(counted, known):
        for masked in hidden_together(together, smallest=smallest):
            yield from _reports(masked, known[masked.measure], network, at)


def _reports(masked: Counted, measure: MeasureDefinition, network: str, at: datetime) -> Iterator[MeasureReport]:
    strata = tuple(
        Stratum(name, value, rows[value])
        for name, rows in masked.strata.items()
        for value in sorted(rows, key=in_order)
    )
    common = (measure.canonical, measure.scoring, measure.improvement)
    yield MeasureReport(*common, f"Organization/{network}", network, masked.period, at, masked.network, strata)
    for centre, tally in sorted(masked.centres.items()):
        yield MeasureReport(*common, f"Organization/{centre}", network, masked.period, at, tally)


def in_order(value: str) -> tuple[int, str]:
    """By the number that a value begins with (`0-5`, `6-11`, `12-17`); words after numbers, by the alphabet."""
    digits = value[: len(value) - len(value.lstrip("0123456789"))]
    return (int(digits), value) if digits else (sys.maxsize, value)


def series(
    measure: MeasureDefinition, found: Iterable[MeasureReport], *, baseline: int = BASELINE
) -> tuple[Series, ...]:
    """The series of each reporter, by reporter: over the periods of the length that was published last."""
    by_reporter: dict[Reference, list[MeasureReport]] = {}
    for report in latest(found):
        by_reporter.setdefault(report.reporter, []).append(report)
    return tuple(_series(measure, of_one, baseline) for _, of_one in sorted(by_reporter.items()))


def _series(measure: MeasureDefinition, found: Sequence[MeasureReport], baseline: int) -> Series:
    every = found[-1].period.every
    whole = tuple(_without_gaps([r for r in found if r.period.every is every]))
    judgement = judgement_of(whole, baseline)
    drawn = chart(whole, baseline=baseline) if judgement is Judgement.JUDGED else None
    return Series(measure, whole[0].reporter, whole, drawn, judgement)


def _without_gaps(found: Sequence[MeasureReport]) -> Iterator[MeasureReport]:
    """With a report of nobody for each period between that has none."""
    nobody = Tally(0, 0) if found[0].scoring is Scoring.PROPORTION else Tally(0)
    expected = found[0].period
    for report in found:
        while expected < report.period:
            yield replace(report, period=expected, tally=nobody, strata=(), id=None)
            expected = expected.following
        yield report
        expected = report.period.following


def judgement_of(found: Sequence[MeasureReport], baseline: int = BASELINE) -> Judgement:
    """Whether a chart of what is shown may be judged, from its first shown period on."""
    is_shown = [r.tally.score is not None for r in found]
    if not any(is_shown):
        return Judgement.NOTHING_SHOWN
    told = is_shown[is_shown.index(True) :]
    windows = (told[at : at + WINDOW] for at in range(max(1, len(told) - WINDOW + 1)))
    if any(window.count(False) > MOST_MISSING for window in windows):
        return Judgement.TOO_MANY_HIDDEN
    return Judgement.JUDGED if sum(told) > baseline else Judgement.TOO_FEW_POINTS


def latest(found: Iterable[MeasureReport]) -> list[MeasureReport]:
    """Of each reporter and period the report that was computed last, in order of the periods."""
    kept: dict[tuple[Reference, Period], MeasureReport] = {}
    for report in sorted(found, key=lambda r: r.date):
        kept[report.reporter, report.period] = report
    return sorted(kept.values(), key=lambda r: (r.period, r.reporter))


def chart(found: Sequence[MeasureReport], *, baseline: int = BASELINE) -> ControlChart:
    """The chart of a series of which something is shown; what is masked or empty is left out."""
    tallies = [r.tally for r in found if r.tally.score is not None]
    if tallies[0].numerator is None:
        return run_chart([float(t.score or 0) for t in tallies], baseline=baseline)
    return p_chart([Share(t.numerator or 0, t.denominator or 0) for t in tallies], baseline=baseline)


def funnel(measure: MeasureDefinition, found: Iterable[MeasureReport]) -> Funnel | NoFunnel:
    """The centres in the last period for which the network's share is shown; or why there is nothing to compare."""
    if measure.scoring is not Scoring.PROPORTION:
        return NoFunnel(WhyNoFunnel.MEDIAN)
    found = latest(found)
    whole = [r for r in found if r.reporter == f"Organization/{r.network}" and r.tally.score is not None]
    if not whole:
        return NoFunnel(WhyNoFunnel.NETWORK_HIDDEN)
    network = whole[-1]
    centre_line = float(network.tally.score or 0)
    centres = tuple(
        Centre(r.reporter, r.tally, limits_of(centre_line, r.tally.denominator) if r.tally.denominator else None)
        for r in found
        if r.period == network.period and r.reporter != network.reporter
    )
    judged = sum(c.limits is not None for c in centres)
    if judged < FEWEST_CENTRES:
        return NoFunnel(WhyNoFunnel.FEW_CENTRES, network.period, judged, len(centres))
    return Funnel(measure, network.period, network.tally, centres, outside_by_chance(judged))
