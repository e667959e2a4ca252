"""What is to be done: planned, agreed, changed, paused, stopped, reported."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from fhir_mappings.activity_report import report_from_fhir
from fhir_mappings.bundle import searchset
from fhir_mappings.carrier import Json
from fhir_mappings.codes import CarePlanStatus
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.wording import ENGLISH, Language
from service.api import activity_examples as examples
from service.api.activity_bodies import (
    AcceptActivity,
    CorrectReport,
    PlanActivity,
    ProposeActivityChange,
    ReportActivity,
)
from service.api.activity_views import (
    ActivityList,
    ActivityView,
    ReportView,
    Today,
    Week,
)
from service.api.adherence_views import ActivityAdherence
from service.api.answers import Form, fhir_response, resource_response, told_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    AcceptedForm,
    ActivityId,
    CarePlanId,
    CurrentAct,
    CurrentPatient,
    CurrentSession,
    ReportId,
    RequiredVersion,
)
from service.api.documentation import ACT_ERRORS, READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.examples import REASON
from service.api.schemas import WithReason
from service.api.smaller_views import SmallerActivity
from service.api.time_zones import CurrentZone, OnDay
from service.workflows import activities, days

router = APIRouter(prefix="/v1", tags=["activities"], route_class=StrictRoute)
LOCATION = "/v1/activities/{id}"
ACTED = answers(ActivityView, examples.ACTIVITY, errors=ACT_ERRORS)
BECAUSE = body(REASON)
ZONED_ERRORS = (*READ_ERRORS, 422)
ActivityStatuses = Annotated[
    list[CarePlanStatus], Query(alias="status", description="Only activities of these statuses", default_factory=list)
]


def activity_view(resource: Json, language: Language = ENGLISH) -> ActivityView:
    """A ServiceRequest as we show it."""
    return ActivityView.of(activity_from_fhir(resource), language)


def report_view(resource: Json) -> ReportView:
    """A Task that reports, as we show it."""
    return ReportView.of(report_from_fhir(resource))


@router.post(
    "/care-plans/{carePlanId}/activities",
    operation_id="planActivity",
    summary="Add something to do to a plan",
    status_code=201,
    responses=answers(ActivityView, examples.PLANNED, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.PLAN_ACTIVITY),
)
async def plan_activity(care_plan_id: CarePlanId, activity: PlanActivity, act: CurrentAct) -> Response:
    """Exercises every night, a walk three times a week, an X-ray. What your own side does is in force at once; what
    others are to do is a proposal until they agree.
    """
    today = act.session.occasion().today
    return await act.tell(
        lambda: activities.plan_activity(care_plan_id, activity.activity(today), session=act.session),
        activity_view,
        location=LOCATION,
    )


@router.get(
    "/patients/{patientId}/activities",
    operation_id="listActivities",
    summary="List what is to be done, and who is next",
    responses=answers(ActivityList, examples.ACTIVITIES, errors=(*READ_ERRORS, 422)),
)
async def list_activities(
    patient: CurrentPatient, session: CurrentSession, form: AcceptedForm, statuses: ActivityStatuses
) -> Response:
    """All activities of the patient's plans, those of other systems included, with who has to do what next."""
    found = await days.list_activities(patient, session=session, statuses=frozenset(statuses))
    if form is Form.FHIR:
        return fhir_response(searchset(s.resource for s in found.steps))
    return view_response(ActivityList.of(found))


@router.get(
    "/activities/{activityId}",
    operation_id="getActivity",
    summary="Read what is to be done",
    responses=answers(ActivityView, examples.ACTIVITY),
)
async def get_activity(activity_id: ActivityId, session: CurrentSession, form: AcceptedForm) -> Response:
    """The activity as it stands. Keep its ETag: whatever you do next is about this version."""
    return await told_response(session, form, await session.fhir.read("ServiceRequest", activity_id), activity_view)


