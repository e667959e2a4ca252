"""What a chart is called, in which unit, against which target."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.codes import ObservationStatus, QuantityComparator
from fhir_mappings.model import (
    Coding,
    Component,
    Concept,
    Goal,
    Observation,
    PartialDate,
    Quantity,
    Range,
    Target,
    TargetDetail,
)
from service.domain.catalogue import Bounds
from service.domain.charted import asked_for, goal_chart, tracked_chart
from service.domain.progress import foreign_units, progress_of
from service.domain.run_chart import RunChart
from service.errors import InvalidContent
from service.settings import Settings
from tests.builders import NOW, PATIENT, an_agreed_goal

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue
LOINC = "http://loinc.org"
KG = Quantity(Decimal(80), "kg")


def coded(code: str, text: str | None = None) -> Concept:
    return Concept(text, (Coding(LOINC, code),))


def weighed(number: str, unit: str, day: int = 0, **parts: Any) -> Observation:
    amount = Quantity(Decimal(number), unit)
    made = Observation(PATIENT, ObservationStatus.FINAL, coded("29463-7"), amount, NOW + timedelta(days=day), id="o")
    return replace(made, **parts)


def chart_of(goal: Goal, *observations: Observation, language: str = "en") -> RunChart:
    return goal_chart(goal, progress_of(goal, observations), observations, CATALOGUE, language, now=NOW, more=False)


@pytest.mark.parametrize(
    ("measure", "unit", "language", "named"),
    [
        pytest.param(coded("29463-7"), "kg", "es", ("Peso", "kg"), id="of the catalogue"),
        pytest.param(coded("29463-7"), "[lb_av]", "es", ("Peso", "libras"), id="in another unit"),
        pytest.param(coded("8480-6"), "mm[Hg]", "en", ("Upper value (systolic)", "mmHg"), id="a part"),
        pytest.param(coded("1-8", "Cups of tea"), "{cups}", "es", ("Cups of tea", "{cups}"), id="of another system"),
        pytest.param(Concept("Cups"), "1", "en", ("Cups", ""), id="a bare number"),
        pytest.param(None, "kg", "en", ("Walk to the shops", "kg"), id="the goal's own words"),
    ],
)
def test_a_goals_chart_is_called_after_what_is_measured(
    measure: Concept | None, unit: str, language: str, named: tuple[str, str]
) -> None:
    shown = chart_of(an_agreed_goal(targets=(Target(measure, Quantity(Decimal(5), unit)),)), language=language)

    assert (shown.what, shown.unit) == named


def test_a_goals_chart_has_its_target_and_its_day() -> None:
    target = Target(coded("29463-7"), Range(KG, replace(KG, value=Decimal(85))), PartialDate("2027-01"))
    shown = chart_of(an_agreed_goal(targets=(target,)), weighed("90", "kg"))

    assert shown.aim is not None
    assert (shown.aim.low, shown.aim.high, [m.value for m in shown.marks]) == (Decimal(80), Decimal(85), [Decimal(90)])


def test_a_goal_without_a_number_to_meet_has_an_empty_chart() -> None:
    assert chart_of(an_agreed_goal()) == RunChart("Walk to the shops", "")


def test_values_in_other_units_are_told_in_the_targets() -> None:
    goal = an_agreed_goal(targets=(Target(coded("29463-7"), KG),))
    progress = progress_of(goal, [weighed("200", "[lb_av]"), weighed("90", "kg", 1), weighed("1", "mmol/L", 2)])

    assert [round(p.value, 3) for p in progress.points] == [Decimal("90.718"), Decimal(90)]


@pytest.mark.parametrize(("unit", "foreign"), [("kg", False), ("[lb_av]", True), ("{score}", False)])
def test_only_foreign_units_need_the_registry(unit: str, foreign: bool) -> None:
    given = [weighed("90", unit), weighed("90", "kg", value=None)]

    assert foreign_units(Target(coded("29463-7"), KG), given) == foreign


def test_the_way_is_counted_from_the_first_value_of_all() -> None:
    goal = an_agreed_goal(targets=(Target(coded("29463-7"), Quantity(Decimal(80), "kg")),))
    first, *window = [weighed(str(100 - i), "kg", i, id=f"o{i}") for i in range(5)]
    progress = progress_of(goal, window, first=[first, window[0]])

    assert progress.baseline is not None
    assert (progress.baseline.value, len(progress.points), str(progress.direction)) == (Decimal(100), 4, "down")
    assert progress_of(goal, window).direction == "down"
    up = an_agreed_goal(targets=(Target(coded("29463-7"), Range(low=Quantity(Decimal(120), "kg"))),))
    assert progress_of(up, window).direction == "up"
    hold = an_agreed_goal(targets=(Target(coded("29463-7"), Range(high=Quantity(Decimal(120), "kg"))),))
    assert progress_of(hold, window).direction == "hold"


def test_a_part_of_a_panel_counts_for_its_own_measure() -> None:
    parts = (
        Component(coded("8480-6"), Quantity(Decimal(150), "mm[Hg]")),
        Component(coded("8462-4"), Quantity(Decimal(90), "mm[Hg]")),
        Component(coded("8867-4"), "fast"),
    )
    panel = weighed("1", "kg", code=coded("85354-9"), value=None, components=parts)
    goal = an_agreed_goal(targets=(Target(coded("8462-4"), Quantity(Decimal(85), "mm[Hg]")),))

    assert [p.value for p in progress_of(goal, [panel]).points] == [90]
    assert progress_of(an_agreed_goal(targets=(Target(None, Quantity(Decimal(1), "mm[Hg]")),)), [panel]).points == ()


@pytest.mark.parametrize(
    ("code", "searched", "codes"),
    [
        ("weight", "http://loinc.org|29463-7", {"29463-7"}),
        ("glucose", "http://loinc.org|14743-9,http://loinc.org|41653-7", {"14743-9", "41653-7"}),
        ("systolic", "http://loinc.org|85354-9,http://loinc.org|8480-6", {"8480-6"}),
        ("8462-4", "http://loinc.org|85354-9,http://loinc.org|8462-4", {"8462-4"}),
        ("http://loinc.org|8462-4", "http://loinc.org|85354-9,http://loinc.org|8462-4", {"8462-4"}),
        ("blood-pressure", "http://loinc.org|85354-9", {"8480-6", "8462-4"}),
        ("85354-9", "http://loinc.org|85354-9", {"8480-6", "8462-4"}),
        ("8310-5", "http://loinc.org|8310-5", {"8310-5"}),
        ("urn:tea|cups", "urn:tea|cups", {"cups"}),
    ],
)
def test_a_caller_names_what_is_tracked_in_several_ways(code: str, searched: str, codes: set[str]) -> None:
    asked = asked_for(code, CATALOGUE)

    assert (asked.searched, {c.code for m in asked.measures for c in m.codings}) == (searched, codes)


@pytest.mark.parametrize("code", ["typo", "glucos", "41653-8", "12345678-1", "-", "41653"])
def test_a_code_that_is_none_is_refused_with_those_that_are_known(code: str) -> None:
    with pytest.raises(InvalidContent, match=r"query code is no LOINC code, .* none of steps, exercise"):
        asked_for(code, CATALOGUE)


def test_a_panel_is_charted_part_by_part() -> None:
    parts = (
        Component(coded("8480-6"), Quantity(Decimal(150), "mm[Hg]")),
        Component(coded("8462-4"), Quantity(Decimal(90), "mm[Hg]")),
    )
    panel = weighed("1", "kg", code=coded("85354-9"), value=None, components=parts)
    shown = tracked_chart("blood-pressure", None, [panel], CATALOGUE, "es", now=NOW, more=False)

    assert (shown.what, shown.marks) == ("Presión arterial", ())
    assert [(p.what, p.unit, p.marks[0].value) for p in shown.parts] == [
        ("Valor alto (sistólica)", "mmHg", Decimal(150)),
        ("Valor bajo (diastólica)", "mmHg", Decimal(90)),
    ]


def test_values_that_cannot_be_told_in_the_unit_are_counted() -> None:
    given = [weighed("90", "kg"), weighed("3", "{cups}", 1, id="o2")]

    assert tracked_chart("weight", "kg", given, CATALOGUE, "en", now=NOW, more=False).left_out == 1
    goal = an_agreed_goal(targets=(Target(coded("29463-7"), KG),))
    assert chart_of(goal, *given).left_out == 1


@pytest.mark.parametrize(
    ("pains", "low"),
    [
        pytest.param("8 9 8 8 7 8 8 7 7 8 7 6 8 7 7 8", True, id="all of it can be"),
        pytest.param("9 8 9 7 8 7 8 6 7 5 6 4 5 3 4 3", False, id="no less than none"),
        pytest.param("9 9 8 8 7 6 6 5 4 4 3 2 2 1 1 0", None, id="nothing of it can be"),
    ],
)
def test_nothing_is_forecast_that_cannot_be(pains: str, low: bool | None) -> None:
    given = [weighed(p, "{score}", i, code=coded("72514-3"), id=f"o{i}") for i, p in enumerate(pains.split())]
    goal = an_agreed_goal(targets=(Target(coded("72514-3"), Quantity(Decimal(3), "{score}")),))

    tracked = tracked_chart("pain", None, given, CATALOGUE, "en", now=NOW, more=False)
    for ahead in (tracked.forecast, chart_of(goal, *given).forecast):
        assert (None if ahead is None else ahead.low > 0) is low


LESS = Quantity(Decimal(7), "kg", "kilos", QuantityComparator.LESS)


@pytest.mark.parametrize(
    ("detail", "said"),
    [(LESS, replace(LESS, unit="kg")), (Range(KG, None), Range(replace(KG, unit="kg"), None))],
)
def test_a_target_is_told_as_it_was_said_with_its_unit_in_words(detail: TargetDetail, said: TargetDetail) -> None:
    shown = chart_of(an_agreed_goal(targets=(Target(coded("29463-7"), detail),)))

    assert shown.aim is not None
    assert shown.aim.said == said
    assert chart_of(an_agreed_goal(targets=(Target(coded("29463-7"), Range()),))).aim is None


@pytest.mark.parametrize(
    ("unit", "values", "words"),
    [
        pytest.param(None, [Decimal("90.718474"), Decimal(90)], "kg", id="that of the latest"),
        pytest.param("[lb_av]", [Decimal(200), Decimal("198.416036")], "pounds", id="the one asked for"),
    ],
)
def test_what_is_tracked_is_told_in_one_unit(unit: str | None, values: list[Decimal], words: str) -> None:
    void = weighed("90", "kg", 2, status=ObservationStatus.ENTERED_IN_ERROR)
    given = [weighed("200", "[lb_av]"), weighed("90", "kg", 1), void]
    shown = tracked_chart("weight", unit, given, CATALOGUE, "en", now=NOW, more=True)

    assert ([round(m.value, 6) for m in shown.marks], shown.unit) == ([round(v, 6) for v in values], words)
    assert shown.more


def test_what_is_in_no_catalogue_is_called_as_its_values_are() -> None:
    tea = weighed("3", "{cups}", code=coded("1-8", "Cups of tea"))

    shown = tracked_chart("1-8", None, [tea], CATALOGUE, "en", now=NOW, more=False)
    assert (shown.what, shown.unit, len(shown.marks)) == ("Cups of tea", "{cups}", 1)
    assert tracked_chart("1-8", None, [], CATALOGUE, "en", now=NOW, more=False).what == "1-8"


def test_what_adds_up_is_for_the_catalogue_to_say() -> None:
    given = [weighed("20", "min", 1, code=coded("55411-3"), id=f"o{i}") for i in range(2)]

    shown = tracked_chart("exercise", None, given, CATALOGUE, "en", now=NOW, more=False)

    assert [m.value for m in shown.marks] == [40]
    assert shown.summed


@pytest.mark.parametrize(
    ("key", "scale"),
    [
        pytest.param("pain", (0, 10), id="a rating"),
        pytest.param("phq-9", (0, 27), id="a questionnaire"),
        pytest.param("promis-10-physical", (10, 90), id="a T score"),
        pytest.param("pucai", (0, 85), id="an index"),
        pytest.param("heart-rate", None, id="what is possible is no scale"),
        pytest.param("weight", None, id="nor has every thing an end"),
    ],
)
def test_what_is_rated_in_points_has_a_scale(key: str, scale: tuple[int, int] | None) -> None:
    shown = tracked_chart(key, None, [], CATALOGUE, "en", now=NOW, more=False)

    assert shown.scale == (scale and Bounds(*map(Decimal, scale)))


def test_points_without_an_end_are_no_scale() -> None:
    pain = CATALOGUE.get("pain")

    assert pain is not None
    assert replace(pain, possible=Bounds(low=Decimal(0))).scale is None
    assert replace(pain, possible=Bounds(high=Decimal(9))).scale is None
