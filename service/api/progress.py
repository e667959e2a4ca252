"""Measurements for a goal, what they say of it, and their picture."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from fhir_mappings.carrier import Json
from fhir_mappings.observation import observation_from_fhir
from fhir_mappings.wording import Language
from service.api import examples, tracking_examples
from service.api.answers import Form, accepted_form, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    CurrentAct,
    CurrentCatalogue,
    CurrentPatient,
    CurrentServices,
    CurrentSession,
    GoalId,
    OptionalVersion,
)
from service.api.documentation import READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.fields import Instant
from service.api.progress_views import GoalProgress, RunChartView
from service.api.run_chart_png import run_chart_png
from service.api.run_chart_svg import run_chart_svg
from service.api.schemas import RecordProgress
from service.api.story_views import MeasurementView
from service.domain.catalogue import Catalogue
from service.domain.run_chart import RunChart
from service.domain.worded import worded
from service.series import Window
from service.workflows import progress

router = APIRouter(prefix="/v1", tags=["progress"], route_class=StrictRoute)


def get_window(
    since: Annotated[Instant | None, Query(alias="from", description="Nothing that was measured before")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Nothing measured afterwards")] = None,
) -> Window:
    """What is looked at: the latest 100 values, or the latest 500 of a window that begins."""
    return Window(since, until)


CurrentWindow = Annotated[Window, Depends(get_window)]


async def picture(form: Form, chart: RunChart, language: Language) -> Response:
    """The chart as data, as SVG or as PNG."""
    told = {"Content-Language": language.primary, "Vary": "Accept, Accept-Language"}
    if form is Form.JSON:
        return view_response(RunChartView.of(chart, language), headers=told)
    svg = run_chart_svg(chart, language)
    drawn = svg.encode() if form is Form.SVG else await asyncio.to_thread(run_chart_png, svg)
    return Response(drawn, headers=told, media_type=form)


def get_picture_form(request: Request) -> Form:
    """JSON, SVG or PNG, as the caller accepts."""
    return accepted_form(request.headers.get("accept", ""), Form.JSON, Form.SVG, Form.PNG)


PictureForm = Annotated[Form, Depends(get_picture_form)]


def chart_answers() -> dict[int | str, dict[str, Any]]:
    """`responses` of a run chart."""
    documented = answers(RunChartView, tracking_examples.RUN_CHART, fhir=False, errors=(*READ_ERRORS, 422))
    documented[200]["content"] |= {
        Form.SVG.value: {"schema": {"type": "string"}},
        Form.PNG.value: {"schema": {"type": "string", "format": "binary"}},
    }
    return documented


CHART: Final = chart_answers()


def _view(catalogue: Catalogue) -> Callable[[Json, Language], MeasurementView]:
    """An Observation as we show it."""
    return lambda r, language: MeasurementView.of(worded(observation_from_fhir(r), catalogue, language.primary))


@router.post(
    "/goals/{goalId}/progress",
    operation_id="recordProgress",
    summary="Record a measurement for a goal",
    status_code=201,
    responses=answers(MeasurementView, examples.MEASUREMENT, status=201, errors=(*WRITE_ERRORS, 412)),
    openapi_extra=body(examples.MEASUREMENT_BODY),
)
async def record_progress(
    goal_id: GoalId,
    measurement: RecordProgress,
    act: CurrentAct,
    version: OptionalVersion,
    catalogue: CurrentCatalogue,
) -> Response:
    """A step count, a pain score, an evening of exercises. The goal's achievementStatus follows from it at once. What
    is in another unit than is taken is converted where that is exact, else refused with the units that are; a value
    that is hardly ever so high or low is refused until it comes `confirmed`.
    """
    return await act.tell(
        lambda: progress.record_progress(
            goal_id, measurement.measurement(), session=act.session, catalogue=catalogue, if_match=version
        ),
        _view(catalogue),
        location=f"/v1/goals/{goal_id}/progress",
    )


@router.get(
    "/goals/{goalId}/progress",
    operation_id="getGoalProgress",
    summary="Read the progress of a goal",
    responses=answers(GoalProgress, tracking_examples.PROGRESS, fhir=False),
)
async def get_goal_progress(goal_id: GoalId, session: CurrentSession, services: CurrentServices) -> Response:
    """The series, the trend and whether the latest value meets the target; where values are missing; what is more than
    chance; and, with enough to go by, a likely range. `achieved` is for people to say.
    """
    view = await progress.read_progress(goal_id, session=session, catalogue=services.settings.catalogue)
    return view_response(GoalProgress.of(view, view.language), headers={"Content-Language": view.language.primary})


@router.get(
    "/goals/{goalId}/run-chart",
    operation_id="getGoalRunChart",
    summary="See the progress of a goal",
    responses=CHART,
)
async def get_goal_run_chart(
    goal_id: GoalId,
    session: CurrentSession,
    services: CurrentServices,
    form: PictureForm,
    window: CurrentWindow,
) -> Response:
    """The series against the target, as data, as SVG with its words inside for screen readers, or as PNG."""
    catalogue = services.settings.catalogue
    view = await progress.read_progress(goal_id, session=session, catalogue=catalogue, window=window)
    return await picture(form, view.chart, view.language)


@router.get(
    "/patients/{patientId}/run-chart",
    operation_id="getTrackedRunChart",
    summary="See how something that is tracked goes",
    responses=CHART,
)
async def get_tracked_run_chart(
    patient: CurrentPatient,
    session: CurrentSession,
    services: CurrentServices,
    form: PictureForm,
    window: CurrentWindow,
    code: Annotated[
        str, Query(pattern=r"^[^\s,$\\]{1,200}$", description="Key of the catalogue or of a part, or LOINC code")
    ],
    unit: Annotated[str | None, Query(max_length=64, description="UCUM code; that of the latest value")] = None,
) -> Response:
    """As for a goal, whether or not there is one. Values in other units are told in this one where that is exact."""
    chart, language = await progress.read_tracked_chart(
        patient,
        code,
        session=session,
        catalogue=services.settings.catalogue,
        unit=unit,
        window=window,
    )
    return await picture(form, chart, language)
