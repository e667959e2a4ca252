"""Reads what was measured, a page at a time, and what was corrected of it."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import blake2b
from itertools import accumulate
from typing import Annotated, Final

import msgspec

from fhir_mappings.assessment import is_said
from fhir_mappings.carrier import Json
from fhir_mappings.elements import instant, instant_text
from fhir_mappings.model import Observation, PartialDate, Reference
from fhir_mappings.observation import observation_from_fhir
from fhir_mappings.provenance import stamp_from_fhir
from service.commit import Session
from service.domain.catalogue import Catalogue
from service.domain.charted import asked_for
from service.domain.corrections import CORRECTED, Correction, corrections
from service.errors import Flaw, InvalidContent, ResourceGone, ResourceNotFound
from service.records import where_permitted

PAGE: Final = 50
MOST_IN_PAGE: Final = 200
MOST_SEARCHES: Final = 4
"""So often a page is filled up; then `cursor` goes on from there."""
MOST_VERSIONS: Final = 20
"""So many earlier versions are read to tell what was corrected."""
ANY_ZONE: Final = timedelta(hours=14)
"""A day begins somewhere up to so much earlier and ends somewhere up to so much later than in UTC."""


EARLIEST: Final = datetime(1, 1, 3, tzinfo=UTC)
FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Nothing is listed that has no time at all. Only the end of a window is asked of the server, for what is older than
its beginning comes last: two dates and two codes in one search took HAPI FHIR a minute.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which measurements. `code` is a key of the catalogue, a LOINC code, or `system|code`."""

    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Latest first. `cursor` None: there are no more."""

    observations: tuple[Json, ...]
    cursor: str | None


_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class _Place(msgspec.Struct, array_like=True):
    """Where a page ended: nothing later than `until` is left, and of what lies there some is seen (mark: its time)."""

    until: _Aware
    seen: dict[str, _Aware]


async def list_observations(
    patient: Reference,
    wanted: Wanted,
    *,
    session: Session,
    catalogue: Catalogue,
    cursor: str | None = None,
    count: int = PAGE,
) -> Page:
    """One page, by one search of one page: what is older costs nothing. Another search only fills up what a page lacks
    because of what is said of goals: unless it is asked for by its code, it is not listed beside what was measured.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
        InvalidContent: the cursor is none of ours; or the code is none at all.
    """
    resource_type, _, patient_id = patient.partition("/")
    await session.fhir.read(resource_type, patient_id)
    codes = [("code", asked_for(wanted.code, catalogue).searched)] if wanted.code else []
    listed: list[Json] = []
    place: _Place | None = _place(cursor) if cursor else _Place(wanted.until or LAST, {})
    for _ in range(MOST_SEARCHES):
        if place is None or len(listed) == count:
            break
        more, place = await _part([("patient", patient), *codes], wanted, place, count - len(listed), session)
        listed += more
    return Page(tuple(listed), _cursor(place) if place else None)


async def read_corrections(resource: Json, *, session: Session) -> tuple[Correction, ...]:
    """What was corrected of this measurement, oldest first, as far as its Provenance may be read.

    What it said before is read where the server numbers its versions, as most do.
    """
    observation = observation_from_fhir(resource)
    if observation.status not in CORRECTED:
        return ()
    found = await where_permitted(session.fhir.search("Provenance", [("target", observation.reference)]))
    stamps = tuple(map(stamp_from_fhir, found))
    version = observation.version or ""
    last = int(version) if stamps and version.isdecimal() else 1
    numbers = range(max(1, last - MOST_VERSIONS), last)
    earlier = await asyncio.gather(*(_version(resource, number, session) for number in numbers))
    return corrections((*filter(None, earlier), observation), stamps)


async def _version(resource: Json, number: int, session: Session) -> Observation | None:
    try:
        return observation_from_fhir(await session.fhir.vread("Observation", resource["id"], str(number)))
    except (ResourceNotFound, ResourceGone):
        return None


async def _part(
    about: list[tuple[str, str]], wanted: Wanted, place: _Place, count: int, session: Session
) -> tuple[list[Json], _Place | None]:
    """Up to `count` from this place on, and where they end; None where nothing is left."""
    most = count + len(place.seen) + 1
    asked = [*about, ("_sort", "-date"), ("_count", str(most))]
    asked += [("date", f"le{_text(place.until)}")] if place.until < LAST else []
    found = (await session.fhir.search("Observation", asked, limit=most))[:most]
    since = wanted.since or FIRST
    new = [r for r in found if _mark(r) not in place.seen and _span(r)[1] >= since]
    is_listed = [wanted.code is not None or not is_said(r) for r in new]
    before = accumulate(is_listed, initial=0)
    passed = [r for r, so_many in zip(new, before, strict=False) if so_many < count]
    listed = [r for r, is_one in zip(passed, is_listed, strict=False) if is_one]
    is_over = len(passed) == len(new) and (len(found) < most or _span(found[-1])[1] < since)
    return listed, None if is_over or not passed else _after(passed, place)


def _after(passed: list[Json], place: _Place) -> _Place:
    """The end of what was passed and what lies there: several may be measured at one moment, or somewhen in one day."""
    until = min(place.until, _span(passed[-1])[1])
    seen = place.seen | {_mark(r): _span(r)[0] for r in passed}
    return _Place(until, {mark: at for mark, at in seen.items() if at <= until})


def _cursor(place: _Place) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> _Place:
    try:
        place = msgspec.json.decode(urlsafe_b64decode(f"{cursor}=="), type=_Place)
    except (ValueError, msgspec.DecodeError):
        place = None
    if place is None or not EARLIEST <= place.until <= LAST:
        raise InvalidContent(Flaw("query cursor", "is none of this list: begin anew without it", "value"))
    return place


def _mark(resource: Json) -> str:
    return blake2b(resource["id"].encode(), digest_size=6).hexdigest()


def _span(resource: Json) -> tuple[datetime, datetime]:
    """The earliest and the latest moment that it may have been measured at; a server has its own idea of a day."""
    at = (
        instant(resource, "effectiveDateTime", "Observation.effectiveDateTime")
        or instant(resource, "effectiveInstant", "Observation.effectiveInstant")
        or instant(resource.get("effectivePeriod", {}), "start", "Observation.effectivePeriod.start")
    )
    if at:
        return at, at
    period = resource.get("effectivePeriod", {})
    day = PartialDate(str(resource.get("effectiveDateTime") or period.get("start") or period.get("end") or "1800")[:10])
    first, last = (datetime.combine(d, time(), UTC) for d in (day.first_day, day.last_day))
    return first - ANY_ZONE, last + timedelta(days=1) + ANY_ZONE


def _text(value: datetime) -> str:
    return instant_text(value.astimezone(UTC))
