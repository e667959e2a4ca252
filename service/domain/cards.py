"""What a card says. One at most for each call, calm, and only what is known.

Source: https://cds-hooks.hl7.org/2.0/#card-attributes
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from fhir_mappings.decision import Preference, Stance
from fhir_mappings.model import Coding, Goal, Reference, Task
from fhir_mappings.wording import ENGLISH, Language, phrase
from service.domain.card_words import Situation, answer_in_short, lower, own_of, plain, said, when_in_words
from service.domain.conflicts import Conflict, ConflictRules, Indicator, admissions, conflicts
from service.domain.lifecycle import AGREED
from service.domain.sides import on_patient_side
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
TALKED: Final = Coding(
    OVERRIDE_REASON, "talked-with-person", phrase("Talked with the patient or who speaks for them: they agree")
)
CANNOT_WAIT: Final = Coding(OVERRIDE_REASON, "cannot-wait", phrase("An emergency: there is no time to ask"))
CANNOT_BE_ASKED: Final = Coding(OVERRIDE_REASON, "cannot-be-asked", phrase("The patient cannot be asked now"))
NOT_MET: Final = Coding(OVERRIDE_REASON, "condition-not-met", phrase("The condition that the patient named is not met"))
NOT_THIS: Final = Coding(OVERRIDE_REASON, "not-this-situation", phrase("The preference does not fit this situation"))
OVERRIDE_REASONS: Final = (TALKED, CANNOT_WAIT, CANNOT_BE_ASKED, NOT_MET, NOT_THIS)
"""Why people go on despite a card. Published as CodeSystem; each has a display, as cds-resp-4 wants."""
OFFERED_BY: Final = {
    "Patient": phrase("offered by the patient"),
    "RelatedPerson": phrase("offered by the family"),
    "Practitioner": phrase("offered by the care team"),
    "": phrase("offered"),
}
UNANSWERED: Final = {
    Stance.NOT_ASKED: phrase("Recorded {when}: not asked again."),
    Stance.COULD_NOT_BE_ASKED: phrase("Recorded {when}: could not be asked again."),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One card. `about` names what it is about, by which it is the same card again; `asks` adds a link that asks,
    `asks_again` where there is an answer already.

    `reasons` are those that somebody who goes on despite it can have.
    """

    summary: str
    detail: str
    about: tuple[str, ...]
    indicator: Indicator = Indicator.INFO
    asks: str | None = None
    reasons: tuple[Coding, ...] = ()
    language: Language = ENGLISH
    asks_again: bool = False

    def uuid(self, service: str, patient: Reference) -> UUID:
        """The same for the same card, another once it is about something else."""
        return uuid5(CARDS, "\0".join((service, patient, self.indicator, *sorted(self.about))))


def what_matters(situation: Situation) -> Card | None:
    """`patient-view`: offers that wait for an answer, what is due to be talked about again, what matters."""
    waiting, due = _waiting(situation), [s.preference for s in situation.standing if s.review_due]
    agreed = [g for g in situation.goals or () if g.lifecycle_status in AGREED]
    if not (waiting or due or agreed or situation.held):
        return None
    language, answer = situation.language, situation.admission.answer
    plural, offers, reviews, goals = language.plural, len(waiting), len(due), len(agreed)
    counts = (
        _waiting_in_words(offers, situation) if offers else "",
        plural("{number} preference is due for review", "{number} preferences are due for review", reviews)
        if reviews
        else "",
        plural("{number} agreed goal", "{number} agreed goals", goals) if goals else "",
        answer_in_short(answer, situation) if answer else "",
    )
    sections = (
        _section(situation, phrase("Waiting for an answer"), [_offer(g, situation) for g in waiting]),
        _section(situation, phrase("To be talked about again"), [said(p, situation) for p in due]),
        _section(
            situation, phrase("What the patient wants"), [said(p, situation) for p in situation.held if p not in due]
        ),
        _section(situation, phrase("Agreed goals"), [f"“{plain(g.description)}”" for g in agreed]),
    )
    held = (*situation.held, *(c.own for c in situation.contradicted))
    about = (*_versions(waiting), *_versions(agreed), *_versions(held), *(f"due {p.reference}" for p in due))
    return Card(_sentence(counts), _joined(sections), about, language=language)


