"""Programmes designed with patients: drafted, discussed, endorsed, released, applied. See docs/templates.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

from fhir_mappings.carrier import Json
from fhir_mappings.codes import TemplateStatus
from fhir_mappings.consent import naming_consent_from_fhir
from fhir_mappings.model import Reference, Stamp, Target
from fhir_mappings.plan_definition import template_from_fhir
from fhir_mappings.provenance import stamp_from_fhir
from fhir_mappings.templates import RemarkKind, Template, TemplateGoal
from service.commit import Decision, Outcome, Session, carry_out
from service.domain import templates as rules
from service.domain.amounts import amounts_of, must_be_aimable
from service.domain.apply_template import Application, apply, must_not_go_on
from service.domain.askable import must_be_askable
from service.domain.catalogue import Catalogue
from service.domain.templates import Content, Gate, Voice
from service.domain.thread import Change, Occasion
from service.errors import ResourceNotFound
from service.records import must_be_at, must_be_theirs, read_patient_record
from service.series import load_units

Rule: TypeAlias = Callable[["Draft", Voice, Occasion], Change]


@dataclass(frozen=True, slots=True)
class Draft:
    """A template, each act on it, and the other versions of it."""

    template: Template
    stamps: tuple[Stamp, ...]
    versions: tuple[Template, ...]


async def list_templates(*, session: Session, statuses: frozenset[TemplateStatus] = frozenset()) -> list[Json]:
    """All templates, or those of these statuses; of each programme the versions in order."""
    wanted = [("status", ",".join(sorted(statuses)))] if statuses else []
    found = await session.fhir.search("PlanDefinition", wanted)
    ours = [r for r in found if r.get("url") and r.get("version")]
    return sorted(ours, key=lambda r: (r.get("title", ""), r["url"], r["version"].zfill(8)))


async def read_template(template_id: str, *, session: Session) -> Json:
    """One version."""
    return await session.fhir.read("PlanDefinition", template_id)


async def read_gate(template_id: str, *, session: Session) -> Gate:
    """What the release of this version still lacks."""
    template = template_from_fhir(await session.fhir.read("PlanDefinition", template_id))
    return rules.gate(template, await _stamps(template, session), session.policy)


async def draft(content: Content, *, session: Session, catalogue: Catalogue, named: bool = False) -> Outcome:
    """Starts a programme."""
    await _must_be_aimable(content.goals, catalogue)

    async def decide() -> Decision:
        return Decision(rules.draft(content, _voice(session, named), session.occasion()))

    return await carry_out(_without_name(session), decide)


async def revise(
    template_id: str,
    content: Content,
    *,
    session: Session,
    catalogue: Catalogue,
    if_match: str,
    named: bool = False,
) -> Outcome:
    """Writes the draft anew."""
    await _must_be_aimable(content.goals, catalogue)

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.revise(draft.template, content, voice, occasion)

    return await _act(template_id, rule, session, if_match, named)


async def start_version(template_id: str, *, session: Session, if_match: str, named: bool = False) -> Outcome:
    """Starts the next version of what is released."""

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.new_version(draft.template, (t.edition for t in draft.versions), voice, occasion)

    return await _act(template_id, rule, session, if_match, named)


async def remark(
    template_id: str, kind: RemarkKind, text: str, *, session: Session, if_match: str | None, named: bool = False
) -> Outcome:
    """Comments, or objects."""

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.remark(draft.template, kind, text, voice, occasion)

    return await _act(template_id, rule, session, if_match, named)


async def resolve(template_id: str, objection: str, text: str, *, session: Session, if_match: str | None) -> Outcome:
    """Says that an objection is settled, and how."""

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.resolve(draft.template, objection, text, draft.stamps, voice, occasion)

    return await _act(template_id, rule, session, if_match, False)


async def endorse(template_id: str, *, session: Session, if_match: str, named: bool = False) -> Outcome:
    """Stands by exactly this text."""

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.endorse(draft.template, draft.stamps, voice, occasion)

    return await _act(template_id, rule, session, if_match, named)


async def release(template_id: str, *, session: Session, if_match: str) -> Outcome:
    """Opens it for use, if the gate is open."""

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.release(draft.template, draft.stamps, draft.versions, voice, occasion)

    return await _act(template_id, rule, session, if_match, False)


async def retire(template_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Takes it out of use."""

    def rule(draft: Draft, voice: Voice, occasion: Occasion) -> Change:
        return rules.retire(draft.template, reason, voice, occasion)

    return await _act(template_id, rule, session, if_match, False)