@router.post(
    "/activities/{activityId}/accept",
    operation_id="acceptActivity",
    summary="Agree to do it",
    responses=ACTED,
    openapi_extra=body({}),
)
async def accept_activity(
    activity_id: ActivityId, yes: AcceptActivity, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Agree to exactly this. It is then part of the plan, in place of what it was to change."""
    return await act.tell(lambda: activities.accept(activity_id, session=act.session, if_match=version), activity_view)


@router.post(
    "/activities/{activityId}/decline",
    operation_id="declineActivity",
    summary="Say no to a proposed activity",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def decline_activity(
    activity_id: ActivityId, no: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Say no, or take your own proposal back. What was agreed before goes on."""
    return await act.tell(
        lambda: activities.decline(activity_id, no.reason, session=act.session, if_match=version),
        activity_view,
    )


@router.post(
    "/activities/{activityId}/changes",
    operation_id="proposeActivityChange",
    summary="Ask for less, more or something else",
    status_code=201,
    responses=answers(ActivityView, examples.PLANNED, status=201, errors=ACT_ERRORS),
    openapi_extra=body(examples.CHANGE),
)
async def propose_activity_change(
    activity_id: ActivityId, change: ProposeActivityChange, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Another schedule or other words. What was agreed holds until the others agree to yours; what concerns your own
    side alone changes at once. What is only offered to you is declined for this reason, and yours stands in its place.
    """
    today = act.session.occasion().today
    return await act.tell(
        lambda: activities.propose_change(
            activity_id, change.change(today), change.reason, session=act.session, if_match=version
        ),
        activity_view,
        location=LOCATION,
    )


@router.post(
    "/activities/{activityId}/hold",
    operation_id="holdActivity",
    summary="Pause an activity",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def hold_activity(
    activity_id: ActivityId, why: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Nothing is due, and nothing is missing, until it is taken up again."""
    return await act.tell(
        lambda: activities.hold(activity_id, why.reason, session=act.session, if_match=version),
        activity_view,
    )


@router.post(
    "/activities/{activityId}/resume",
    operation_id="resumeActivity",
    summary="Take an activity up again",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def resume_activity(
    activity_id: ActivityId, why: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """It goes on as it was agreed."""
    return await act.tell(
        lambda: activities.resume(activity_id, why.reason, session=act.session, if_match=version),
        activity_view,
    )


@router.post(
    "/activities/{activityId}/stop",
    operation_id="stopActivity",
    summary="Stop an activity",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def stop_activity(
    activity_id: ActivityId, why: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """It ends at once, whoever says so: nobody is held to an activity. The reason stays readable."""
    return await act.tell(
        lambda: activities.stop(activity_id, why.reason, session=act.session, if_match=version),
        activity_view,
    )


@router.post(
    "/activities/{activityId}/reports",
    operation_id="reportActivity",
    summary="Say how it went",
    status_code=201,
    responses=answers(ReportView, examples.REPORTED, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.REPORT),
)
async def report_activity(activity_id: ActivityId, report: ReportActivity, act: CurrentAct) -> Response:
    """Done, partly, skipped or too hard, with a word if you like. Each occurrence is reported once, from whichever
    phone and however often it is sent; what was said is put right with `correctActivityReport`.
    """
    return await act.answer(
        lambda: activities.report(activity_id, report.occurrence, report.said(), session=act.session),
        report_view,
        location=f"/v1/activities/{activity_id}/reports/{{id}}",
    )


@router.get(
    "/activities/{activityId}/reports/{reportId}",
    operation_id="getActivityReport",
    summary="Read a report",
    responses=answers(ReportView, examples.REPORTED),
)
async def get_activity_report(
    activity_id: ActivityId, report_id: ReportId, session: CurrentSession, form: AcceptedForm
) -> Response:
    """What was said of one occurrence, with its corrections. Keep its ETag to correct it."""
    return resource_response(form, await activities.read_report(activity_id, report_id, session=session), report_view)


@router.post(
    "/activities/{activityId}/reports/{reportId}/correct",
    operation_id="correctActivityReport",
    summary="Put a report right",
    responses=answers(ReportView, examples.CORRECTED, errors=ACT_ERRORS),
    openapi_extra=body(examples.CORRECT),
)
async def correct_activity_report(
    activity_id: ActivityId, report_id: ReportId, correction: CorrectReport, act: CurrentAct, version: RequiredVersion
) -> Response:
    """What it really was, and why it was said otherwise. What was said before stays readable in the notes."""
    return await act.answer(
        lambda: activities.correct(
            activity_id, report_id, correction.said(), correction.reason, session=act.session, if_match=version
        ),
        report_view,
    )


@router.get(
    "/activities/{activityId}/adherence",
    operation_id="getAdherence",
    summary="See how it went lately",
    responses=answers(ActivityAdherence, examples.ADHERENCE, fhir=False, errors=ZONED_ERRORS),
)
async def get_adherence(activity_id: ActivityId, session: CurrentSession, zone: CurrentZone) -> Response:
    """What was done of what was due in the last 7 and 28 days, with what was done before the plan was changed. What
    nobody reported is missing, not failed; paused days and what can still be done today do not count.
    """
    return view_response(ActivityAdherence.of(await days.read_adherence(activity_id, session=session, zone=zone)))


@router.get(
    "/activities/{activityId}/smaller",
    operation_id="suggestSmallerActivity",
    summary="Get something smaller to offer",
    responses=answers(SmallerActivity, examples.SMALLER, fhir=False, errors=ZONED_ERRORS),
)
async def suggest_smaller_activity(activity_id: ActivityId, session: CurrentSession, zone: CurrentZone) -> Response:
    """After "too hard": about half as much, as a ready body for `proposeActivityChange`, and one for
    `counterProposeGoal` on each goal that it serves. Nothing is written until you send one of them.
    """
    found = await days.suggest_smaller(activity_id, session=session, zone=zone)
    return view_response(SmallerActivity.of(found))


@router.get(
    "/patients/{patientId}/today",
    operation_id="getToday",
    summary="See what is due today",
    responses=answers(Today, examples.TODAY, fhir=False, errors=ZONED_ERRORS),
)
async def get_today(patient: CurrentPatient, session: CurrentSession, zone: CurrentZone, day: OnDay = None) -> Response:
    """What is due today by the patient's clock, what has been said of it already, and what waits for your yes."""
    return view_response(Today.of(await days.read_today(patient, session=session, zone=zone, day=day)))


@router.get(
    "/patients/{patientId}/week",
    operation_id="getWeek",
    summary="See what is due this week",
    responses=answers(Week, examples.WEEK, fhir=False, errors=ZONED_ERRORS),
)
async def get_week(patient: CurrentPatient, session: CurrentSession, zone: CurrentZone, day: OnDay = None) -> Response:
    """Monday to Sunday by the patient's clock, with what has been said of each already."""
    return view_response(Week.of(await days.read_week(patient, session=session, zone=zone, day=day)))
