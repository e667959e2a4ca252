"""Charts and the page: readable without colour, by a screen reader, and by who has no figures in their head."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from fhir_mappings.measuring import Counted, Every, MeasureReport, Period, Tally
from service.domain.network_measures import Funnel, Series, funnel, reports, series
from service.measure_definitions import measures
from service.network_charts.control_chart import control_chart
from service.network_charts.funnel import funnel_chart
from service.network_charts.page import page
from service.network_charts.words import funnel_story, period_in_words, story, tally_in_words

SVG = "{http://www.w3.org/2000/svg}"
AT = datetime(2026, 1, 1, tzinfo=UTC)
REMISSION, DAYS = measures()["remission-pga"], measures()["days-to-decision"]


def a_network(months: int = 24, change: int = 14, *, people: int = 400) -> list[MeasureReport]:
    found: list[MeasureReport] = []
    for at in range(months):
        share = (0.6 if at < change else 0.8) + 0.01 * (-1) ** at
        sizes = {f"c{i}": people // (i + 1) for i in range(5)}
        centres = {name: Tally(size, round(size * share)) for name, size in sizes.items()}
        centres["c4"] = Tally(people // 5, people // 10)
        total = Tally(sum(sizes.values()), sum(t.numerator or 0 for t in centres.values()))
        strata = {"language": {"en": total}}
        period = Period.of(date(2024 + at // 12, at % 12 + 1, 1), Every.MONTH)
        found += reports(Counted(REMISSION.id, period, total, centres, strata), REMISSION, network="net", at=AT)
    return found


def of(found: list[MeasureReport], reporter: str = "net") -> Series:
    return {s.reporter: s for s in series(REMISSION, found)}[f"Organization/{reporter}"]


def across(found: list[MeasureReport]) -> Funnel:
    made = funnel(REMISSION, found)
    assert made is not None
    return made


def medians() -> Series:
    periods = [Period.of(date(2024 + m // 12, m % 12 + 1, 1), Every.MONTH) for m in range(24)]
    days = [Decimal("9.1") if m % 2 else Decimal("8.7") for m in range(12)] + [Decimal("4")] * 12
    counted = [
        Counted(DAYS.id, p, Tally(50, median=d), {"c0": Tally(50, median=d)}, {})
        for p, d in zip(periods, days, strict=True)
    ]
    return series(DAYS, [r for c in counted for r in reports(c, DAYS, network="net", at=AT)])[-1]


DRAWN = {
    "a change": lambda: control_chart(of(a_network())),
    "no change": lambda: control_chart(of(a_network(change=99))),
    "a centre with masked periods": lambda: control_chart(of(a_network(people=80), "c2")),
    "all masked": lambda: control_chart(of(a_network(people=30), "c2")),
    "a median": lambda: control_chart(medians()),
    "one period": lambda: control_chart(of(a_network(months=1))),
    "a funnel": lambda: funnel_chart(across(a_network())),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_well_formed_named_and_described(name: str) -> None:
    root = ElementTree.fromstring(DRAWN[name]())
    ids = {e.get("id"): e.text for e in root.iter() if e.get("id")}

    assert root.get("role") == "img"
    labels = str(root.get("aria-labelledby")).split()
    assert all(ids[label] for label in labels)
    assert re.search(r"\d|too few people", str(ids[labels[1]]))
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(str(text.get("y"))) < 400
        assert not (float(str(text.get("y"))) < 58 and float(str(text.get("x"))) > 50), "nothing lies over the title"
    numbers = [float(n) for e in root.iter(f"{SVG}path") for n in re.findall(r"-?\d+\.\d+", str(e.get("d")))]
    assert all(0 <= n <= 780 for n in numbers)


def test_more_than_chance_is_another_shape_with_words_not_only_another_colour() -> None:
    root = ElementTree.fromstring(DRAWN["a change"]())
    titles = [str(t.text) for t in root.iter(f"{SVG}title")]

    assert sum("more than chance" in t for t in titles) == 10 + 1  # ten points, and the mark in the legend
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == 14
    assert any("(" in str(c.find(f"{SVG}title").text) for c in circles)  # type: ignore[union-attr]


def test_the_story_tells_where_it_stands_what_changed_and_since_when() -> None:
    assert story(of(a_network())) == (
        "December 2025: 76 % (698 of 913).",
        "It is better now: above the usual 59 % of the beginning, more than chance explains.",
        "It was first to be seen in March 2025.",
    )
    assert "no more than chance explains" in story(of(a_network(change=99)))[1]
    assert story(of(a_network(people=30), "c2"))[0].startswith("There are too few people")
    assert "better now: below the usual 8.9 days" in story(medians())[1]


def test_a_worse_turn_is_called_worse() -> None:
    from dataclasses import replace

    from fhir_mappings.measuring import Improvement

    fewer_is_better = replace(REMISSION, improvement=Improvement.DECREASE)
    found = {s.reporter: s for s in series(fewer_is_better, a_network())}["Organization/net"]

    assert "worse now: above" in story(found)[1]


def test_the_funnel_names_who_is_outside_and_says_what_chance_does() -> None:
    told = funnel_story(across(a_network()))

    assert told[1] == "4 of 5 centres lie where chance alone may put them."
    assert told[2] == "Outside: c4 50 % (40 of 80)."
    assert "chance alone puts at least one outside in 1 of 100 such pictures" in told[3]


def test_over_dispersion_and_hidden_periods_are_said() -> None:
    found = a_network()
    wide = [
        MeasureReport(**{n: getattr(r, n) for n in r.__slots__} | {"tally": Tally(1000, 400 + 400 * (i % 2))})
        for i, r in enumerate(r for r in found if r.reporter == "Organization/net")
    ]
    assert any("Laney" in s for s in story(series(REMISSION, wide)[0]))
    assert "Laney" in control_chart(series(REMISSION, wide)[0])
    hidden = of(a_network(people=80), "c1")
    assert any("are not shown: too few people" in s for s in story(hidden)) == any(
        r.tally.is_masked for r in hidden.reports
    )


def test_the_page_has_the_chart_its_story_and_every_number_in_a_table() -> None:
    found = a_network()
    text = page("How the <network> is doing", [(of(found), across(found)), (medians(), None)], made_of="Made of 1 < 2.")

    assert "&lt;network&gt;" in text
    assert "1 &lt; 2" in text
    assert text.count("<svg") == 3
    assert text.count("December 2025") > 3
    assert "698 of 913" in text
    assert "language: en" in text
    assert "Exactly: Of the patients" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert len(re.findall(r'id="([^"]+)"', text)) == len(set(re.findall(r'id="([^"]+)"', text)))


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period.of(date(2025, 6, 1), Every.MONTH), "June 2025"),
        (Period.of(date(2025, 4, 1), Every.QUARTER), "April to June 2025"),
        (Period.of(date(2025, 1, 1), Every.YEAR), "2025"),
    ],
)
def test_periods_in_words(period: Period, words: str) -> None:
    assert period_in_words(period) == words


def test_counts_in_words() -> None:
    assert tally_in_words(Tally(1028, 812)) == "79 % (812 of 1,028)"
    assert tally_in_words(Tally(None)) == "not shown: too few people"
    assert tally_in_words(Tally(0, 0)) == "nobody"
    assert tally_in_words(Tally(310, median=Decimal("4.52"))) == "4.5 days (median of 310)"
