"""Elements are read as they may come and written as R4 wants them; a message never shows a value."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings import elements
from fhir_mappings.codes import INTEGRITY, UCUM, US_CORE_TAGS, LifecycleStatus, QuantityComparator
from fhir_mappings.elements import MappingError
from fhir_mappings.model import Coding, Concept, PartialDate, Quantity, reference_to

SECRET = "secret-value"


@pytest.mark.parametrize(
    ("read", "element"),
    [
        pytest.param(elements.required, None, id="missing"),
        pytest.param(elements.text, 5, id="no string"),
        pytest.param(elements.reference, None, id="no reference"),
        pytest.param(elements.reference, {"identifier": {"value": SECRET}}, id="logical only"),
        pytest.param(elements.reference, SECRET, id="reference that is no object"),
        pytest.param(elements.references, {"reference": SECRET}, id="no list"),
        pytest.param(elements.items, [SECRET], id="no objects"),
        pytest.param(elements.date, SECRET, id="no date"),
        pytest.param(elements.date, "2026-01-01T10:00:00Z", id="date with time"),
        pytest.param(elements.instant, "2026-02-30T10:00:00Z", id="no day of the calendar"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_shown(read: Any, element: Any) -> None:
    with pytest.raises(MappingError, match=r"^Goal\.x") as raised:
        read({"x": element}, "x", "Goal.x")
    assert SECRET not in str(raised.value)


def test_a_code_outside_its_value_set_is_refused() -> None:
    with pytest.raises(MappingError, match="is not in LifecycleStatus"):
        elements.code(LifecycleStatus, {"x": "bogus"}, "x", "Goal.x")
    assert elements.optional_code(LifecycleStatus, {}, "x", "Goal.x") is None
    assert elements.known_code(LifecycleStatus, "bogus") is None
    assert elements.known_code(LifecycleStatus, "active") is LifecycleStatus.ACTIVE


def test_references_lose_their_version_and_logical_ones_are_left_out() -> None:
    resource = {"x": [{"reference": "Goal/1/_history/2"}, {"display": "Ann"}, None, {"reference": "Goal/3"}]}

    assert elements.references(resource, "x", "x") == ("Goal/1", "Goal/3")
    assert elements.optional_reference({}, "x", "x") is None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"value": 5, "system": UCUM, "code": "kg", "unit": "kilo"}, Quantity(Decimal(5), "kg", "kilo")),
        ({"value": Decimal("5.0"), "unit": "kilo"}, Quantity(Decimal("5.0"), "kilo", "kilo")),
        ({"value": 5, "system": "urn:x", "code": "stone"}, Quantity(Decimal(5), "1")),
        ({"value": 5, "comparator": "<"}, Quantity(Decimal(5), "1", None, QuantityComparator.LESS)),
        ({"unit": "kg"}, None),
    ],
)
def test_quantities_as_others_write_them(value: dict[str, Any], read: Quantity | None) -> None:
    assert elements.quantity(value, "x") == read


@pytest.mark.parametrize("value", [True, "5", [5]])
def test_a_quantity_is_a_number(value: Any) -> None:
    with pytest.raises(MappingError, match=r"x\.value is not a number"):
        elements.quantity({"value": value}, "x")


def test_what_we_write_is_what_we_read() -> None:
    quantity = Quantity(Decimal("72.50"), "kg", "kilo", QuantityComparator.AT_MOST)
    concept = Concept("steps", (Coding("urn:s", "c", "d"), Coding(None, "x")))

    assert elements.quantity(elements.quantity_json(quantity), "x") == quantity
    assert elements.quantity_json(Quantity(Decimal(1), "kg"))["unit"] == "kg"
    assert elements.concept(elements.concept_json(concept)) == concept
    assert elements.code_of(elements.concept_json(concept), "urn:s") == "c"
    assert elements.code_of(None, "urn:s") is None


def test_an_instant_is_told_to_the_millisecond() -> None:
    assert elements.instant_text(datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)) == "2026-01-02T03:04:05.678Z"
    assert elements.instant({"x": "2026-01-02T04:04:05+01:00"}, "x", "x") == datetime(2026, 1, 2, 3, 4, 5, 0, UTC)
    assert elements.instant({"x": "2026-01-02"}, "x", "x") is None


def test_identifiers_and_tags_are_added_once_and_others_stay() -> None:
    resource: dict[str, Any] = {"identifier": [{"system": "a", "value": "1"}], "meta": {"tag": [{"code": "t"}]}}
    for _ in range(2):
        elements.with_identifier(resource, "b", "2")
        elements.with_tag(resource, "s", "v")
    elements.with_identifier(resource, "c", None)
    elements.with_tag(resource, "c", None)

    assert resource["identifier"] == [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}]
    assert resource["meta"]["tag"] == [{"code": "t"}, {"system": "s", "code": "v"}]
    assert elements.identifier(resource, "b") == "2"
    assert elements.identifier({"identifier": {"system": "b", "value": "3"}}, "b") == "3"
    assert elements.tag(resource, "s") == "v"


def test_setting_an_element_drops_the_extensions_of_the_old_value() -> None:
    resource = {"startDate": "2026", "_startDate": {"extension": []}, "gone": 1}
    elements.put(resource, "startDate", "2027")
    elements.put(resource, "gone", None)
    elements.put(resource, "never", [])

    assert resource == {"startDate": "2027"}


@pytest.mark.parametrize(
    "label",
    [
        {"security": [{"system": INTEGRITY, "code": "PATAST"}]},
        {"tag": [{"system": US_CORE_TAGS, "code": "patient-supplied"}]},
    ],
)
def test_what_patients_say_is_known_by_either_label(label: dict[str, Any]) -> None:
    assert elements.is_patient_supplied({"meta": label})
    assert not elements.is_patient_supplied({"meta": {"security": [{"code": "PATAST"}]}})


@pytest.mark.parametrize(
    "given",
    [
        "Patient",
        "Patient/",
        "/ann",
        "Patient/a b",
        "http://x/Patient/1",
        "Patient/1/_history/1",
        "#x",
        "urn:uuid:1",
        "Patient/%41",
        "Patient/1?x=y",
        "Patient/" + "x" * 65,
        "Goal/1",
        "Pat1ent/1",
    ],
)
def test_a_reference_of_a_caller_is_type_and_id_of_an_allowed_type(given: str) -> None:
    with pytest.raises(MappingError):
        elements.checked_reference(given, {"Patient"}, "x")
    assert elements.checked_reference("Patient/a-1.b", {"Patient"}, "x") == "Patient/a-1.b"


@pytest.mark.parametrize("given", ["kg", "mg/dL", "mm[Hg]", "{steps}/d", "10*3/uL", "1", "%", "[lb_av]", "/min"])
def test_units_of_ucum_are_taken(given: str) -> None:
    assert elements.checked_unit(given, "x") == given


@pytest.mark.parametrize("given", ["", "steps per day", "mm[Hg", "{x", "k\u00b5g", "x" * 65])
def test_other_units_are_refused(given: str) -> None:
    with pytest.raises(MappingError, match="UCUM"):
        elements.checked_unit(given, "x")


@pytest.mark.parametrize("given", [" ", "x" * 11, "a\0", "a\x85", "\u202ea", "\ud800", "<b>x", "<!--", "javascript:x"])
def test_words_that_no_screen_shows_as_written_are_refused(given: str) -> None:
    with pytest.raises(MappingError):
        elements.checked_text(given, "x", max_length=10)


@pytest.mark.parametrize("given", ["5 < 7", "Müde? Ja!", "日本語", "a\nb\tc", "👨‍👩‍👧"])
def test_words_of_people_are_taken(given: str) -> None:
    assert elements.checked_text(given, "x", max_length=10) == given


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("2024", "2024-01-01", "2024-12-31"), ("2024-02", "2024-02-01", "2024-02-29"), ("2024-02-03",) * 3],
)
def test_a_partial_date_means_a_span_of_days(text: str, first: str, last: str) -> None:
    date = PartialDate(text)

    assert (date.first_day.isoformat(), date.last_day.isoformat(), str(date)) == (first, last, text)


def test_only_what_has_an_id_can_be_referred_to() -> None:
    assert reference_to("Goal", "1") == "Goal/1"
    assert reference_to("Goal", "urn:uuid:1") == "urn:uuid:1"
    with pytest.raises(ValueError, match="a Goal without an id"):
        reference_to("Goal", None)
