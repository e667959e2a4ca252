"""Nouns of a decision: what the person wants, and what is about to be ordered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fhir_mappings.codes import (
    ADMISSION_PREFERENCE,
    LOINC,
    PREFERENCE_STANCE,
    PREFERENCE_TOPIC,
    ObservationStatus,
)
from fhir_mappings.model import Coding, Concept, PartialDate, Reference, reference_to
from fhir_mappings.wording import phrase


class PreferenceKind(StrEnum):
    """Category of US Core. Source: https://hl7.org/fhir/us/core/STU8/CodeSystem-us-core-category.html"""

    TREATMENT = "treatment-intervention-preference"
    CARE_EXPERIENCE = "care-experience-preference"


LOINC_CODES: Final[Mapping[PreferenceKind, str]] = {
    PreferenceKind.TREATMENT: "75773-2",
    PreferenceKind.CARE_EXPERIENCE: "95541-9",
}
"""`Observation.code`, fixed by US Core for each kind."""


class AdmissionPreference(StrEnum):
    """Does the patient want to be admitted? Code system `ADMISSION_PREFERENCE`."""

    WANTS_ADMISSION = "wants-admission"
    PREFERS_HOME = "prefers-home"
    UNDECIDED = "undecided"
    DEFERS = "defers"
    NOT_ASKED = "not-asked"
    COULD_NOT_BE_ASKED = "could-not-be-asked"


class Stance(StrEnum):
    """What the person says to what the preference is about. Code system `PREFERENCE_STANCE`."""

    WANTS = "wants"
    DOES_NOT_WANT = "does-not-want"
    UNDECIDED = "undecided"
    DEFERS = "defers"
    NOT_ASKED = "not-asked"
    COULD_NOT_BE_ASKED = "could-not-be-asked"


STANCE_OF: Final[Mapping[AdmissionPreference, Stance]] = {
    AdmissionPreference.WANTS_ADMISSION: Stance.WANTS,
    AdmissionPreference.PREFERS_HOME: Stance.DOES_NOT_WANT,
    AdmissionPreference.UNDECIDED: Stance.UNDECIDED,
    AdmissionPreference.DEFERS: Stance.DEFERS,
    AdmissionPreference.NOT_ASKED: Stance.NOT_ASKED,
    AdmissionPreference.COULD_NOT_BE_ASKED: Stance.COULD_NOT_BE_ASKED,
}
_ADMISSIONS: Final[Mapping[str | None, AdmissionPreference]] = {str(a): a for a in AdmissionPreference}
_STANCES: Final[Mapping[str | None, Stance]] = {str(s): s for s in Stance}
UNANSWERED: Final = frozenset({Stance.NOT_ASKED, Stance.COULD_NOT_BE_ASKED})
"""Records of an asking that has not led to an answer: no preference of the person."""

ADMISSION_IN_WORDS: Final[Mapping[AdmissionPreference, str]] = {
    AdmissionPreference.WANTS_ADMISSION: phrase("Wants to be admitted"),
    AdmissionPreference.PREFERS_HOME: phrase("Prefers care at home"),
    AdmissionPreference.UNDECIDED: phrase("Is undecided about admission"),
    AdmissionPreference.DEFERS: phrase("Leaves the decision about admission to others"),
    AdmissionPreference.NOT_ASKED: phrase("Was not asked about admission yet"),
    AdmissionPreference.COULD_NOT_BE_ASKED: phrase("Could not be asked about admission"),
}
STANCE_IN_WORDS: Final[Mapping[Stance, str]] = {
    Stance.WANTS: phrase("Wants it"),
    Stance.DOES_NOT_WANT: phrase("Does not want it"),
    Stance.UNDECIDED: phrase("Is undecided"),
    Stance.DEFERS: phrase("Leaves the decision to others"),
    Stance.NOT_ASKED: phrase("Was not asked yet"),
    Stance.COULD_NOT_BE_ASKED: phrase("Could not be asked"),
}
"""Display of each code, as the published code systems have it. Two tables: some codes of the two are equal strings."""

ADMISSION: Final = Coding(PREFERENCE_TOPIC, "admission", "Admission to hospital")


