"""From counts to reports to charts: nothing that is masked comes back by another way."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fhir_mappings.measuring import MASKED, Counted, Every, MeasureReport, Period, Tally
from service.domain.detection import Change, detection
from service.domain.network_measures import (
    Funnel,
    Judgement,
    NoFunnel,
    WhyNoFunnel,
    funnel,
    in_order,
    latest,
    reports,
    reports_of_run,
    series,
)
from service.measure_definitions import measures

AT = datetime(2026, 1, 1, tzinfo=UTC)
REMISSION, DAYS = measures()["remission-pga"], measures()["days-to-decision"]
LARGE = {"a": Tally(100, 60), "b": Tally(200, 130), "c": Tally(150, 80)}


def month(at: int) -> Period:
    return Period.of(date(2024 + at // 12, at % 12 + 1, 1), Every.MONTH)


def counted(centres: dict[str, Tally], at: int = 0, strata: dict[str, dict[str, Tally]] | None = None) -> Counted:
    total = Tally(sum(t.denominator or 0 for t in centres.values()), sum(t.numerator or 0 for t in centres.values()))
    return Counted(REMISSION.id, month(at), total, centres, strata or {})


def reported(*found: Counted, smallest: int = 11) -> list[MeasureReport]:
    return [r for c in found for r in reports(c, REMISSION, network="net", at=AT, smallest=smallest)]


def test_a_report_for_the_network_and_one_for_each_centre() -> None:
    found = reported(counted(LARGE))

    assert [(r.reporter, r.tally) for r in found] == [
        ("Organization/net", Tally(450, 270)),
        *((f"Organization/{centre}", tally) for centre, tally in LARGE.items()),
    ]


def test_strata_are_masked_on_their_own() -> None:
    strata = {
        "language": {"en": Tally(430, 260), "es": Tally(20, 10)},
        "proxy": {"no": Tally(200, 120), "yes": Tally(250, 150)},
    }
    whole = reported(counted(LARGE, strata=strata))[0]

    assert {(s.value, s.tally.is_masked) for s in whole.strata} == {
        ("en", True),
        ("es", True),
        ("no", False),
        ("yes", False),
    }
    assert not whole.tally.is_masked


def test_a_small_network_shows_nothing() -> None:
    strata = {"proxy": {"no": Tally(12, 6)}}
    found = reported(counted({"a": Tally(12, 6)}, strata=strata))

    assert all(r.tally is MASKED for r in found)
    assert [s.tally for s in found[0].strata] == [MASKED]


def test_a_chart_is_made_of_what_is_shown() -> None:
    shown = [counted(LARGE, at) for at in range(13)]
    hidden = counted({"a": Tally(8, 4), "b": Tally(12, 7), "c": Tally(150, 80)}, 13)
    own = {s.reporter: s for s in series(REMISSION, reported(*shown, hidden))}["Organization/a"]

    assert [r.tally.is_masked for r in own.reports] == [False] * 13 + [True]
    assert len(own.shown) == 13
    assert own.chart is not None
    assert own.chart.centre == pytest.approx(0.6)
    assert len(own.chart.limits) == 13


def test_where_all_is_masked_there_is_no_chart() -> None:
    (whole, _) = series(REMISSION, reported(counted({"a": Tally(12, 6)})))

    assert whole.chart is None
    assert whole.first_signal is None
    assert whole.judgement is Judgement.NOTHING_SHOWN
    assert funnel(REMISSION, reported(counted({"a": Tally(12, 6)}))) == NoFunnel(WhyNoFunnel.NETWORK_HIDDEN)


def test_the_first_signal_is_a_period() -> None:
    steady = [counted(LARGE, at) for at in range(15)]
    changed = [
        counted({k: Tally(t.denominator, (t.denominator or 0) * 9 // 10) for k, t in LARGE.items()}, at)
        for at in (15, 16)
    ]
    whole = series(REMISSION, reported(*steady, *changed))[-1]

    assert whole.reporter == "Organization/net"
    assert whole.first_signal == month(15)


def test_the_report_computed_last_counts() -> None:
    first, second = reported(counted(LARGE))[1], reported(counted({**LARGE, "a": Tally(101, 61)}))[1]
    later = MeasureReport(**{n: getattr(second, n) for n in second.__slots__} | {"date": AT + timedelta(days=1)})

    assert latest([later, first]) == [later]


def test_a_funnel_compares_the_centres_with_all_of_them() -> None:
    found = funnel(REMISSION, reported(counted(LARGE), counted({**LARGE, "d": Tally(300, 270), "e": Tally(5, 3)}, 1)))

    assert isinstance(found, Funnel)
    assert found.period == month(1)
    assert {c.reporter for c in found.centres if c.is_outside} >= {"Organization/d"}
    hidden = [c for c in found.centres if c.limits is None]
    assert hidden
    assert not any(c.is_outside for c in hidden)


def test_a_funnel_of_two_compares_nothing() -> None:
    found = reported(counted({"a": Tally(100, 60), "b": Tally(200, 130)}))

    assert funnel(REMISSION, found) == NoFunnel(WhyNoFunnel.FEW_CENTRES, month(0), shown=2, centres=2)


def test_medians_over_time() -> None:
    found = [
        r
        for at in range(13)
        for r in reports(
            Counted(DAYS.id, month(at), Tally(30, median=Decimal("8.5")), {"a": Tally(30, median=Decimal("8.5"))}, {}),
            DAYS,
            network="net",
            at=AT,
        )
    ]
    own, whole = series(DAYS, found)

    assert (own.reporter, whole.reporter) == ("Organization/a", "Organization/net")
    assert whole.chart is not None
    assert (whole.chart.centre, whole.chart.limits) == (8.5, ())
    assert funnel(DAYS, found) == NoFunnel(WhyNoFunnel.MEDIAN)


def test_detection_counts_centres_that_are_large_enough() -> None:
    def centre(people: int, changed: int, then: float) -> Change:
        shares = (0.6 + 0.02 * (-1) ** m if m < changed else then for m in range(36))
        return Change(f"c{people}", changed, {m: Tally(people, round(people * s)) for m, s in enumerate(shares)})

    found = detection([centre(200, 20, 0.8), centre(200, 20, 0.6), centre(10, 20, 0.9), Change("none", 20, {})])

    assert (found.judged, found.found, found.false, found.months_watched) == (2, 1, 0, 16)
    assert found.delay == 1
    assert detection([]).delay is None


def shares(*pairs: tuple[int, int], since: int = 0) -> list[Counted]:
    """Of a network of two equal centres: (in remission, seen) of each, month after month."""
    return [counted({"a": Tally(d, n), "b": Tally(d, n)}, since + at) for at, (n, d) in enumerate(pairs)]


SHOWN, TOO_WELL, TOO_FEW = (60, 100), (97, 100), (3, 5)


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        pytest.param([SHOWN] * 13, Judgement.JUDGED, id="a usual level and one more"),
        pytest.param([SHOWN], Judgement.TOO_FEW_POINTS, id="one point"),
        pytest.param([SHOWN] * 12, Judgement.TOO_FEW_POINTS, id="a usual level, and nothing to hold against it"),
        pytest.param([TOO_FEW] * 4 + [SHOWN] * 13, Judgement.JUDGED, id="from the first one that is shown"),
        pytest.param([SHOWN] * 20 + [TOO_WELL], Judgement.JUDGED, id="one hidden at the end"),
        pytest.param([SHOWN] * 20 + [TOO_WELL] * 2, Judgement.TOO_MANY_HIDDEN, id="success is hidden at the end"),
        pytest.param([SHOWN] * 14 + [TOO_WELL] * 16, Judgement.TOO_MANY_HIDDEN, id="success is hidden for long"),
        pytest.param([SHOWN, TOO_WELL, SHOWN, TOO_WELL] * 6, Judgement.TOO_MANY_HIDDEN, id="every other one"),
        pytest.param([SHOWN, TOO_FEW, TOO_FEW], Judgement.TOO_MANY_HIDDEN, id="most of a short series"),
        pytest.param([TOO_WELL] * 15, Judgement.NOTHING_SHOWN, id="all of them"),
    ],
)
def test_what_is_hidden_keeps_from_judging(months: list[tuple[int, int]], expected: Judgement) -> None:
    own = {s.reporter: s for s in series(REMISSION, reported(*shares(*months)))}["Organization/a"]

    assert own.judgement is expected
    assert (own.chart is not None) == (expected is Judgement.JUDGED)
    assert own.chart is None or not own.chart.alerts


def test_a_period_without_anybody_is_a_gap_not_a_neighbour() -> None:
    found = reported(*shares(*[SHOWN] * 6), *shares(*[SHOWN] * 8, since=9))
    own = {s.reporter: s for s in series(REMISSION, found)}["Organization/a"]

    assert [r.period for r in own.reports] == [month(at) for at in range(17)]
    assert [r.tally.denominator for r in own.reports][6:9] == [0, 0, 0]
    assert own.judgement is Judgement.TOO_MANY_HIDDEN


def test_a_series_is_of_one_length_of_period() -> None:
    quarter = Counted(REMISSION.id, Period.of(date(2025, 1, 1), Every.QUARTER), Tally(300, 180), {}, {})
    (whole,) = series(
        REMISSION, [r for r in reported(*shares(*[SHOWN] * 12), quarter) if r.reporter == "Organization/net"]
    )

    assert [r.period.every for r in whole.reports] == [Every.QUARTER]


def test_measures_of_the_same_goals_hide_the_same_centres() -> None:
    authored, agreed = measures()["goals-authored-by-patients"], measures()["goals-mutually-agreed"]
    few, many = counted({**LARGE, "a": Tally(100, 3)}), counted(LARGE)
    run = [
        Counted(authored.id, month(0), few.network, few.centres, {}),
        Counted(agreed.id, month(0), many.network, many.centres, {}),
    ]
    found = list(reports_of_run(run, measures(), network="net", at=AT))
    hidden = {
        m.id: {r.reporter for r in found if r.measure == m.canonical and r.tally.is_masked} for m in measures().values()
    }

    assert hidden[authored.id] == hidden[agreed.id] == {"Organization/a", "Organization/c"}


def test_ages_are_in_order_of_age() -> None:
    values = ["65+", "unknown", "12-17", "0-5", "6-11", "18-39", "en"]

    assert sorted(values, key=in_order) == ["0-5", "6-11", "12-17", "18-39", "65+", "en", "unknown"]
