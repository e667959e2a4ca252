"""The noun of the audit trail: one request that read a patient's data, or was refused."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fhir_mappings.model import Reference


class Interaction(StrEnum):
    """https://hl7.org/fhir/R4/valueset-type-restful-interaction.html, those that change nothing, and all others."""

    READ = "read"
    SEARCH = "search-type"
    OPERATION = "operation"


class AuditOutcome(StrEnum):
    """https://hl7.org/fhir/R4/valueset-audit-event-outcome.html"""

    SUCCESS = "0"
    MINOR_FAILURE = "4"
    SERIOUS_FAILURE = "8"
    MAJOR_FAILURE = "12"


@dataclass(frozen=True, slots=True)
class Access:
    """`query` is method and path as they were asked; `status` the HTTP status that was answered.

    `who` None: nobody was identified; `network` is the address that the request came from. `patient` is whose data
    were read or asked for, where that is known; `data` are resources that exist.
    """

    id: str
    interaction: Interaction
    outcome: AuditOutcome
    status: int
    query: str
    recorded: datetime
    request_id: str
    who: Reference | None = None
    client_id: str | None = None
    network: str | None = None
    patient: Reference | None = None
    data: tuple[Reference, ...] = ()
    observer: Reference | None = None
