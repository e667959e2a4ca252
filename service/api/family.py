"""Patient, family and care team: who sees a goal, and what they talk about when they meet."""

from typing import Annotated, cast

from fastapi import APIRouter, Query
from starlette.responses import Response

from fhir_mappings.agenda_item import agenda_item_from_fhir
from fhir_mappings.bundle import searchset
from fhir_mappings.carrier import Json
from fhir_mappings.person_centered import AgendaItem
from service.api import examples as goal_examples
from service.api import person_examples as examples
from service.api.answers import Form, fhir_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    AcceptedForm,
    AgendaItemId,
    CurrentAct,
    CurrentPatient,
    CurrentSession,
    GoalId,
    RequiredVersion,
)
from service.api.documentation import ACT_ERRORS, WRITE_ERRORS, answers, body
from service.api.goals import goal_view
from service.api.person_bodies import AddAgendaItem, CarryOverAgenda, ChangeVisibility, CloseAgendaItem
from service.api.person_views import AgendaItemView, AgendaList
from service.api.schemas import Visibility
from service.api.views import GoalView
from service.workflows import agenda, visibility

router = APIRouter(prefix="/v1", tags=["family"], route_class=StrictRoute)


def agenda_item_view(resource: Json) -> AgendaItemView:
    """A CommunicationRequest as we show it."""
    return AgendaItemView.of(cast(AgendaItem, agenda_item_from_fhir(resource)))


@router.post(
    "/goals/{goalId}/visibility",
    operation_id="changeGoalVisibility",
    summary="Decide whether the family sees a goal",
    responses=answers(GoalView, goal_examples.GOAL, errors=ACT_ERRORS),
    openapi_extra=body(examples.VISIBILITY),
)
async def change_goal_visibility(
    goal_id: GoalId, change: ChangeVisibility, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Keep a goal between you and your care team, or show it to your family. Only the patient decides. What the family
    has had a part in cannot be kept from them any more.
    """
    private = change.visibility is Visibility.PRIVATE
    return await act.tell(
        lambda: visibility.change_goal_visibility(goal_id, private, session=act.session, if_match=version),
        goal_view,
    )


@router.post(
    "/patients/{patientId}/agenda",
    operation_id="addAgendaItem",
    summary="Put something on the agenda of a visit",
    status_code=201,
    responses=answers(AgendaItemView, examples.ON_AGENDA, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.AGENDA_ITEM),
)
async def add_agenda_item(patient: CurrentPatient, item: AddAgendaItem, act: CurrentAct) -> Response:
    """A question or a topic that you want to talk about at the next visit, or at the one that you name. All sides add
    to the same agenda.
    """
    return await act.answer(
        lambda: agenda.add_agenda_item(patient, item.draft(), session=act.session, goal_id=item.goal),
        agenda_item_view,
        location=f"/v1/patients/{patient.partition('/')[2]}/agenda",
    )


@router.get(
    "/patients/{patientId}/agenda",
    operation_id="listAgenda",
    summary="Read the agenda",
    responses=answers(AgendaList, examples.AGENDA),
)
async def list_agenda(
    patient: CurrentPatient,
    session: CurrentSession,
    form: AcceptedForm,
    closed: Annotated[bool, Query(description="With what was talked about or taken off")] = False,
) -> Response:
    """What is to be talked about, by visit and in the order in which it was raised."""
    found = await agenda.list_agenda(patient, session=session, closed=closed)
    if form is Form.FHIR:
        return fhir_response(searchset(found))
    return view_response(_agenda(found))


@router.post(
    "/agenda-items/{agendaItemId}/close",
    operation_id="closeAgendaItem",
    summary="Say what came of it",
    responses=answers(AgendaItemView, examples.TALKED_ABOUT, errors=ACT_ERRORS),
    openapi_extra=body(examples.CLOSE),
)
async def close_agenda_item(
    agenda_item_id: AgendaItemId, end: CloseAgendaItem, act: CurrentAct, version: RequiredVersion
) -> Response:
    """It was talked about: write down what came of it. Who asked may also take it off without."""
    return await act.answer(
        lambda: agenda.close_agenda_item(
            agenda_item_id, end.outcome, session=act.session, if_match=version, discussed=end.discussed
        ),
        agenda_item_view,
    )


@router.post(
    "/patients/{patientId}/agenda/carry-over",
    operation_id="carryOverAgenda",
    summary="Keep what is open for the next visit",
    responses=answers(AgendaList, examples.CARRIED_OVER, errors=WRITE_ERRORS),
    openapi_extra=body(examples.CARRY_OVER),
)
async def carry_over_agenda(patient: CurrentPatient, over: CarryOverAgenda, act: CurrentAct) -> Response:
    """What there was no time for is not lost: all that is open goes to the next visit, but for what is set for a visit
    that is still to come; or the items that you name. The answer has each item that went there.
    """
    return await act.answer_view(
        lambda: agenda.carry_over_agenda(patient, over.visit.noun(), session=act.session, items=over.items),
        lambda moved, _: _agenda(moved),
        patient=patient,
        fhir=searchset,
    )


def _agenda(found: list[Json]) -> AgendaList:
    return AgendaList(items=tuple(map(agenda_item_view, found)))
