"""What the person wants: stating it, withdrawing it, and which of all that was said holds now.

A new statement never edits an earlier one. Of statements about the same topic the latest that is valid holds: once it
is withdrawn, the one before it holds again. Statements in words alone stand beside each other until one says that it
replaces another, or is withdrawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from fhir_mappings.codes import Act, ObservationStatus
from fhir_mappings.decision import ADMISSION, Preference, PreferenceKind, Source
from fhir_mappings.model import Coding, Concept, PartialDate, Reference
from service.domain.actors import Actor, Role
from service.domain.policy import Policy
from service.domain.thread import Change, Occasion
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed

VALID: Final = frozenset({ObservationStatus.FINAL, ObservationStatus.AMENDED, ObservationStatus.CORRECTED})
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody says that the person wants. `said_at` None: now. `note` says why nobody could be asked."""

    kind: PreferenceKind
    words: str | None = None
    about: Concept | None = None
    answer: tuple[Coding, ...] = ()
    precondition: str | None = None
    asked_by: Reference | None = None
    said_at: datetime | None = None
    encounter: Reference | None = None
    review: PartialDate | None = None
    replaces: tuple[Reference, ...] = ()
    note: str | None = None


class Hold(StrEnum):
    """Whether a statement holds."""

    IN_FORCE = "in-force"
    NOT_YET = "not-yet"
    SUPERSEDED = "superseded"
    NO_LONGER_VALID = "no-longer-valid"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Standing:
    """A statement and whether it holds at some moment; if no longer, since when, and which one stands in its place."""

    preference: Preference
    hold: Hold
    until: datetime | None = None
    superseded_by: Reference | None = None
    review_due: bool = False


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What somebody else said for the patient holds, and what the patient themselves said last is another thing."""

    holds: Preference
    own: Preference


@dataclass(frozen=True, slots=True)
class AdmissionAnswers:
    """What is known of one question at one moment: does the patient want to be admitted?

    `answers` are all that hold, the latest first: beside one without a condition there may be others under one.
    `unanswered` is a record that nobody asked or could ask, where it is later than the answer or there is none.
    """

    answers: tuple[Preference, ...] = ()
    unanswered: Preference | None = None

    @property
    def answer(self) -> Preference | None:
        """The latest."""
        return next(iter(self.answers), None)

    @property
    def conditional(self) -> tuple[Preference, ...]:
        """Those that hold under a condition."""
        return tuple(p for p in self.answers if p.precondition)

    @property
    def is_asked(self) -> bool:
        return bool(self.answers)


def state(
    subject: Reference, statement: Statement, occasion: Occasion, *, earlier: Iterable[Preference] = ()
) -> Change:
    """A new preference beside all earlier ones.

    Args:
        earlier: the patient's preferences, among which are those that it replaces.

    Raises:
        InvalidContent: it replaces what is not there, or is to be reviewed in the past.
        NotPermitted: somebody other than a clinician says that nobody was asked.
    """
    preference = Preference(
        id=occasion.new_id(),
        subject=subject,
        kind=statement.kind,
        status=ObservationStatus.FINAL,
        words=statement.words,
        about=statement.about,
        answer=statement.answer,
        stated_by=occasion.actor.reference,
        asked_by=_asked_by(statement, occasion),
        since=statement.said_at or occasion.at,
        recorded=occasion.at,
        encounter=statement.encounter,
        review=statement.review,
        precondition=statement.precondition,
        replaces=statement.replaces,
        note=statement.note,
        note_by=occasion.actor.reference if statement.note else None,
        patient_supplied=occasion.actor.on_patient_side,
    )
    _must_be_sayable(preference, occasion)
    _must_replace_what_holds(preference, tuple(earlier))
    return Change(
        Act.STATE_PREFERENCE,
        preference.reference,
        others=(preference,),
        revision_of=statement.replaces,
        reason=statement.note,
    )


def withdraw(preference: Preference, reason: str, occasion: Occasion, *, in_error: bool) -> Change:
    """The statement holds no longer, or should never have been there. It stays readable.

    Raises:
        TransitionNotAllowed: it holds no longer anyway.
        NotPermitted: it is not the actor's to withdraw.
    """
    if preference.status not in VALID or preference.until is not None:
        raise TransitionNotAllowed(f"{preference.reference} holds no longer: there is nothing to withdraw")
    if not may_withdraw(preference, occasion.actor, occasion.policy, in_error=in_error):
        raise NotPermitted(f"{preference.reference} is not yours to withdraw: state what holds now instead")
    withdrawn = replace(
        preference,
        status=ObservationStatus.ENTERED_IN_ERROR if in_error else ObservationStatus.AMENDED,
        until=occasion.at,
        note=reason,
        note_by=occasion.actor.reference,
    )
    return Change(Act.WITHDRAW_PREFERENCE, preference.reference, others=(withdrawn,), reason=reason)


def standings(preferences: Iterable[Preference], at: datetime) -> tuple[Standing, ...]:
    """Each statement with whether it holds at this moment, the latest first."""
    later: list[Preference] = []
    found = []
    for preference in sorted(preferences, key=_age, reverse=True):
        standing = _standing(preference, later, at)
        if standing.hold not in {Hold.ENTERED_IN_ERROR, Hold.NOT_YET}:
            later.append(preference)
        found.append(standing)
    return tuple(found)


def in_force(preferences: Iterable[Preference], at: datetime) -> tuple[Preference, ...]:
    """What holds at this moment, the latest first."""
    return tuple(s.preference for s in standings(preferences, at) if s.hold is Hold.IN_FORCE)


def contradictions(preferences: Iterable[Preference], at: datetime) -> tuple[Contradiction, ...]:
    """Where the patient's own answer would hold had nobody else spoken after it, and differs. It is never to vanish.

    Source: docs/adr/0063-the-latest-valid-answer.md
    """
    known = tuple(preferences)
    holding = in_force(known, at)
    own = [p for p in in_force((k for k in known if k.source is Source.PATIENT), at) if p not in holding]
    return tuple(
        Contradiction(held, said)
        for held in holding
        if held.source is not Source.PATIENT and held.is_answer
        if (said := next((o for o in own if _follows(held, o) and _says(o) != _says(held)), None))
    )


def admission_answers(preferences: Iterable[Preference], at: datetime) -> AdmissionAnswers:
    """What is known at this moment of whether the patient wants to be admitted."""
    holding = [p for p in in_force(preferences, at) if p.admission is not None]
    answers = tuple(p for p in holding if p.is_answer)
    records = (p for p in holding if not p.is_answer)
    unanswered = next((r for r in records if not answers or _age(r) > _age(answers[0])), None)
    return AdmissionAnswers(answers, unanswered)


def is_about_admission(preference: Preference) -> bool:
    """True for an answer to the question of admission, ours or one with our topic code."""
    return preference.admission is not None or (ADMISSION.system, ADMISSION.code) in preference.topics


def _asked_by(statement: Statement, occasion: Occasion) -> Reference | None:
    """A clinician who reports what was said has asked, unless somebody else is named; nobody has where nobody did."""
    if statement.asked_by or occasion.actor.role is not Role.PRACTITIONER:
        return statement.asked_by
    is_answer = Preference("", statement.kind, ObservationStatus.FINAL, answer=statement.answer).is_answer
    return occasion.actor.reference if is_answer else None


def _must_be_sayable(preference: Preference, occasion: Occasion) -> None:
    if not preference.is_answer and occasion.actor.role is not Role.PRACTITIONER:
        raise NotPermitted("that nobody has asked is for the care team to say: say what you want instead")
    if preference.review and preference.review.last_day < occasion.today:
        raise InvalidContent(Flaw("reviewOn", "must not lie in the past", "business-rule"))


def _must_replace_what_holds(preference: Preference, earlier: tuple[Preference, ...]) -> None:
    there = {e.reference for e in earlier if e.status in VALID and e.kind is preference.kind}
    flaws = [
        Flaw(f"replaces[{position}]", "is no such preference of this patient", "not-found")
        for position, replaced in enumerate(preference.replaces)
        if replaced not in there
    ]
    if flaws:
        raise InvalidContent(*flaws)


def may_withdraw(preference: Preference, actor: Actor, policy: Policy, *, in_error: bool) -> bool:
    """What the patient said is the patient's to withdraw, and nobody else's who speaks or acts for them."""
    if actor.reference in {preference.stated_by, *policy.custodians}:
        return True
    if in_error:
        return False
    return actor.role is Role.PATIENT or (actor.on_patient_side and preference.source is not Source.PATIENT)


def _standing(preference: Preference, later: list[Preference], at: datetime) -> Standing:
    """`later` is what was said after it, the latest first, withdrawn ones included."""
    if preference.status not in VALID:
        return Standing(preference, Hold.ENTERED_IN_ERROR, preference.until)
    if _since(preference) > at:
        return Standing(preference, Hold.NOT_YET)
    if _has_ended(preference, at):
        return Standing(preference, Hold.NO_LONGER_VALID, preference.until)
    if successor := _successor(preference, later, at):
        return Standing(preference, Hold.SUPERSEDED, _since(successor), successor.reference)
    due = preference.review is not None and preference.review.last_day <= at.date()
    return Standing(preference, Hold.IN_FORCE, preference.until, review_due=due)


def _successor(preference: Preference, later: list[Preference], at: datetime) -> Preference | None:
    """The first that takes its place and is valid.

    What replaces a withdrawn successor by name was said in the place of both: withdrawing what is in between
    brings nothing back.
    """
    replaced = {preference.reference} if preference.id else set()
    for candidate in reversed(later):
        if _follows(candidate, preference) or not replaced.isdisjoint(candidate.replaces):
            if not _has_ended(candidate, at):
                return candidate
            replaced.add(candidate.reference)
    return None


def _has_ended(preference: Preference, at: datetime) -> bool:
    return preference.until is not None and preference.until <= at


def _follows(new: Preference, old: Preference) -> bool:
    """An answer takes the place of an earlier one on the same topic, and an unconditional one of all of them.

    That nobody asked this time does not undo what was said before.
    """
    same_topic = new.kind is old.kind and bool(_topic(new)) and _topic(new) == _topic(old)
    same_condition = new.precondition is None or new.precondition == old.precondition
    return same_topic and same_condition and (new.is_answer or not old.is_answer)


def _says(preference: Preference) -> tuple[object, str | None]:
    return preference.stance or preference.answer, preference.precondition


def _topic(preference: Preference) -> frozenset[tuple[str | None, str | None]]:
    return frozenset({(ADMISSION.system, ADMISSION.code)}) if is_about_admission(preference) else preference.topics


def _since(preference: Preference) -> datetime:
    return preference.since or preference.recorded or _LONG_AGO


def _age(preference: Preference) -> tuple[datetime, datetime, str]:
    return _since(preference), preference.recorded or _LONG_AGO, preference.id or ""