def before_encounter(situation: Situation) -> Card | None:
    """`encounter-start`: what the patient wants as to admission, or that nobody has asked yet.

    An answer is told whatever the visit is. That nobody has asked is told only where the question arises.
    """
    if situation.preferences is None:
        return None
    asked, language = situation.admission, situation.language
    if asked.answer is not None:
        own = own_of(asked.answer, situation)
        short = answer_in_short(asked.answer, situation)
        summary = short if own else language.say("Asked: the patient {answer}", answer=lower(short))
        others = [said(p, situation) for p in asked.answers[1:]]
        parts = (said(asked.answer, situation), _section(situation, phrase("Also"), others), _unanswered(situation))
        about = _versions((*asked.answers, own) if own else asked.answers)
        return Card(_fitted(summary), _joined(parts), about, language=language)
    visit = situation.visit
    if visit is None or not any(c.code in STAYS for c in visit.codes):
        return None
    return _not_asked(situation, Indicator.INFO)


def before_orders(situation: Situation, rules: ConflictRules) -> Card | None:
    """`order-select`, `order-sign`: drafts against what was said and agreed; or that nobody has asked yet.

    Nothing is said of drafts that fit: a card for each of them would teach people to look away.
    """
    found = conflicts(situation.orders, situation.held, situation.goals or (), rules, situation.contradicted)
    if found:
        return _of_conflicts(found, situation)
    is_open = situation.preferences is not None and not situation.admission.is_asked
    if is_open and admissions(situation.orders, rules):
        return _not_asked(situation, Indicator.WARNING)
    return None


def agenda(situation: Situation) -> Card | None:
    """`appointment-book`: what is open between the patient and the care team until then."""
    waiting, language = _waiting(situation), situation.language
    on_the_day = max((o.authored_on for o in situation.orders if o.authored_on), default=situation.at)
    due = [
        s.preference
        for s in situation.standing
        if s.preference.review and s.preference.review.last_day <= max(on_the_day, situation.at).date()
    ]
    if not (waiting or due):
        return None
    plural, offers, reviews = language.plural, len(waiting), len(due)
    counts = (
        plural("{number} offer is open", "{number} offers are open", offers) if offers else "",
        plural("{number} preference is to be reviewed", "{number} preferences are to be reviewed", reviews)
        if reviews
        else "",
    )
    sections = (
        _section(situation, phrase("Open offers"), [_offer(g, situation) for g in waiting]),
        _section(situation, phrase("To be talked about again"), [said(p, situation) for p in due]),
    )
    about = (*_versions(waiting), *_versions(due))
    summary = _fitted(language.say("For the agenda: {open}", open=lower(_sentence(counts))))
    return Card(summary, _joined(sections), about, language=language)


def _of_conflicts(found: Sequence[Conflict], situation: Situation) -> Card:
    language, more = situation.language, len(found) - 1
    first = max(found, key=lambda c: list(Indicator).index(c.indicator))
    title = language.say(_title(first))
    summary = (
        language.say("{title} (and {number} more): talk before you sign", title=title, number=more)
        if more
        else language.say("{title}: talk before you sign", title=title)
    )
    about = tuple(f"{c.rule.id} {c.order.resource_type} {c.order.words} {_sides(c)}" for c in found)
    reasons = tuple(r for r in OVERRIDE_REASONS if r is not NOT_MET or any(c.condition for c in found))
    sections = [_conflict(c, situation, titled=bool(more)) for c in found[:LISTED]]
    detail, asks, again = _joined(sections), _asked_about(found), situation.admission.is_asked
    return Card(_fitted(summary), detail, about, first.indicator, asks, reasons, language, again)


def _conflict(conflict: Conflict, situation: Situation, *, titled: bool) -> str:
    """What is ordered, and the words that it stands against. The title of a single one is the summary."""
    language, rule, order = situation.language, conflict.rule, conflict.order
    is_named = rule.modality is None or any(map(str.isalpha, order.words))
    words = order.words if is_named or rule.modality is None else language.say(rule.modality.words)
    against = conflict.contradiction.holds if conflict.contradiction else conflict.against
    wanted = (
        said(against, situation)
        if isinstance(against, Preference)
        else language.say("Agreed goal: “{goal}”", goal=plain(against.description))
    )
    return _joined(
        (
            f"**{plain(language.say(_title(conflict)))}**" if titled else "",
            wanted,
            language.say("Whether the condition is met is for you to judge.") if conflict.condition else "",
            language.say("Ordered: {words}", words=plain(words)),
        )
    )


