"""Care plans, and everything about a patient's goals in one call."""

from dataclasses import replace
from functools import partial

from fastapi import APIRouter
from starlette.responses import Response

from fhir_mappings.bundle import collection, searchset
from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json, encode
from fhir_mappings.compartment import patient_of
from service.api import examples
from service.api.answers import Form, entity_tag, fhir_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    AcceptedForm,
    CarePlanId,
    CurrentAct,
    CurrentPatient,
    CurrentServices,
    CurrentSession,
    Fresh,
    RequiredVersion,
)
from service.api.documentation import ACT_ERRORS, READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.goals import goal_view
from service.api.schemas import LinkGoal, OpenCarePlan
from service.api.story_views import CarePlanList, CarePlanView, CarePlanWithGoals, PatientPlan
from service.api.time_zones import CurrentZone
from service.domain.catalogue import Catalogue
from service.domain.worded import worded
from service.workflows import care_plans
from service.workflows.plans import PlanView, cached_plan

router = APIRouter(prefix="/v1", tags=["plans"], route_class=StrictRoute)


def care_plan_view(resource: Json) -> CarePlanView:
    """A CarePlan as we show it."""
    return CarePlanView.of(care_plan_from_fhir(resource))


def _rendered(view: PlanView, catalogue: Catalogue) -> bytes:
    latest = tuple(worded(o, catalogue, view.language.primary) for o in view.latest)
    return encode(PatientPlan.of(replace(view, latest=latest)))


@router.get(
    "/patients/{patientId}/plan",
    operation_id="getPatientPlan",
    summary="Read everything about a patient's goals",
    responses=answers(PatientPlan, examples.PATIENT_PLAN, fhir=False, errors=(*READ_ERRORS, 422)),
)
async def get_patient_plan(
    patient: CurrentPatient, session: CurrentSession, services: CurrentServices, fresh: Fresh, zone: CurrentZone
) -> Response:
    """What waits for you and how to answer, what waits for others, the goals with who agrees, what is to be done for
    each today and this week and who is next, the latest measurements, plans and team. `asOf` says how old it is: some
    seconds at most, and none at all with `Cache-Control: no-cache`.
    """
    settings = services.settings
    kept_for, render = settings.plan_kept_for, partial(_rendered, catalogue=settings.catalogue)
    plan = await cached_plan(patient, session=session, keep_for=kept_for, render=render, fresh=fresh, zone=zone)
    return Response(plan, media_type=Form.JSON)


@router.post(
    "/patients/{patientId}/care-plans",
    operation_id="openCarePlan",
    summary="Open a care plan",
    status_code=201,
    responses=answers(CarePlanView, examples.CARE_PLAN, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.OPEN_PLAN),
)
async def open_care_plan(patient: CurrentPatient, plan: OpenCarePlan, act: CurrentAct) -> Response:
    """A plan with the goals that are agreed already. Without one, a patient's first agreement opens it."""
    return await act.answer(
        lambda: care_plans.open_care_plan(patient, plan.draft(), session=act.session),
        care_plan_view,
        location="/v1/care-plans/{id}",
    )


@router.get(
    "/patients/{patientId}/care-plans",
    operation_id="listCarePlans",
    summary="List a patient's care plans",
    responses=answers(CarePlanList, examples.CARE_PLANS),
)
async def list_patient_care_plans(patient: CurrentPatient, session: CurrentSession, form: AcceptedForm) -> Response:
    """All plans of the patient, those of other systems included."""
    found = await care_plans.list_care_plans(patient, session=session)
    if form is Form.FHIR:
        return fhir_response(searchset(found))
    return view_response(CarePlanList(care_plans=tuple(map(care_plan_view, found))))


@router.get(
    "/care-plans/{carePlanId}",
    operation_id="getCarePlan",
    summary="Read a care plan with its goals",
    responses=answers(CarePlanWithGoals, examples.PLAN_WITH_GOALS),
)
async def get_care_plan(care_plan_id: CarePlanId, session: CurrentSession, form: AcceptedForm) -> Response:
    """The plan and the goals that it links. As FHIR: a Bundle with both; the plan's text says who agreed to what."""
    plan, goals = await care_plans.read_care_plan(care_plan_id, session=session)
    if form is Form.FHIR:
        return fhir_response(collection([plan, *goals]), headers=entity_tag(plan))
    language = await session.words_for(patient_of(plan))
    view = CarePlanWithGoals(care_plan=care_plan_view(plan), goals=tuple(goal_view(g, language) for g in goals))
    return view_response(view, headers=entity_tag(plan))


@router.post(
    "/care-plans/{carePlanId}/goals",
    operation_id="linkGoal",
    summary="Link an agreed goal from a plan",
    responses=answers(CarePlanView, examples.CARE_PLAN, errors=ACT_ERRORS),
    openapi_extra=body(examples.LINK),
)
async def link_goal(care_plan_id: CarePlanId, link: LinkGoal, act: CurrentAct, version: RequiredVersion) -> Response:
    """Only what is agreed is part of a plan; the plan's text tells of open offers beside it."""
    return await act.answer(
        lambda: care_plans.link_goal(care_plan_id, link.goal, session=act.session, if_match=version), care_plan_view
    )
