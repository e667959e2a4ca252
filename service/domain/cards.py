"""What a card says. One at most for each call, calm, and only what is known.

Source: https://cds-hooks.hl7.org/2.0/#card-attributes
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from fhir_mappings.decision import Order, Preference, Stance
from fhir_mappings.model import Coding, Goal, Reference, Task
from service.domain.conflicts import Conflict, ConflictRules, Indicator, admissions, conflicts
from service.domain.lifecycle import AGREED
from service.domain.preferences import AdmissionAnswers, Hold, Standing, admission_answers, standings
from service.domain.thread import WAITING

SUMMARY_LIMIT: Final = 139
"""The specification wants fewer than 140 characters."""
LISTED: Final = 5
"""So many entries of a kind are told; a card is no record."""
CARDS: Final = UUID("6f0f2b52-5d3c-5d0c-9a53-0d6e6d1f7a41")
"""Namespace of the identifiers of cards."""
STAYS: Final = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "SS", "EMER", "PRENC"})
"""Classes of encounters in which the question of admission arises: stays, what leads to one, emergencies."""
OVERRIDE_REASON: Final = "urn:coplan:override-reason"
OVERRIDE_REASONS: Final = (
    Coding(OVERRIDE_REASON, "talked-with-person", "Talked with the patient or who speaks for them: they agree"),
    Coding(OVERRIDE_REASON, "cannot-wait", "An emergency: there is no time to ask"),
    Coding(OVERRIDE_REASON, "cannot-be-asked", "The patient cannot be asked now"),
    Coding(OVERRIDE_REASON, "condition-not-met", "The condition that the patient named is not met"),
    Coding(OVERRIDE_REASON, "not-this-situation", "The preference does not fit this situation"),
)
"""Why people go on despite a card. Published as CodeSystem; each has a display, as cds-resp-4 wants."""
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~])")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a hook fires. None: it could not be found out, which is not the same as nothing.

    `visit` is the encounter; `orders` are drafts or proposed appointments that came with the call.
    """

    patient: Reference
    at: datetime
    preferences: tuple[Preference, ...] | None = None
    goals: tuple[Goal, ...] | None = None
    tasks: tuple[Task, ...] | None = None
    visit: Order | None = None
    orders: tuple[Order, ...] = ()
    user_is_patient_side: bool = False

    @property
    def standing(self) -> tuple[Standing, ...]:
        return tuple(s for s in standings(self.preferences or (), self.at) if s.hold is Hold.IN_FORCE)

    @property
    def held(self) -> tuple[Preference, ...]:
        return tuple(s.preference for s in self.standing)

    @property
    def admission(self) -> AdmissionAnswers:
        return admission_answers(self.preferences or (), self.at)


@dataclass(frozen=True, slots=True)
class Card:
    """One card. `about` names what it is about, by which it is the same card again; `asks` adds a link that asks."""

    summary: str
    detail: str
    about: tuple[str, ...]
    indicator: Indicator = Indicator.INFO
    asks: str | None = None
    overridable: bool = False

    def uuid(self, service: str, patient: Reference) -> UUID:
        """The same for the same card, another once it is about something else."""
        return uuid5(CARDS, "\0".join((service, patient, self.indicator, *sorted(self.about))))


def what_matters(situation: Situation) -> Card | None:
    """`patient-view`: offers that wait for an answer, what is due to be talked about again, what matters."""
    waiting, due = _waiting(situation), [s.preference for s in situation.standing if s.review_due]
    agreed = [g for g in situation.goals or () if g.lifecycle_status in AGREED]
    if not (waiting or due or agreed or situation.held):
        return None
    counts = (
        *_counted(len(waiting), "offer waits for your answer", "offers wait for your answer"),
        *_counted(len(due), "preference is due for review", "preferences are due for review"),
        *_counted(len(agreed), "agreed goal", "agreed goals"),
        *([_in_short(situation.admission.answer)] if situation.admission.answer else []),
    )
    sections = (
        _section("Waiting for an answer", [_offer(g) for g in waiting]),
        _section("To be talked about again", [_said(p) for p in due]),
        _section("What the patient wants", [_said(p) for p in situation.held if p not in due]),
        _section("Agreed goals", [f"“{_plain(g.description)}”" for g in agreed]),
    )
    about = (*_versions(waiting), *_versions(agreed), *_versions(situation.held), *(f"due {p.reference}" for p in due))
    return Card(_sentence(counts), _joined(sections), about)


def before_encounter(situation: Situation) -> Card | None:
    """`encounter-start`: what the patient wants as to admission, or that nobody has asked yet.

    An answer is told whatever the visit is. That nobody has asked is told only where the question arises.
    """
    if situation.preferences is None:
        return None
    asked = situation.admission
    if asked.answer is not None:
        about = _versions(asked.answers)
        others = [_said(p) for p in asked.answers[1:]]
        detail = _joined((_said(asked.answer), _section("Also", others), _unanswered(asked)))
        return Card(f"Asked: the patient {_lower(_in_short(asked.answer))}", detail, about)
    visit = situation.visit
    if visit is None or not any(c.code in STAYS for c in visit.codes):
        return None
    return _not_asked(asked, Indicator.INFO)


def before_orders(situation: Situation, rules: ConflictRules) -> Card | None:
    """`order-select`, `order-sign`: drafts against what was said and agreed; or that nobody has asked yet.

    Nothing is said of drafts that fit: a card for each of them would teach people to look away.
    """
    found = conflicts(situation.orders, situation.held, situation.goals or (), rules)
    if found:
        return _of_conflicts(found)
    is_open = situation.preferences is not None and not situation.admission.is_asked
    if is_open and admissions(situation.orders, rules):
        return _not_asked(situation.admission, Indicator.WARNING)
    return None


