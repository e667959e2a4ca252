"""Programmes designed with patients: drafted, discussed, endorsed, released, applied."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from fhir_mappings.bundle import searchset
from fhir_mappings.carrier import Json
from fhir_mappings.codes import TemplateStatus
from fhir_mappings.plan_definition import template_from_fhir
from fhir_mappings.templates import RemarkKind
from fhir_mappings.wording import Language
from service.api import template_examples as examples
from service.api.answers import Form, fhir_response, told_response, view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import (
    AcceptedForm,
    CurrentAct,
    CurrentCatalogue,
    CurrentPatient,
    CurrentServices,
    CurrentSession,
    OptionalVersion,
    RemarkId,
    RequiredVersion,
    TemplateId,
)
from service.api.documentation import ACT_ERRORS, READ_ERRORS, WRITE_ERRORS, answers, body
from service.api.examples import REASON
from service.api.plans import care_plan_view
from service.api.schemas import WithReason
from service.api.story_views import CarePlanView
from service.api.template_bodies import (
    ApplyTemplate,
    DraftTemplate,
    EndorseTemplate,
    NoContent,
    ResolveObjection,
    ReviseTemplate,
    SayOfTemplate,
    StartTemplateVersion,
)
from service.api.template_views import ReleaseGate, TemplateList, TemplateView
from service.workflows import templates

router = APIRouter(prefix="/v1", tags=["templates"], route_class=StrictRoute)
LOCATION = "/v1/templates/{id}"
DRAFTED = answers(TemplateView, examples.DRAFTED, status=201, errors=WRITE_ERRORS)
ACTED = answers(TemplateView, examples.TEMPLATE, errors=ACT_ERRORS)
SAID = answers(TemplateView, examples.TEMPLATE, errors=(*WRITE_ERRORS, 412))
TemplateStatuses = Annotated[
    list[TemplateStatus], Query(alias="status", description="Only templates of these statuses", default_factory=list)
]


def template_view(resource: Json, language: Language) -> TemplateView:
    """A PlanDefinition as we show it."""
    return TemplateView.of(template_from_fhir(resource), language)


@router.get(
    "/templates",
    operation_id="listTemplates",
    summary="List programmes",
    responses=answers(TemplateList, examples.TEMPLATES, errors=(*READ_ERRORS, 422)),
)
async def list_templates(session: CurrentSession, form: AcceptedForm, statuses: TemplateStatuses) -> Response:
    """All versions of all programmes. `status=active`: those that can be applied to a patient."""
    found = await templates.list_templates(session=session, statuses=frozenset(statuses))
    if form is Form.FHIR:
        return fhir_response(searchset(found))
    language = await session.words_for(None)
    return view_response(TemplateList(templates=tuple(template_view(t, language) for t in found)))


@router.post(
    "/templates",
    operation_id="draftTemplate",
    summary="Start a programme",
    status_code=201,
    responses=DRAFTED,
    openapi_extra=body(examples.DRAFT),
)
async def draft_template(content: DraftTemplate, act: CurrentAct, catalogue: CurrentCatalogue) -> Response:
    """Patients, families and clinicians alike may start one. It is a draft until it is released."""
    return await act.tell(
        lambda: templates.draft(content.content(), session=act.session, catalogue=catalogue, named=content.name_me),
        template_view,
        location=LOCATION,
    )


@router.get(
    "/templates/{templateId}",
    operation_id="getTemplate",
    summary="Read a programme and what was said of it",
    responses=answers(TemplateView, examples.TEMPLATE),
)
async def get_template(template_id: TemplateId, session: CurrentSession, form: AcceptedForm) -> Response:
    """What it offers, who wrote and endorsed it, and each comment and objection. Patients are named if they want to."""
    return await told_response(
        session, form, await templates.read_template(template_id, session=session), template_view
    )


@router.get(
    "/templates/{templateId}/gate",
    operation_id="getReleaseGate",
    summary="See what a release still lacks",
    responses=answers(ReleaseGate, examples.GATE, fhir=False),
)
async def get_release_gate(template_id: TemplateId, session: CurrentSession) -> Response:
    """How many patients and clinicians endorse the present text, and which objections are open."""
    gate = await templates.read_gate(template_id, session=session)
    return view_response(ReleaseGate.of(gate, await session.words_for(None)))


@router.post(
    "/templates/{templateId}/revise",
    operation_id="reviseTemplate",
    summary="Write a draft anew",
    responses=ACTED,
    openapi_extra=body(examples.CONTENT),
)
async def revise_template(
    template_id: TemplateId,
    content: ReviseTemplate,
    act: CurrentAct,
    version: RequiredVersion,
    catalogue: CurrentCatalogue,
) -> Response:
    """The whole text. Who endorsed the one before is asked again: it was another text."""
    return await act.tell(
        lambda: templates.revise(
            template_id,
            content.content(),
            session=act.session,
            catalogue=catalogue,
            if_match=version,
            named=content.name_me,
        ),
        template_view,
    )


@router.post(
    "/templates/{templateId}/versions",
    operation_id="startTemplateVersion",
    summary="Start the next version",
    status_code=201,
    responses=answers(TemplateView, examples.DRAFTED, status=201, errors=ACT_ERRORS),
    openapi_extra=body(examples.NAME_ME),
)
async def start_template_version(
    template_id: TemplateId, start: StartTemplateVersion, act: CurrentAct, version: RequiredVersion
) -> Response:
    """What is released never changes: the next version begins as a draft copy, without names and endorsements."""
    return await act.tell(
        lambda: templates.start_version(template_id, session=act.session, if_match=version, named=start.name_me),
        template_view,
        location=LOCATION,
    )


@router.post(
    "/templates/{templateId}/comments",
    operation_id="commentTemplate",
    summary="Comment on a draft",
    responses=SAID,
    openapi_extra=body(examples.COMMENT),
)
async def comment_template(
    template_id: TemplateId, said: SayOfTemplate, act: CurrentAct, version: OptionalVersion
) -> Response:
    """What would make it better, in your own words."""
    return await act.tell(
        lambda: templates.remark(
            template_id, RemarkKind.COMMENT, said.text, session=act.session, if_match=version, named=said.name_me
        ),
        template_view,
    )


@router.post(
    "/templates/{templateId}/objections",
    operation_id="objectToTemplate",
    summary="Object to a draft",
    responses=SAID,
    openapi_extra=body(examples.OBJECTION),
)
async def object_to_template(
    template_id: TemplateId, said: SayOfTemplate, act: CurrentAct, version: OptionalVersion
) -> Response:
    """It cannot be released until you say that your objection is settled."""
    return await act.tell(
        lambda: templates.remark(
            template_id, RemarkKind.OBJECTION, said.text, session=act.session, if_match=version, named=said.name_me
        ),
        template_view,
    )


@router.post(
    "/templates/{templateId}/objections/{remarkId}/resolve",
    operation_id="resolveTemplateObjection",
    summary="Say that an objection is settled",
    responses=SAID,
    openapi_extra=body(examples.RESOLVE),
)
async def resolve_template_objection(
    template_id: TemplateId, remark_id: RemarkId, how: ResolveObjection, act: CurrentAct, version: OptionalVersion
) -> Response:
    """By whoever raised it, or a custodian: nobody else can wave it away."""
    return await act.tell(
        lambda: templates.resolve(template_id, remark_id, how.text, session=act.session, if_match=version),
        template_view,
    )


@router.post(
    "/templates/{templateId}/endorsements",
    operation_id="endorseTemplate",
    summary="Endorse a draft",
    responses=ACTED,
    openapi_extra=body(examples.NAME_ME),
)
async def endorse_template(
    template_id: TemplateId, yes: EndorseTemplate, act: CurrentAct, version: RequiredVersion
) -> Response:
    """Stand by exactly this text. You count by your role; your name is shown only if you want it to be."""
    return await act.tell(
        lambda: templates.endorse(template_id, session=act.session, if_match=version, named=yes.name_me),
        template_view,
    )


@router.post(
    "/templates/{templateId}/release",
    operation_id="releaseTemplate",
    summary="Release a programme",
    responses=ACTED,
    openapi_extra=body({}),
)
async def release_template(
    template_id: TemplateId, _: NoContent, act: CurrentAct, version: RequiredVersion
) -> Response:
    """By the care team, once enough patients and clinicians endorse it and no objection is open. Earlier versions are
    retired; plans that came from them go on.
    """
    return await act.tell(lambda: templates.release(template_id, session=act.session, if_match=version), template_view)


@router.post(
    "/templates/{templateId}/retire",
    operation_id="retireTemplate",
    summary="Take a programme out of use",
    responses=ACTED,
    openapi_extra=body(REASON),
)
async def retire_template(
    template_id: TemplateId, why: WithReason, act: CurrentAct, version: RequiredVersion
) -> Response:
    """It is no longer applied. Plans that came from it go on."""
    return await act.tell(
        lambda: templates.retire(template_id, why.reason, session=act.session, if_match=version),
        template_view,
    )


@router.post(
    "/templates/{templateId}/withdraw-naming",
    operation_id="withdrawTemplateNaming",
    summary="Have one's name taken out",
    responses=SAID,
    openapi_extra=body({}),
)
async def withdraw_template_naming(template_id: TemplateId, _: NoContent, act: CurrentAct) -> Response:
    """Your consent ends, and your name becomes your role again, on a released version, too."""
    return await act.tell(lambda: templates.withdraw_naming(template_id, session=act.session), template_view)


@router.post(
    "/patients/{patientId}/apply-template",
    operation_id="applyTemplate",
    summary="Propose a programme to a patient",
    status_code=201,
    responses=answers(CarePlanView, examples.APPLIED, status=201, errors=WRITE_ERRORS),
    openapi_extra=body(examples.APPLY),
)
async def apply_template(
    patient: CurrentPatient, what: ApplyTemplate, act: CurrentAct, services: CurrentServices
) -> Response:
    """A plan, with each goal and each activity as a proposal: nothing is agreed on anybody's behalf. All concerned
    accept, counter or decline each of them as they would any other.
    """
    who, today = act.session.actor.reference, act.session.occasion().today
    apply = partial(templates.apply_template, patient, what.template, what.application(patient, who, today))
    return await act.answer(
        lambda: apply(session=act.session, catalogue=services.settings.catalogue),
        care_plan_view,
        location="/v1/care-plans/{id}",
    )
