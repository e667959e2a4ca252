"""What the person wants, and what is planned against it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from fhir_mappings.bundle import searchset
from fhir_mappings.carrier import Json
from fhir_mappings.preference import preference_from_fhir
from service.api import decision_examples as examples
from service.api.answers import Form, fhir_response, resource_response, view_response
from service.api.bodies import StrictRoute
from service.api.decision_bodies import StatePreference, WithdrawPreference
from service.api.decision_views import (
    AskedFirstView,
    ConflictList,
    ConflictView,
    CurrentPreferencesView,
    PreferenceList,
    PreferenceView,
)
from service.api.dependencies import (
    AcceptedForm,
    CurrentAct,
    CurrentPatient,
    CurrentServices,
    CurrentSession,
    PreferenceId,
    RequiredVersion,
)
from service.api.documentation import ACT_ERRORS, READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.fields import Instant
from service.workflows import preferences

router = APIRouter(prefix="/v1", tags=["preferences"], route_class=StrictRoute)

From = Annotated[
    Instant | None,
    Query(alias="from", description="Only admissions ordered at this instant or later", examples=["2026-01-01T00:00Z"]),
]
To = Annotated[
    Instant | None,
    Query(alias="to", description="Only admissions ordered before this instant", examples=["2027-01-01T00:00Z"]),
]


def preference_view(resource: Json) -> PreferenceView:
    """An Observation of a preference as we show it."""
    return PreferenceView.of(preference_from_fhir(resource))


@router.post(
    "/patients/{patientId}/preferences",
    operation_id="statePreference",
    summary="Say what the patient wants",
    status_code=201,
    responses=answers(PreferenceView, examples.PREFERENCE, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.STATE),
)
async def state_preference(patient: CurrentPatient, statement: StatePreference, act: CurrentAct) -> Response:
    """In the patient's own words, said by the patient, by family who speak for them, or reported by a clinician:
    who says it is known from the token. What was said before stays readable; on the same topic the latest holds.
    """
    return await act.answer(
        lambda: preferences.state_preference(patient, statement.statement(), session=act.session),
        preference_view,
        location="/v1/preferences/{id}",
    )


@router.get(
    "/patients/{patientId}/preferences",
    operation_id="listPreferences",
    summary="Read all that was said of what the patient wants",
    responses=answers(PreferenceList, examples.PREFERENCES),
)
async def list_preferences(patient: CurrentPatient, session: CurrentSession, form: AcceptedForm) -> Response:
    """The latest first, those that no longer hold included: until when they held, and what took their place."""
    resources, standing = await preferences.list_preferences(patient, session=session)
    if form is Form.FHIR:
        return fhir_response(searchset(resources))
    return view_response(PreferenceList.of(standing))


@router.get(
    "/patients/{patientId}/preferences/current",
    operation_id="getCurrentPreferences",
    summary="Read what the patient wants now",
    responses=answers(CurrentPreferencesView, examples.CURRENT, fhir=False),
)
async def get_current_preferences(patient: CurrentPatient, session: CurrentSession) -> Response:
    """What holds now, and the answer to the first question of an emergency department: does the patient want to be
    admitted? Where nobody has asked yet, it says so.
    """
    return view_response(CurrentPreferencesView.of(await preferences.current_preferences(patient, session=session)))


@router.get(
    "/preferences/{preferenceId}",
    operation_id="getPreference",
    summary="Read one statement of what the patient wants",
    responses=answers(PreferenceView, examples.PREFERENCE),
)
async def get_preference(preference_id: PreferenceId, session: CurrentSession, form: AcceptedForm) -> Response:
    """As it was said, with the ETag that is needed to withdraw it."""
    resource = await preferences.read_preference(preference_id, session=session)
    return resource_response(form, resource, preference_view)


@router.post(
    "/preferences/{preferenceId}/withdraw",
    operation_id="withdrawPreference",
    summary="Say that a preference holds no longer",
    responses=answers(PreferenceView, examples.WITHDRAWN, errors=ACT_ERRORS),
    openapi_extra=body(examples.WITHDRAW),
)
async def withdraw_preference(
    preference_id: PreferenceId, withdrawal: WithdrawPreference, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Ends it now, with the reason; or voids it, where it should never have been written down. It stays readable.
    What the patient said is the patient's to withdraw. An answer whose place it had taken holds again: whoever does
    not want that says what holds now instead.
    """
    reason, in_error = withdrawal.reason, withdrawal.in_error
    return await act.answer(
        lambda: preferences.withdraw_preference(
            preference_id, reason, in_error=in_error, session=act.session, if_match=version
        ),
        preference_view,
    )


@router.get(
    "/patients/{patientId}/conflicts",
    operation_id="listConflicts",
    summary="Read what is planned against what the patient wants",
    responses=answers(ConflictList, examples.CONFLICTS, fhir=False),
)
async def list_conflicts(patient: CurrentPatient, session: CurrentSession, services: CurrentServices) -> Response:
    """Orders and appointments against preferences that hold and goals that are agreed. Each finding names both sides
    in plain words; it is no verdict.
    """
    found = await preferences.list_conflicts(patient, rules=services.decisions.rules, session=session)
    return view_response(ConflictList(conflicts=tuple(map(ConflictView.of, found))))


@router.get(
    "/patients/{patientId}/asked-first",
    operation_id="getAskedFirst",
    summary="Read whether the patient was asked before each admission",
    responses=answers(AskedFirstView, examples.ASKED_FIRST, fhir=False, errors=(*READ_ERRORS, 422)),
)
async def get_asked_first(
    patient: CurrentPatient,
    session: CurrentSession,
    services: CurrentServices,
    since: From = None,
    before: To = None,
) -> Response:
    """The measure asked-first for this one patient: an answer that was recorded before the order, and held then."""
    measured = await preferences.measure_asked_first(
        patient, rules=services.decisions.rules, since=since, before=before, session=session
    )
    return view_response(AskedFirstView.of(measured))