def agenda(situation: Situation) -> Card | None:
    """`appointment-book`: what is open between the patient and the care team until then."""
    waiting = _waiting(situation)
    on_the_day = max((o.authored_on for o in situation.orders if o.authored_on), default=situation.at)
    due = [
        s.preference
        for s in situation.standing
        if s.preference.review and s.preference.review.last_day <= max(on_the_day, situation.at).date()
    ]
    if not (waiting or due):
        return None
    counts = (
        *_counted(len(waiting), "offer is open", "offers are open"),
        *_counted(len(due), "preference is to be reviewed", "preferences are to be reviewed"),
    )
    sections = (
        _section("Open offers", [_offer(g) for g in waiting]),
        _section("To be talked about again", [_said(p) for p in due]),
    )
    about = (*_versions(waiting), *_versions(due))
    return Card(f"For the agenda: {_lower(_sentence(counts))}", _joined(sections), about)


def _of_conflicts(found: Sequence[Conflict]) -> Card:
    first = max(found, key=lambda c: list(Indicator).index(c.rule.indicator))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    about = tuple(f"{c.rule.id} {c.order.resource_type} {c.order.words} {_version(c.against)}" for c in found)
    sections = [
        _joined(
            (
                f"**{_plain(c.rule.title)}**",
                f"Ordered: {_plain(c.ordered)}",
                f"Wanted: {_plain(c.wanted)}",
                f"Only if: {_plain(c.condition)}. Whether that is so is for you to judge." if c.condition else "",
            )
        )
        for c in found[:LISTED]
    ]
    summary = _fitted(f"{first.rule.title}{more}: talk before you sign")
    return Card(summary, _joined(sections), about, first.rule.indicator, asks="admission", overridable=True)


def _not_asked(asked: AdmissionAnswers, indicator: Indicator) -> Card:
    record = asked.unanswered
    is_hindered = record is not None and record.stance is Stance.COULD_NOT_BE_ASKED
    summary = (
        "Could not be asked yet: does the patient want to be admitted?"
        if is_hindered
        else "Not asked yet: does the patient want to be admitted?"
    )
    reason = f"Why: {_plain(record.note)}." if record and record.note else ""
    detail = _joined((reason, "Ask the patient, or who speaks for them, and write down the answer in their words."))
    about = ("not asked", *_versions([record] if record else []))
    return Card(summary, detail, about, indicator, asks="admission", overridable=indicator is not Indicator.INFO)


def _unanswered(asked: AdmissionAnswers) -> str:
    record = asked.unanswered
    if record is None or record.since is None:
        return ""
    return f"On {record.since:%d %b %Y}: {_lower(record.in_words)}."


def _waiting(situation: Situation) -> list[Goal]:
    """Offers about which somebody of the user's side is asked, each once."""
    goals = {g.reference: g for g in situation.goals or ()}
    asked = (
        t.focus
        for t in situation.tasks or ()
        if t.status in WAITING and (_is_for_patient_side(t) is situation.user_is_patient_side)
    )
    return [goals[r] for r in dict.fromkeys(asked) if r in goals]


def _is_for_patient_side(task: Task) -> bool:
    return (task.owner or "").partition("/")[0] in {"Patient", "RelatedPerson"}


def _offer(goal: Goal) -> str:
    since = f", since {goal.offered_at:%d %b %Y}" if goal.offered_at else ""
    by = (goal.expressed_by or "").partition("/")[0]
    who = {"Patient": "the patient", "RelatedPerson": "the family", "Practitioner": "the care team"}.get(by)
    return f"“{_plain(goal.description)}” ({f'offered by {who}' if who else 'offered'}{since})"


def _said(preference: Preference) -> str:
    """What was said, with all that it takes to weigh it."""
    display = preference.answer_in_words
    coded = f" ({display})" if display and display != preference.in_words else ""
    parts = (
        f"said by the {preference.source}" if preference.source else None,
        f"on {preference.since:%d %b %Y %H:%M %Z}" if preference.since else None,
        f"only if: {_plain(preference.precondition)}" if preference.precondition else None,
        f"to be reviewed on {preference.review}" if preference.review else None,
    )
    said = ", ".join(filter(None, parts))
    return f"“{_plain(preference.in_words)}”{coded}{f': {said}' if said else ''}"


def _in_short(preference: Preference) -> str:
    """The code in words; the person's own are for the detail, whole."""
    said = preference.answer_in_words or preference.in_words
    return f"{said}, under a condition" if preference.precondition else said


def _counted(number: int, one: str, many: str) -> list[str]:
    return [f"{number} {one if number == 1 else many}"] if number else []


def _sentence(parts: Iterable[str]) -> str:
    said = "; ".join(parts)
    return _fitted(said[:1].upper() + said[1:])


def _fitted(summary: str) -> str:
    return summary if len(summary) <= SUMMARY_LIMIT else f"{summary[: SUMMARY_LIMIT - 1]}…"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _section(heading: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    more = [f"and {len(entries) - LISTED} more"] if len(entries) > LISTED else []
    return "\n".join((f"**{heading}**", "", *(f"* {entry}" for entry in (*entries[:LISTED], *more))))


def _joined(sections: Iterable[str]) -> str:
    return "\n\n".join(filter(None, sections))


def _plain(words: str) -> str:
    """Words of people in Markdown, shown as they were written and on one line.

    Source: https://github.github.com/gfm/#backslash-escapes
    """
    one_line = " ".join(words.split())
    escaped = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", escaped)


def _versions(nouns: Iterable[Goal | Preference]) -> tuple[str, ...]:
    return tuple(map(_version, nouns))


def _version(noun: Goal | Preference) -> str:
    return f"{noun.reference}/{noun.version}"
