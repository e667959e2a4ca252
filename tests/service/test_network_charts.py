"""Charts and the page: readable without colour, by a screen reader, and by who has no figures in their head."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from fhir_mappings.measuring import Counted, Every, MeasureReport, Period, Stratum, Tally
from fhir_mappings.wording import Language
from service.domain.network_measures import Funnel, Series, funnel, reports, series
from service.measure_definitions import measures
from service.network_charts.control_chart import control_chart
from service.network_charts.funnel import funnel_chart
from service.network_charts.page import page
from service.network_charts.svg import NARROW
from service.network_charts.words import funnel_story, period_in_words, story, stratum_in_words, tally_in_words

SPANISH = Language("es")
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
    assert isinstance(made, Funnel)
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
    "a change on a phone": lambda: control_chart(of(a_network()), frame=NARROW),
    "a median on a phone": lambda: control_chart(medians(), frame=NARROW),
    "nothing on a phone": lambda: control_chart(of(a_network(people=30), "c2"), frame=NARROW),
    "a funnel on a phone in Spanish": lambda: funnel_chart(across(a_network()), frame=NARROW, language=SPANISH),
    "a change on a phone in Spanish": lambda: control_chart(of(a_network()), frame=NARROW, language=SPANISH),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_well_formed_named_and_described(name: str) -> None:
    root = ElementTree.fromstring(DRAWN[name]())
    ids = {e.get("id"): e.text for e in root.iter() if e.get("id")}

    assert root.get("role") == "img"
    labels = str(root.get("aria-labelledby")).split()
    assert all(ids[label] for label in labels)
    assert re.search(r"\d", str(ids[labels[1]]))
    width, height = (int(n) for n in str(root.get("viewBox")).split()[2:])
    for text in root.iter(f"{SVG}text"):
        x, y, size = (float(str(text.get(name))) for name in ("x", "y", "font-size"))
        reach = len(str(text.text)) * size * 0.5
        assert 0 < y < height
        assert size >= 11
        start = {"start": x, "end": x - reach, "middle": x - reach / 2}[str(text.get("text-anchor"))]
        assert start > -6, text.text
        assert start + reach < width + 6, text.text
    numbers = [float(n) for e in root.iter(f"{SVG}path") for n in re.findall(r"-?\d+\.\d+", str(e.get("d")))]
    assert all(0 <= n <= max(width, height) for n in numbers)


def test_more_than_chance_is_another_shape_with_words_not_only_another_colour() -> None:
    root = ElementTree.fromstring(DRAWN["a change"]())
    titles = [str(t.text) for t in root.iter(f"{SVG}title")]

    assert sum("more than chance" in t for t in titles) == 10
    assert titles.count("better than chance explains") == 1  # the mark in the legend
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == 14
    assert any("(" in str(c.find(f"{SVG}title").text) for c in circles)  # type: ignore[union-attr]


def test_the_story_tells_where_it_stands_what_changed_and_since_when() -> None:
    assert story(of(a_network())) == (
        "December 2025: 76 % (698 of 913).",
        "It is better now: above the usual 59 % of the beginning, more than chance explains.",
        "It was first to be seen in March 2025.",
    )
    assert story(of(a_network(change=99)))[1].startswith(
        "Since January 2024 it has gone up and down around 59 %, no more"
    )
    assert "better now: below the usual 8.9 days" in story(medians())[1]


def test_a_worse_turn_is_called_worse() -> None:
    from dataclasses import replace

    from fhir_mappings.measuring import Improvement

    fewer_is_better = replace(REMISSION, improvement=Improvement.DECREASE)
    found = {s.reporter: s for s in series(fewer_is_better, a_network())}["Organization/net"]

    assert "worse now: above" in story(found)[1]


def test_the_funnel_names_who_is_outside_and_says_what_chance_does() -> None:
    told = funnel_story(across(a_network()))

    assert told[1] == "4 of the 5 centres that are shown lie where chance alone may put them."
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


def hidden_success() -> Series:
    """A centre of 60 people a month: from the fifteenth month on nearly all are well, and that is hidden."""
    found: list[MeasureReport] = []
    for at in range(30):
        well = 36 if at < 14 else 55
        centres = {name: Tally(60, well) for name in ("a", "b")}
        period = Period.of(date(2024 + at // 12, at % 12 + 1, 1), Every.MONTH)
        found += reports(
            Counted(REMISSION.id, period, Tally(120, 2 * well), centres, {}), REMISSION, network="net", at=AT
        )
    return of(found, "a")


def test_hidden_success_is_never_called_chance() -> None:
    told = story(hidden_success())

    assert told == (
        "February 2025: 60 % (36 of 60).",
        "Whether anything has changed cannot be said: too many points are missing, and those that are shown may not be"
        " like the others.",
        "16 of 30 points are not shown: fewer than eleven were on one side of each. That hides small numbers, and"
        " shares near 0 or 100 %.",
        "Counted by quarter, more could be shown.",
    )
    drawn = ElementTree.fromstring(control_chart(hidden_success()))
    words = [str(t.text) for t in drawn.iter(f"{SVG}text")]
    assert not any("usual" in w or "chance" in w for w in words)
    assert "not shown: too few people on one side" in words


def test_where_nothing_is_shown_it_says_why() -> None:
    told = story(of(a_network(people=30), "c2"))

    assert told[0] == "There is nothing to show."
    assert told[1].startswith("24 of 24 points are not shown: fewer than eleven were on one side of each.")
    assert told[2] == "Counted by quarter, more could be shown."


def test_one_point_is_no_series() -> None:
    assert story(of(a_network(months=1))) == (
        "January 2024: 60 % (548 of 913).",
        "Too early to say whether anything has changed: what is usual is taken from the first 12 points, and 1 is"
        " there.",
    )


def test_while_it_is_too_early_the_picture_says_no_more_than_the_words() -> None:
    """A change within the first twelve points, as in a few quarters."""
    early = of(a_network(months=12, change=6))
    drawn = control_chart(early)

    assert "Too early to say whether anything has changed" in " ".join(story(early))
    assert "usual level" not in drawn and "where chance alone puts the points" not in drawn
    assert early.first_signal is None
    assert len(list(ElementTree.fromstring(drawn).iter(f"{SVG}circle"))) == 12
    assert "usual level" in control_chart(of(a_network(months=13, change=6)))


def test_a_funnel_does_not_vanish_silently() -> None:
    found = [r for r in a_network() if r.reporter in {"Organization/net", "Organization/c0", "Organization/c1"}]
    assert funnel_story(funnel(REMISSION, found)) == (
        "Centres are not shown beside each other: in December 2025 2 of 2 have enough people on both sides, and it"
        " takes three.",
    )
    few = funnel(REMISSION, a_network(people=60))
    assert funnel_story(few)[0].endswith(
        "1 of 5 have enough people on both sides, and it takes three. Counted by quarter, more could be shown."
    )
    assert funnel_story(funnel(REMISSION, []))[0].endswith("no period whose total can be shown.")
    assert funnel_story(funnel(DAYS, []))[0].endswith("of days there is no measure of what chance does.")
    own = of(a_network(people=60))
    text = page("t", [(own, few)], made_of="m")
    assert "Centres are not shown beside each other" in text


def test_a_point_of_a_long_row_is_a_ring_not_a_diamond() -> None:
    """Within its limits it may be chance by itself, however low it lies in its row."""
    found: list[MeasureReport] = []
    for at in range(30):
        well = (600 + 10 * (-1) ** at) if at < 12 else 630
        period = Period.of(date(2024 + at // 12, at % 12 + 1, 1), Every.MONTH)
        found += reports(Counted(REMISSION.id, period, Tally(1000, well), {}, {}), REMISSION, network="net", at=AT)
    root = ElementTree.fromstring(control_chart(of(found)))
    titles = [str(t.text) for t in root.iter(f"{SVG}title")]

    assert sum("too many in a row on one side" in t for t in titles) > 5
    assert not any("more than chance" in t for t in titles)
    assert "a long row on the better side" in titles


def test_what_is_over_is_told_as_over() -> None:
    """One point far out long ago is not how it is now."""
    found: list[MeasureReport] = []
    for at in range(30):
        well = 300 if at == 14 else 600 + 10 * (-1) ** at
        period = Period.of(date(2024 + at // 12, at % 12 + 1, 1), Every.MONTH)
        found += reports(Counted(REMISSION.id, period, Tally(1000, well), {}, {}), REMISSION, network="net", at=AT)

    assert story(of(found))[1] == (
        "In March 2025 it was below the usual 60 %, more than chance explains; by now that is over."
    )


def test_everything_is_said_in_spanish() -> None:
    found = a_network()
    own = of(found)

    assert story(own, SPANISH) == (
        "Diciembre de 2025: 76 % (698 de 913).",
        "Ahora está mejor: por encima de lo habitual al principio, 59 %, más de lo que explica el azar.",
        "Se pudo ver por primera vez en marzo de 2025.",
    )
    text = page("Cómo va la red", [(own, across(found)), (medians(), None)], made_of="m", language=SPANISH)
    assert '<html lang="es">' in text
    assert "Proporción de pacientes en remisión (PGA)" in text
    assert "Idioma: inglés" in text
    assert "días (mediana de" in text
    for english in ("Share of", "usual level", "chance", "Counted", "How to read", "centres", "All points"):
        assert english not in re.sub(r'<span lang="en">.*?</span>', "", text), english


def test_strata_are_said_in_words() -> None:
    said = [
        stratum_in_words(Stratum(name, value, Tally(20, 10)))
        for name, value in (
            ("age-band", "65+"),
            ("language", "es"),
            ("proxy", "yes"),
            ("age-band", "unknown"),
            ("x", "y"),
        )
    ]

    assert said == [
        "Age: 65 years or more",
        "Language: Spanish",
        "A family member may act for them: yes",
        "Age: not recorded",
        "x: y",
    ]


def test_what_was_looked_for_and_not_found_is_named() -> None:
    text = page("t", [(of(a_network()), None)], made_of="m", without=[measures()["remission-pcdai"]])

    assert "nothing was found to count</h2><ul><li>Share of patients in remission (PCDAI)" in text


def test_the_page_has_the_chart_its_story_and_every_number_in_a_table() -> None:
    found = a_network()
    text = page("How the <network> is doing", [(of(found), across(found)), (medians(), None)], made_of="Made of 1 < 2.")

    assert "&lt;network&gt;" in text
    assert "1 &lt; 2" in text
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 400"') == 3
    assert text.count('class="narrow"') == 3
    assert text.count("December 2025") > 3
    assert "698 of 913" in text
    assert "Language: English" in text
    assert 'Exactly: <span lang="en">Of the patients' in text
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
    assert tally_in_words(Tally(None)) == "not shown: too few people on one side"
    assert tally_in_words(Tally(0, 0)) == "nobody"
    assert tally_in_words(Tally(310, median=Decimal("4.52"))) == "4.5 days (median of 310)"
