"""`Goal.target`: measure, detail and due date, as JSON and in words."""

from collections.abc import Sequence
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import QuantityComparator
from fhir_mappings.elements import (
    MappingError,
    concept,
    concept_json,
    date,
    items,
    quantity,
    quantity_json,
    without_nothing,
)
from fhir_mappings.model import Concept, Quantity, Range, Target, TargetDetail
from fhir_mappings.wording import ENGLISH, Language, phrase

IN_WORDS: Final = {
    None: "{amount}",
    QuantityComparator.AT_LEAST: phrase("at least {amount}"),
    QuantityComparator.AT_MOST: phrase("at most {amount}"),
    QuantityComparator.GREATER: phrase("more than {amount}"),
    QuantityComparator.LESS: phrase("less than {amount}"),
}


def targets_from_fhir(goal: Json) -> tuple[Target, ...]:
    """The targets of a Goal. A Ratio is left unread."""
    found = items(goal, "target", "Goal.target")
    return tuple(_target(t, f"Goal.target[{i}]") for i, t in enumerate(found))


def target_json(target: Target) -> Json:
    """A target as JSON.

    Source: https://hl7.org/fhir/R4/goal-definitions.html#Goal.target
    """
    return without_nothing(
        {
            "measure": concept_json(target.measure) if target.measure else None,
            **_detail_json(target.detail),
            "dueDate": target.due.text if target.due else None,
        }
    )


def target_in_words(target: Target, language: Language = ENGLISH) -> str:
    """`steps: at least 6000 steps a day by January 31, 2027`"""
    what = concept_in_words(target.measure) if target.measure else ""
    detail = "" if target.detail is None else detail_in_words(target.detail, language)
    due = language.say("by {date}", date=language.date(target.due)) if target.due else ""
    return f"{what}: " * bool(what and (detail or due)) + " ".join(filter(None, (detail, due))) or what


def detail_in_words(detail: TargetDetail, language: Language = ENGLISH) -> str:
    """What is aimed at: an amount, a range, a state."""
    match detail:
        case bool():
            return language.say(phrase("yes")) if detail else language.say(phrase("no"))
        case Quantity():
            return language.say(IN_WORDS[detail.comparator], amount=_amount(detail, language))
        case Range(low=None, high=Quantity() as high):
            return language.say("at most {amount}", amount=_amount(high, language))
        case Range(low=Quantity() as low, high=None):
            return language.say("at least {amount}", amount=_amount(low, language))
        case Range(low=Quantity() as low, high=Quantity() as high):
            return language.say("{low} to {high}", low=language.number(low.value), high=_amount(high, language))
        case Range():
            return ""
        case Concept():
            return concept_in_words(detail)
        case _:
            return str(detail)


def concept_in_words(value: Concept) -> str:
    """The words of a concept; without any, the first display or code."""
    codings = (word for c in value.codings for word in (c.display, c.code) if word)
    return value.text or next(codings, "")


def self_standing_text(words: str, targets: Sequence[Target], language: Language = ENGLISH) -> str:
    """The person's words, first and verbatim, and behind them each target whose amount they do not say.

    A system that reads nothing but the description must not miss what is aimed at.
    """
    silent = "; ".join(target_in_words(t, language) for t in targets if not _is_said(t, words, language))
    return language.say("{words} (target: {targets})", words=words, targets=silent) if silent else words


def own_words(description: str, targets: Sequence[Target], language: Language = ENGLISH) -> str:
    """The person's words alone, without the targets that `self_standing_text` has put behind them."""
    opening = language.say("{words} (target: {targets})", words="", targets="").removesuffix(")")
    words, found, _ = description.rpartition(opening)
    return words if found and self_standing_text(words, targets, language) == description else description


def _is_said(target: Target, words: str, language: Language) -> bool:
    said = words.replace(",", "").replace("\u202f", "").replace("'", "")
    amounts = [a for a in _amounts(target.detail, language) if a not in said]
    return not amounts and (target.due is None or any(d in words for d in (target.due.text, language.date(target.due))))


def _amounts(detail: TargetDetail | None, language: Language) -> list[str]:
    match detail:
        case None:
            return []
        case Quantity():
            return [str(detail.value)]
        case Range():
            return [str(q.value) for q in (detail.low, detail.high) if q]
        case _:
            return [detail_in_words(detail, language)]


def _amount(value: Quantity, language: Language) -> str:
    unit, number = value.unit or value.code, language.number(value.value)
    return number if unit == "1" else f"{number} {unit}"


def _target(target: Json, expression: str) -> Target:
    measure = target.get("measure")
    return Target(
        concept(measure) if measure else None,
        _detail(target, expression),
        date(target, "dueDate", f"{expression}.dueDate"),
    )


def _detail(target: Json, expression: str) -> TargetDetail | None:
    name = next((n for n in target if n.startswith("detail")), "")
    value = target.get(name)
    match name:
        case "detailQuantity":
            return quantity(target[name], f"{expression}.{name}")
        case "detailRange":
            low, high = (target[name].get(bound) for bound in ("low", "high"))
            return Range(low and quantity(low, f"{expression}.{name}"), high and quantity(high, f"{expression}.{name}"))
        case "detailCodeableConcept":
            return concept(target[name])
        case "detailString" | "detailBoolean" | "detailInteger":
            if not isinstance(value, str | bool | int):
                raise MappingError(f"{expression}.{name}", "is of another type than its name says")
            return value
        case _:
            return None


def _detail_json(detail: TargetDetail | None) -> Json:
    match detail:
        case None:
            return {}
        case Quantity():
            return {"detailQuantity": quantity_json(detail)}
        case Range():
            bounds = (("low", detail.low), ("high", detail.high))
            return {"detailRange": {name: quantity_json(bound) for name, bound in bounds if bound}}
        case Concept():
            return {"detailCodeableConcept": concept_json(detail)}
        case bool():
            return {"detailBoolean": detail}
        case int():
            return {"detailInteger": detail}
        case _:
            return {"detailString": detail}
