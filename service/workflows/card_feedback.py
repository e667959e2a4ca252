"""What clinicians do with our cards, kept and counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from fhir_mappings.bundle import Create
from fhir_mappings.card_feedback import CardFeedback, feedback_from_fhir, feedback_to_fhir
from fhir_mappings.codes import ACT, OPERATION, Act
from service.domain.actors import Actor, Role
from service.errors import NotPermitted
from service.ports import Clock, FhirGateway


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How often the cards of one service were accepted and overridden, and why overridden: `system|code` to count."""

    service: str
    accepted: int
    overridden: int
    reasons: tuple[tuple[str, int], ...] = ()
    commented: int = 0


async def keep_feedback(entries: Sequence[CardFeedback], *, fhir: FhirGateway, clock: Clock) -> None:
    """Each entry once, however often it is sent."""
    recorded = clock()
    created = []
    for position, entry in enumerate(entries):
        operation = _operation(entry)
        resource = feedback_to_fhir(entry, recorded=recorded, operation=operation)
        urn = f"urn:uuid:00000000-0000-4000-8000-{position:012d}"
        created.append(Create(resource, urn, f"_tag={OPERATION}|{operation}"))
    if created:
        await fhir.transact(created)


async def count_feedback(
    since: datetime | None, before: datetime | None, *, actor: Actor, fhir: FhirGateway
) -> tuple[Acceptance, ...]:
    """What became of the cards, by service. No patient is in it, so it is read without regard to any.

    Raises:
        NotPermitted: it is for the care team.
    """
    if actor.role is not Role.PRACTITIONER:
        raise NotPermitted("how cards are taken up is for the care team to read")
    bounds = (("ge", since), ("lt", before))
    asked = [("date", f"{prefix}{at.isoformat()}") for prefix, at in bounds if at]
    found = await fhir.search("AuditEvent", [("subtype", f"{ACT}|{Act.CARD_FEEDBACK}"), *asked])
    return counted(map(feedback_from_fhir, found))


def counted(entries: Iterable[CardFeedback]) -> tuple[Acceptance, ...]:
    """The entries by service; a card that was sent twice for one and the same outcome counts by its entries."""
    by_service: dict[str, list[CardFeedback]] = {}
    for entry in entries:
        by_service.setdefault(entry.service, []).append(entry)
    return tuple(_acceptance(service, kept) for service, kept in sorted(by_service.items()))


def _acceptance(service: str, entries: list[CardFeedback]) -> Acceptance:
    reasons: dict[str, int] = {}
    for entry in entries:
        if entry.reason:
            named = f"{entry.reason.system or ''}|{entry.reason.code}"
            reasons[named] = reasons.get(named, 0) + 1
    accepted = sum(e.outcome == "accepted" for e in entries)
    commented = sum(e.commented for e in entries)
    return Acceptance(service, accepted, len(entries) - accepted, tuple(sorted(reasons.items())), commented)


def _operation(entry: CardFeedback) -> str:
    said = (entry.client, entry.service, entry.card, entry.outcome, entry.at.isoformat())
    return sha256("\0".join(said).encode()).hexdigest()[:32]
