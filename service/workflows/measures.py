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
    measure_id,
    measure_report_from_fhir,
    measure_report_to_fhir,
)
from fhir_mappings.measuring import MeasureDefinition, MeasureReport, Period
from fhir_mappings.model import Reference, Stamp
from fhir_mappings.provenance import stamp_to_fhir
from service.domain.network_measures import Funnel, NoFunnel, Series, funnel, latest, series
from service.errors import Flaw, InvalidContent, ResourceGone, ResourceNotFound
from service.ports import Clock, FhirGateway, Parameters

CLIENT = "coplan-measures"


@dataclass(frozen=True, slots=True)
class NetworkMeasure:
    """One measure of a network, or of one of its centres: over time, and across the centres.

    `funnel` is None where one centre alone was asked for. `resources` are the reports that it is made of.
    """

    series: Series
    funnel: Funnel | NoFunnel | None
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
    compared = None if centre else funnel(measure, [r for r, _ in across])
    return NetworkMeasure(found[0], compared, tuple(resource for _, resource in _merged(own, across)))


async def publish(reports: Iterable[MeasureReport], *, fhir: FhirGateway, clock: Clock, request_id: str) -> int:
    """Writes the reports, those of one measure and period in one transaction with their Provenance and AuditEvent.

    A report that says what is published already is not written again. Answers how many are new.
    """
    written = 0
    in_order = sorted(reports, key=lambda r: (r.network, r.measure, r.period, r.reporter))
    for _, together in groupby(in_order, lambda r: (r.network, r.measure, r.period)):
        written += await _published(tuple(together), fhir, clock, request_id)
    return written


async def must_be_publishable(reports: Sequence[MeasureReport], *, fhir: FhirGateway) -> None:
    """Nothing is written that would refer to nobody, or that would tell by subtraction what an earlier report hides.

    Raises:
        ResourceNotFound: an Organization that reports is not on the server.
        InvalidContent: days of the period are published by periods of another length.
    """
    reporters = {r.reporter for r in reports} | {f"Organization/{r.network}" for r in reports}
    missing = [reference for reference in sorted(reporters) if not await _is_there(reference, fhir)]
    if missing:
        raise ResourceNotFound(f"not on the FHIR server: {', '.join(missing)}. Put them there first")
    for (network, measure), of_one in _by_measure(reports).items():
        parameters = [("_tag", f"{NETWORK}|{network}"), ("_tag", f"{MEASURE}|{measure}")]
        found = await fhir.search("MeasureReport", [*parameters, ("reporter", f"Organization/{network}")])
        earlier = {measure_report_from_fhir(r).period for r in found if r["resourceType"] == "MeasureReport"}
        for period in sorted({r.period for r in of_one}):
            if other := next((e for e in earlier if e.overlaps(period) and e != period), None):
                raise InvalidContent(
                    Flaw(
                        "MeasureReport.period",
                        f"of {measure}: from {period.start} to {period.end}, but from {other.start} to {other.end} is"
                        f" published by {other.every} already, and two lengths together tell what one of them hides."
                        f" Publish by {other.every}, or begin after what is published",
                    )
                )


async def _is_there(reference: Reference, fhir: FhirGateway) -> bool:
    try:
        await fhir.read(*reference.split("/"))
    except (ResourceNotFound, ResourceGone):
        return False
    return True


def _by_measure(reports: Iterable[MeasureReport]) -> dict[tuple[str, str], list[MeasureReport]]:
    found: dict[tuple[str, str], list[MeasureReport]] = {}
    for r in reports:
        found.setdefault((r.network, measure_id(r.measure)), []).append(r)
    return found


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
