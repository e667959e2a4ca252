"""Preferences, orders and feedback to nouns and back: what we say comes back, and what others say is understood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings import r4
from fhir_mappings.card_feedback import CardFeedback, feedback_from_fhir, feedback_to_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ADMISSION_PREFERENCE, LOINC, PREFERENCE_STANCE, ObservationStatus
from fhir_mappings.compartment import patient_of
from fhir_mappings.decision import (
    ADMISSION,
    STANCE_OF,
    AdmissionPreference,
    Preference,
    PreferenceKind,
    Source,
    Stance,
)
from fhir_mappings.elements import MappingError
from fhir_mappings.model import Coding, Concept, PartialDate
from fhir_mappings.order import is_order, order_from_fhir
from fhir_mappings.preference import is_preference, preference_from_fhir, preference_to_fhir
from tests.builders import CLINICIAN, MOTHER, NOW, NURSE, PATIENT

SNOMED = "http://snomed.info/sct"
FULL = Preference(
    subject=PATIENT,
    kind=PreferenceKind.TREATMENT,
    status=ObservationStatus.FINAL,
    words="I want to sleep in my own bed",
    about=Concept("Admission to hospital", (ADMISSION,)),
    answer=(Coding(ADMISSION_PREFERENCE, "prefers-home", "Prefers care at home"),),
    id="p1",
    stated_by=PATIENT,
    asked_by=NURSE,
    since=NOW,
    recorded=NOW,
    encounter="Encounter/ed-1",
    review=PartialDate("2026-12-10"),
    precondition="the pain stays bearable",
    replaces=("Observation/p0",),
    note="said in tears",
    note_by=PATIENT,
    patient_supplied=True,
)
BARE = Preference(PATIENT, PreferenceKind.CARE_EXPERIENCE, ObservationStatus.FINAL, words="Call me Ann", id="p2")


def stored(preference: Preference) -> Json:
    """As the server has it."""
    return {**r4.check(preference_to_fhir(preference)), "id": preference.id}


@pytest.mark.parametrize(
    "preference",
    [
        pytest.param(FULL, id="all that can be said"),
        pytest.param(BARE, id="words alone"),
        pytest.param(replace(BARE, precondition="I am dying"), id="words under a condition"),
        pytest.param(
            replace(
                FULL, about=Concept(None, (Coding(SNOMED, "52765003"),)), answer=(Coding(PREFERENCE_STANCE, "wants"),)
            ),
            id="a treatment",
        ),
    ],
)
def test_what_we_say_comes_back(preference: Preference) -> None:
    assert preference_from_fhir(stored(preference)) == preference


def test_a_code_alone_is_said_in_words_for_whoever_reads_nothing_else() -> None:
    resource = stored(replace(FULL, words=None))

    assert resource["valueCodeableConcept"]["text"] == "Prefers care at home (only if: the pain stays bearable)"
    assert preference_from_fhir(resource).words is None
    assert "valueString" not in stored(replace(BARE, words=None))


@given(
    words=st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=60),
    condition=st.none() | st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40),
)
def test_a_persons_words_come_back_as_they_were_said(words: str, condition: str | None) -> None:
    said = replace(BARE, words=words, precondition=condition)
    read = preference_from_fhir({**preference_to_fhir(said), "id": "p2"})

    assert (read.words, read.precondition) == (words, condition)


def test_withdrawing_leaves_what_was_said_as_it_was() -> None:
    before = {**stored(FULL), "meta": {"versionId": "1"}, "extension": [*stored(FULL)["extension"], {"url": "urn:x"}]}
    withdrawn = replace(
        preference_from_fhir(before),
        status=ObservationStatus.AMENDED,
        until=NOW + timedelta(hours=1),
        note="my sister left",
        note_by=PATIENT,
        words="something else",
    )
    after = r4.check(preference_to_fhir(withdrawn, onto=before))

    assert after["valueCodeableConcept"] == before["valueCodeableConcept"]
    assert after["extension"] == before["extension"]
    assert after["effectivePeriod"] == {"start": "2026-12-01T09:30:00.000Z", "end": "2026-12-01T10:30:00.000Z"}
    assert "effectiveDateTime" not in after
    assert [n["text"] for n in after["note"]] == ["said in tears", "my sister left"]
    assert "No longer valid since 2026-12-01." in after["text"]["div"]
    assert preference_to_fhir(preference_from_fhir(before), onto=before) == before


def test_a_void_statement_says_so_to_plain_readers() -> None:
    void = replace(
        preference_from_fhir(stored(BARE)), status=ObservationStatus.ENTERED_IN_ERROR, note="wrong", until=None
    )
    after = preference_to_fhir(void, onto=stored(BARE))

    assert "Entered in error." in after["text"]["div"]
    assert after["note"] == [{"text": "wrong"}]


def test_what_another_system_has_changed_beyond_us_is_not_edited() -> None:
    with pytest.raises(MappingError, match="modifierExtension"):
        preference_to_fhir(FULL, onto={**stored(FULL), "modifierExtension": [{"url": "urn:x"}]})


def theirs(**parts: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": "x",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "75773-2"}], "text": "preferences for medical treatment"},
        "subject": {"reference": PATIENT},
        **parts,
    }


def test_the_shape_of_the_published_example_is_understood() -> None:
    read = preference_from_fhir(
        theirs(effectiveDateTime="2023-08-30", performer=[{"reference": PATIENT}], valueString="Let me be without pain")
    )

    assert (read.words, read.source, read.about) == ("Let me be without pain", Source.PATIENT, None)
    assert read.since == datetime(2023, 8, 30, tzinfo=UTC)
    assert (read.stance, read.admission, read.is_answer) == (None, None, True)


@pytest.mark.parametrize(
    ("parts", "name", "value"),
    [
        pytest.param({}, "in_words", "", id="says nothing"),
        pytest.param({"valueCodeableConcept": {"coding": [{"display": "DNR"}]}}, "in_words", "DNR", id="display only"),
        pytest.param({"valueCodeableConcept": {"coding": [{"code": "X"}]}}, "in_words", "X", id="code only"),
        pytest.param({"effectiveInstant": "2026-12-01T09:30:00Z"}, "since", NOW, id="an instant"),
        pytest.param({"effectivePeriod": {"end": "2026-12-01T09:30:00Z"}}, "until", NOW, id="ended"),
        pytest.param({"performer": [{"reference": CLINICIAN}]}, "source", Source.CLINICIAN, id="reported"),
        pytest.param({"performer": [{"reference": MOTHER}]}, "source", Source.PROXY, id="by family"),
        pytest.param({"performer": [{"reference": "Organization/1"}]}, "source", None, id="by nobody"),
        pytest.param(
            {"component": [{"code": {"text": "x"}, "valueDateTime": "2026"}]}, "review", None, id="other part"
        ),
        pytest.param(
            {"valueCodeableConcept": {"coding": [{"system": ADMISSION_PREFERENCE, "code": "bogus"}]}},
            "admission",
            None,
            id="unknown answer",
        ),
        pytest.param(
            {"valueCodeableConcept": {"coding": [{"system": PREFERENCE_STANCE, "code": "does-not-want"}]}},
            "stance",
            Stance.DOES_NOT_WANT,
            id="a stance",
        ),
    ],
)
def test_what_others_say_is_read_as_far_as_we_understand_it(parts: Json, name: str, value: Any) -> None:
    assert getattr(preference_from_fhir(theirs(**parts)), name) == value


@pytest.mark.parametrize(
    ("condition", "read"),
    [
        pytest.param({"valueCodeableConcept": {"coding": [{"display": "dying"}]}}, "dying", id="display"),
        pytest.param({"valueCodeableConcept": {"coding": [{"code": "D"}]}}, "D", id="code"),
        pytest.param({"valueString": "dying"}, None, id="of another type"),
    ],
)
def test_a_condition_without_words_is_not_lost(condition: Json, read: str | None) -> None:
    from fhir_mappings.codes import ENCLOSED_PRECONDITION

    given = theirs(extension=[{"url": ENCLOSED_PRECONDITION, **condition}])
    assert preference_from_fhir(given).precondition == read


def test_an_observation_of_something_else_is_no_preference() -> None:
    weight = theirs(code={"coding": [{"system": LOINC, "code": "29463-7"}]})
    assert not is_preference(weight)
    assert not is_preference({"resourceType": "Goal"})
    with pytest.raises(MappingError, match=r"Observation\.code"):
        preference_from_fhir(weight)


def test_each_answer_to_admission_has_a_stance() -> None:
    assert set(STANCE_OF) == set(AdmissionPreference)
    assert set(STANCE_OF.values()) == set(Stance)


SUBJECT = {"reference": PATIENT}
ORDERS: list[tuple[Json, str, set[str | None]]] = [
    ({"resourceType": "ServiceRequest", "code": {"coding": [{"code": "1"}], "text": "Admit"}}, "Admit", {"1"}),
    ({"resourceType": "ServiceRequest", "category": [{"coding": [{"code": "c", "display": "Ward"}]}]}, "Ward", {"c"}),
    ({"resourceType": "MedicationRequest", "medicationCodeableConcept": {"coding": [{"code": "m"}]}}, "m", {"m"}),
    ({"resourceType": "NutritionOrder", "oralDiet": {"type": [{"text": "Soft"}]}}, "Soft", set()),
    ({"resourceType": "NutritionOrder", "oralDiet": "?"}, "something not named", set()),
    ({"resourceType": "Encounter", "class": {"code": "IMP"}, "type": [{"text": "Stay"}]}, "Stay", {"IMP"}),
    (
        {"resourceType": "Appointment", "description": "Talk", "serviceType": [{"coding": [{"code": "s"}]}]},
        "Talk",
        {"s"},
    ),
    ({"resourceType": "VisionPrescription"}, "something not named", set()),
]


@pytest.mark.parametrize(("resource", "words", "codes"), ORDERS)
def test_an_order_says_what_is_to_be_done(resource: Json, words: str, codes: set[str | None]) -> None:
    order = order_from_fhir(resource)

    assert is_order(resource)
    assert (order.words, {c.code for c in order.codes}, order.status) == (words, codes, "unknown")
    assert order.reference is None


def test_an_order_says_when_and_for_whom() -> None:
    order = order_from_fhir(
        {
            "resourceType": "ServiceRequest",
            "id": "s1",
            "status": "active",
            "intent": "order",
            "subject": SUBJECT,
            "authoredOn": "2026-12-01T09:30:00Z",
            "basedOn": [{"reference": "CarePlan/1"}],
            "doNotPerform": True,
        }
    )
    assert (order.reference, order.subject, order.authored_on) == ("ServiceRequest/s1", PATIENT, NOW)
    assert (order.based_on, order.not_to_be_done) == (("CarePlan/1",), True)
    encounter = {"resourceType": "Encounter", "period": {"start": "2026-12-01T09:30:00Z"}}
    assert order_from_fhir(encounter).authored_on == NOW
    with pytest.raises(MappingError, match="resourceType"):
        order_from_fhir({"resourceType": "Goal"})


@pytest.mark.parametrize(
    ("actors", "patient"),
    [([PATIENT, CLINICIAN], PATIENT), ([CLINICIAN], None), ([PATIENT, "Patient/zoe"], None)],
)
def test_an_appointment_is_about_its_only_patient(actors: list[str], patient: str | None) -> None:
    participants = [{"actor": {"reference": a}} for a in actors]
    assert patient_of({"resourceType": "Appointment", "participant": participants}) == patient


@pytest.mark.parametrize(
    "feedback",
    [
        CardFeedback("coplan-agenda", "c1", "overridden", NOW, "https://ehr", Coding("urn:r", "busy"), commented=True),
        CardFeedback("coplan-agenda", "c1", "accepted", NOW, "https://ehr"),
        CardFeedback("coplan-agenda", "c1", "overridden", NOW, "https://ehr", Coding(None, "busy")),
    ],
)
def test_feedback_comes_back(feedback: CardFeedback) -> None:
    resource = r4.check(feedback_to_fhir(feedback, recorded=NOW, operation="op"))

    assert feedback_from_fhir(resource) == feedback


@pytest.mark.parametrize("missing", ["period", "entity"])
def test_what_is_no_feedback_is_refused(missing: str) -> None:
    resource = feedback_to_fhir(CardFeedback("s", "c", "accepted", NOW, "x"), recorded=NOW, operation="op")
    with pytest.raises(MappingError, match=missing):
        feedback_from_fhir({k: v for k, v in resource.items() if k != missing})
