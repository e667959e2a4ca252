"""What callers are told of themselves, and clients of where tokens come from."""

from datetime import date
from typing import Annotated

import msgspec

from service.api.views import Reference, View
from service.domain.actors import ProxyRights
from service.workflows.permissions import Standing


class ProxyView(View):
    """What a family member may do: `read`, `record` measurements, `act`. `decidedBy`: consent or policy."""

    rights: tuple[str, ...]
    decided_by: str
    until: Annotated[date, msgspec.Meta(description="The last day")] | None = None

    @classmethod
    def of(cls, proxy: ProxyRights) -> "ProxyView":
        return cls(rights=tuple(sorted(proxy.rights)), decided_by=proxy.by, until=proxy.until)


class Me(View):
    """Who the token speaks for, and what it comes to. `patients` absent: any patient."""

    actor: Reference
    role: str
    client_id: str
    operations: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="What can be done, by operationId"),
    ] = ()
    scopes: Annotated[tuple[str, ...], msgspec.Meta(description="Scopes that count")] = ()
    scopes_not_understood: Annotated[tuple[str, ...], msgspec.Meta(description="They grant nothing here")] = ()
    scopes_without_effect: Annotated[tuple[str, ...], msgspec.Meta(description="Understood, but not for you")] = ()
    patients: tuple[Reference, ...] | None = None
    more_patients: Annotated[bool, msgspec.Meta(description="There are more than are listed")] = False
    context: Annotated[Reference, msgspec.Meta(description="The patient of `patient/` scopes")] | None = None
    proxy: ProxyView | None = None
    name: str | None = None
    organization: Reference | None = None

    @classmethod
    def of(cls, standing: Standing) -> "Me":
        actor, permitted = standing.actor, standing.permissions
        return cls(
            actor=actor.reference,
            role=actor.role,
            client_id=actor.client_id,
            operations=permitted.operations,
            scopes=permitted.scopes,
            scopes_not_understood=permitted.not_understood,
            scopes_without_effect=permitted.without_effect,
            patients=standing.patients,
            more_patients=standing.more,
            context=actor.context,
            proxy=None if actor.proxy is None else ProxyView.of(actor.proxy),
            name=actor.display,
            organization=actor.organization,
        )


class ProtectedResource(View, rename=None):
    """Where tokens for this service come from (RFC 9728)."""

    resource: str
    authorization_servers: tuple[str, ...]
    bearer_methods_supported: tuple[str, ...]
    scopes_supported: tuple[str, ...]
    resource_name: str


class FrontDoor(View):
    """What this is, and where to go on."""

    product: str
    version: str
    fhir_version: Annotated[str, msgspec.Meta(description="Of the FHIR server that it works with")]
    metadata: Annotated[str, msgspec.Meta(description="Where tokens come from, and their scopes (RFC 9728)")]
    me: Annotated[str, msgspec.Meta(description="Who a token speaks for, and what can be done with it")]
    decision_support: Annotated[str, msgspec.Meta(description="Discovery of CDS Hooks")]
    health: Annotated[str, msgspec.Meta(description="Whether it can do its work")]
    documentation: Annotated[str, msgspec.Meta(description="Pages about the API, where they are open")] | None = None
    openapi: Annotated[str, msgspec.Meta(description="The same for machines")] | None = None
