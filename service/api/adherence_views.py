"""Answers about how it went: in windows, and before and after a change."""

from typing import Any

import msgspec

from fhir_mappings.target import concept_in_words
from fhir_mappings.timing import pattern_in_words
from fhir_mappings.wording import ENGLISH, Language, phrase
from service.api.views import Day, Reference, View
from service.domain.adherence import Adherence, Version
from service.workflows.days import Went


class AdherenceWindow(View):
    """`due` = done + partly + skipped + tooHard + missing. `missing`: nobody has said anything."""

    words: str
    days: int
    from_: Day = msgspec.field(name="from")
    to: Day
    due: int
    done: int
    partly: int
    skipped: int
    too_hard: int
    missing: int

    @classmethod
    def of(cls, window: Adherence, language: Language = ENGLISH) -> "AdherenceWindow":
        return cls(
            words=_in_words(window, language),
            days=window.days,
            from_=window.first.isoformat(),
            to=window.last.isoformat(),
            due=window.due,
            done=window.done,
            partly=window.partly,
            skipped=window.skipped,
            too_hard=window.too_hard,
            missing=window.missing,
        )


class VersionAdherence(View):
    """How it went while it was agreed in this form: `since` it took another's place, `until` it was replaced."""

    activity: Reference
    words: str
    description: str
    due: int
    done: int
    partly: int
    skipped: int
    too_hard: int
    missing: int
    since: Day | None = None
    until: Day | None = None

    @classmethod
    def of(cls, version: Version, counted: Adherence, language: Language = ENGLISH) -> "VersionAdherence":
        return cls(
            activity=version.activity.reference,
            words=_version_in_words(version, counted, language),
            description=concept_in_words(version.activity.what),
            due=counted.due,
            done=counted.done,
            partly=counted.partly,
            skipped=counted.skipped,
            too_hard=counted.too_hard,
            missing=counted.missing,
            since=version.since.isoformat() if version.since else None,
            until=version.until.isoformat() if version.until else None,
        )


class ActivityAdherence(View):
    """How it went, in the last 7 and 28 days. For talking about, not for marks.

    `windows` count what was done before a change with what was done since; `versions` tell the last 28 days apart,
    before and after each change, where there was one.
    """

    activity: Reference
    windows: tuple[AdherenceWindow, ...]
    versions: tuple[VersionAdherence, ...] = ()

    @classmethod
    def of(cls, went: Went) -> "ActivityAdherence":
        return cls(
            activity=went.activity.reference,
            windows=tuple(AdherenceWindow.of(w, went.language) for w in went.windows),
            versions=tuple(VersionAdherence.of(v, counted, went.language) for v, counted in went.versions),
        )


ANSWERS: tuple[Any, ...] = (ActivityAdherence,)


def _in_words(window: Adherence, language: Language) -> str:
    """`Last 7 days: 5 of 7 done, 1 skipped, 1 without a report`"""
    if not window.due:
        return language.say("Last {days} days: nothing was due", days=window.days)
    said = language.say("Last {days} days: {done} of {due} done", days=window.days, done=window.done, due=window.due)
    return _with_counts(said, window, language)


def _version_in_words(version: Version, counted: Adherence, language: Language) -> str:
    """`Before: every day before going to sleep. 2 of 6 done, 1 too hard`"""
    activity = version.activity
    schedule = activity.schedule
    how = pattern_in_words(schedule.pattern, language) if schedule else concept_in_words(activity.what)
    parts = {"how": how, "done": counted.done, "due": counted.due}
    match version.until is None, bool(counted.due):
        case True, True:
            said = language.say("Now: {how}. {done} of {due} done", **parts)
        case True, False:
            said = language.say("Now: {how}. Nothing was due yet", **parts)
        case False, True:
            said = language.say("Before: {how}. {done} of {due} done", **parts)
        case _:
            said = language.say("Before: {how}. Nothing was due", **parts)
    return _with_counts(said, counted, language)


def _with_counts(said: str, window: Adherence, language: Language) -> str:
    counts = (
        (window.partly, phrase("{number} partly done")),
        (window.skipped, phrase("{number} skipped")),
        (window.too_hard, phrase("{number} too hard")),
        (window.missing, phrase("{number} without a report")),
    )
    return ", ".join((said, *(language.say(words, number=count) for count, words in counts if count)))
