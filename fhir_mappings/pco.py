"""The codes of PCO 1.0.0, which are data: `person_centered.json`.

Its code systems are temporary. What is written has the system of that file; what is read is known by its code in any
system whose name ends alike, so that a record written before a system got its final name stays readable.

Source: https://hl7.org/fhir/us/pco/STU1/artifacts.html
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fhir_mappings.model import Coding, Concept, Goal, Quantity
from fhir_mappings.person_centered import AssessmentKind

_DATA: Final[Mapping[str, Any]] = json.loads(files(__package__).joinpath("person_centered.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class CodeList:
    """The codes of one purpose, with the displays of their system."""

    system: str
    codes: Mapping[str, str]

    def concept(self, code: str, text: str | None = None) -> Concept:
        return Concept(text, (Coding(self.system, code, self.codes[code] or None),))

    def code_in(self, concept: Concept) -> str | None:
        """The first code of the concept that is of this list."""
        return next(
            (c.code for c in concept.codings if c.code in self.codes and _is_alike(c.system, self.system)), None
        )

    @property
    def tokens(self) -> tuple[str, ...]:
        """As a search asks for them: `system|code`."""
        return tuple(f"{self.system}|{code}" for code in self.codes)


def _list(name: str) -> CodeList:
    return CodeList(_DATA[name]["system"], _DATA[name]["codes"])


CATEGORIES: Final = _list("categories")
DOMAINS: Final = _list("domains")
INVENTORY: Final = _list("inventory")
PURPOSE: Final = _list("purpose")
READINESS: Final = _list("readiness")
BARRIER: Final = _list("barrier")
ATTAINMENT: Final = _list("attainment")
LEVELS: Final = _list("levels")
RATINGS: Final = _list("ratings")
PROMS: Final = _list("proms")
PRIORITIES: Final = _list("priorities")
WHAT_MATTERS: Final = (INVENTORY, PURPOSE)
"""What a statement of what matters can be about."""
SCORES: Final[Mapping[str, int]] = _DATA["levels"]["scores"]
SCORERS: Final[Mapping[str, str]] = _DATA["attainment"]["scorers"]
"""The code of a score by the resource type of who scores."""
REPORTED: Final = "107332-9"
"""`Goal.target.measure` of a scaled goal; its other targets are its levels."""
EXPECTED: Final = 0
ASSESSMENTS: Final = tuple(code for codes in (ATTAINMENT, BARRIER, READINESS, *WHAT_MATTERS) for code in codes.codes)
"""What a search for what a plan tells of asks for: codes of whatever system, for those of PCO will change theirs."""


def kind_of(code: Concept, categories: Iterable[Concept]) -> AssessmentKind | None:
    """What an Observation assesses; None for what is none of these."""
    by_code = (
        (ATTAINMENT, AssessmentKind.ATTAINMENT),
        (BARRIER, AssessmentKind.BARRIER),
        (READINESS, AssessmentKind.READINESS),
        (PROMS, AssessmentKind.PROM),
    )
    found = next((kind for codes, kind in by_code if codes.code_in(code)), None)
    if found is None and any(CATEGORIES.code_in(c) == "what-matters" for c in categories):
        return AssessmentKind.WHAT_MATTERS
    return found


def score_of(value: object) -> int | None:
    """-2 to +2; None for a value that is no level."""
    code = LEVELS.code_in(value) if isinstance(value, Concept) else None
    return SCORES[code] if code else None


def level_concept(score: int) -> Concept:
    """The level as LOINC answer."""
    return LEVELS.concept(_level_codes()[score])


def rating_concept(rating: int) -> Concept:
    """0 to 10 as LOINC answer."""
    return RATINGS.concept(next(code for code, shown in RATINGS.codes.items() if shown == str(rating)))


def rating_of(value: object) -> int | None:
    """0 to 10; None for a value that is no rating."""
    code = RATINGS.code_in(value) if isinstance(value, Concept) else None
    return int(RATINGS.codes[code]) if code else None


def scorer_of(code: Concept) -> str | None:
    """Whose score it is, by its code: the resource type of the scorer; None where the code does not say."""
    found = ATTAINMENT.code_in(code)
    return next((scorer for scorer, scored in SCORERS.items() if scored == found), None)


def is_scaled(goal: Goal) -> bool:
    """True for a goal with levels, or whose target is measured by them elsewhere."""
    return bool(goal.levels) or any(t.measure and ATTAINMENT.code_in(t.measure) for t in goal.targets)


def is_prom(goal: Goal) -> bool:
    """True for a goal with exactly one target: an amount on a patient-reported outcome measure."""
    if len(goal.targets) != 1 or goal.levels:
        return False
    (target,) = goal.targets
    return isinstance(target.detail, Quantity) and bool(target.measure and PROMS.code_in(target.measure))


def goal_profile(goal: Goal) -> str | None:
    """The PCO profile of a goal, without which a US Core goal is one.

    Scaling wants no other measure beside it, and all want a start and a category that says that it is the person's.
    """
    if goal.start is None or not any(CATEGORIES.code_in(c) or DOMAINS.code_in(c) for c in goal.categories):
        return None
    if goal.levels and all(t.measure is None or ATTAINMENT.code_in(t.measure) for t in goal.targets):
        return "pco-gas-goal-profile"
    return "pco-prom-goal-profile" if is_prom(goal) else "pco-goal-profile"


@cache
def _level_codes() -> Mapping[int, str]:
    return {score: code for code, score in SCORES.items()}


def _is_alike(given: str | None, ours: str) -> bool:
    """The same system, or ours once it has lost the word `temporary`."""
    return given is not None and given.removesuffix("-temporary") == ours.removesuffix("-temporary")
