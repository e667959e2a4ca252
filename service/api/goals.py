"""Goals: offered, answered, agreed, ended."""

from fastapi import APIRouter
from starlette.responses import Response

from fhir_mappings.bundle import searchset
from fhir_mappings.carrier import Json
from fhir_mappings.communication import message_from_fhir
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.wording import ENGLISH, Language
from service.api import examples
from service.api.answers import Form, fhir_response, told_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    AcceptedForm,
    CurrentAct,
    CurrentCatalogue,
    CurrentPatient,
    CurrentSession,
    GoalId,
    OptionalVersion,
    RequiredVersion,
    Statuses,
)
from service.api.documentation import ACT_ERRORS, READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.schemas import (
    AcceptGoal,
    CompleteGoal,
    CounterProposeGoal,
    ProposeGoal,
    SendMessage,
    WithdrawGoal,
    WithReason,
)
from service.api.story_views import GoalThread, MessageView
from service.api.views import GoalList, GoalView
from service.workflows import goals, threads
from service.workflows.plans import list_goals

router = APIRouter(prefix="/v1", tags=["goals"], route_class=StrictRoute)
LOCATION = "/v1/goals/{id}"
OFFERED = answers(GoalView, examples.OFFERED, status=201, errors=WRITE_ERRORS)
COUNTERED = answers(GoalView, examples.OFFERED, status=201, errors=ACT_ERRORS)
ACTED = answers(GoalView, examples.GOAL, errors=ACT_ERRORS)
BECAUSE = body(examples.REASON)


def goal_view(resource: Json, language: Language = ENGLISH) -> GoalView:
    """A Goal as we show it."""
    return GoalView.of(goal_from_fhir(resource), language)


def message_view(resource: Json) -> MessageView:
    """A Communication as we show it."""
    return MessageView.of(message_from_fhir(resource))


@router.post(
    "/patients/{patientId}/goals",
    operation_id="proposeGoal",
    summary="Propose a goal",
    status_code=201,
    responses=OFFERED,
    openapi_extra=body(examples.PROPOSE),
)
async def propose_goal(
    patient: CurrentPatient, offer: ProposeGoal, act: CurrentAct, catalogue: CurrentCatalogue
) -> Response:
    """Say what you want to reach, in your own words. Your words are kept as you said them; the others are asked to
    accept, to offer something else, or to say no with a reason.
    """
    return await act.tell(
        lambda: goals.propose(
            patient, offer.offer(), session=act.session, catalogue=catalogue, care_plan=offer.care_plan
        ),
        goal_view,
        location=LOCATION,
    )


@router.get(
    "/patients/{patientId}/goals",
    operation_id="listGoals",
    summary="List a patient's goals",
    responses=answers(GoalList, examples.GOALS, errors=(*READ_ERRORS, 422)),
)
async def list_patient_goals(
    patient: CurrentPatient, session: CurrentSession, form: AcceptedForm, statuses: Statuses
) -> Response:
    """All goals of the patient in the order in which they were offered, those of other systems included."""
    found = await list_goals(patient, session=session, statuses=frozenset(statuses))
    if form is Form.FHIR:
        return fhir_response(searchset(found))
    language = await session.words_for(patient)
    return view_response(GoalList(goals=tuple(goal_view(g, language) for g in found)))


@router.get(
    "/goals/{goalId}", operation_id="getGoal", summary="Read a goal", responses=answers(GoalView, examples.GOAL)
)
async def get_goal(goal_id: GoalId, session: CurrentSession, form: AcceptedForm) -> Response:
    """The goal as it stands. Keep its ETag: whatever you do next is about this version."""
    return await told_response(session, form, await session.fhir.read("Goal", goal_id), goal_view)


@router.get(
    "/goals/{goalId}/thread",
    operation_id="getGoalThread",
    summary="Read the story of a goal",
    responses=answers(GoalThread, examples.THREAD, fhir=False),
)
async def get_goal_thread(goal_id: GoalId, session: CurrentSession) -> Response:
    """Each offer in order and what differs from the one before, who agreed to which text, when and why, and what was
    said in between. Patients see here what became of their words.
    """
    return view_response(GoalThread.of(await threads.read_thread(goal_id, session=session)))


@router.post(
    "/goals/{goalId}/counter-proposals",
    operation_id="counterProposeGoal",
    summary="Offer something else",
    status_code=201,
    responses=COUNTERED,
    openapi_extra=body(examples.COUNTER),
)
async def counter_propose_goal(
    goal_id: GoalId,
    offer: CounterProposeGoal,
    act: CurrentAct,
    version: RequiredVersion,
    catalogue: CurrentCatalogue,
) -> Response:
    """Answer an offer with another one, or ask for a change of an agreed goal. What was offered before stays as it was
    said; it is replaced only once the others accept yours.
    """
    return await act.tell(
        lambda: goals.counter_propose(
            goal_id, offer.offer(), offer.reason, session=act.session, catalogue=catalogue, if_match=version
        ),
        goal_view,
        location=LOCATION,
    )


