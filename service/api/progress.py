"""Measurements for a goal."""

from fastapi import APIRouter
from starlette.responses import Response

from fhir_mappings.carrier import Json
from fhir_mappings.observation import observation_from_fhir
from service.api import examples
from service.api.answers import view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import CurrentAct, CurrentSession, GoalId, OptionalVersion
from service.api.documentation import WRITE_ERRORS, answers, body
from service.api.schemas import RecordProgress
from service.api.story_views import GoalProgress, MeasurementView
from service.workflows import progress

router = APIRouter(prefix="/v1", tags=["progress"], route_class=StrictRoute)


def measurement_view(resource: Json) -> MeasurementView:
    """An Observation as we show it."""
    return MeasurementView.of(observation_from_fhir(resource))


@router.post(
    "/goals/{goalId}/progress",
    operation_id="recordProgress",
    summary="Record a measurement for a goal",
    status_code=201,
    responses=answers(MeasurementView, examples.MEASUREMENT, status=201, errors=(*WRITE_ERRORS, 412)),
    openapi_extra=body(examples.MEASUREMENT_BODY),
)
async def record_progress(
    goal_id: GoalId, measurement: RecordProgress, act: CurrentAct, version: OptionalVersion
) -> Response:
    """A step count, a pain score, an evening of exercises: recorded as it was measured. Where it is in the unit of the
    goal's target, the goal's achievementStatus follows from it at once.
    """
    return await act.answer(
        lambda: progress.record_progress(goal_id, measurement.measurement(), session=act.session, if_match=version),
        measurement_view,
        location=f"/v1/goals/{goal_id}/progress",
    )


@router.get(
    "/goals/{goalId}/progress",
    operation_id="getGoalProgress",
    summary="Read the progress of a goal",
    responses=answers(GoalProgress, examples.PROGRESS, fhir=False),
)
async def get_goal_progress(goal_id: GoalId, session: CurrentSession) -> Response:
    """The series, the trend and whether the latest value meets the target. `achieved` is for people to say."""
    return view_response(GoalProgress.of(await progress.read_progress(goal_id, session=session)))
