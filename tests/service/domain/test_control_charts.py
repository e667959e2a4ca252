"""The statistics, against published data, published tables and two independent implementations."""

import math
import random

import pytest

from service.domain.control_charts import (
    Limits,
    Share,
    fewest_crossings_by_chance,
    limits_of,
    longest_run_by_chance,
    outside_by_chance,
    p_chart,
    run_chart,
    runs,
)

WAFERS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
"""Of 50 chips on each wafer so many had defects. Source: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.2."""
ANHOEJ = {10: (6, 2), 11: (6, 2), 12: (7, 3), 15: (7, 4), 20: (7, 6), 22: (7, 7), 23: (8, 7), 24: (8, 8), 25: (8, 8)}
"""Useful points: longest run and fewest crossings by chance. Source: Anhøj & Olesen, PLoS ONE 2014, table 1."""


def wafers() -> list[Share]:
    return [Share(defects, 50) for defects in WAFERS]


def a_series(months: int, of: int, share: float, *, seed: int, then: float | None = None) -> list[Share]:
    chance = random.Random(seed)
    shares = [then if then is not None and month >= months // 2 else share for month in range(months)]
    return [Share(sum(chance.random() < p for _ in range(of)), of) for p in shares]


def test_the_published_example_of_a_p_chart() -> None:
    chart = p_chart(wafers(), baseline=30)
    limits = limits_of(chart.centre, 50)

    assert chart.centre == pytest.approx(0.2313, abs=5e-5)
    assert (limits.lower, limits.upper) == pytest.approx((0.0524, 0.4102), abs=1e-4)
    assert [i + 1 for i, s in enumerate(wafers()) if limits.exclude(s.value)] == [15, 23]


@pytest.mark.parametrize(("points", "published"), ANHOEJ.items())
def test_the_published_table_of_runs_and_crossings(points: int, published: tuple[int, int]) -> None:
    assert (longest_run_by_chance(points), fewest_crossings_by_chance(points)) == published


@pytest.mark.parametrize("seed", range(5))
def test_limits_are_those_of_an_independent_implementation(seed: int) -> None:
    shewhart = pytest.importorskip("shewhart")
    chance = random.Random(seed)
    shares = [Share(sum(chance.random() < 0.6 for _ in range(n)), n) for n in chance.choices(range(30, 90), k=24)]
    data = [s.count for s in shares]
    sizes = [s.of for s in shares]
    plain, laney = shewhart.p_chart(data, size=sizes), shewhart.laney_p(data, size=sizes)
    chart = p_chart(shares, baseline=24)

    assert chart.centre == pytest.approx(plain.stats["p_center"])
    assert chart.sigma_z == pytest.approx(laney.stats["sigma_z"])
    for size, one, two in zip(sizes, plain.table.itertuples(), laney.table.itertuples(), strict=True):
        ours, wide = limits_of(chart.centre, size), limits_of(chart.centre, size, chart.sigma_z or 1)
        assert (ours.lower, ours.upper) == pytest.approx((one.lcl, one.ucl))
        assert (wide.lower, wide.upper) == pytest.approx((two.lcl, two.ucl))


@pytest.mark.parametrize("seed", range(20))
def test_runs_are_those_of_an_independent_implementation(seed: int) -> None:
    pyqicharts = pytest.importorskip("pyqicharts")
    values = [s.value for s in a_series(24, 60, 0.6, seed=seed, then=0.7 if seed % 2 else None)]
    theirs = pyqicharts.anhoej_rules(values)
    chart = run_chart(values, baseline=24)

    assert chart.centre == pytest.approx(theirs.median)
    assert chart.runs.useful == theirs.n_used
    assert (chart.runs.longest, chart.runs.crossings) == (theirs.longest_run, theirs.crossings)


def test_the_limits_of_runs_and_crossings_are_what_their_authors_define() -> None:
    """By SciPy and the formula, for each number of points; those of pyqicharts 2.0.0 differ by one from the published
    table. The fifth centile of a binomial distribution of a fair coin, and the rounded binary logarithm plus three.
    """
    stats = pytest.importorskip("scipy.stats")

    for points in range(10, 121):
        assert fewest_crossings_by_chance(points) == stats.binom.ppf(0.05, points - 1, 0.5), points
        assert longest_run_by_chance(points) == round(math.log2(points) + 3), points


def test_a_lasting_change_is_signalled_and_steadiness_is_not() -> None:
    steady = [p_chart(a_series(36, 60, 0.6, seed=s)) for s in range(100)]
    changed = [p_chart(a_series(36, 60, 0.6, seed=s, then=0.79)) for s in range(100)]

    assert sum(c.first_signal is not None for c in steady) <= 20
    found = [c.first_signal for c in changed if c.first_signal is not None and c.first_signal >= 18]
    assert len(found) >= 85
    assert all(at < 18 + 12 for at in found)
    assert all(c.signals for c in changed)


def test_a_shift_within_the_limits_is_signalled_at_the_end_of_a_long_run() -> None:
    shares = [Share(30 + 3 * (-1) ** month, 60) for month in range(12)] + [Share(34, 60)] * 12
    chart = p_chart(shares)

    assert not any(limits.exclude(s.value) for limits, s in zip(chart.limits, shares, strict=True))
    # The line is 0.5; the eleventh point on one side is the first run that is too long for 23 useful points.
    assert chart.first_signal is not None
    assert chart.first_signal - 12 + 1 == longest_run_by_chance(21) + 1


def test_a_single_point_far_out_is_a_signal_of_its_own() -> None:
    shares = [Share(30 + 3 * (-1) ** month, 60) for month in range(18)]
    shares[15] = Share(58, 60)

    assert p_chart(shares).first_signal == 15
    assert p_chart(shares, baseline=18).first_signal is None


def test_much_spread_widens_the_limits_and_chance_alone_does_not() -> None:
    chance = random.Random(4)
    spread = [Share(round(400 * chance.uniform(0.4, 0.8)), 400) for _ in range(24)]
    chart, narrow = p_chart(spread, baseline=24), limits_of(0.6, 400)

    assert chart.over_dispersed
    assert chart.limits[0].upper - chart.limits[0].lower > 2 * (narrow.upper - narrow.lower)
    assert sum(p_chart(a_series(24, 60, 0.6, seed=s), baseline=24).over_dispersed for s in range(100)) <= 5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], (0, 0, 0), id="no points"),
        pytest.param([0.5, 0.5], (0, 0, 0), id="points on the line are left out"),
        pytest.param([0.6, 0.5, 0.6, 0.4], (3, 2, 1), id="a run goes on across the line's own points"),
    ],
)
def test_runs_of_few_points_say_nothing(values: list[float], expected: tuple[int, int, int]) -> None:
    found = runs(values, 0.5)

    assert (found.useful, found.longest, found.crossings) == expected
    assert (found.longest_by_chance, found.fewest_crossings_by_chance) == (None, None)
    assert not found.shifted
    assert not found.crosses_too_seldom


def test_a_median_over_time_has_runs_and_no_limits() -> None:
    chart = run_chart([9.0, 8.0, 10.0, 9.5, 7.5, 9.1, 8.9, 9.2, 8.8, 10.1, 8.0, 9.6] + [4.0] * 12)

    assert chart.centre == pytest.approx(9.05)
    assert chart.limits == ()
    assert chart.first_signal == 12 + longest_run_by_chance(21)
    assert chart.runs.shifted


def test_without_any_point_there_is_no_chart() -> None:
    with pytest.raises(ValueError, match="at least one"):
        p_chart([])
    with pytest.raises(ValueError, match="at least one"):
        run_chart([])


@pytest.mark.parametrize("shares", [[Share(1, 2)], [Share(0, 20)] * 12], ids=["one point", "a share of nothing"])
def test_where_there_is_no_spread_to_see_none_is_claimed(shares: list[Share]) -> None:
    chart = p_chart(shares)

    assert chart.sigma_z is None
    assert not chart.over_dispersed


def test_one_of_71_centres_lies_outside_by_chance_in_17_of_100_funnels() -> None:
    assert outside_by_chance(71) == pytest.approx(0.17, abs=0.01)
    assert Limits(0.1, 0.2).exclude(0.3)
