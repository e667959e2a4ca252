"""The picture of a series: for eyes, for paper and for screen readers, however many values there are."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from fhir_mappings.codes import QuantityComparator
from fhir_mappings.model import Quantity, Range
from fhir_mappings.wording import ENGLISH, Language
from service.api.chart_words import number, sentences
from service.api.run_chart_png import run_chart_png
from service.api.run_chart_svg import LEFT, WIDTH, run_chart_svg
from service.domain.catalogue import Bounds
from service.domain.progress import Point
from service.domain.run_chart import Aim, RunChart, run_chart

NOW = datetime(2026, 12, 3, 20, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
LONG = f"How much pain gets in the way of everything {'very ' * 30}{'x' * 80} & <more>"


SPANISH = Language("es")


def within(low: int | None = None, high: int | None = None, unit: str = "mg/dL") -> Aim:
    least, most = (None if v is None else Decimal(v) for v in (low, high))
    said = Range(*(None if v is None else Quantity(v, unit, unit) for v in (least, most)))
    return Aim(said, least, most)


def than(comparator: str | None, value: str = "7", unit: str = "%") -> Aim:
    said = Quantity(Decimal(value), unit, unit, QuantityComparator(comparator) if comparator else None)
    above = comparator in {">", ">=", None}
    return Aim(said, said.value if above else None, None if above else said.value)


def a_chart(
    count: int, *, a_day: int = 1, missing: range = range(0), what: str = "Blood sugar", **parts: Any
) -> RunChart:
    dice = random.Random(5)
    days = (count - 1) // a_day
    points = [
        Point(NOW - timedelta(days=days - i // a_day, minutes=a_day - i % a_day), Decimal(f"{dice.gauss(150, 30):.1f}"))
        for i in range(count)
        if i // a_day not in missing
    ]
    return run_chart(what, "mg/dL", points, now=NOW, **{"aim": within(70, 180), **parts})


def drawn(chart: RunChart, language: Language = ENGLISH) -> ElementTree.Element:
    return ElementTree.fromstring(run_chart_svg(chart, language))


def texts(root: ElementTree.Element) -> str:
    return " ".join(e.text or "" for e in root.iter(f"{SVG}text"))


CHARTS = [
    pytest.param(a_chart(0), id="none"),
    pytest.param(a_chart(1), id="one"),
    pytest.param(a_chart(5), id="five"),
    pytest.param(a_chart(60, missing=range(20, 30)), id="sixty with a gap"),
    pytest.param(a_chart(10_000, a_day=10), id="ten thousand"),
    pytest.param(a_chart(100, a_day=4, what=LONG), id="a long name"),
    pytest.param(a_chart(30, aim=None), id="no target"),
    pytest.param(a_chart(30, aim=within(high=180)), id="at most"),
    pytest.param(a_chart(30, aim=within(70), due=date(2026, 12, 10)), id="at least, and due"),
    pytest.param(RunChart("Walk to the shops", ""), id="nothing to measure"),
    pytest.param(a_chart(0, left_out=3), id="nothing in this unit"),
    pytest.param(RunChart("Blood pressure", "", parts=(a_chart(20), a_chart(1))), id="a panel"),
    pytest.param(run_chart("Steps", "steps", [Point(NOW, Decimal(123456))] * 2, now=NOW), id="equal and large"),
    pytest.param(run_chart("Change", "kg", [Point(NOW, Decimal(0))], now=NOW), id="nothing but nought"),
]


@pytest.mark.parametrize("language", [ENGLISH, SPANISH, Language("es-MX")], ids=lambda language: language.tag)
@pytest.mark.parametrize("chart", CHARTS)
def test_every_picture_can_be_read(chart: RunChart, language: Language) -> None:
    root = drawn(chart, language)
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")

    assert root.get("role") == "img"
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert root.get("lang") == language.primary
    assert chart.what in (title.text or "")
    assert desc.text == " ".join(sentences(chart, language))
    assert min(float(e.get("font-size", "0")) for e in root.iter(f"{SVG}text")) >= 11
    for element in root.iter():
        for name in ("x", "cx", "x1", "x2"):
            assert 0 <= float(element.get(name, "0")) <= WIDTH
        for name in ("y", "cy", "y1", "y2"):
            assert 0 <= float(element.get(name, "0")) <= float(root.get("height", "0"))


def test_a_picture_asks_nothing_of_anybody() -> None:
    svg = run_chart_svg(a_chart(60), ENGLISH)

    assert svg.count("http") == 1, "the namespace"
    assert "url(#h)" in svg
    for active in ("<script", "<image", "<foreignObject", "@import", "href"):
        assert active not in svg


def test_names_are_text_and_never_markup() -> None:
    assert "&lt;more&gt;" in run_chart_svg(a_chart(3, what="a & b <more>"), ENGLISH)


def test_what_meets_the_target_is_told_by_shape_too() -> None:
    chart = run_chart("S", "u", [Point(NOW, Decimal(1)), Point(NOW + timedelta(days=1), Decimal(9))], now=NOW,
                      aim=within(5))  # fmt: skip
    marks = list(drawn(chart).iter(f"{SVG}circle"))

    assert [m.get("fill") for m in marks[:2]] == ["#ffffff", "#0b4a8f"]
    assert len({m.get("stroke") for m in marks}) == 1


def test_the_line_is_broken_where_values_are_missing() -> None:
    paths = [e.get("d", "") for e in drawn(a_chart(60, missing=range(20, 30))).iter(f"{SVG}path")]

    assert max(path.count("M") for path in paths if "L" in path) == 2


def test_ten_thousand_values_make_a_small_picture() -> None:
    assert len(run_chart_svg(a_chart(10_000, a_day=10), ENGLISH)) < 30_000


def test_a_wide_gap_is_said_in_the_picture() -> None:
    assert "no values" in texts(drawn(a_chart(60, missing=range(15, 40))))


def test_the_words_say_what_the_picture_shows() -> None:
    said = " ".join(sentences(a_chart(60, missing=range(20, 30), more=True, due=date(2026, 12, 20)), ENGLISH))

    assert "Target: 70 to 180 mg/dL." in said
    assert "Recorded on 7 of the last 7 days." in said
    assert "No values between Oct 24, 2026 and Nov 4, 2026." in said
    assert "9 of 10 values around Dec 20, 2026 lie between" in said
    assert said.endswith("Older values are not shown.")


def test_a_change_is_said_and_nobody_is_praised_or_blamed() -> None:
    points = [Point(NOW - timedelta(days=24 - i), Decimal(250 if i < 12 else 100)) for i in range(24)]
    shown = run_chart("Sugar", "mg/dL", points, now=NOW, aim=within(high=50))
    said = " ".join(sentences(shown, SPANISH))

    assert "Probablemente algo ha cambiado: 12 marcas seguidas están a un lado de la línea del medio." in said
    assert said.count("Probablemente") == 1, "one sign of a change is enough"
    assert "Registrado en 6 de los últimos 7 días." in said
    assert "cumplido" not in said, "that it was met on no day is not rubbed in"


def test_values_that_stay_on_one_side_for_long_are_said_to() -> None:
    """Blocks of six: no run is too long by itself, but the line crosses too seldom."""
    values = [250 if (i // 6) % 2 else 100 for i in range(48)]
    points = [Point(NOW - timedelta(days=48 - i), Decimal(v + i % 3)) for i, v in enumerate(values)]
    said = " ".join(sentences(run_chart("Sugar", "mg/dL", points, now=NOW), ENGLISH))

    assert "Something has probably changed: the values stay long on one side of the middle line" in said
    assert "and cross it only 7 times." in said


@pytest.mark.parametrize(("days", "words"), [(12, "Always the same so far."), (9, "Too few values to tell a change")])
def test_what_never_changes_is_not_called_too_little(days: int, words: str) -> None:
    points = [Point(NOW - timedelta(days=days - i), Decimal(35)) for i in range(days)]

    assert words in " ".join(sentences(run_chart("Exercise", "min", points, now=NOW), ENGLISH))


def test_several_gaps_are_counted() -> None:
    days = [0, 1, 2, 5, 6, 7, 11, 12]
    points = [Point(NOW - timedelta(days=12 - d), Decimal(d)) for d in days]

    assert "Values are missing in 2 places." in sentences(run_chart("S", "u", points, now=NOW), ENGLISH)


@pytest.mark.parametrize(
    ("comparator", "english", "spanish"),
    [
        ("<", "Target: less than 7 %.", "Objetivo: menos de 7 %."),
        ("<=", "Target: at most 7 %.", "Objetivo: como máximo 7 %."),
        (">=", "Target: at least 7 %.", "Objetivo: al menos 7 %."),
        (">", "Target: more than 7 %.", "Objetivo: más de 7 %."),
        (None, "Target: 7 %.", "Objetivo: 7 %."),
    ],
)
def test_a_target_is_said_with_its_own_comparator(comparator: str | None, english: str, spanish: str) -> None:
    shown = a_chart(3, aim=than(comparator))

    assert (sentences(shown, ENGLISH)[0], sentences(shown, SPANISH)[0]) == (english, spanish)
    assert english.rstrip(".") in texts(drawn(shown))


@pytest.mark.parametrize(("comparator", "met"), [("<", False), ("<=", True), (">=", True), (">", False), (None, True)])
def test_the_very_end_meets_the_target_only_where_it_is_included(comparator: str | None, met: bool) -> None:
    assert than(comparator).meets(Decimal(7)) is met


def test_the_latest_is_a_value_and_not_the_median_of_its_mark() -> None:
    at = [NOW - timedelta(hours=h) for h in (3, 2, 1)]
    shown = run_chart(
        "Sugar", "mg/dL", [Point(t, Decimal(v)) for t, v in zip(at, (100, 200, 300), strict=True)], now=NOW
    )

    assert sentences(shown, ENGLISH) == ("Latest: 300 mg/dL on Dec 3, 2026.", "One mark a day: the middle value.")
    assert sentences(a_chart(1), ENGLISH)[-1] == "One value so far."


def test_the_axis_tells_thousands_throughout() -> None:
    points = [Point(NOW - timedelta(days=i), Decimal(v)) for i, v in enumerate((9000, 14000))]

    assert {"15k", "10k"} & set(texts(drawn(run_chart("Steps", "steps", points, now=NOW))).split())
    assert "7500" not in texts(drawn(run_chart("Steps", "steps", points, now=NOW)))


def test_what_is_left_out_is_said() -> None:
    assert "1 value in another unit is left out." in sentences(a_chart(3, left_out=1), ENGLISH)
    assert "No se muestran 3 valores en otra unidad." in sentences(a_chart(3, left_out=3), SPANISH)
    empty = a_chart(0, left_out=3)
    assert sentences(empty, ENGLISH)[1:] == ("No values in this unit.", "3 values in another unit are left out.")
    assert "No values in this unit" in texts(drawn(empty))


def test_a_panel_is_said_and_drawn_part_by_part() -> None:
    upper, lower = a_chart(20, what="Upper value"), a_chart(1, what="Lower value")
    panel = RunChart("Blood pressure", "", parts=(upper, lower))

    assert sentences(panel, ENGLISH) == (
        "Upper value:", *sentences(upper, ENGLISH), "Lower value:", *sentences(lower, ENGLISH)
    )  # fmt: skip
    root = drawn(panel)
    assert len(root.findall(f"{SVG}g")) == 2
    assert all(name in texts(root) for name in ("Blood pressure", "Upper value", "Lower value"))


@pytest.mark.parametrize("language", [ENGLISH, SPANISH], ids=lambda language: language.tag)
def test_no_word_is_one_of_statistics(language: Language) -> None:
    steps = [Point(NOW - timedelta(days=24 - i), Decimal(250 if i < 12 else 100)) for i in range(24)]
    shown = run_chart("S", "u", steps, now=NOW)
    said = f"{' '.join(sentences(shown, language))} {texts(drawn(shown, language))}".casefold()

    assert not [word for word in ("median", "shift", "crossings", "cruces", "run chart") if word in said]


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [("6000.50", "6000.5", "6000,5"), ("3.90", "3.9", "3,9"), ("100", "100", "100"), ("0.12345", "0.123", "0,123"),
     ("1e15", "1000000000000000", "1000000000000000")],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(value: str, english: str, spanish: str) -> None:
    assert (number(Decimal(value), ENGLISH), number(Decimal(value), SPANISH)) == (english, spanish)


def test_the_png_is_the_picture_twice_as_large() -> None:
    png = run_chart_png(run_chart_svg(a_chart(5), ENGLISH))

    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(png[16:20]) == 2 * WIDTH


def test_what_is_added_up_is_said() -> None:
    walks = [Point(datetime(2026, 12, 3, hour, tzinfo=UTC), Decimal(20)) for hour in (8, 18)]
    shown = run_chart("Exercise", "min", walks, now=NOW, summed=True)

    assert "One mark a day: all of the day added up." in sentences(shown, ENGLISH)


@pytest.mark.parametrize(
    ("low", "high", "values", "axis"),
    [
        pytest.param(0, 10, (4, 5, 4), "0 2 4 6 8 10", id="pain"),
        pytest.param(0, 27, (12, 9), "0 10 20 27", id="a questionnaire, whose end is no round number"),
        pytest.param(0, 85, (), "0 20 40 60 85", id="nothing yet"),
        pytest.param(10, 90, (45,), "10 20 40 60 80 90", id="that does not begin at 0"),
        pytest.param(0, 3, (0, 3), "0 1 2 3", id="from end to end"),
        pytest.param(0, 10, (12,), "0 2.5 5 7.5 10", id="beyond it, as another system said"),
    ],
)
def test_of_a_scale_all_is_shown(low: int, high: int, values: tuple[int, ...], axis: str) -> None:
    points = [Point(NOW - timedelta(days=9 - i), Decimal(v)) for i, v in enumerate(values)]
    root = drawn(run_chart("Pain", "of 10", points, now=NOW, scale=Bounds(Decimal(low), Decimal(high))))

    told = [t.text for t in root.iter(f"{SVG}text") if float(t.get("x", "0")) == LEFT - 6]
    assert " ".join(filter(None, told)) == axis


def test_a_day_that_is_not_over_is_dotted_and_called_today() -> None:
    points = [Point(NOW - timedelta(days=2 - i, hours=1), Decimal(v)) for i, v in enumerate((40, 20, 10))]
    shown = run_chart("Exercise", "minutes", points, now=NOW, aim=within(low=30), summed=True)
    svg = run_chart_svg(shown, ENGLISH)

    assert svg.count('stroke-dasharray="2 2"/>') == 2, "the mark, and its sign in the legend"
    assert "Today, so far" in svg
    assert "Today so far: 10 minutes." in sentences(shown, ENGLISH)
    assert "Target met on 1 of these." in sentences(shown, ENGLISH)
