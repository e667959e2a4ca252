"""What is tracked: the catalogue, entries by the hundred, corrections, and the list."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from fhir_mappings.bundle import searchset
from service.api import tracking_examples as examples
from service.api.answers import Form, fhir_response, told_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    ID,
    AcceptedForm,
    CurrentAct,
    CurrentPatient,
    CurrentServices,
    CurrentSession,
    RequiredVersion,
)
from service.api.documentation import ACT_ERRORS, READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.fields import Instant
from service.api.schemas import WithReason
from service.api.tracking_schemas import AmendObservation, RecordObservations
from service.api.tracking_views import ObservationList, ObservationView, Recorded, TrackableList, TrackableView
from service.workflows import observations, tracking
from service.workflows.observations import MOST_IN_PAGE, PAGE, Wanted

router = APIRouter(prefix="/v1", tags=["tracking"], route_class=StrictRoute)

ObservationId = Annotated[str, Path(alias="observationId", pattern=ID, description="Id of an Observation")]
TrackedCode = Annotated[
    str | None,
    Query(
        alias="code",
        pattern=r"^[^\s,$\\]{1,200}$",
        description="Key of the catalogue, LOINC code, or `system|code`",
        examples=["glucose"],
    ),
]
From = Annotated[Instant | None, Query(alias="from", description="Nothing that was measured before")]
To = Annotated[Instant | None, Query(alias="to", description="Nothing that was measured afterwards")]
Cursor = Annotated[str | None, Query(max_length=8_000, description="`next` of the page before")]
Count = Annotated[int, Field(ge=1, le=MOST_IN_PAGE), Query(description="Most in a page")]


@router.get(
    "/tracking/catalog",
    operation_id="listTrackables",
    summary="List what can be tracked",
    responses=answers(TrackableList, examples.CATALOGUE, fhir=False, errors=(401, 403, 406)),
)
async def list_trackables(services: CurrentServices, _: CurrentSession) -> Response:
    """Each thing with its plain name, its code, the units that are taken, and what is hardly ever exceeded."""
    return view_response(TrackableList(trackables=tuple(map(TrackableView.of, services.settings.catalogue))))


@router.post(
    "/patients/{patientId}/observations",
    operation_id="recordObservations",
    summary="Record what was measured, one entry or up to 500",
    responses=answers(Recorded, examples.RECORDED, fhir=False, errors=WRITE_ERRORS),
    openapi_extra=body(examples.ITEMS),
)
async def record_observations(
    patient: CurrentPatient, given: RecordObservations, act: CurrentAct, services: CurrentServices
) -> Response:
    """From a diary, a device or a phone that was offline, in any order. Each entry is judged by itself: `refused` names
    what is wrong with it, and the others stand. An entry with an id of yours is recorded once, however often and in
    whichever request it is sent. A value that is hardly ever so high or low is refused until it comes `confirmed`.
    The unit may be left out where the catalogue has just one: a sugar or a weight needs it.
    Where entries are for a goal, its achievementStatus follows at once. 422: not one entry can stand.
    """
    catalogue = services.settings.catalogue
    return await act.answer_view(
        lambda: tracking.record(patient, given.entries(), session=act.session, catalogue=catalogue),
        Recorded.of,
        patient=patient,
    )


@router.get(
    "/patients/{patientId}/observations",
    operation_id="listObservations",
    summary="List what was measured",
    responses=answers(ObservationList, examples.OBSERVATIONS, errors=(*READ_ERRORS, 422)),
)
async def list_observations(
    patient: CurrentPatient,
    session: CurrentSession,
    services: CurrentServices,
    form: AcceptedForm,
    code: TrackedCode = None,
    since: From = None,
    until: To = None,
    cursor: Cursor = None,
    count: Count = PAGE,
) -> Response:
    """A page of it, latest first, those of other systems included; of one thing with `code`. What is said of goals
    (scores of attainment, what matters, barriers, readiness) stands with the goal, and here only if its code is asked
    for.
    """
    catalogue, wanted = services.settings.catalogue, Wanted(code, since, until)
    page = await observations.list_observations(
        patient, wanted, session=session, catalogue=catalogue, cursor=cursor, count=count
    )
    if form is Form.FHIR:
        return fhir_response(searchset(page.observations))
    view = partial(ObservationView.shown, language=await session.words_for(patient), catalogue=catalogue)
    return view_response(ObservationList(observations=tuple(map(view, page.observations)), next=page.cursor))


@router.get(
    "/observations/{observationId}",
    operation_id="getObservation",
    summary="Read one measurement",
    responses=answers(ObservationView, examples.OBSERVATION),
)
async def get_observation(
    observation_id: ObservationId, session: CurrentSession, services: CurrentServices, form: AcceptedForm
) -> Response:
    """As it stands, with what was corrected of it. Keep its ETag: a correction is about this version."""
    resource = await session.fhir.read("Observation", observation_id)
    corrections = await observations.read_corrections(resource, session=session) if form is Form.JSON else ()
    return await told_response(session, form, resource, partial(_view(services), corrections=corrections))


@router.post(
    "/observations/{observationId}/amend",
    operation_id="amendObservation",
    summary="Correct a measurement",
    responses=answers(ObservationView, examples.OBSERVATION, errors=ACT_ERRORS),
    openapi_extra=body(examples.AMEND),
)
async def amend_observation(
    observation_id: ObservationId,
    given: AmendObservation,
    act: CurrentAct,
    version: RequiredVersion,
    services: CurrentServices,
) -> Response:
    """A slip of the finger, a wrong time. What it said before stays in its history; who corrected it and why is on
    record. Patients and families correct what their side recorded, the care team what theirs did.
    """
    correct = partial(
        tracking.amend,
        observation_id,
        amount=given.corrected(),
        effective=given.effective,
        note=given.note,
        reason=given.reason,
    )
    catalogue = services.settings.catalogue
    return await act.tell(lambda: correct(session=act.session, catalogue=catalogue, if_match=version), _view(services))


@router.post(
    "/observations/{observationId}/entered-in-error",
    operation_id="markObservationEnteredInError",
    summary="Void a measurement that should never have been there",
    responses=answers(ObservationView, {**examples.OBSERVATION, "status": "entered-in-error"}, errors=ACT_ERRORS),
    openapi_extra=body(examples.VOID),
)
async def mark_observation_entered_in_error(
    observation_id: ObservationId, why: WithReason, act: CurrentAct, version: RequiredVersion, services: CurrentServices
) -> Response:
    """Somebody else's value, the wrong device. It counts no longer, and nothing is deleted."""
    void = partial(tracking.void, observation_id, why.reason, catalogue=services.settings.catalogue)
    return await act.tell(lambda: void(session=act.session, if_match=version), _view(services))


def _view(services: CurrentServices) -> Callable[..., ObservationView]:
    return partial(ObservationView.shown, catalogue=services.settings.catalogue)