def _asked_about(found: Sequence[Conflict]) -> str | None:
    """The question that the link asks: that of admission, where an order is about it; else there is none."""
    kinds = {c.rule.modality.code for c in found if c.rule.modality}
    return "admission" if "admission" in kinds else None


def _title(conflict: Conflict) -> str:
    """What holds is another thing than what the patient said: then the order is against one of the two."""
    two = conflict.contradiction
    is_other = two is not None and two.own.stance is not two.holds.stance
    return phrase("The patient said otherwise") if is_other else conflict.rule.title


def _sides(conflict: Conflict) -> str:
    two = conflict.contradiction
    return f"{_version(two.holds)} {_version(two.own)}" if two else _version(conflict.against)


def _not_asked(situation: Situation, indicator: Indicator) -> Card:
    record, language = situation.admission.unanswered, situation.language
    is_hindered = record is not None and record.stance is Stance.COULD_NOT_BE_ASKED
    summary = (
        language.say("Could not be asked yet: does the patient want to be admitted?")
        if is_hindered
        else language.say("Not asked yet: does the patient want to be admitted?")
    )
    reason = language.say("Why: {reason}.", reason=plain(record.note).rstrip(".")) if record and record.note else ""
    how = language.say("Ask the patient, or who speaks for them, and write down the answer in their words.")
    about = ("not asked", *_versions([record] if record else []))
    reasons = (TALKED, CANNOT_WAIT, CANNOT_BE_ASKED) if indicator is not Indicator.INFO else ()
    return Card(summary, _joined((reason, how)), about, indicator, "admission", reasons, language)


def _unanswered(situation: Situation) -> str:
    record = situation.admission.unanswered
    if record is None or record.stance is None or record.since is None:
        return ""
    return situation.language.say(UNANSWERED[record.stance], when=when_in_words(record.since, situation))


def _waiting(situation: Situation) -> list[Goal]:
    """Offers about which somebody of the user's side is asked, each once."""
    goals = {g.reference: g for g in situation.goals or ()}
    asked = (
        t.focus
        for t in situation.tasks or ()
        if t.status in WAITING and (_is_for_patient_side(t) is situation.user_is_patient_side)
    )
    return [goals[r] for r in dict.fromkeys(asked) if r in goals]


def _waiting_in_words(offers: int, situation: Situation) -> str:
    """ "Your" only to somebody who is asked themselves, by each of them."""
    plural = situation.language.plural
    asked = {t.focus for t in situation.tasks or () if t.status in WAITING and t.owner == situation.user}
    if asked.issuperset(g.reference for g in _waiting(situation)):
        return plural("{number} offer waits for your answer", "{number} offers wait for your answer", offers)
    if situation.user_is_patient_side:
        return plural(
            "{number} offer waits for an answer of the patient or the family",
            "{number} offers wait for an answer of the patient or the family",
            offers,
        )
    return plural(
        "{number} offer waits for an answer of the care team",
        "{number} offers wait for an answer of the care team",
        offers,
    )


def _is_for_patient_side(task: Task) -> bool:
    return on_patient_side(task.owner or "")


def _offer(goal: Goal, situation: Situation) -> str:
    by = (goal.expressed_by or "").partition("/")[0]
    who = situation.language.say(OFFERED_BY.get(by, OFFERED_BY[""]))
    when = f", {when_in_words(goal.offered_at, situation)}" if goal.offered_at else ""
    return f"“{plain(goal.description)}” ({who}{when})"


def _sentence(parts: Iterable[str]) -> str:
    sentence = "; ".join(filter(None, parts))
    return _fitted(sentence[:1].upper() + sentence[1:])


def _fitted(summary: str) -> str:
    return summary if len(summary) <= SUMMARY_LIMIT else f"{summary[: SUMMARY_LIMIT - 1]}…"


def _section(situation: Situation, heading: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    language, rest = situation.language, len(entries) - LISTED
    more = [language.say("and {number} more", number=rest)] if rest > 0 else []
    return "\n".join((f"**{language.say(heading)}**", "", *(f"* {entry}" for entry in (*entries[:LISTED], *more))))


def _joined(sections: Iterable[str]) -> str:
    return "\n\n".join(filter(None, sections))


def _versions(nouns: Iterable[Goal | Preference]) -> tuple[str, ...]:
    return tuple(map(_version, nouns))


def _version(noun: Goal | Preference) -> str:
    return f"{noun.reference}/{noun.version}"