@router.post(
    "/goals/{goalId}/accept",
    operation_id="acceptGoal",
    summary="Agree to a goal",
    responses=ACTED,
    openapi_extra=body(examples.ACCEPT),
)
async def accept_goal(goal_id: GoalId, yes: AcceptGoal, act: CurrentAct, version: RequiredVersion) -> Response:
    """Agree to exactly this text. Once the patient and one more party agree, the goal is in force and in the plan."""
    return await act.tell(
        lambda: goals.accept(
            goal_id, session=act.session, if_match=version, priority=yes.priority, comment=yes.comment
        ),
        goal_view,
    )


@router.post(
    "/goals/{goalId}/decline",
    operation_id="declineGoal",
    summary="Say no",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def decline_goal(goal_id: GoalId, no: WithReason, act: CurrentAct, version: RequiredVersion) -> Response:
    """Say no to an offer, or to ending a goal, in words that the other side can understand. The wish stays readable."""
    return await act.tell(lambda: goals.decline(goal_id, no.reason, session=act.session, if_match=version), goal_view)


@router.post(
    "/goals/{goalId}/agree-to-disagree",
    operation_id="agreeToDisagree",
    summary="Leave a goal to the patient",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def agree_to_disagree(goal_id: GoalId, why: WithReason, act: CurrentAct, version: RequiredVersion) -> Response:
    """The care team does not share the goal and says why; the patient may pursue it as their own."""
    return await act.tell(
        lambda: goals.agree_to_disagree(goal_id, why.reason, session=act.session, if_match=version),
        goal_view,
    )


@router.post(
    "/goals/{goalId}/withdraw",
    operation_id="withdrawGoal",
    summary="Take one's own offer back",
    responses=ACTED,
    openapi_extra=body(examples.WITHDRAW),
)
async def withdraw_goal(goal_id: GoalId, why: WithdrawGoal, act: CurrentAct, version: RequiredVersion) -> Response:
    """Take back an offer that nobody has agreed to yet. An offer that it had answered is on the table again."""
    return await act.tell(lambda: goals.withdraw(goal_id, why.reason, session=act.session, if_match=version), goal_view)


@router.post(
    "/goals/{goalId}/hold", operation_id="holdGoal", summary="Pause a goal", responses=ACTED, openapi_extra=BECAUSE
)
async def hold_goal(goal_id: GoalId, why: WithReason, act: CurrentAct, version: RequiredVersion) -> Response:
    """Pause an agreed goal, for example while the knee is swollen."""
    return await act.tell(lambda: goals.hold(goal_id, why.reason, session=act.session, if_match=version), goal_view)


@router.post(
    "/goals/{goalId}/resume",
    operation_id="resumeGoal",
    summary="Take a goal up again",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def resume_goal(goal_id: GoalId, why: WithReason, act: CurrentAct, version: RequiredVersion) -> Response:
    """After a pause, after a relapse, or because its start has come."""
    return await act.tell(lambda: goals.resume(goal_id, why.reason, session=act.session, if_match=version), goal_view)


@router.post(
    "/goals/{goalId}/complete",
    operation_id="completeGoal",
    summary="Say what became of a goal",
    responses=ACTED,
    openapi_extra=body(examples.COMPLETE),
)
async def complete_goal(goal_id: GoalId, end: CompleteGoal, act: CurrentAct, version: RequiredVersion) -> Response:
    """Say how it ended. The goal is completed once the other side says so, too; until then it goes on."""
    return await act.tell(
        lambda: goals.complete(
            goal_id,
            end.outcome,
            session=act.session,
            if_match=version,
            reason=end.reason,
            observation=end.observation,
        ),
        goal_view,
    )


@router.post(
    "/goals/{goalId}/cancel",
    operation_id="cancelGoal",
    summary="End a goal before its time",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def cancel_goal(goal_id: GoalId, why: WithReason, act: CurrentAct, version: RequiredVersion) -> Response:
    """The patient's side is never held to a goal: it ends at once. The care team asks the patient first."""
    return await act.tell(lambda: goals.cancel(goal_id, why.reason, session=act.session, if_match=version), goal_view)


@router.post(
    "/goals/{goalId}/entered-in-error",
    operation_id="markGoalEnteredInError",
    summary="Void a goal that should never have been there",
    responses=ACTED,
    openapi_extra=BECAUSE,
)
async def mark_goal_entered_in_error(
    goal_id: GoalId, why: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """For mistakes such as the wrong patient, by its author or a custodian. Nothing is deleted."""
    return await act.tell(
        lambda: goals.enter_in_error(goal_id, why.reason, session=act.session, if_match=version),
        goal_view,
    )


@router.post(
    "/goals/{goalId}/messages",
    operation_id="sendGoalMessage",
    summary="Ask or answer about a goal",
    status_code=201,
    responses=answers(MessageView, examples.MESSAGE_SENT, status=201, errors=(*WRITE_ERRORS, 412)),
    openapi_extra=body(examples.MESSAGE),
)
async def send_goal_message(
    goal_id: GoalId, message: SendMessage, act: CurrentAct, version: OptionalVersion
) -> Response:
    """A question or an answer that everybody concerned can read. An offer that waits for an answer goes on waiting."""
    return await act.answer(
        lambda: goals.send_message(
            goal_id, message.text, session=act.session, if_match=version, in_response_to=message.in_response_to
        ),
        message_view,
        location=f"/v1/goals/{goal_id}/thread",
    )
