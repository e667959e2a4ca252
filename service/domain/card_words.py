"""What a card is made of: what is known when a hook fires, and what people said, in the words of a card."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fhir_mappings.decision import Order, Preference, Source
from fhir_mappings.model import Goal, PartialDate, Reference, Task
from fhir_mappings.wording import ENGLISH, Language, phrase
from service.domain.preferences import (
    AdmissionAnswers,
    Contradiction,
    Hold,
    Standing,
    admission_answers,
    contradictions,
    standings,
)

RECENT: Final = timedelta(days=2)
"""What was said since then is told by how long ago, which needs no time zone; what is older, by its day."""
SAID_BY: Final = {
    Source.PATIENT: phrase("Said by the patient"),
    Source.PROXY: phrase("Said by the family"),
    Source.CLINICIAN: phrase("Noted by the care team"),
}
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~])")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a hook fires. None: it could not be found out, which is not the same as nothing.

    `visit` is the encounter; `orders` are drafts or proposed appointments that came with the call; `user` reads
    the card.
    """

    patient: Reference
    at: datetime
    preferences: tuple[Preference, ...] | None = None
    goals: tuple[Goal, ...] | None = None
    tasks: tuple[Task, ...] | None = None
    visit: Order | None = None
    orders: tuple[Order, ...] = ()
    user: Reference | None = None
    user_is_patient_side: bool = False
    language: Language = ENGLISH

    @property
    def standing(self) -> tuple[Standing, ...]:
        return tuple(s for s in standings(self.preferences or (), self.at) if s.hold is Hold.IN_FORCE)

    @property
    def held(self) -> tuple[Preference, ...]:
        return tuple(s.preference for s in self.standing)

    @property
    def admission(self) -> AdmissionAnswers:
        return admission_answers(self.preferences or (), self.at)

    @property
    def contradicted(self) -> tuple[Contradiction, ...]:
        return contradictions(self.preferences or (), self.at)


def said(preference: Preference, situation: Situation) -> str:
    """What was said, with all that it takes to weigh it; and what the patient said to the same, where it differs."""
    own = own_of(preference, situation)
    words = f"{_in_words(preference, situation.language)} {_source(preference, situation)}".strip()
    return " ".join(filter(None, (words, *_bounds(preference, situation), _otherwise(own, situation) if own else "")))


def own_of(preference: Preference, situation: Situation) -> Preference | None:
    """What the patient said otherwise, where this is somebody else's and holds."""
    return next((c.own for c in situation.contradicted if c.holds == preference), None)


def answer_in_short(answer: Preference, situation: Situation) -> str:
    """With who said it, if not the patient; both, where somebody else's holds and the patient said otherwise."""
    language, own = situation.language, own_of(answer, situation)
    by = f" ({lower(language.say(SAID_BY[answer.source]))})" if answer.source else ""
    if own is None:
        return f"{_in_short(answer, language)}{by if answer.source is not Source.PATIENT else ''}"
    first, later = (lower(_in_short(p, language)) for p in (own, answer))
    return language.say("Two answers: the patient {own}; later: {other}{by}", own=first, other=later, by=by)


def when_in_words(then: datetime, situation: Situation) -> str:
    if situation.at - then < RECENT:
        return situation.language.ago(situation.at - then)
    return situation.language.date(PartialDate(then.date().isoformat()))


def plain(words: str) -> str:
    """Words of people in Markdown, shown as they were written and on one line.

    Source: https://github.github.com/gfm/#backslash-escapes
    """
    one_line = " ".join(words.split())
    escaped = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", escaped)


def lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _otherwise(own: Preference, situation: Situation) -> str:
    language, words = situation.language, _in_words(own, situation.language)
    if own.since is None:
        told = language.say("The patient said otherwise: {said}", said=words)
    else:
        when = when_in_words(own.since, situation)
        told = language.say("The patient said otherwise, {when}: {said}", when=when, said=words)
    return " ".join((told, *_bounds(own, situation)))


def _bounds(preference: Preference, situation: Situation) -> tuple[str, ...]:
    """Under which condition it holds, and when it is to be talked about again."""
    language = situation.language
    return tuple(
        filter(
            None,
            (
                language.say("Only if: {condition}.", condition=plain(preference.precondition).rstrip("."))
                if preference.precondition
                else "",
                language.say("To be talked about again: {day}.", day=language.date(preference.review))
                if preference.review
                else "",
            ),
        )
    )


def _in_words(preference: Preference, language: Language) -> str:
    """The person's own words, in quotes, beside the code of ours: in quotes is only what somebody has said."""
    display, topic = preference.answer_in_words, preference.topic_in_words
    about = f"{plain(topic)}: " if topic else ""
    if preference.words:
        return f"{about}“{plain(preference.words)}”{f' ({language.say(display)})' if display else ''}."
    said = language.say(display) if display else plain(preference.in_words)
    return f"{about}{lower(said) if about and display else said}."


def _source(preference: Preference, situation: Situation) -> str:
    """Who said it and when, as far as either is known."""
    parts = (
        situation.language.say(SAID_BY[preference.source]) if preference.source else "",
        when_in_words(preference.since, situation) if preference.since else "",
    )
    said = ", ".join(filter(None, parts))
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _in_short(preference: Preference, language: Language) -> str:
    """The code in words; the person's own are for the detail, whole."""
    display = preference.answer_in_words
    said = language.say(display) if display else preference.in_words
    return language.say("{answer}, under a condition", answer=said) if preference.precondition else said
