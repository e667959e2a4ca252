"""The levels of a goal: extension pco-goal-attainment-scaling.

Source: https://hl7.org/fhir/us/pco/STU1/StructureDefinition-pco-goal-attainment-scaling.html
"""

from collections.abc import Iterable

from fhir_mappings.carrier import Json
from fhir_mappings.codes import GOAL_ATTAINMENT_SCALING
from fhir_mappings.elements import concept, extension_value, extensions
from fhir_mappings.model import Coding, Level
from fhir_mappings.pco import level_concept, score_of
from fhir_mappings.wording import ENGLISH, Language, phrase

NAMES = {
    2: phrase("much better than expected"),
    1: phrase("better than expected"),
    0: phrase("as expected"),
    -1: phrase("less than expected"),
    -2: phrase("much less than expected"),
}
"""What a score is called, in words that are not those of a form."""


def levels_from_fhir(goal: Json) -> tuple[Level, ...]:
    """The levels of a Goal, best first; those that do not say which level they are come last."""
    found = map(_level, extensions(goal, GOAL_ATTAINMENT_SCALING))
    return in_order(level for level in found if level.text)


def level_json(level: Level) -> Json:
    """A level as extension."""
    nested: list[Json] = [{"url": "progressText", "valueString": level.text}]
    if level.score is not None:
        nested.insert(0, {"url": "level", "valueCoding": _coding_json(level_concept(level.score).codings[0])})
    return {"url": GOAL_ATTAINMENT_SCALING, "extension": nested}


def in_order(levels: Iterable[Level]) -> tuple[Level, ...]:
    """Best first."""
    return tuple(sorted(levels, key=lambda level: -3 if level.score is None else level.score, reverse=True))


def levels_in_words(levels: Iterable[Level], language: Language = ENGLISH) -> str:
    """`+2: every day; +1: five times a week; …`"""
    return "; ".join(_in_words(level, language) for level in levels)


def score_in_words(score: int, language: Language = ENGLISH) -> str:
    """`+1, better than expected`"""
    return f"{_signed(score)}, {language.say(NAMES[score])}"


def _in_words(level: Level, language: Language) -> str:
    name = language.say(phrase("level not said")) if level.score is None else score_in_words(level.score, language)
    return f"{name}: {level.text}"


def _signed(score: int) -> str:
    """With a real minus sign: a hyphen is lost to a tired eye."""
    return f"{score:+d}".replace("-", "\u2212") if score else "0"


def _level(extension: Json) -> Level:
    coding = extension_value(extension, "level", "valueCoding")
    text = extension_value(extension, "progressText", "valueString")
    return Level(str(text or ""), score_of(concept({"coding": [coding]})) if coding else None)


def _coding_json(coding: Coding) -> Json:
    return {"system": coding.system, "code": coding.code, "display": coding.display}
