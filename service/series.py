"""Reads series of measurements: the latest, and the first, which is where it started."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from fhir_mappings.elements import instant_text
from fhir_mappings.model import Concept, Goal, Observation, Reference, Target
from fhir_mappings.observation import observation_from_fhir
from service.domain import units
from service.domain.amounts import asks_registry
from service.domain.catalogue import Catalogue
from service.domain.progress import foreign_units, measurable_target
from service.ports import FhirGateway

SERIES_LIMIT: Final = 100
"""The latest so many measurements are looked at, however many there are."""
WINDOW_LIMIT: Final = 500
"""So many of those of a window that the caller has named."""
FIRST_LIMIT: Final = 5
"""Among so many of the first measurements the one is found from which the way is counted."""


RECENT: Final = timedelta(days=90)
EARLY: Final = timedelta(days=30)
"""So long after its start the first value of a goal is looked for before all others are."""


@dataclass(frozen=True, slots=True)
class Series:
    """By time. `first` may overlap with `latest`, or lie long before it."""

    first: tuple[Observation, ...]
    latest: tuple[Observation, ...]

    @property
    def more(self) -> bool:
        """True if there is something older than `latest`, or as old: several may be measured at one moment."""
        if not self.latest:
            return False
        shown, oldest = {o.reference for o in self.latest}, self.latest[0].effective
        hidden = (o.effective for o in self.first if o.reference not in shown)
        return any(at is None or oldest is None or at <= oldest for at in hidden)

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
        """As search parameters: its end alone, for what is older than its beginning comes last and is left out here.

        Two dates and two codes in one search took HAPI FHIR a minute.
        """
        return [("date", f"le{_text(self.until)}")] if self.until else []

    def holds(self, observation: Observation) -> bool:
        """True for what was measured since its beginning."""
        return self.since is None or (observation.effective is not None and observation.effective >= self.since)


NO_WINDOW: Final = Window()


async def read_goal_series(fhir: FhirGateway, goal: Goal, now: datetime, window: Window = NO_WINDOW) -> Series:
    """The measurements for the goal, and the registry of units at hand if they need it.

    Asked for by goal and time alone, so that a server sorts the last months and not years: the goal is the actor's to
    see, and each Observation is judged. With the patient in the search as well, HAPI FHIR sorted them all. What another
    system has measured of another patient, whom the actor may see as well, is left out here.
    """
    about = [("focus", goal.reference)]
    first, latest = await asyncio.gather(_first(fhir, about, goal), _latest(fhir, about, now, window))
    found = Series(_of(goal.subject, first), _of(goal.subject, latest))
    await make_comparable(measurable_target(goal), found.with_these())
    return found


def _of(patient: Reference, found: tuple[Observation, ...]) -> tuple[Observation, ...]:
    return tuple(o for o in found if o.subject == patient)


async def _latest(
    fhir: FhirGateway, about: list[tuple[str, str]], now: datetime, window: Window
) -> tuple[Observation, ...]:
    """Of the last months; all of them only where that is not enough for a page."""
    if window == NO_WINDOW:
        recent = Window(now - RECENT)
        found = await _page(fhir, [*about, ("date", f"ge{_text(now - RECENT)}")], recent, SERIES_LIMIT)
        if len(found) == SERIES_LIMIT:
            return found
    return await _page(fhir, [*about, *window.parameters()], window, window.limit)


async def _first(fhir: FhirGateway, about: list[tuple[str, str]], goal: Goal) -> tuple[Observation, ...]:
    """Those from the beginning of the goal on; all of them only where there are none."""
    begins = goal.start and datetime.combine(goal.start.last_day + EARLY, time(), UTC)
    bounds = [[("date", f"le{_text(begins)}")]] if begins else []
    for bound in (*bounds, []):
        asked = [*about, *bound, ("_sort", "date"), ("_count", str(FIRST_LIMIT))]
        if found := await fhir.search("Observation", asked, limit=FIRST_LIMIT):
            return tuple(map(observation_from_fhir, found[:FIRST_LIMIT]))
    return ()


async def _page(fhir: FhirGateway, asked: list[tuple[str, str]], window: Window, limit: int) -> tuple[Observation, ...]:
    """The latest of the window, by time."""
    sorted_so = [*asked, ("_sort", "-date"), ("_count", str(min(limit, 200)))]
    found = await fhir.search("Observation", sorted_so, limit=limit)
    return tuple(reversed(tuple(filter(window.holds, map(observation_from_fhir, found[:limit])))))


async def read_series(fhir: FhirGateway, about: Sequence[tuple[str, str]], window: Window = NO_WINDOW) -> Series:
    """Two searches at once."""
    asked = [*about, ("_sort", "date"), ("_count", str(FIRST_LIMIT))]
    first, latest = await asyncio.gather(
        fhir.search("Observation", asked, limit=FIRST_LIMIT),
        _page(fhir, [*about, *window.parameters()], window, window.limit),
    )
    return Series(tuple(map(observation_from_fhir, first[:FIRST_LIMIT])), latest)


async def load_units(amounts: Iterable[tuple[Concept | None, str]], catalogue: Catalogue) -> None:
    """Loads the registry of units in a thread where a unit is none that the catalogue takes for its measure."""
    if asks_registry(amounts, catalogue):
        await asyncio.to_thread(units.load)


async def make_comparable(target: Target | None, observations: Sequence[Observation]) -> None:
    """Loads the registry of units in a thread where a value is in another unit than the target."""
    if target and foreign_units(target, observations):
        await asyncio.to_thread(units.load)


def _text(value: datetime) -> str:
    return instant_text(value.astimezone(UTC))
