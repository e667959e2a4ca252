"""The picture of a series: for eyes, for paper and for screen readers, however many values there are."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from service.api.chart_words import ENGLISH, SPANISH, WORDS, accepted_language, number, sentences
from service.api.run_chart_png import run_chart_png
from service.api.run_chart_svg import WIDTH, run_chart_svg
from service.domain.progress import Point
from service.domain.run_chart import RunChart, run_chart

NOW = datetime(2026, 12, 3, 20, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
LONG = f"How much pain gets in the way of everything {'very ' * 30}{'x' * 80} & <more>"


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
    return run_chart(what, "mg/dL", points, now=NOW, **{"low": Decimal(70), "high": Decimal(180), **parts})


def drawn(chart: RunChart, language: str = "en") -> ElementTree.Element:
    return ElementTree.fromstring(run_chart_svg(chart, WORDS[language], language))


def texts(root: ElementTree.Element) -> str:
    return " ".join(e.text or "" for e in root.iter(f"{SVG}text"))


CHARTS = [
    pytest.param(a_chart(0), id="none"),
    pytest.param(a_chart(1), id="one"),
    pytest.param(a_chart(5), id="five"),
    pytest.param(a_chart(60, missing=range(20, 30)), id="sixty with a gap"),
    pytest.param(a_chart(10_000, a_day=10), id="ten thousand"),
    pytest.param(a_chart(100, a_day=4, what=LONG), id="a long name"),
    pytest.param(a_chart(30, low=None, high=None), id="no target"),
    pytest.param(a_chart(30, low=None), id="at most"),
    pytest.param(a_chart(30, high=None, due=date(2026, 12, 10)), id="at least, and due"),
    pytest.param(RunChart("Walk to the shops", ""), id="nothing to measure"),
    pytest.param(run_chart("Steps", "steps", [Point(NOW, Decimal(123456))] * 2, now=NOW), id="equal and large"),
    pytest.param(run_chart("Change", "kg", [Point(NOW, Decimal(0))], now=NOW), id="nothing but nought"),
]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("chart", CHARTS)
def test_every_picture_can_be_read(chart: RunChart, language: str) -> None:
    root = drawn(chart, language)
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")

    assert root.get("role") == "img"
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert root.get("lang") == language
    assert chart.what in (title.text or "")
    assert desc.text == " ".join(sentences(chart, WORDS[language]))
    assert min(float(e.get("font-size", "0")) for e in root.iter(f"{SVG}text")) >= 11
    for element in root.iter():
        for name in ("x", "cx", "x1", "x2"):
            assert 0 <= float(element.get(name, "0")) <= WIDTH
        for name in ("y", "cy", "y1", "y2"):
            assert 0 <= float(element.get(name, "0")) <= float(root.get("height", "0"))


def test_a_picture_asks_nothing_of_anybody() -> None:
    svg = run_chart_svg(a_chart(60), ENGLISH, "en")

    assert svg.count("http") == 1, "the namespace"
    assert "url(#h)" in svg
    for active in ("<script", "<image", "<foreignObject", "@import", "href"):
        assert active not in svg


def test_names_are_text_and_never_markup() -> None:
    assert "&lt;more&gt;" in run_chart_svg(a_chart(3, what="a & b <more>"), ENGLISH, "en")


def test_what_meets_the_target_is_told_by_shape_too() -> None:
    chart = run_chart("S", "u", [Point(NOW, Decimal(1)), Point(NOW + timedelta(days=1), Decimal(9))], now=NOW,
                      low=Decimal(5))  # fmt: skip
    marks = list(drawn(chart).iter(f"{SVG}circle"))

    assert [m.get("fill") for m in marks[:2]] == ["#ffffff", "#0b4a8f"]
    assert len({m.get("stroke") for m in marks}) == 1


def test_the_line_is_broken_where_values_are_missing() -> None:
    paths = [e.get("d", "") for e in drawn(a_chart(60, missing=range(20, 30))).iter(f"{SVG}path")]

    assert max(path.count("M") for path in paths if "L" in path) == 2


def test_ten_thousand_values_make_a_small_picture() -> None:
    assert len(run_chart_svg(a_chart(10_000, a_day=10), ENGLISH, "en")) < 30_000


def test_a_wide_gap_is_said_in_the_picture() -> None:
    assert "no values" in texts(drawn(a_chart(60, missing=range(15, 40))))


def test_the_words_say_what_the_picture_shows() -> None:
    said = " ".join(sentences(a_chart(60, missing=range(20, 30), more=True, due=date(2026, 12, 20)), ENGLISH))

    assert "Target: 70 to 180 mg/dL." in said
    assert "Recorded on 7 of the last 7 days." in said
    assert "Values are missing from 24 Oct 2026 to 4 Nov 2026." in said
    assert "9 of 10 values around 20 Dec 2026 lie between" in said
    assert said.endswith("Older values are not shown.")


def test_a_change_is_said_and_nobody_is_praised_or_blamed() -> None:
    points = [Point(NOW - timedelta(days=24 - i), Decimal(250 if i < 12 else 100)) for i in range(24)]
    shown = run_chart("Sugar", "mg/dL", points, now=NOW, high=Decimal(50))
    said = " ".join(sentences(shown, SPANISH))

    assert "Más que casualidad: 12 marcas seguidas" in said
    assert "cruces de la mediana: 1" in said
    assert "Registrado en 6 de los últimos 7 días." in said
    assert "alcanzada" not in said, "that it was met on no day is not rubbed in"


def test_several_gaps_are_counted() -> None:
    days = [0, 1, 2, 5, 6, 7, 11, 12]
    points = [Point(NOW - timedelta(days=12 - d), Decimal(d)) for d in days]

    assert "Values are missing in 2 places." in sentences(run_chart("S", "u", points, now=NOW), ENGLISH)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("es", "es"), ("es-MX, en;q=0.5", "es"), ("fr, es;q=0.3", "es"), ("fr", "en"),
        ("en;q=0.2, es;q=0.9", "es"), ("es;q=0", "en"), ("es;q=x", "en"),
    ],
)  # fmt: skip
def test_the_language_that_is_liked_best(header: str, language: str) -> None:
    assert accepted_language(header) == language


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [("6000.50", "6000.5", "6000,5"), ("3.90", "3.9", "3,9"), ("100", "100", "100"), ("0.12345", "0.123", "0,123"),
     ("1e15", "1000000000000000", "1000000000000000")],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(value: str, english: str, spanish: str) -> None:
    assert (number(Decimal(value), ENGLISH), number(Decimal(value), SPANISH)) == (english, spanish)


def test_the_png_is_the_picture_twice_as_large() -> None:
    png = run_chart_png(run_chart_svg(a_chart(5), ENGLISH, "en"))

    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(png[16:20]) == 2 * WIDTH
