"""The caller's time zone and day: what is due is due by the person's own clock."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Query
from pydantic import BeforeValidator

from service.api.activity_bodies import whole_day
from service.errors import Flaw, InvalidContent


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
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        flaw = Flaw("query timeZone", "is no time zone of the IANA database such as Europe/Stockholm", "code-invalid")
        raise InvalidContent(flaw) from exc


CurrentZone = Annotated[ZoneInfo, Depends(get_zone)]
OnDay = Annotated[
    date | None,
    BeforeValidator(lambda value: None if value is None else whole_day(value)),
    Query(alias="date", description="Another day than today", examples=["2026-12-03"]),
]
