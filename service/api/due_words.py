"""When something is due, for who reads no codes."""

from dataclasses import replace

from fhir_mappings.activities import Pattern
from fhir_mappings.model import PartialDate
from fhir_mappings.timing import pattern_in_words
from fhir_mappings.wording import Language
from service.domain.due import Due
from service.domain.occurrences import Occurrence


def due_in_words(item: Due, language: Language) -> str | None:
    """`every day before going to sleep`; `3 times a week, 1 of 3, by December 6, 2026`. None: no day is said."""
    occurrence, schedule = item.occurrence, item.activity.schedule
    often = pattern_in_words(_this_one(schedule.pattern, occurrence), language) if schedule else None
    several = occurrence.of > 1
    which = language.say("{number} of {of}", number=occurrence.number, of=occurrence.of) if several else None
    by = _last_day(item)
    until = language.say("by {date}", date=language.date(by)) if by else None
    return ", ".join(filter(None, (often, which, until))) or None


def _this_one(pattern: Pattern, occurrence: Occurrence) -> Pattern:
    """Of several times or moments of a day the one that is meant."""
    return replace(
        pattern,
        times=(occurrence.at,) if occurrence.at else pattern.times,
        when=(occurrence.when,) if occurrence.when else pattern.when,
    )


def _last_day(item: Due) -> PartialDate | None:
    """The last of several days that will do; what is due on a day of its own stands below that day."""
    if item.has_own_day:
        return None
    last = item.occurrence.last
    return PartialDate(last.isoformat()) if last else item.activity.due
