"""Measures of a network of centres: the same chart for everybody."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from fhir_mappings.bundle import searchset
from fhir_mappings.measuring import MeasureDefinition
from fhir_mappings.wording import Language
from service.api.answers import Form, accepted_form, fhir_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import ID, CurrentSession, MeasureId, NetworkId
from service.api.documentation import answers
from service.api.network_examples import NETWORK_MEASURE
from service.api.network_views import NetworkMeasureView
from service.commit import Session
from service.errors import ResourceNotFound
from service.measure_definitions import measures
from service.network_charts.control_chart import control_chart
from service.network_charts.page import page
from service.workflows.measures import NetworkMeasure, read_measure

router = APIRouter(prefix="/v1", tags=["networks"], route_class=StrictRoute)

CentreId = Annotated[
    str | None,
    Query(
        alias="centre", pattern=ID, description="Id of a centre's Organization: its own series", examples=["centre-07"]
    ),
]
PAGE_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""The page brings its own style, and nothing else."""


def _answers() -> dict[int | str, dict[str, Any]]:
    found = answers(NetworkMeasureView, NETWORK_MEASURE)
    found[200]["content"] |= {form.value: {"schema": {"type": "string"}} for form in (Form.SVG, Form.HTML)}
    return found


@router.get(
    "/networks/{networkId}/measures/{measureId}",
    operation_id="getNetworkMeasure",
    summary="Read a measure of a network of centres",
    responses=_answers(),
)
async def get_network_measure(
    request: Request, network_id: NetworkId, measure_id: MeasureId, session: CurrentSession, centre: CentreId = None
) -> Response:
    """How a network is doing over time, what of it is more than chance, and how its centres lie beside each other: the
    latest published MeasureReports, counts only, nothing about any single person. Small counts are masked. As FHIR: the
    reports; as `image/svg+xml`: the chart; as `text/html`: a page that patients and families can read.
    """
    form = accepted_form(request.headers.get("accept", ""), Form.JSON, Form.FHIR, Form.SVG, Form.HTML)
    of_centre = f"Organization/{centre}" if centre else None
    network, measure = f"Organization/{network_id}", _known(measure_id)
    found = await read_measure(network, measure, centre=of_centre, fhir=session.fhir)
    return _shown(found, form, await _language(session))


def _known(measure_id: str) -> MeasureDefinition:
    measure = measures().get(measure_id)
    if measure is None:
        raise ResourceNotFound(f"Measure/{measure_id} not found")
    return measure


async def _language(session: Session) -> Language:
    """The one that the caller asks for; else that of the patient whom they are or speak for."""
    return await session.words_for(session.actor.context if session.actor.on_patient_side else None)


def _shown(found: NetworkMeasure, form: Form, language: Language) -> Response:
    match form:
        case Form.FHIR:
            return fhir_response(searchset(list(found.resources)))
        case Form.SVG:
            return Response(control_chart(found.series, language=language), media_type=Form.SVG)
        case Form.HTML:
            title = language.say(found.series.measure.title)
            made_of = language.say("Made of the reports that the network has published.")
            text = page(title, [(found.series, found.funnel)], made_of=made_of, language=language)
            return Response(text, 200, PAGE_POLICY, Form.HTML)
        case _:
            return view_response(NetworkMeasureView.of(found, language))
