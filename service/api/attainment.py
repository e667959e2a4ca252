"""How far a goal is, as each side sees it; what is in the way, what matters, what comes first."""

from functools import partial
from typing import cast

from fastapi import APIRouter
from starlette.responses import Response

from fhir_mappings.assessment import assessment_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.person_centered import Assessment
from fhir_mappings.priority_list import priority_list_from_fhir
from fhir_mappings.wording import Language
from service.api import person_examples as examples
from service.api.answers import view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    AssessmentId,
    CurrentAct,
    CurrentCatalogue,
    CurrentPatient,
    CurrentSession,
    GoalId,
    RequiredVersion,
)
from service.api.documentation import ACT_ERRORS, WRITE_ERRORS, answers, body
from service.api.examples import REASON
from service.api.person_bodies import AddBarrier, RecordReadiness, RecordScore, SayWhatMatters, SetPriorities
from service.api.person_views import (
    AssessmentView,
    GoalAttainment,
    PriorityLists,
    PriorityListSet,
    WhatMatters,
)
from service.api.schemas import Visibility, WithReason
from service.workflows import attainment

router = APIRouter(prefix="/v1", tags=["attainment"], route_class=StrictRoute)


def assessment_view(resource: Json, language: Language) -> AssessmentView:
    """An Observation as what it assesses."""
    return AssessmentView.of(cast(Assessment, assessment_from_fhir(resource)), language)


def priority_list_view(resource: Json) -> PriorityListSet:
    """A List as we show it."""
    return PriorityListSet.of(priority_list_from_fhir(resource))


@router.post(
    "/goals/{goalId}/scores",
    operation_id="recordScore",
    summary="Say how far a goal is",
    status_code=201,
    responses=answers(AssessmentView, examples.ASSESSMENT, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.SCORE),
)
async def record_score(goal_id: GoalId, score: RecordScore, act: CurrentAct, catalogue: CurrentCatalogue) -> Response:
    """Which level the goal is at, as you see it: patient, family and care team each score in their own name, side by
    side. For a goal whose target is a questionnaire score (PROM), say the points; what the questionnaire cannot give
    is refused. Only people say that it is reached.
    """
    record = partial(attainment.record_score, session=act.session, catalogue=catalogue)
    return await act.tell(
        lambda: record(goal_id, score.scored, score.at, note=score.note, confirmed=score.confirmed),
        assessment_view,
        location=f"/v1/goals/{goal_id}/attainment",
    )


@router.get(
    "/goals/{goalId}/attainment",
    operation_id="getGoalAttainment",
    summary="Read how far a goal is, as each side sees it",
    responses=answers(GoalAttainment, examples.ATTAINMENT, fhir=False),
)
async def get_goal_attainment(goal_id: GoalId, session: CurrentSession) -> Response:
    """The levels in the person's words, the scores of patient, family and care team side by side, what is in the way
    and how ready they are.
    """
    found = await attainment.read_attainment(goal_id, session=session)
    return view_response(GoalAttainment.of(found, await session.words_for(found.goal.subject)))


@router.post(
    "/goals/{goalId}/barriers",
    operation_id="addBarrier",
    summary="Say what is in the way",
    status_code=201,
    responses=answers(AssessmentView, examples.SAID_BARRIER, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.BARRIER),
)
async def add_barrier(goal_id: GoalId, barrier: AddBarrier, act: CurrentAct) -> Response:
    """What makes the goal hard, in your own words, so that the others can help."""
    return await act.tell(
        lambda: attainment.add_barrier(goal_id, barrier.what, session=act.session, note=barrier.note),
        assessment_view,
        location=f"/v1/goals/{goal_id}/attainment",
    )


@router.post(
    "/goals/{goalId}/readiness",
    operation_id="recordReadiness",
    summary="Say how ready you are",
    status_code=201,
    responses=answers(AssessmentView, examples.SAID_READINESS, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.READINESS),
)
async def record_readiness(goal_id: GoalId, ready: RecordReadiness, act: CurrentAct) -> Response:
    """From 0 to 10: how much it matters to you now, and how sure you are to get there."""
    return await act.tell(
        lambda: attainment.record_readiness(goal_id, ready.ratings, session=act.session),
        assessment_view,
        location=f"/v1/goals/{goal_id}/attainment",
    )


@router.post(
    "/patients/{patientId}/what-matters",
    operation_id="sayWhatMatters",
    summary="Say what matters",
    status_code=201,
    responses=answers(AssessmentView, examples.SAID_WHAT_MATTERS, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.WHAT_MATTERS),
)
async def say_what_matters(patient: CurrentPatient, said: SayWhatMatters, act: CurrentAct) -> Response:
    """What matters in your life, in your own words. It stands first in the plan, and goals can be linked to it."""
    private = said.visibility is Visibility.PRIVATE
    return await act.tell(
        lambda: attainment.say_what_matters(patient, said.about, said.text, session=act.session, private=private),
        assessment_view,
        location=f"/v1/patients/{patient.partition('/')[2]}/what-matters",
    )


@router.get(
    "/patients/{patientId}/what-matters",
    operation_id="listWhatMatters",
    summary="Read what matters to a patient",
    responses=answers(WhatMatters, examples.STATEMENTS, fhir=False),
)
async def list_what_matters(patient: CurrentPatient, session: CurrentSession) -> Response:
    """All that was said of what matters, oldest first, with who said it."""
    return view_response(WhatMatters.of(await attainment.read_person(patient, session=session)))


@router.post(
    "/patients/{patientId}/priorities",
    operation_id="setPriorities",
    summary="Say what comes first",
    responses=answers(PriorityListSet, examples.PRIORITY_LIST_SET, errors=WRITE_ERRORS),
    openapi_extra=body(examples.PRIORITIES),
)
async def set_priorities(patient: CurrentPatient, order: SetPriorities, act: CurrentAct) -> Response:
    """Your own order of goals, of what matters and of what is in the way. Each party has their own; nobody changes
    somebody else's.
    """
    return await act.answer(
        lambda: attainment.set_priorities(patient, order.items, session=act.session), priority_list_view
    )


@router.get(
    "/patients/{patientId}/priorities",
    operation_id="listPriorities",
    summary="Read what comes first for whom",
    responses=answers(PriorityLists, examples.PRIORITY_LISTS, fhir=False),
)
async def list_priorities(patient: CurrentPatient, session: CurrentSession) -> Response:
    """The order of each party: the patient's first, then the family's, then the care team's."""
    return view_response(PriorityLists.of(await attainment.read_person(patient, session=session)))


@router.post(
    "/assessments/{assessmentId}/entered-in-error",
    operation_id="markAssessmentEnteredInError",
    summary="Take back what was said by mistake",
    responses=answers(AssessmentView, examples.RETRACTED, errors=ACT_ERRORS),
    openapi_extra=body(REASON),
)
async def mark_assessment_entered_in_error(
    assessment_id: AssessmentId, why: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """A score, a barrier, readiness or what matters, by who said it. It stays on the server, marked as a mistake."""
    return await act.tell(
        lambda: attainment.retract(assessment_id, why.reason, session=act.session, if_match=version), assessment_view
    )
