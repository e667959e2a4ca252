"""What is said of the past is held against the day on which the patient was born."""

from datetime import datetime, timedelta
from typing import Final

from fhir_mappings.model import Reference
from fhir_mappings.patient import birth_date_from_fhir
from service.commit import Session
from service.domain.tracking import must_be_lived

RECENT: Final = timedelta(days=30)
"""What is this recent costs no look at the Patient."""


async def must_be_of_a_life(session: Session, patient: Reference, effective: datetime | None) -> None:
    """Refuses what would have been measured before the patient was born.

    Raises:
        InvalidContent: names `effective`.
    """
    if effective is None or effective > session.clock() - RECENT:
        return
    must_be_lived(effective, birth_date_from_fhir(await session.fhir.read(*patient.split("/", 1))))
