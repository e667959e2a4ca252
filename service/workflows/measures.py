"""Measure reports: published once they are counted, and read by everybody who may see the network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from uuid import uuid4

from fhir_mappings.audit_event import audit_event_to_fhir
from fhir_mappings.bundle import Create
from fhir_mappings.carrier import Json
from fhir_mappings.codes import OPERATION, Act
from fhir_mappings.elements import identifier
from fhir_mappings.measure_report import (
    MEASURE,
    NETWORK,
    REPORT,
    measure_report_from_fhir,
    measure_report_to_fhir,
)
from fhir_mappings.measuring import MeasureDefinition, MeasureReport, Period
from fhir_mappings.model import Reference, Stamp
from fhir_mappings.provenance import stamp_to_fhir
from service.domain.network_measures import Funnel, Series, funnel, latest, series
from service.errors import ResourceNotFound
from service.ports import Clock, FhirGateway, Parameters

CLIENT = "coplan-measures"


@dataclass(frozen=True, slots=True)
class NetworkMeasure:
    """One measure of a network, or of one of its centres: over time, and across the centres where it is a share.

    `resources` are the reports that it is made of.
    """

    series: Series
    funnel: Funnel | None
    resources: tuple[Json, ...]


async def read_measure(
    network: Reference, measure: MeasureDefinition, *, centre: Reference | None, fhir: FhirGateway
) -> NetworkMeasure:
    """The latest report of each period of the network or of the centre, and of each centre in the last period.

    Raises:
        ResourceNotFound: nothing was published.
    """
    reporter = centre or network
    own = await _reports(network, measure, [("reporter", reporter)], fhir)
    found = series(measure, [r for r, _ in own])
    if not found:
        raise ResourceNotFound(f"{reporter} has no reports of {measure.id}")
    across: list[tuple[MeasureReport, Json]] = []
    if centre is None and (shown := found[0].shown):
        across = await _reports(network, measure, _within(shown[-1].period), fhir)
    return NetworkMeasure(
        found[0], funnel(measure, [r for r, _ in across]), tuple(resource for _, resource in _merged(own, across))
    )


async def publish(reports: Iterable[MeasureReport], *, fhir: FhirGateway, clock: Clock, request_id: str) -> int:
    """Writes the reports, those of one measure and period in one transaction with their Provenance and AuditEvent.

    A report that says what is published already is not written again. Answers how many are new.
    """
    written = 0
    in_order = sorted(reports, key=lambda r: (r.network, r.measure, r.period, r.reporter))
    for _, together in groupby(in_order, lambda r: (r.network, r.measure, r.period)):
        written += await _published(tuple(together), fhir, clock, request_id)
    return written


async def _published(reports: Sequence[MeasureReport], fhir: FhirGateway, clock: Clock, request_id: str) -> int:
    resources = [measure_report_to_fhir(r) for r in reports]
    identifiers = [str(identifier(r, REPORT)) for r in resources]
    operation = sha256("\0".join(identifiers).encode()).hexdigest()[:32]
    entries = [
        Create(resource, _new_urn(), f"identifier={REPORT}|{value}")
        for resource, value in zip(resources, identifiers, strict=True)
    ]
    who, now = f"Organization/{reports[0].network}", clock()
    targets = tuple(e.reference for e in entries)
    act = Act.PUBLISH_MEASURE_REPORTS
    stamp = Stamp(targets=targets, recorded=now, who=who, act=act, on_behalf_of=who, operation=operation)
    event = audit_event_to_fhir(
        act=act,
        actor=who,
        client_id=CLIENT,
        patient=None,
        written=targets,
        recorded=now,
        request_id=request_id,
        operation=operation,
        observer=who,
    )
    ledger = [Create(r, _new_urn(), f"_tag={OPERATION}|{operation}") for r in (stamp_to_fhir(stamp), event)]
    answers = await fhir.transact([*entries, *ledger])
    return sum(a.created for a in answers[: len(entries)])


async def _reports(
    network: Reference, measure: MeasureDefinition, narrowed: Parameters, fhir: FhirGateway
) -> list[tuple[MeasureReport, Json]]:
    """Reports of this version of the measure; what another version counted is another series."""
    tags = [("_tag", f"{NETWORK}|{network.partition('/')[2]}"), ("_tag", f"{MEASURE}|{measure.id}")]
    found = await fhir.search("MeasureReport", [*tags, *narrowed])
    read = ((measure_report_from_fhir(r), r) for r in found if r["resourceType"] == "MeasureReport")
    return [(report, resource) for report, resource in read if report.measure == measure.canonical]


def _within(period: Period) -> Parameters:
    return [("period", f"ge{period.start}"), ("period", f"le{period.end}")]


def _merged(*found: list[tuple[MeasureReport, Json]]) -> list[tuple[MeasureReport, Json]]:
    """The latest of each reporter and period, each once."""
    by_report = {id(report): (report, resource) for part in found for report, resource in part}
    kept = latest([report for report, _ in by_report.values()])
    return [by_report[id(report)] for report in kept]


def _new_urn() -> str:
    return f"urn:uuid:{uuid4()}"
