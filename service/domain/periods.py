"""Whether a day lies within a Period. A date that names a month or a year may mean any day of it.

Source: https://hl7.org/fhir/R4/datatypes.html#Period
"""

from datetime import date
from typing import Any

from fhir_mappings.elements import DATE
from fhir_mappings.model import PartialDate


def includes(period: Any, today: date) -> bool:
    """True from the first day that the start may mean until the last day that the end may mean; no Period: always.

    A boundary that is no date of FHIR ends it: what cannot be read gives no right.
    """
    if period is None:
        return True
    if not isinstance(period, dict):
        return False
    start, end = _boundary(period.get("start")), _boundary(period.get("end"))
    if ("start" in period and start is None) or ("end" in period and end is None):
        return False
    return (start is None or start.first_day <= today) and (end is None or today <= end.last_day)


def last_day(period: Any) -> date | None:
    """The last day that the end may mean; None where there is no end."""
    end = _boundary(period.get("end")) if isinstance(period, dict) else None
    return end.last_day if end else None


def _boundary(value: Any) -> PartialDate | None:
    """The day of a dateTime. In its own zone: a right ends with the day that was written down."""
    day = value.partition("T")[0] if isinstance(value, str) else ""
    found = PartialDate(day) if DATE.fullmatch(day) else None
    try:
        return found if found and found.first_day else None
    except ValueError:
        return None
