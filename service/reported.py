"""Reads what was reported on activities: for a window, not for a lifetime."""

from datetime import date, timedelta
from typing import Final

from fhir_mappings.activities import Report
from fhir_mappings.activity_report import report_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import OCCURRENCE
from fhir_mappings.model import Reference
from service.domain.adherence import WINDOWS
from service.ports import FhirGateway, Parameters

REACH: Final = timedelta(days=max(WINDOWS) + 31)
"""How far back reports are read: the longest window, and a period of a month that reaches into it."""
EARLY: Final = timedelta(days=2)
"""Nothing is reported earlier than a day before it is due, wherever on earth."""


async def reports_until(fhir: FhirGateway, patient: Reference, day: date) -> tuple[Report, ...]:
    """Reports on what any window that ends on this day, or later, may tell of."""
    return tuple(map(report_from_fhir, await find_reports(fhir, patient, day)))


async def find_reports(fhir: FhirGateway, patient: Reference, day: date) -> list[Json]:
    """The same as resources."""
    parameters: Parameters = [
        ("patient", patient),
        ("identifier", f"{OCCURRENCE}|"),
        ("authored-on", f"ge{day - REACH - EARLY}"),
        ("_count", "200"),
    ]
    return await fhir.search("Task", parameters)
