"""Bodies about preferences. The bodies of CDS Hooks are in `cds_models`: that standard has rules of its own."""

from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from fhir_mappings import model
from fhir_mappings.codes import ADMISSION_PREFERENCE, PREFERENCE_STANCE
from fhir_mappings.decision import (
    ADMISSION,
    ADMISSION_IN_WORDS,
    STANCE_IN_WORDS,
    AdmissionPreference,
    PreferenceKind,
    Stance,
)
from fhir_mappings.wording import phrase
from service.api.fields import Day, PastInstant, Reason, Words, reference_to
from service.api.schemas import Body, Coding, Concept
from service.domain.preferences import Statement

UNANSWERED: Final = {
    AdmissionPreference.NOT_ASKED,
    AdmissionPreference.COULD_NOT_BE_ASKED,
    Stance.NOT_ASKED,
    Stance.COULD_NOT_BE_ASKED,
}


Asker = Annotated[str, reference_to("Practitioner", "PractitionerRole", "RelatedPerson")]


class StatePreference(Body):
    """What the person wants: words, an answer to the question of admission, or an answer about a coded treatment."""

    kind: PreferenceKind = PreferenceKind.TREATMENT
    words: Words | None = Field(None, description="The person's own words. Nobody ever edits them.")
    admission: AdmissionPreference | None = Field(None, description="Does the patient want to be admitted?")
    about: Concept | None = Field(None, description="The treatment, coded; statements about the same one succeed")
    stance: Stance | None = Field(None, description="What the person says to what it is `about`")
    answer: tuple[Coding, ...] = Field((), max_length=10, description="Other codes of what was said")
    only_if: Words | None = Field(None, description="The condition under which it holds, in words")
    asked_by: Asker | None = Field(None, description="Who asked; a clinician who reports an answer has asked")
    said_at: PastInstant | None = Field(
        None, description="When it was said; without it now", examples=["2026-12-03T19:30:00+01:00"]
    )
    encounter: Annotated[str, reference_to("Encounter")] | None = Field(None, description="In which visit it was said")
    review_on: Day | None = Field(None, description="The day to talk about it again")
    replaces: tuple[Annotated[str, reference_to("Observation")], ...] = Field(
        (), max_length=20, description="Earlier statements whose place it takes"
    )
    note: Reason | None = Field(None, description="Why nobody could ask; needed there, optional elsewhere")

    @model_validator(mode="after")
    def _must_say_one_thing(self) -> Self:
        said = [bool(self.admission), bool(self.stance), bool(self.answer)]
        if sum(said) > 1:
            raise ValueError(phrase("takes one of admission, stance and answer"))
        if not any(said) and not self.words:
            raise ValueError(phrase("needs words, or one of admission, stance and answer"))
        if bool(self.stance) and self.about is None:
            raise ValueError(phrase("needs what the stance is about"))
        if self.about is not None and (self.admission or not self.about.coding):
            raise ValueError(phrase("takes about with codes, and not beside admission"))
        if self.admission and self.kind is not PreferenceKind.TREATMENT:
            raise ValueError(phrase("takes admission as a treatment intervention preference only"))
        return self

    @model_validator(mode="after")
    def _must_not_put_words_into_a_mouth(self) -> Self:
        answered = self.admission or self.stance
        if answered not in UNANSWERED:
            return self
        if self.words or self.only_if:
            raise ValueError(phrase("takes no words of somebody who was not asked"))
        if answered in {AdmissionPreference.COULD_NOT_BE_ASKED, Stance.COULD_NOT_BE_ASKED} and not self.note:
            raise ValueError(phrase("needs a note that says why nobody could ask"))
        return self

    def statement(self) -> Statement:
        """What the rules take."""
        review: Any = self.review_on
        return Statement(
            kind=self.kind,
            words=self.words,
            about=self._about(),
            answer=self._answer(),
            precondition=self.only_if,
            asked_by=self.asked_by,
            said_at=self.said_at,
            encounter=self.encounter,
            review=review,
            replaces=self.replaces,
            note=self.note,
        )

    def _about(self) -> model.Concept | None:
        if self.admission:
            return model.Concept(ADMISSION.display, (ADMISSION,))
        return self.about.noun() if self.about else None

    def _answer(self) -> tuple[model.Coding, ...]:
        if self.admission:
            return (model.Coding(ADMISSION_PREFERENCE, self.admission, ADMISSION_IN_WORDS[self.admission]),)
        if self.stance:
            return (model.Coding(PREFERENCE_STANCE, self.stance, STANCE_IN_WORDS[self.stance]),)
        return tuple(c.noun() for c in self.answer)


class WithdrawPreference(Body):
    """Why it holds no longer. `inError`: it should never have been written down."""

    reason: Reason
    in_error: Annotated[bool, Field(strict=True)] = False
