"""Counts each measure in each period: for the network, by centre and by stratum, in as few passes as can be."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ibis import Table

from fhir_mappings.measuring import MONTHS, Counted, Every, MeasureDefinition, Period, Scoring, Tally
from service.networks.engines import Engine, Rows, first_day, flat_tables, rows
from service.networks.measures import Data, cases_of, tallied

COLUMNS: Final[Mapping[str, str]] = {
    "centre": "centre",
    "age-band": "age_band",
    "language": "language",
    "proxy": "proxy",
}
"""Stratifier to column."""
TEN_THOUSANDTH: Final = Decimal("0.0001")

Key = tuple[date, str]


def count(
    engine: Engine,
    flat: Path,
    measures: Sequence[MeasureDefinition],
    *,
    as_of: date,
    every: Every,
    told: Callable[[str], object] = lambda _: None,
) -> Iterator[Counted]:
    """What was counted, period by period, of each measure for which there is anything to count.

    Args:
        flat: the folder that `engines.flatten` has written.
        as_of: the day of the export; the period that it lies in is not over.
        told: the id of each measure as it is begun.
    """
    tables = flat_tables(engine, flat)
    first = first_day(engine, tables)
    if first is None or not (periods := periods_between(first, as_of, every)):
        return
    data = Data(tables, as_of, every, periods)
    for measure in measures:
        told(measure.id)
        yield from _counted(engine, measure, data)


def periods_between(first: date, as_of: date, every: Every) -> tuple[Period, ...]:
    """The calendar periods from the one with the first day to the last one that was over."""
    months = MONTHS[every]
    start = date(first.year, (first.month - 1) // months * months + 1, 1)
    found = []
    while (period := Period.of(start, every)).end < as_of:
        found.append(period)
        start = period.end.fromordinal(period.end.toordinal() + 1)
    return tuple(found)


def _counted(engine: Engine, measure: MeasureDefinition, data: Data) -> Iterator[Counted]:
    cases = cases_of(measure, data)
    found = (
        _shares(engine, measure, cases) if measure.scoring is Scoring.PROPORTION else _medians(engine, measure, cases)
    )
    for period in data.periods:
        parts = {name: by.get(period.start, {}) for name, by in found.items()}
        if whole := parts.pop("network"):
            yield Counted(measure.id, period, whole[""], parts.pop("centre"), parts)


def _shares(engine: Engine, measure: MeasureDefinition, cases: Table) -> dict[str, dict[date, dict[str, Tally]]]:
    """Counts add up: one pass over the cases, and the margins from its few rows."""
    found = rows(engine, tallied(measure, cases, *COLUMNS.values()))
    return {name: _margin(found, COLUMNS.get(name)) for name in ("network", *COLUMNS)}


def _margin(found: Rows, column: str | None) -> dict[date, dict[str, Tally]]:
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for row in found:
        counts = sums[row["period"], row[column] if column else ""]
        counts[0] += row["denominator"]
        counts[1] += row["numerator"]
    return _by_period({key: Tally(d, n) for key, (d, n) in sums.items()})


def _medians(engine: Engine, measure: MeasureDefinition, cases: Table) -> dict[str, dict[date, dict[str, Tally]]]:
    """Medians do not add up: one pass for each margin."""
    found = {"network": rows(engine, tallied(measure, cases))}
    found |= {name: rows(engine, tallied(measure, cases, column)) for name, column in COLUMNS.items()}
    return {
        name: _by_period({(row["period"], row.get(COLUMNS.get(name, ""), "")): _median(row) for row in of_margin})
        for name, of_margin in found.items()
    }


def _median(row: dict[str, Any]) -> Tally:
    return Tally(row["denominator"], median=Decimal(row["median"]).quantize(TEN_THOUSANDTH))


def _by_period(tallies: Mapping[Key, Tally]) -> dict[date, dict[str, Tally]]:
    found: dict[date, dict[str, Tally]] = defaultdict(dict)
    for (period, value), tally in sorted(tallies.items()):
        found[period][value] = tally
    return found
