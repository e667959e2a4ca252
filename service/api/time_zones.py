"""The caller's time zone and day: what is due is due by the person's own clock."""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from pydantic import BeforeValidator

from service.api.activity_bodies import whole_day
from service.errors import Flaw, InvalidContent

UNSET: Final = "Factory"
"""The database's name for a clock that nobody has set."""


@cache
def zone_names() -> frozenset[str]:
    """The names of the IANA database, its links such as US/Eastern too.

    Not whatever else lies where a machine keeps its zones: `localtime` is where the server stands, and `right/UTC`
    counts leap seconds.
    """
    return frozenset(files("tzdata").joinpath("zones").read_text().split()) - {UNSET}


def get_zone(
    time_zone: Annotated[
        str,
        Query(
            alias="timeZone",
            max_length=64,
            description="Where the patient's clock hangs: a name of the IANA time zone database; without it UTC",
            examples=["Europe/Stockholm"],
        ),
    ] = "UTC",
) -> ZoneInfo:
    """The zone of this name.

    Raises:
        InvalidContent: there is none.
    """
    if time_zone not in zone_names():
        flaw = Flaw("query timeZone", "is no time zone of the IANA database such as Europe/Stockholm", "code-invalid")
        raise InvalidContent(flaw)
    return ZoneInfo(time_zone)


CurrentZone = Annotated[ZoneInfo, Depends(get_zone)]
OnDay = Annotated[
    date | None,
    BeforeValidator(lambda value: None if value is None else whole_day(value)),
    Query(alias="date", description="Another day than today", examples=["2026-12-03"]),
]
