"""One rule for what is measured, entered and aimed at: its unit and its bounds."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.codes import ObservationStatus, QuantityComparator
from fhir_mappings.model import Coding, Component, Concept, Observation, Quantity, Range, Target, TargetDetail
from fhir_mappings.wording import Language
from service.domain.amounts import (
    amounts_of,
    asks_registry,
    left_out,
    must_be_aimable,
    must_be_comparable,
    scale_of,
    taken,
)
from service.domain.units import is_ucum
from service.errors import InvalidContent
from service.settings import Settings
from tests.builders import NOW, PATIENT, an_agreed_goal

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue
LOINC = "http://loinc.org"


def coded(*codes: str) -> Concept:
    return Concept("measured", tuple(Coding(LOINC, code) for code in codes))


STEPS, WEIGHT, SUGAR, MOLES, PAIN = map(coded, ("41950-7", "29463-7", "41653-7", "14743-9", "72514-3"))
EXERCISE = coded("55411-3")
PRESSURE, UPPER, TEA = coded("85354-9"), coded("8480-6"), Concept("Cups of tea")


def amount(value: str, code: str, **parts: Any) -> Quantity:
    return Quantity(Decimal(value), code, **parts)


def refused(call: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidContent) as found:
        call()
    return [(f.expression, f.said()) for f in found.value.flaws]


@pytest.mark.parametrize(
    ("given", "measure", "kept", "note"),
    [
        pytest.param(amount("5000", "{steps}/d"), STEPS, "5000 {steps}/d", None, id="as it is"),
        pytest.param(amount("150", "[lb_av]"), WEIGHT, "150 [lb_av]", None, id="any unit of the catalogue"),
        pytest.param(amount("11", "[stone_av]"), WEIGHT, "69.85322498 kg", "Entered as 11 [stone_av].", id="converted"),
        pytest.param(amount("0.95", "g/L"), SUGAR, "95 mg/dL", "Entered as 0.95 g/L.", id="within the code's own"),
        pytest.param(amount("120", "mm[Hg]"), UPPER, "120 mm[Hg]", None, id="a part of a panel"),
        pytest.param(amount("3", "1"), PAIN, "3 {score}", None, id="a score without the word"),
        pytest.param(amount("3", "{cups}/d"), TEA, "3 {cups}/d", None, id="in no catalogue"),
        pytest.param(amount("3", "1"), TEA, "3 1", None, id="a bare number"),
    ],
)
def test_an_amount_is_taken(given: Quantity, measure: Concept, kept: str, note: str | None) -> None:
    found, said = taken(given, measure, CATALOGUE, "value.quantity")

    assert (f"{found.value} {found.code}", said) == (kept, note)


@pytest.mark.parametrize(
    ("given", "measure", "path", "message"),
    [
        pytest.param(amount("5000", "steps"), STEPS, "code", "did you mean {steps}/d?", id="a slip"),
        pytest.param(amount("5000", "kg"), STEPS, "code", "must be one of {steps}/d", id="of something else"),
        pytest.param(amount("8", "mmol/L"), SUGAR, "code", "mmol/L goes with the code 14743-9", id="of another code"),
        pytest.param(amount("120", "mg/dL"), MOLES, "code", "mg/dL goes with the code 41653-7", id="and the other way"),
        pytest.param(amount("3", "lb"), TEA, "code", "is no unit of UCUM: did you mean [lb_av]?", id="no UCUM"),
        pytest.param(amount("70000", "{steps}/d"), STEPS, "value", "send it confirmed", id="hardly ever so high"),
        pytest.param(amount("11", "{score}"), PAIN, "value", "must be 0–10", id="cannot be meant"),  # noqa: RUF001  # a dash for a range
        pytest.param(amount("3.5", "{score}"), PAIN, "value", "must be a whole number", id="no whole number"),
        pytest.param(amount("2600", "mm[Hg]"), UPPER, "value", "must be 0–400 mmHg", id="of a part"),  # noqa: RUF001  # a dash for a range
        pytest.param(amount("300", "mm[Hg]"), UPPER, "value", "260 mmHg: look again", id="a part hardly ever so high"),
        pytest.param(amount("120", "mmol/L"), MOLES, "value", "did you mean mg/dL? If not,", id="of the other unit"),
        pytest.param(amount("1800", "min"), EXERCISE, "value", "must be 0–1440 minutes", id="more than a day has"),  # noqa: RUF001  # a dash for a range
    ],
)
def test_an_amount_is_refused_with_what_would_do(given: Quantity, measure: Concept, path: str, message: str) -> None:
    ((where, why),) = refused(lambda: taken(given, measure, CATALOGUE, "value.quantity"))

    assert where == f"value.quantity.{path}"
    assert message in why


def test_the_bounds_are_told_in_the_unit_and_the_language_of_the_reader() -> None:
    with pytest.raises(InvalidContent) as found:
        taken(amount("70000", "{steps}/d"), STEPS, CATALOGUE, "value")

    (flaw,) = found.value.flaws
    assert "60000 steps a day: look again" in flaw.said()
    assert "60000 pasos al día: mire otra vez" in flaw.said(Language("es"))


def test_a_panel_is_not_measured_by_one_number() -> None:
    assert refused(lambda: taken(amount("120", "mm[Hg]"), PRESSURE, CATALOGUE, "value.quantity")) == [
        ("measure", "has several values: name one of 8480-6 (systolic) / 8462-4 (diastolic)")
    ]


def test_what_is_hardly_ever_so_high_is_taken_once_confirmed() -> None:
    high = amount("70000", "{steps}/d", comparator=QuantityComparator.AT_LEAST)

    assert taken(high, STEPS, CATALOGUE, "value", confirmed=True) == (high, None)
    must_be_aimable((Target(STEPS, high),), CATALOGUE, confirmed=True)


@pytest.mark.parametrize(
    ("measure", "detail", "flaws"),
    [
        pytest.param(STEPS, amount("6000", "{steps}/d"), [], id="sound"),
        pytest.param(PAIN, amount("2.5", "{score}"), [], id="an average lies between"),
        pytest.param(PAIN, amount("3", "1"), [], id="a score without the word"),
        pytest.param(WEIGHT, amount("11", "[stone_av]"), [], id="another unit that converts"),
        pytest.param(TEA, amount("3", "{cups}"), [], id="in no catalogue"),
        pytest.param(TEA, "less of it", [], id="in words"),
        pytest.param(None, amount("3", "{cups}"), [], id="of nothing in particular"),
        pytest.param(STEPS, amount("6000", "steps"), ["value.quantity.code"], id="a slip"),
        pytest.param(TEA, amount("3", "cups"), ["value.quantity.code"], id="no UCUM"),
        pytest.param(PAIN, amount("28", "{score}"), ["value.quantity.value"], id="cannot be meant"),
        pytest.param(STEPS, amount("70000", "{steps}/d"), ["value.quantity.value"], id="not confirmed"),
        pytest.param(PRESSURE, amount("120", "mm[Hg]"), ["measure"], id="a panel"),
        pytest.param(
            SUGAR,
            Range(amount("4", "mmol/L"), amount("10", "mmol/L")),
            ["value.range.low.code", "value.range.high.code"],
            id="both ends in the unit of another code",
        ),
        pytest.param(SUGAR, Range(high=amount("9999", "mg/dL")), ["value.range.high.value"], id="one end"),
    ],
)
def test_a_target_is_held_to_the_same_rule(measure: Concept | None, detail: TargetDetail, flaws: list[str]) -> None:
    targets = (Target(None, "in words"), Target(measure, detail))

    if not flaws:
        must_be_aimable(targets, CATALOGUE)
    else:
        found = refused(lambda: must_be_aimable(targets, CATALOGUE, within="goals[0]."))
        assert [path for path, _ in found] == [f"goals[0].targets[1].{f}" for f in flaws]


def observed(value: Any, code: Concept = SUGAR, **parts: Any) -> Observation:
    given: dict[str, Any] = {"status": ObservationStatus.FINAL, "effective": NOW, **parts}
    return Observation(PATIENT, code=code, value=value, **given)


BY_MASS = Target(SUGAR, amount("90", "mg/dL"))
FIVE = observed(amount("5", "mmol/L"), MOLES)
CUPS = observed(amount("5", "{cups}"), TEA)


@pytest.mark.parametrize(
    ("observation", "target", "stands"),
    [
        pytest.param(observed(amount("95", "mg/dL")), BY_MASS, True, id="its unit"),
        pytest.param(observed(amount("0.95", "g/L")), BY_MASS, True, id="one of its kind"),
        pytest.param(FIVE, BY_MASS, False, id="moles for mass"),
        pytest.param(CUPS, Target(TEA, amount("9", "mL")), False, id="in no catalogue"),
        pytest.param(CUPS, Target(TEA, amount("9", "mugs")), True, id="a target in no unit of UCUM"),
        pytest.param(FIVE, Target(SUGAR, amount("9", "mg%d")), True, id="a target in none of the catalogue"),
        pytest.param(observed(amount("30", "min"), TEA), BY_MASS, True, id="another thing"),
        pytest.param(observed("fine"), BY_MASS, True, id="in words"),
        pytest.param(observed(amount("5", "kg")), Target(SUGAR, "better"), True, id="a target in words"),
        pytest.param(observed(amount("5", "kg")), Target(SUGAR, Range()), True, id="a range without ends"),
        pytest.param(observed(amount("5", "kg")), Target(None, amount("5", "m")), False, id="a target without measure"),
    ],
)
def test_a_value_for_a_goal_can_be_held_against_its_target(
    observation: Observation, target: Target, stands: bool
) -> None:
    goal = an_agreed_goal(targets=(target,))

    if stands:
        must_be_comparable(observation, goal, CATALOGUE, "unit")
    else:
        ((path, message),) = refused(lambda: must_be_comparable(observation, goal, CATALOGUE, "unit"))
        assert path == "unit"
        assert "which the goal's target is in" in message


def test_values_that_cannot_be_told_in_the_unit_are_counted() -> None:
    given = [
        observed(amount("95", "mg/dL")),
        observed(amount("0.95", "g/L")),
        observed(amount("5", "mmol/L")),
        observed(amount("5", "mmol/L"), MOLES),
        observed(amount("5", "mmol/L"), MOLES, status=ObservationStatus.ENTERED_IN_ERROR),
        observed(amount("5", "kg"), WEIGHT),
        observed("fine"),
    ]

    assert left_out(Target(SUGAR, amount("90", "mg/dL")), given, CATALOGUE) == 2
    assert left_out(Target(SUGAR, Range()), given, CATALOGUE) == 0


def test_a_panel_has_a_scale_for_each_part() -> None:
    upper = scale_of(UPPER, CATALOGUE)

    assert upper is not None
    assert upper.part is not None
    assert (upper.part.key, upper.accepted) == ("systolic", ("mm[Hg]",))
    both = scale_of(coded("41653-7", "14743-9"), CATALOGUE)
    assert both is not None
    assert both.accepted == ("mg/dL", "mmol/L")
    panel = observed(None, PRESSURE, components=(Component(UPPER, amount("16", "kPa")),))
    assert left_out(Target(UPPER, amount("120", "mm[Hg]")), [panel], CATALOGUE) == 0


@pytest.mark.parametrize(
    ("measure", "unit", "asked"),
    [(STEPS, "{steps}/d", False), (STEPS, "steps", True), (TEA, "1", False), (TEA, "{cups}", True), (None, "kg", True)],
)
def test_only_what_the_catalogue_does_not_take_is_asked_of_the_registry(
    measure: Concept | None, unit: str, asked: bool
) -> None:
    targets = (Target(measure, amount("1", unit)), Target(measure, "in words"))

    assert asks_registry(amounts_of(targets), CATALOGUE) == asked


@pytest.mark.parametrize(("unit", "known"), [("mg/dL", True), ("{steps}/d", True), ("mmHg", False), ("steps", False)])
def test_units_are_known_to_ucum_or_not(unit: str, known: bool) -> None:
    assert is_ucum(unit) == known
