"""Reads the measurements for a goal: the latest, and the first, which is where it started."""

import asyncio
from dataclasses import dataclass
from typing import Final

from fhir_mappings.model import Goal, Observation
from fhir_mappings.observation import observation_from_fhir
from service.ports import FhirGateway

SERIES_LIMIT: Final = 100
"""The latest so many measurements are looked at, however many there are."""
FIRST_LIMIT: Final = 5
"""Among so many of the first measurements the one is found from which the way is counted."""


@dataclass(frozen=True, slots=True)
class Series:
    """By time. `first` may overlap with `latest`, or lie long before it."""

    first: tuple[Observation, ...]
    latest: tuple[Observation, ...]

    def with_these(self, *changed: Observation) -> tuple[Observation, ...]:
        """All of them, and these in place of those of the same id."""
        return tuple({o.reference: o for o in (*self.first, *self.latest, *changed)}.values())


async def read_series(fhir: FhirGateway, goal: Goal) -> Series:
    """Two searches at once, each of one page, whatever the length of the series."""
    about = [("patient", goal.subject), ("focus", goal.reference)]
    first, latest = await asyncio.gather(
        fhir.search("Observation", [*about, ("_sort", "date"), ("_count", str(FIRST_LIMIT))], limit=FIRST_LIMIT),
        fhir.search("Observation", [*about, ("_sort", "-date"), ("_count", str(SERIES_LIMIT))], limit=SERIES_LIMIT),
    )
    newest_first = tuple(map(observation_from_fhir, latest))
    return Series(tuple(map(observation_from_fhir, first)), tuple(reversed(newest_first)))
