"""From an entry to its Observation; what is refused, and what is converted."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.codes import Act, ObservationStatus
from fhir_mappings.model import Concept, Observation, PartialDate, Quantity, Stamp
from service.domain.catalogue import Bounds
from service.domain.corrections import Correction, corrections
from service.domain.policy import Policy
from service.domain.tracking import Amount, Reading, amended, must_be_lived, observed, voided
from service.domain.units import comparable, converted, same
from service.errors import InvalidContent, NotPermitted, TransitionNotAllowed
from service.settings import Settings
from tests.builders import CLINICIAN, MOTHER, NOW, PATIENT, an_occasion

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue


def value(number: str, unit: str | None = None, **parts: Any) -> Amount:
    return Amount(Decimal(number), unit=unit, **parts)


def entered(what: str, amount: Amount, **parts: Any) -> Observation:
    return observed(Reading(what, amount, NOW, **parts), PATIENT, "i1", CATALOGUE, an_occasion())


@pytest.mark.parametrize(
    ("what", "amount", "code", "recorded"),
    [
        pytest.param("exercise", value("95"), "55411-3", "95 min", id="the only unit without any"),
        pytest.param("glucose", value("5.3", "mmol/L"), "14743-9", "5.3 mmol/L", id="the unit decides the code"),
        pytest.param("glucose", value("0.95", "g/L"), "41653-7", "95 mg/dL", id="converted"),
        pytest.param("glucose", value("5300", "umol/L"), "14743-9", "5.3 mmol/L", id="to the unit that it fits"),
        pytest.param("weight", value("150", "[lb_av]"), "29463-7", "150 [lb_av]", id="an accepted unit stays"),
        pytest.param("weight", value("16", "[oz_av]", confirmed=True), "29463-7", "0.45359237 kg", id="ounces"),
        pytest.param("exercise", value("1.5", "h"), "55411-3", "90 min", id="hours of exercise"),
        pytest.param("pain", value("3", "1"), "72514-3", "3 {score}", id="what is counted needs no words"),
        pytest.param("steps", value("5000", "/d"), "41950-7", "5000 {steps}/d", id="nor do steps a day"),
    ],
)
def test_a_value_is_recorded_in_an_accepted_unit(what: str, amount: Amount, code: str, recorded: str) -> None:
    observation = entered(what, amount)

    assert isinstance(observation.value, Quantity)
    assert observation.code.codings[0].code == code
    assert f"{observation.value.value.normalize():f} {observation.value.code}" == recorded
    is_as_sent = amount.unit is None or same(amount.unit, observation.value.code)
    assert observation.note == (None if is_as_sent else f"Entered as {amount.value} {amount.unit}.")


@pytest.mark.parametrize("what", ["ibd-pga", "spcdai"])
def test_what_takes_an_examination_is_recorded_by_the_care_team(what: str) -> None:
    """Physicians assign a PGA, and the short PCDAI has a look at the abdomen in it (Kappelman et al. 2011)."""
    reading = Reading(what, value("1"), NOW)

    for who in (PATIENT, MOTHER):
        with pytest.raises(InvalidContent, match="takes an examination"):
            observed(reading, PATIENT, "i1", CATALOGUE, an_occasion(who))
    assert observed(reading, PATIENT, "i1", CATALOGUE, an_occasion(CLINICIAN)).performers == (CLINICIAN,)


@pytest.mark.parametrize(
    ("born", "lived"),
    [
        pytest.param(None, True, id="not known"),
        pytest.param(PartialDate("2026-12-01"), True, id="on the day"),
        pytest.param(PartialDate("2026-12-02"), False, id="the day before"),
        pytest.param(PartialDate("2026"), True, id="in the year"),
        pytest.param(PartialDate("2027"), False, id="the year before"),
    ],
)
def test_nothing_was_measured_before_the_patient_was_born(born: PartialDate | None, lived: bool) -> None:
    if lived:
        must_be_lived(NOW, born)
        return
    with pytest.raises(InvalidContent, match="effective lies before the patient was born"):
        must_be_lived(NOW, born)


@pytest.mark.parametrize(
    ("what", "amount", "path"),
    [
        pytest.param("vibes", value("1"), "what", id="unknown"),
        pytest.param("glucose", Amount(unit="mg/dL"), "value", id="no value"),
        pytest.param("glucose", value("22"), "unit", id="one of two units"),
        pytest.param("weight", value("72"), "unit", id="which weight"),
        pytest.param(
            "glucose", Amount(Decimal(95), {"systolic": Decimal(1)}, "mg/dL"), "parts", id="parts of what has none"
        ),
        pytest.param("glucose", value("95", "kg"), "unit", id="unit of something else"),
        pytest.param("hba1c", value("0.048", "1"), "unit", id="a share is no other share"),
        pytest.param("pain", value("3", "%"), "unit", id="a score is no share"),
        pytest.param("exercise", value("100", "s"), "unit", id="no exact number of minutes"),
        pytest.param("pain", value("11"), "value", id="cannot be meant"),
        pytest.param("pain", value("11", confirmed=True), "value", id="cannot be meant, confirmed or not"),
        pytest.param("pain", value("3.5"), "value", id="no whole number"),
        pytest.param("glucose", value("-1", "mg/dL"), "value", id="below nothing"),
        pytest.param("glucose", value("45", "mmol/L"), "value", id="hardly ever so high"),
        pytest.param("blood-pressure", value("120"), "value", id="one value for two"),
        pytest.param("blood-pressure", Amount(parts={"systolic": Decimal(120)}), "parts.diastolic", id="half of it"),
        pytest.param(
            "blood-pressure",
            Amount(parts={"systolic": Decimal(120), "diastolic": Decimal(80), "pulse": Decimal(60)}),
            "parts.pulse",
            id="a part that it does not have",
        ),
        pytest.param(
            "blood-pressure",
            Amount(parts={"systolic": Decimal(1200), "diastolic": Decimal(80)}),
            "parts.systolic",
            id="a part that cannot be meant",
        ),
        pytest.param(
            "blood-pressure",
            Amount(parts={"systolic": Decimal(80), "diastolic": Decimal(120)}),
            "parts.diastolic",
            id="upside down",
        ),
        pytest.param(
            "blood-pressure",
            Amount(parts={"systolic": Decimal(90), "diastolic": Decimal(90)}, confirmed=True),
            "parts.diastolic",
            id="no pulse, confirmed or not",
        ),
    ],
)
def test_what_cannot_stand_is_named(what: str, amount: Amount, path: str) -> None:
    with pytest.raises(InvalidContent) as refused:
        entered(what, amount)

    assert path in [f.expression for f in refused.value.flaws]


def test_a_value_hardly_ever_so_high_stands_once_confirmed() -> None:
    assert entered("glucose", value("45", "mmol/L", confirmed=True)).value == Quantity(Decimal(45), "mmol/L", "mmol/L")


def test_the_accepted_units_are_named() -> None:
    with pytest.raises(InvalidContent, match=r"must be one of mg/dL, mmol/L") as refused:
        entered("glucose", value("95", "stone"))

    assert refused.value.flaws[0].code == "not-supported"


def test_an_entry_is_its_senders_and_keeps_its_note() -> None:
    observation = entered("exercise", value("1", "h"), goals=("g1",), note="Uphill.")

    assert (observation.performers, observation.patient_supplied) == ((PATIENT,), True)
    assert observation.goals == ("Goal/g1",)
    assert observation.note == "Uphill. Entered as 1 h."


def test_equal_entries_have_equal_fingerprints() -> None:
    reading = Reading("glucose", value("95"), NOW)

    same = replace(reading, amount=value("95.0", confirmed=True), item="other")
    assert same.fingerprint == reading.fingerprint
    others = (
        replace(reading, amount=value("96")),
        replace(reading, amount=value("95", "mg/dL")),
        replace(reading, effective=NOW + timedelta(seconds=1)),
        replace(reading, goals=("g1",)),
        replace(reading, note="x"),
        replace(reading, what="glucose-lab"),
        Reading("glucose", Amount(parts={"a": Decimal(1)}), NOW),
    )
    assert len({r.fingerprint for r in (reading, *others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("what", "named"),
    [
        pytest.param("glucos", "did you mean glucose /", id="a slip"),
        pytest.param("sugar", "did you mean glucose / glucose-sensor /", id="by its label"),
        pytest.param("peso", "did you mean weight?", id="by its label in Spanish"),
        pytest.param("vibes", "which has steps, exercise, carbohydrate", id="nothing like it"),
    ],
)
def test_an_unknown_key_is_answered_with_those_that_are_known(what: str, named: str) -> None:
    with pytest.raises(InvalidContent) as refused:
        entered(what, value("1"))

    assert named in refused.value.flaws[0].said()


def stored(what: str = "glucose", amount: Amount | None = None, **parts: Any) -> Observation:
    return replace(entered(what, amount or value("590", "mg/dL")), **{"id": "o1", "version": "1", **parts})


def correct(
    before: Observation, amount: Amount | None, who: str = PATIENT, policy: Policy | None = None
) -> Observation:
    occasion = an_occasion(who, policy=policy or Policy())
    return amended(before, amount, None, None, "typo", CATALOGUE, occasion).observations[0]


def test_a_correction_changes_the_value_and_says_so() -> None:
    change = amended(stored(), value("95"), NOW - timedelta(hours=1), "Meant 95", "typo", CATALOGUE, an_occasion())

    after = change.observations[0]
    assert (after.status, after.note, change.reason) == (ObservationStatus.AMENDED, "Meant 95", "typo")
    assert after.value == Quantity(Decimal(95), "mg/dL", "mg/dL")
    assert after.effective == NOW - timedelta(hours=1)


def test_a_correction_without_a_unit_is_in_the_unit_at_hand() -> None:
    pressure = stored("blood-pressure", Amount(parts={"systolic": Decimal(220), "diastolic": Decimal(80)}))
    right = Amount(parts={"systolic": Decimal(122), "diastolic": Decimal(80)})

    assert [c.value for c in correct(pressure, right).components] == [
        Quantity(Decimal(122), "mm[Hg]", "mmHg"), Quantity(Decimal(80), "mm[Hg]", "mmHg")
    ]  # fmt: skip
    assert correct(stored(amount=value("12", "mmol/L")), value("1.2")).value == Quantity(
        Decimal("1.2"), "mmol/L", "mmol/L"
    )
    assert correct(stored(), None).value == stored().value


@pytest.mark.parametrize(
    ("parts", "amount", "error"),
    [
        pytest.param({"client_item": None}, None, TransitionNotAllowed, id="recorded elsewhere"),
        pytest.param({"status": ObservationStatus.ENTERED_IN_ERROR}, None, TransitionNotAllowed, id="void"),
        pytest.param({"performers": (CLINICIAN,)}, None, NotPermitted, id="the care team's"),
        pytest.param({"code": Concept("tea")}, value("1"), TransitionNotAllowed, id="not in the catalogue"),
        pytest.param({}, value("5.3", "mmol/L"), InvalidContent, id="a unit of another code"),
        pytest.param({}, value("-3"), InvalidContent, id="below nothing"),
    ],
)
def test_a_correction_is_refused(parts: dict[str, Any], amount: Amount | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        correct(stored(**parts), amount)


def test_each_side_corrects_its_own_and_a_custodian_any() -> None:
    assert correct(stored(), None, MOTHER).status is ObservationStatus.AMENDED
    assert correct(stored(performers=(CLINICIAN,)), None, CLINICIAN).status is ObservationStatus.AMENDED
    custodian = Policy(custodians=frozenset({CLINICIAN}))
    assert correct(stored(), None, CLINICIAN, custodian).status is ObservationStatus.AMENDED
    with pytest.raises(NotPermitted):
        voided(stored(), "not mine", an_occasion(CLINICIAN))


def test_what_should_never_have_been_there_is_void() -> None:
    change = voided(stored(), "my brother's", an_occasion())

    assert [o.status for o in change.observations] == [ObservationStatus.ENTERED_IN_ERROR]


@pytest.mark.parametrize(
    ("number", "unit", "into", "result"),
    [
        ("70", "kg", "kg", "70"),
        ("3", "{score}", "{score}", "3"),
        ("150", "[lb_av]", "kg", "68.0388555"),
        ("98.6", "[degF]", "Cel", "37"),
        ("2.5", "L", "mL", "2500"),
        ("100", "mg/dL", "mmol/L", None),
        ("48", "mmol/mol", "%", None),
        ("3", "{steps}/d", "/d", None),
        ("3", "[IU]", "U", None),
        ("70", "kg", "[lb_av]", None),
        ("100", "s", "min", None),
        ("1", "nonsense", "kg", None),
        ("1", "", "kg", None),
        ("1." + "1" * 17, "kg", "g", None),
    ],
)
def test_units_are_converted_exactly_or_not_at_all(number: str, unit: str, into: str, result: str | None) -> None:
    assert converted(Decimal(number), unit, into) == (None if result is None else Decimal(result))


@pytest.mark.parametrize(
    ("unit", "into", "result"),
    [("{steps}/d", "/d", "3"), ("{score}", "1", "3"), ("kg{clothed}", "kg", "3"), ("{steps}/wk", "/d", None)],
)
def test_what_is_counted_is_no_part_of_a_unit_where_the_measure_is_the_same(
    unit: str, into: str, result: str | None
) -> None:
    for there, back in ((unit, into), (into, unit)):
        assert comparable(Decimal(3), there, back) == (None if result is None else Decimal(result))


def test_bounds_say_what_they_hold() -> None:
    both, low, high = Bounds(Decimal(1), Decimal(2)), Bounds(Decimal(1)), Bounds(high=Decimal(2))

    assert [str(b) for b in (both, low, high)] == ["1–2", "≥ 1", "≤ 2"]  # noqa: RUF001
    assert [b.hold(Decimal(3)) for b in (both, low, high)] == [False, True, False]
    assert [b.hold(Decimal(0)) for b in (both, low, high)] == [False, False, True]


def test_a_correction_tells_what_was_said_before_and_never_guesses_it() -> None:
    first = Observation(
        PATIENT, ObservationStatus.FINAL, Concept("Sugar"), Quantity(Decimal(590), "mg/dL"), NOW, id="o1"
    )
    second = replace(first, value=Quantity(Decimal(95), "mg/dL"), status=ObservationStatus.AMENDED)
    third = replace(second, status=ObservationStatus.ENTERED_IN_ERROR)
    labelled = replace(first, goals=("Goal/g1",))
    recorded = Stamp((first.reference,), NOW, PATIENT, Act.RECORD_OBSERVATIONS)
    why = replace(recorded, act=Act.AMEND_OBSERVATION, recorded=NOW + timedelta(hours=1), reason="A slip")
    void = replace(recorded, act=Act.ENTER_IN_ERROR, recorded=NOW + timedelta(hours=2), reason="Not mine")

    found = corrections((first, labelled, second, third), (void, recorded, why))
    assert found == (Correction(why, labelled, second), Correction(void, second, third))
    assert corrections((second, third), (void, why)) == (Correction(why), Correction(void))
    assert corrections((first,), (recorded,)) == ()
