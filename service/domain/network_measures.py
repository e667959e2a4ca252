"""From what was counted to what may be shown: reports with small cells masked, and the charts that are drawn of them.

A chart is made of reports alone, so it knows no more than everybody may know.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.measuring import (
    Counted,
    MeasureDefinition,
    MeasureReport,
    Period,
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
from service.domain.small_cells import SMALLEST_CELL, masked

FEWEST_CENTRES = 3


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one reporter over time, by period, and the chart of what is shown of it.

    `chart` is over the `shown` periods; None where nothing is.
    """

    measure: MeasureDefinition
    reporter: Reference
    reports: tuple[MeasureReport, ...]
    chart: ControlChart | None

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
    """All centres in one period, against the share of the whole network.

    `outside_by_chance` is how likely one of them at least lies outside by chance alone.
    """

    measure: MeasureDefinition
    period: Period
    network: Tally
    centres: tuple[Centre, ...]
    outside_by_chance: float


def reports(
    counted: Counted, measure: MeasureDefinition, *, network: str, at: datetime, smallest: int = SMALLEST_CELL
) -> Iterator[MeasureReport]:
    """One report of the network with its strata, one of each centre, all of one period."""
    centres, total = masked(counted.centres, counted.network, smallest=smallest)
    strata = tuple(
        Stratum(name, value, tally)
        for name, rows in counted.strata.items()
        for value, tally in sorted(masked(rows, counted.network, smallest=smallest)[0].items())
    )
    common = (measure.canonical, measure.scoring, measure.improvement)
    yield MeasureReport(*common, f"Organization/{network}", network, counted.period, at, total, strata)
    for centre, tally in sorted(centres.items()):
        yield MeasureReport(*common, f"Organization/{centre}", network, counted.period, at, tally)


def series(
    measure: MeasureDefinition, found: Iterable[MeasureReport], *, baseline: int = BASELINE
) -> tuple[Series, ...]:
    """The series of each reporter, by reporter."""
    by_reporter: dict[Reference, list[MeasureReport]] = {}
    for report in latest(found):
        by_reporter.setdefault(report.reporter, []).append(report)
    return tuple(
        Series(measure, reporter, tuple(of_one), chart(of_one, baseline=baseline))
        for reporter, of_one in sorted(by_reporter.items())
    )


def latest(found: Iterable[MeasureReport]) -> list[MeasureReport]:
    """Of each reporter and period the report that was computed last, in order of the periods."""
    kept: dict[tuple[Reference, Period], MeasureReport] = {}
    for report in sorted(found, key=lambda r: r.date):
        kept[report.reporter, report.period] = report
    return sorted(kept.values(), key=lambda r: (r.period, r.reporter))


def chart(found: Sequence[MeasureReport], *, baseline: int = BASELINE) -> ControlChart | None:
    """The chart of a series; what is masked or empty is left out."""
    tallies = [r.tally for r in found if r.tally.score is not None]
    if not tallies:
        return None
    if tallies[0].numerator is None:
        return run_chart([float(t.score or 0) for t in tallies], baseline=baseline)
    return p_chart([Share(t.numerator or 0, t.denominator or 0) for t in tallies], baseline=baseline)


def funnel(measure: MeasureDefinition, found: Iterable[MeasureReport]) -> Funnel | None:
    """The centres in the last period for which the network's share is shown.

    None for a median, and with fewer than three centres to show: there is nothing to compare.
    """
    found = latest(found)
    whole = [r for r in found if r.reporter == f"Organization/{r.network}" and r.tally.numerator is not None]
    if not whole:
        return None
    network = whole[-1]
    centre_line = float(network.tally.score or 0)
    centres = tuple(
        Centre(r.reporter, r.tally, limits_of(centre_line, r.tally.denominator) if r.tally.denominator else None)
        for r in found
        if r.period == network.period and r.reporter != network.reporter
    )
    judged = sum(c.limits is not None for c in centres)
    if judged < FEWEST_CENTRES:
        return None
    return Funnel(measure, network.period, network.tally, centres, outside_by_chance(judged))
