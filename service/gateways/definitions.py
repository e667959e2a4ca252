"""What CoPlan publishes and goes by as data: code systems, value sets, measures, and the rules of conflicts."""

from collections import Counter
from functools import cache
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec

from fhir_mappings.decision import Stance
from service.domain.conflicts import Against, Conditional, ConflictRule, ConflictRules, Indicator, Modality

FOLDER: Final = files("service").joinpath("definitions")
MEASURES: Final = files("service").joinpath("measure_definitions")
"""One definition of each measure: the one that networks count by."""
CONFLICT_RULES: Final = "conflict-rules.json"


class _Strict(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is not known is refused: a rule with a misspelt member would silently find nothing."""


class _Coding(_Strict):
    system: str
    code: str
    display: str | None = None


class _Modality(_Strict):
    code: str
    words: str
    resource_types: tuple[str, ...]
    codes: tuple[_Coding, ...]
    source: str | None = None


class _Against(_Strict):
    topics: tuple[_Coding, ...] = ()
    stances: tuple[Stance, ...] = ()
    goals: tuple[_Coding, ...] = ()


class _Rule(_Strict):
    id: str
    title: str
    against: _Against
    modality: str | None = None
    conditional: Conditional = Conditional.TELL
    indicator: Indicator = Indicator.WARNING


class _Rules(_Strict):
    version: str
    modalities: tuple[_Modality, ...]
    rules: tuple[_Rule, ...]
    schema: str | None = msgspec.field(default=None, name="$schema")


def conflict_rules(path: Path | None = None) -> ConflictRules:
    """The rules of this file; without one, those that CoPlan comes with.

    Raises:
        ValueError: the file is not by service/definitions/conflict-rules.schema.json; says where.
    """
    content = path.read_bytes() if path else FOLDER.joinpath(CONFLICT_RULES).read_bytes()
    try:
        given = msgspec.json.decode(content, type=_Rules)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ValueError(f"conflict rules: {exc}") from exc
    _must_be_told_apart(given)
    modalities = {m.code: _modality(m) for m in given.modalities}
    needed = {"admission", *(r.modality for r in given.rules if r.modality)}
    if missing := needed - modalities.keys():
        raise ValueError(f"conflict rules: no modality {', '.join(sorted(missing))}")
    return ConflictRules(modalities, tuple(_rule(r, modalities) for r in given.rules))


def _must_be_told_apart(given: _Rules) -> None:
    """Nothing stands there twice: of two of one name only one would count, of two equal ones each would be told."""
    names = Counter((*(f"modality {m.code}" for m in given.modalities), *(f"rule {r.id}" for r in given.rules)))
    if twice := [name for name, times in names.items() if times > 1]:
        raise ValueError(f"conflict rules: {', '.join(twice)} more than once")
    for first, again in combinations(given.rules, 2):
        if (first.modality, first.against) == (again.modality, again.against):
            raise ValueError(f"conflict rules: rule {again.id} is rule {first.id} under another id")


@cache
def published(resource_type: str, resource_id: str) -> bytes | None:
    """A resource that CoPlan publishes, as it stands in the repository; None where there is none of this name."""
    path = (
        MEASURES.joinpath(f"{resource_id}.json")
        if resource_type == "Measure"
        else FOLDER.joinpath(f"{resource_type}-{resource_id}.json")
    )
    return path.read_bytes() if path.is_file() else None


def _modality(given: _Modality) -> Modality:
    return Modality(given.code, frozenset(given.resource_types), _pairs(given.codes), given.words)


def _rule(given: _Rule, modalities: dict[str, Modality]) -> ConflictRule:
    against = Against(frozenset(given.against.stances), _pairs(given.against.topics), _pairs(given.against.goals))
    modality = modalities[given.modality] if given.modality else None
    return ConflictRule(given.id, given.title, against, modality, given.conditional, given.indicator)


def _pairs(codings: tuple[_Coding, ...]) -> frozenset[tuple[str | None, str | None]]:
    return frozenset((c.system, c.code) for c in codings)
