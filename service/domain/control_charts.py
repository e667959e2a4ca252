"""Is it more than chance? Limits and run rules of statistical process control.

The trend rule (so many points up in a row) is not used: it finds hardly anything but chance.

Source: Shewhart's p-chart and the funnel plot (Spiegelhalter, Stat Med 2005, doi:10.1002/sim.1970);
    Laney's p'-chart (Qual Eng 2002, doi:10.1081/QEN-120003555);
    runs and crossings (Anhøj & Olesen, PLoS ONE 2014, doi:10.1371/journal.pone.0113825)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from math import comb, log2, pi, sqrt
from statistics import median
from typing import Final

SIGMAS: Final = 3
D2: Final = 2 / sqrt(pi)
"""Mean moving range of two normal values, in standard deviations."""
CHANCE_OF_FEWER_CROSSINGS: Final = 0.05
BASELINE: Final = 12
"""Periods that the centre line is taken from, unless said otherwise."""
FEWEST_POINTS: Final = 10
"""With fewer points than this nothing is said about runs and crossings (the tables of Anhøj begin there)."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`; `of` is positive."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of


@dataclass(frozen=True, slots=True)
class Limits:
    """What chance alone leaves a share within, 99.7 times in 100 by the normal approximation."""

    lower: float
    upper: float

    def exclude(self, value: float) -> bool:
        return not self.lower <= value <= self.upper


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of points on one side of the centre line; a point on the line is left out.

    The limits are None with too few points to say anything.
    """

    useful: int
    longest: int
    crossings: int
    longest_by_chance: int | None
    fewest_crossings_by_chance: int | None

    @property
    def shifted(self) -> bool:
        """A run longer than chance explains."""
        return self.longest_by_chance is not None and self.longest > self.longest_by_chance

    @property
    def crosses_too_seldom(self) -> bool:
        fewest = self.fewest_crossings_by_chance
        return fewest is not None and self.crossings < fewest


@dataclass(frozen=True, slots=True)
class ControlChart:
    """A series with its centre line and, for shares, its limits.

    `sigma_z` is how much more the points vary than chance lets shares of this size; with `over_dispersed` the limits
    are those of Laney's p'-chart. `alerts` are the positions of the points at which somebody who looks each time is
    told: a point outside its limits, or at the end of too long a run. A point of the baseline tells nobody. `outside`
    are those of them that are more than chance each by itself.
    """

    centre: float
    limits: tuple[Limits, ...]
    runs: Runs
    sigma_z: float | None
    over_dispersed: bool
    alerts: tuple[int, ...]
    outside: tuple[int, ...] = ()

    @property
    def first_signal(self) -> int | None:
        return next(iter(self.alerts), None)

    @property
    def signals(self) -> bool:
        return bool(self.alerts) or self.runs.shifted or self.runs.crosses_too_seldom


def p_chart(shares: Sequence[Share], *, baseline: int = BASELINE) -> ControlChart:
    """The chart of a share over time. Its centre line is the share of the first `baseline` points together.

    Raises:
        ValueError: there is no share.
    """
    first = shares[:baseline]
    if not first:
        raise ValueError("a chart needs at least one share")
    centre = sum(s.count for s in first) / sum(s.of for s in first)
    sigma_z = laney_sigma(first, centre)
    over = sigma_z is not None and sigma_z > _most_by_chance(len(first))
    limits = tuple(limits_of(centre, s.of, sigma_z if over and sigma_z else 1.0) for s in shares)
    values = [s.value for s in shares]
    alerts = tuple(_alerts(values, centre, limits, baseline))
    outside = tuple(i for i in alerts if limits[i].exclude(values[i]))
    return ControlChart(centre, limits, runs(values, centre), sigma_z, over, alerts, outside)


def run_chart(values: Sequence[float], *, baseline: int = BASELINE) -> ControlChart:
    """The chart of a median over time: runs about the median of the first `baseline` points, and no limits.

    Raises:
        ValueError: there is no value.
    """
    if not values:
        raise ValueError("a chart needs at least one value")
    centre = median(values[:baseline])
    alerts = tuple(_alerts(values, centre, (), baseline))
    return ControlChart(centre, (), runs(values, centre), None, False, alerts)


def limits_of(centre: float, of: int, sigma_z: float = 1.0, *, sigmas: float = SIGMAS) -> Limits:
    """The limits of a share of this many people."""
    reach = sigmas * sigma_z * _sigma(centre, of)
    return Limits(max(0.0, centre - reach), min(1.0, centre + reach))


def laney_sigma(shares: Sequence[Share], centre: float) -> float | None:
    """Laney's sigma z: the spread of the standardised shares from one to the next; None where there is none to see."""
    if len(shares) < 2 or not 0 < centre < 1:
        return None
    z = [(s.value - centre) / _sigma(centre, s.of) for s in shares]
    return sum(abs(b - a) for a, b in pairwise(z)) / (len(z) - 1) / D2


def runs(values: Sequence[float], centre: float) -> Runs:
    """Runs and crossings about the centre line."""
    sides = [value > centre for value in values if value != centre]
    lengths = [len(list(run)) for _, run in groupby(sides)]
    useful = len(sides)
    enough = useful >= FEWEST_POINTS
    return Runs(
        useful,
        max(lengths, default=0),
        max(0, len(lengths) - 1),
        longest_run_by_chance(useful) if enough else None,
        fewest_crossings_by_chance(useful) if enough else None,
    )


def longest_run_by_chance(points: int) -> int:
    """The longest run that chance explains among this many points."""
    return round(log2(points)) + 3


@cache
def fewest_crossings_by_chance(points: int) -> int:
    """The 5th centile of a binomial distribution with `points` - 1 tosses of a fair coin."""
    tosses = points - 1
    seen, crossings = 1, 0
    while seen < CHANCE_OF_FEWER_CROSSINGS * 2**tosses:
        crossings += 1
        seen += comb(tosses, crossings)
    return crossings


def outside_by_chance(charts: int, sigmas_cover: float = 0.9973) -> float:
    """How likely at least one of so many points lies outside its limits by chance alone."""
    return float(1 - sigmas_cover**charts)


def _sigma(centre: float, of: int) -> float:
    return sqrt(centre * (1 - centre) / of)


def _most_by_chance(points: int) -> float:
    """What sigma z reaches by chance in 1 of 100 charts of so many points; its standard error is 0.91 / √points."""
    return 1 + 2.33 * 0.91 / sqrt(points)


def _alerts(values: Sequence[float], centre: float, limits: Sequence[Limits], baseline: int) -> Iterator[int]:
    """Looks at each point after the baseline as it comes."""
    useful, run, side = 0, 0, None
    for position, value in enumerate(values):
        if value != centre:
            run = run + 1 if (value > centre) is side else 1
            useful, side = useful + 1, value > centre
        too_long = value != centre and useful >= FEWEST_POINTS and run > longest_run_by_chance(useful)
        if position >= baseline and (too_long or (limits and limits[position].exclude(value))):
            yield position
