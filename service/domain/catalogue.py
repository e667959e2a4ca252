"""What can be tracked. The catalogue itself is data (`service/trackables.json`, and a file of the operator's own).

Nothing here knows a code: which there are, in which units and within which bounds is for the data to say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final

from fhir_mappings.codes import ObservationCategory
from fhir_mappings.model import Coding as CodingNoun
from fhir_mappings.model import Concept

STRICT: Final[Mapping[str, Any]] = {"extra": "forbid"}
"""For pydantic, which reads the data: a member that is misspelt must not go unnoticed."""
DEFAULT_LANGUAGE: Final = "en"
SCORE: Final = "{score}"
"""UCUM's unit of points that somebody gives."""


class Better(StrEnum):
    """Which way is good news, where a goal does not say so."""

    MORE = "more"
    LESS = "less"
    IN_RANGE = "in-range"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Both ends included; either may be open."""

    __pydantic_config__: ClassVar = STRICT

    low: Decimal | None = None
    high: Decimal | None = None

    def hold(self, value: Decimal) -> bool:
        """True for a value within."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"≤ {self.high}" if self.low is None else f"≥ {self.low}"
        return f"{self.low}–{self.high}"  # noqa: RUF001  # a dash for a range, in every language


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM unit. `coded` is the code of what is measured in this unit, where the unit makes it another one
    (LOINC: mass and moles), and `source` where that stands published; `words` by language.
    """

    __pydantic_config__: ClassVar = STRICT

    code: str
    words: Mapping[str, str]
    coded: str | None = None
    source: str | None = None
    plausible: Bounds = field(default_factory=Bounds)

    def in_words(self, language: str = DEFAULT_LANGUAGE) -> str:
        """The unit as people say it."""
        return _in(self.words, language)


def _in(words: Mapping[str, str], language: str) -> str:
    return words.get(language) or words[DEFAULT_LANGUAGE]


@dataclass(frozen=True, slots=True)
class Code:
    """A code in its system."""

    __pydantic_config__: ClassVar = STRICT

    system: str
    code: str
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One of the values that are measured together, such as systolic and diastolic pressure."""

    __pydantic_config__: ClassVar = STRICT

    key: str
    code: Code
    labels: Mapping[str, str]
    plausible: Bounds = field(default_factory=Bounds)

    def label(self, language: str = DEFAULT_LANGUAGE) -> str:
        """What it is called, in plain words."""
        return _in(self.labels, language)


@dataclass(frozen=True, slots=True)
class Trackable:
    """One thing to track. The first of its units is the one that others are converted to.

    `possible` bounds what can be meant at all (a score of 0 to 27), `plausible` of a unit what is hardly ever exceeded.
    `summed`: what is entered in the course of a day adds up (minutes of exercise).
    `clinical`: it takes a clinician's examination, so only the care team records it.
    `descending`: each of its parts is lower than the one before (a blood pressure). `source`: where its code stands
    published, for who reviews the data.
    """

    __pydantic_config__: ClassVar = STRICT

    key: str
    code: Code
    labels: Mapping[str, str]
    category: ObservationCategory
    units: tuple[Unit, ...]
    better: Better = Better.IN_RANGE
    possible: Bounds = field(default_factory=Bounds)
    parts: tuple[Part, ...] = ()
    whole: bool = False
    summed: bool = False
    clinical: bool = False
    descending: bool = False
    source: str | None = None
    profile: str | None = None

    def label(self, language: str = DEFAULT_LANGUAGE) -> str:
        """What it is called, in plain words."""
        return _in(self.labels, language)

    @property
    def scale(self) -> Bounds | None:
        """Where its points begin and end, of what is rated in points (pain of 10, a questionnaire), else None.

        What else is possible is no scale: nobody looks at a pulse from 0 to 400.
        """
        rated = self.units[0].code == SCORE and self.possible.low is not None and self.possible.high is not None
        return self.possible if rated else None

    def unit(self, code: str) -> Unit | None:
        """The unit of this UCUM code, where it is taken."""
        return next((u for u in self.units if u.code == code), None)

    def concept(self, unit: Unit) -> Concept:
        """What is measured in this unit: the code, and the words for who reads no codes."""
        same = unit.coded is None
        coding = CodingNoun(self.code.system, unit.coded or self.code.code, self.code.display if same else None)
        return Concept(self.label(), (coding,))

    @property
    def codings(self) -> frozenset[tuple[str, str]]:
        """Every system and code that it is recorded under."""
        return frozenset((self.code.system, u.coded or self.code.code) for u in self.units)


class Catalogue:
    """The trackables by key, in the order of the data."""

    def __init__(self, trackables: Iterable[Trackable]) -> None:
        self._by_key = {t.key: t for t in trackables}

    def __iter__(self) -> Any:
        return iter(self._by_key.values())

    def get(self, key: str) -> Trackable | None:
        """The trackable of this key."""
        return self._by_key.get(key)

    def of(self, code: Concept) -> Trackable | None:
        """The trackable that is recorded under one of these codes."""
        wanted = {(c.system, c.code) for c in code.codings}
        return next((t for t in self._by_key.values() if wanted & t.codings), None)

    def with_own(self, own: Iterable[Trackable]) -> "Catalogue":
        """The catalogue with an operator's own trackables: added, or in place of those of the same key."""
        return Catalogue((self._by_key | {t.key: t for t in own}).values())