class Source(StrEnum):
    """Who says what the person wants."""

    PATIENT = "patient"
    PROXY = "proxy"
    CLINICIAN = "clinician"


SOURCES: Final = {
    "Patient": Source.PATIENT,
    "RelatedPerson": Source.PROXY,
    "Practitioner": Source.CLINICIAN,
    "PractitionerRole": Source.CLINICIAN,
}


@dataclass(frozen=True, slots=True)
class Preference:
    """What the person wants, as it was said. What was said never changes; a later one may take its place.

    `about` is None for a preference in words alone. `answer` are codes of what was said; `words` the person's own.
    `since` and `until` bound when it holds; `recorded` is when it was written down.
    """

    subject: Reference
    kind: PreferenceKind
    status: ObservationStatus
    words: str | None = None
    about: Concept | None = None
    answer: tuple[Coding, ...] = ()
    id: str | None = None
    version: str | None = None
    stated_by: Reference | None = None
    asked_by: Reference | None = None
    since: datetime | None = None
    until: datetime | None = None
    recorded: datetime | None = None
    encounter: Reference | None = None
    review: PartialDate | None = None
    precondition: str | None = None
    replaces: tuple[Reference, ...] = ()
    note: str | None = None
    note_by: Reference | None = None
    operation: str | None = None
    patient_supplied: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("Observation", self.id)

    @property
    def admission(self) -> AdmissionPreference | None:
        """What is said to admission."""
        codes = (c.code for c in self.answer if c.system == ADMISSION_PREFERENCE)
        return next((_ADMISSIONS[c] for c in codes if c in _ADMISSIONS), None)

    @property
    def stance(self) -> Stance | None:
        """What is said to what it is about; None for words alone, which no rule interprets."""
        if self.admission is not None:
            return STANCE_OF[self.admission]
        codes = (c.code for c in self.answer if c.system == PREFERENCE_STANCE)
        return next((_STANCES[c] for c in codes if c in _STANCES), None)

    @property
    def is_answer(self) -> bool:
        """False for a record that nobody has asked, or that nobody could."""
        return self.stance not in UNANSWERED

    @property
    def source(self) -> Source | None:
        return SOURCES.get((self.stated_by or "").partition("/")[0])

    @property
    def topics(self) -> frozenset[tuple[str | None, str | None]]:
        """Codes of what it is about."""
        return frozenset((c.system, c.code) for c in (self.about.codings if self.about else ()) if c.system != LOINC)

    @property
    def answer_in_words(self) -> str | None:
        """The code of ours in words; None where there is none."""
        if self.admission is not None:
            return ADMISSION_IN_WORDS[self.admission]
        return STANCE_IN_WORDS[self.stance] if self.stance is not None else None

    @property
    def topic_in_words(self) -> str | None:
        """What it is about; None for admission, which the words for its codes name themselves."""
        if self.about is None or self.admission is not None:
            return None
        return self.about.text or next((c.display for c in self.about.codings if c.display), None)

    @property
    def in_words(self) -> str:
        """What was said, in the person's own words where there are some."""
        coded = next((c.display or c.code or "" for c in self.answer), "")
        return self.words or self.answer_in_words or coded


@dataclass(frozen=True, slots=True)
class Order:
    """Something that is about to be done, drafted, planned or ordered. `subject` None: the resource does not say.

    `codes` are of what is ordered, and the class of an encounter; `words` say it to people.
    """

    resource_type: str
    subject: Reference | None
    words: str
    status: str
    codes: tuple[Coding, ...] = ()
    id: str | None = None
    intent: str | None = None
    authored_on: datetime | None = None
    encounter: Reference | None = None
    requester: Reference | None = None
    based_on: tuple[Reference, ...] = ()
    not_to_be_done: bool = False

    @property
    def reference(self) -> Reference | None:
        return f"{self.resource_type}/{self.id}" if self.id else None

    @property
    def code_pairs(self) -> frozenset[tuple[str | None, str | None]]:
        """Codes of what is ordered."""
        return frozenset((c.system, c.code) for c in self.codes)
