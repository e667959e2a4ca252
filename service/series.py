"""Reads series of measurements: the latest, and the first, which is where it started."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fhir_mappings.elements import instant_text
from fhir_mappings.model import Goal, Observation, Target
from fhir_mappings.observation import observation_from_fhir
from service.domain import units
from service.domain.progress import foreign_units, measurable_target
from service.ports import FhirGateway

SERIES_LIMIT: Final = 100
"""The latest so many measurements are looked at, however many there are."""
WINDOW_LIMIT: Final = 500
"""So many of those of a window that the caller has named."""
FIRST_LIMIT: Final = 5
"""Among so many of the first measurements the one is found from which the way is counted."""


@dataclass(frozen=True, slots=True)
class Series:
    """By time. `first` may overlap with `latest`, or lie long before it."""

    first: tuple[Observation, ...]
    latest: tuple[Observation, ...]

    @property
    def more(self) -> bool:
        """True if there is more than `latest`."""
        return bool(self.first and self.latest) and self.first[0] != self.latest[0]

    def with_these(self, *changed: Observation) -> tuple[Observation, ...]:
        """All of them, and these in place of those of the same id."""
        return tuple({o.reference: o for o in (*self.first, *self.latest, *changed)}.values())


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when. Without both: the latest."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def limit(self) -> int:
        """The most that is read."""
        return SERIES_LIMIT if self.since is None else WINDOW_LIMIT

    def parameters(self) -> list[tuple[str, str]]:
        """As search parameters."""
        ends = (("ge", self.since), ("le", self.until))
        return [("date", f"{prefix}{instant_text(end.astimezone(UTC))}") for prefix, end in ends if end]


NO_WINDOW: Final = Window()


async def read_goal_series(fhir: FhirGateway, goal: Goal, window: Window = NO_WINDOW) -> Series:
    """The measurements for the goal, and the registry of units at hand if they need it."""
    found = await read_series(fhir, [("patient", goal.subject), ("focus", goal.reference)], window)
    await make_comparable(measurable_target(goal), found.with_these())
    return found


async def read_series(fhir: FhirGateway, about: Sequence[tuple[str, str]], window: Window = NO_WINDOW) -> Series:
    """Two searches at once, whatever the length of the series."""
    within = [*about, *window.parameters(), ("_sort", "-date"), ("_count", str(min(window.limit, 200)))]
    first, latest = await asyncio.gather(
        fhir.search("Observation", [*about, ("_sort", "date"), ("_count", str(FIRST_LIMIT))], limit=FIRST_LIMIT),
        fhir.search("Observation", within, limit=window.limit),
    )
    newest_first = tuple(map(observation_from_fhir, latest[: window.limit]))
    return Series(tuple(map(observation_from_fhir, first[:FIRST_LIMIT])), tuple(reversed(newest_first)))


async def make_comparable(target: Target | None, observations: Sequence[Observation]) -> None:
    """Loads the registry of units in a thread where a value is in another unit than the target."""
    if target and foreign_units(target, observations):
        await asyncio.to_thread(units.load)