async def withdraw_naming(template_id: str, *, session: Session) -> Outcome:
    """Turns the names that the actor had consented to into roles."""

    async def decide() -> Decision:
        resource = await session.fhir.read("PlanDefinition", template_id)
        template = template_from_fhir(resource)
        patients = sorted(session.actor.patients or ())
        found = [c for p in patients for c in await session.fhir.search("Consent", [("patient", p)])]
        about = {f"Consent/{c['id']}": c for c in found if _is_about(c, template.reference)}
        consents = map(naming_consent_from_fhir, about.values())
        change = rules.withdraw_naming(template, consents, session.occasion())
        return Decision(change, {template.reference: resource, **about})

    return await carry_out(_without_name(session), decide)


async def apply_template(
    patient: Reference, named: str, application: Application, *, session: Session, catalogue: Catalogue
) -> Outcome:
    """Proposes to a patient all that a released template offers, in one transaction.

    Args:
        named: the id of the template, its canonical `url|version`, or its `url`, which is that of the released version.

    Raises:
        TransitionNotAllowed: a plan that has come from it goes on, and it is not to be applied again.
    """

    async def decide() -> Decision:
        template, versions = await _find(named, session)
        rules.must_be_released(template, await _stamps(template, session), versions, session.policy)
        people = {"practitioner": application.practitioner, "family": application.family}
        links = {path: reference for path, reference in people.items() if reference}
        links |= {f"addresses[{i}]": reference for i, reference in enumerate(application.addresses)}
        record = await read_patient_record(session.fhir, patient, session.language)
        if not application.again:
            must_not_go_on(template, record.plans)
        await must_be_theirs(session.fhir, links, patient)
        occasion = session.occasion(record.contents.language)
        asked = {path: who for path, who in people.items() if who and who != session.actor.reference}
        must_be_askable(asked, patient, record.people, record.contents.names, occasion)
        change = apply(template, application, occasion, catalogue)
        return Decision(change, record.sources, (), record.contents)

    return await carry_out(session, decide)


async def _must_be_aimable(goals: Sequence[TemplateGoal], catalogue: Catalogue) -> None:
    """What it offers could be measured, by the rule for every target."""
    targets = [[Target(t.measure, t.detail) for t in goal.targets] for goal in goals]
    await load_units(amounts_of(chain(*targets)), catalogue)
    for i, of_goal in enumerate(targets):
        must_be_aimable(of_goal, catalogue, within=f"goals[{i}].")


async def _find(named: str, session: Session) -> tuple[Template, tuple[Template, ...]]:
    """The template and all its versions, the latest first.

    Raises:
        ResourceNotFound: there is none.
    """
    url, _, edition = named.partition("|")
    if ":" in named:
        versions = await _versions(url, session)
        found = [t for t in versions if edition in {t.edition, ""}]
        chosen = next((t for t in found if t.status is TemplateStatus.ACTIVE), next(iter(found), None))
        if chosen is None:
            raise ResourceNotFound("there is no such programme")
        return chosen, versions
    template = template_from_fhir(await session.fhir.read("PlanDefinition", named))
    return template, await _versions(template.url, session)


async def _versions(url: str, session: Session) -> tuple[Template, ...]:
    found = await session.fhir.search("PlanDefinition", [("url", url)])
    versions = (template_from_fhir(r) for r in found if r.get("url") and r.get("version"))
    return tuple(sorted(versions, key=lambda t: t.edition.zfill(8), reverse=True))


async def _act(template_id: str, rule: Rule, session: Session, if_match: str | None, named: bool) -> Outcome:
    async def decide() -> Decision:
        resource = await session.fhir.read("PlanDefinition", template_id)
        must_be_at(resource, if_match)
        template = template_from_fhir(resource)
        others = await session.fhir.search("PlanDefinition", [("url", template.url)])
        sources = {f"PlanDefinition/{r['id']}": r for r in others} | {template.reference: resource}
        versions = (template_from_fhir(r) for r in others if r["id"] != template_id and r.get("version"))
        draft = Draft(template, await _stamps(template, session), tuple(versions))
        return Decision(rule(draft, _voice(session, named), session.occasion()), sources)

    return await carry_out(_without_name(session), decide)


async def _stamps(template: Template, session: Session) -> tuple[Stamp, ...]:
    found = await session.fhir.search("Provenance", [("target", template.reference)])
    return tuple(map(stamp_from_fhir, found))


def _voice(session: Session, named: bool) -> Voice:
    return Voice(session.operation.id if session.operation else session.request_id, named)


def _without_name(session: Session) -> Session:
    """The ledger of a template says which patient it was by reference, never by name (docs/adr/0044)."""
    if not session.actor.on_patient_side:
        return session
    return replace(session, actor=replace(session.actor, display=None))


def _is_about(consent: Json, template: Reference) -> bool:
    data = (consent.get("provision") or {}).get("data", [])
    return any(d.get("reference", {}).get("reference") == template for d in data)
