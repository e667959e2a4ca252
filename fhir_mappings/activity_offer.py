"""What is asked about something to do: what is new, what it would take the place of, and why."""

from collections.abc import Collection
from typing import Final

from fhir_mappings.activities import Activity
from fhir_mappings.codes import CarePlanStatus
from fhir_mappings.target import concept_in_words
from fhir_mappings.timing import schedule_in_words
from fhir_mappings.wording import ENGLISH, SHIPPED, Language, phrase

CHANGE_PROPOSED: Final = phrase("Change proposed")
IN_FORCE: Final = frozenset({CarePlanStatus.ACTIVE, CarePlanStatus.ON_HOLD})


def would_replace(offer: Activity, activities: Collection[Activity]) -> Activity | None:
    """What is agreed in the thread of the offer, else the latest offer before it, which it has answered."""
    others = [a for a in activities if a.thread and a.thread == offer.thread and a.reference != offer.reference]
    agreed = next((a for a in others if a.status in IN_FORCE), None)
    refused = (a for a in others if a.status is CarePlanStatus.REVOKED and _when(a) < _when(offer))
    return agreed or max(refused, key=_when, default=None)


def reason_of(offer: Activity) -> str | None:
    """Why it was offered in place of something else, as the person said it."""
    beginnings = tuple(f"{Language(tag).say(CHANGE_PROPOSED)}: " for tag in SHIPPED)
    said = (n.text.removeprefix(b) for n in offer.notes for b in beginnings if n.text.startswith(b))
    return next(said, None)


def question_in_words(offer: Activity, before: Activity | None, language: Language = ENGLISH) -> str:
    """All that who is asked needs to answer.

    `A change was offered: “Knee exercises”. When: on Monday. It would replace “Knee exercises”. Before: every day. The
    reason: “It hurts”. Please say if you agree. If not, say why.`
    """
    when, what = when_in_words(offer, language), concept_in_words(offer.what)
    how = offer.instruction if before is None or offer.instruction != before.instruction else None
    parts = (
        language.say(_offered(before), what=what),
        language.say("When: {when}.", when=when) if when else "",
        language.say("How to do it: “{how}”.", how=_cited(how)) if how else "",
        *_told_of(before, language),
        _because(offer, language),
        language.say("Please say if you agree. If not, say why."),
    )
    return " ".join(filter(None, parts))


def effect_in_words(offer: Activity, activities: Collection[Activity], language: Language) -> str:
    """`It would replace “Knee exercises”. Before: every day. The reason: “It hurts”.`; nothing of a first offer."""
    before = would_replace(offer, activities)
    return " ".join(filter(None, (*_told_of(before, language), _because(offer, language))))


def when_in_words(activity: Activity, language: Language) -> str:
    """`every day before going to sleep, from December 1, 2026`, `by December 10, 2026`; nothing if nobody said when."""
    by = language.say("by {date}", date=language.date(activity.due)) if activity.due else ""
    return schedule_in_words(activity.schedule, language) if activity.schedule else by


def _offered(before: Activity | None) -> str:
    if before is None:
        return phrase("Something to do was offered: “{what}”.")
    return (
        phrase("A change was offered: “{what}”.")
        if _is_agreed(before)
        else phrase("Something else was offered: “{what}”.")
    )


def _told_of(before: Activity | None, language: Language) -> tuple[str, ...]:
    if before is None:
        return ()
    said = phrase("It would replace “{what}”.") if _is_agreed(before) else phrase("It answers the offer of “{what}”.")
    when = when_in_words(before, language)
    told = language.say(said, what=concept_in_words(before.what))
    return (told, language.say("Before: {when}.", when=when)) if when else (told,)


def _is_agreed(activity: Activity) -> bool:
    return activity.status in IN_FORCE


def _because(offer: Activity, language: Language) -> str:
    reason = reason_of(offer)
    return language.say("The reason: “{reason}”.", reason=_cited(reason)) if reason else ""


def _cited(words: str) -> str:
    """Without the full stop that follows the quotation."""
    return words.strip().removesuffix(".")


def _when(activity: Activity) -> str:
    return activity.authored_on.isoformat() if activity.authored_on else ""
