"""The likely range: against scipy, and in what it refuses to say."""

import random
from datetime import date, timedelta

import pytest
from scipy import stats

from service.domain.forecast import forecast, interval, line, student_t

TODAY = date(2026, 12, 1)


def series(*values: float, every: int = 1) -> list[tuple[date, float]]:
    return [(TODAY + timedelta(days=i * every), v) for i, v in enumerate(values)]


@pytest.mark.parametrize("freedom", [3, 8, 20, 58, 200])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9, 0.95, 0.975])
def test_students_t_is_that_of_scipy(probability: float, freedom: int) -> None:
    assert student_t(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_line_is_that_of_theil_and_sen(seed: int) -> None:
    dice = random.Random(seed)
    x = [float(i) for i in range(30)]
    y = [5 + 0.3 * a + dice.gauss(0, 2) for a in x]
    expected = stats.theilslopes(y, x, method="joint")

    assert line(x, y) == pytest.approx((expected.slope, expected.intercept))


@pytest.mark.parametrize("n", [10, 30])
def test_nine_of_ten_values_lie_in_the_range(n: int) -> None:
    dice, held, rounds = random.Random(7), 0, 1000
    x = [float(i) for i in range(n)]
    for _ in range(rounds):
        low, high = interval(x, [100 - a + dice.gauss(0, 10) for a in x], n * 1.3)
        held += low <= 100 - n * 1.3 + dice.gauss(0, 10) <= high

    assert 0.875 <= held / rounds <= 0.925


def test_the_range_is_about_that_of_least_squares_where_nothing_is_odd() -> None:
    dice = random.Random(1)
    x = [float(i) for i in range(60)]
    y = [100 - a + dice.gauss(0, 10) for a in x]
    fit = stats.linregress(x, y)
    residuals = [b - fit.intercept - fit.slope * a for a, b in zip(x, y, strict=True)]
    spread = (sum(r * r for r in residuals) / 58) ** 0.5
    low, high = interval(x, y, 70.0)

    assert (low + high) / 2 == pytest.approx(fit.intercept + fit.slope * 70, abs=4)
    assert high - low == pytest.approx(2 * stats.t.ppf(0.95, 58) * spread * 1.07, rel=0.25)


def test_one_odd_value_moves_it_little() -> None:
    values = [100.0 - i + (i * 7 % 5) for i in range(30)]
    odd = [*values]
    odd[20] = 900.0
    plain, disturbed = forecast(series(*values), None), forecast(series(*odd), None)

    assert plain is not None
    assert disturbed is not None
    assert abs(plain.low - disturbed.low) < 3
    assert abs(plain.high - disturbed.high) < 3


@pytest.mark.parametrize(
    ("values", "every"),
    [pytest.param([5.0] * 9, 7, id="nine values"), pytest.param([5.0] * 12, 1, id="less than two weeks")],
)
def test_nothing_is_said_without_enough_to_go_by(values: list[float], every: int) -> None:
    assert forecast(series(*values, every=every), None) is None


@pytest.mark.parametrize(
    ("days", "due", "day"),
    [
        pytest.param(21, None, 20 + 10, id="half as far ahead as back"),
        pytest.param(21, 25, 25, id="to the day when the target is due"),
        pytest.param(21, 300, 20 + 10, id="but no farther"),
        pytest.param(400, None, 399 + 29, id="the latest 60 days count"),
        pytest.param(21, 15, None, id="the day is over"),
    ],
)
def test_how_far_it_looks(days: int, due: int | None, day: int | None) -> None:
    found = forecast(series(*(float(i % 7) for i in range(days))), TODAY + timedelta(days=due) if due else None)

    assert (found and found.day) == (None if day is None else TODAY + timedelta(days=day))


def test_never_farther_than_sixty_days() -> None:
    found = forecast(series(*(float(i % 7) for i in range(30)), every=30), None)

    assert found is not None
    assert found.day == TODAY + timedelta(days=29 * 30 + 60)


def test_equal_values_but_a_few_still_leave_a_range() -> None:
    found = forecast(series(*[5.0] * 20, 9.0, 1.0), None)

    assert found is not None
    assert found.low < 5 < found.high
    certain = forecast(series(*[5.0] * 20), None)
    assert certain is not None
    assert certain.low == certain.high == 5
