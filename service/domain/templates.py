"""Programmes that patients and clinicians design together: drafted, discussed, endorsed, released, retired.

The acts in words: docs/templates.md. What is released never changes; what is said otherwise is another version.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import uuid4

from fhir_mappings.codes import Act, ConsentStatus, TemplateStatus
from fhir_mappings.model import Concept, Reference, Stamp
from fhir_mappings.templates import (
    Named,
    NamingConsent,
    Remark,
    RemarkKind,
    Template,
    TemplateAction,
    TemplateGoal,
)
from fhir_mappings.wording import ENGLISH, Language
from service.domain.actors import ONLY_READS, Actor, Role
from service.domain.policy import Policy
from service.domain.thread import Change, Occasion
from service.errors import NotPermitted, TransitionNotAllowed

ROLES: Final = {Role.PATIENT: "A patient", Role.RELATED_PERSON: "A family member", Role.PRACTITIONER: "A clinician"}
SIDES: Final = {Role.PATIENT: "patient", Role.RELATED_PERSON: "family"}
WRITING: Final = frozenset({Act.DRAFT_TEMPLATE, Act.REVISE_TEMPLATE})
PATIENT_SIDE: Final = ("Patient/", "RelatedPerson/")


@dataclass(frozen=True, slots=True)
class Content:
    """What a programme offers."""

    title: str
    description: str | None = None
    purpose: str | None = None
    topics: tuple[Concept, ...] = ()
    goals: tuple[TemplateGoal, ...] = ()
    actions: tuple[TemplateAction, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks in a template: `act` is the present operation; `named`: by name, with consent where it needs one."""

    act: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """What a release still lacks. `objections` are open."""

    patients: int
    clinicians: int
    patients_needed: int
    clinicians_needed: int
    objections: tuple[Remark, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        """True where nothing stands in the way of a release."""
        return not self.missing()

    def missing(self, language: Language = ENGLISH) -> tuple[str, ...]:
        """In words, with the operation that brings it; nothing where the gate is open."""
        patients = language.plural(
            "{number} more endorsement by a patient or family member (endorseTemplate)",
            "{number} more endorsements by patients or family members (endorseTemplate)",
            self.patients_needed - self.patients,
        )
        clinicians = language.plural(
            "{number} more endorsement by a clinician (endorseTemplate)",
            "{number} more endorsements by clinicians (endorseTemplate)",
            self.clinicians_needed - self.clinicians,
        )
        objections = language.plural(
            "{number} objection is open (resolveTemplateObjection)",
            "{number} objections are open (resolveTemplateObjection)",
            len(self.objections),
        )
        lacking = (
            (self.patients_needed > self.patients, patients),
            (self.clinicians_needed > self.clinicians, clinicians),
            (bool(self.objections), objections),
        )
        return tuple(words for is_lacking, words in lacking if is_lacking)


def gate(template: Template, stamps: Iterable[Stamp], policy: Policy) -> Gate:
    """Endorsements of the present text by role, from the ledger, and the objections that are open.

    Who endorsed an earlier text has endorsed something else; who endorsed twice counts once.
    """
    acts = sorted((s for s in stamps if s.targets[0] == template.reference), key=lambda s: s.recorded)
    written = max((i for i, s in enumerate(acts) if s.act in WRITING), default=-1)
    endorsing = {s.who for s in acts[written + 1 :] if s.act is Act.ENDORSE}
    patients = sum(1 for who in endorsing if who.startswith(PATIENT_SIDE))
    return Gate(
        patients,
        len(endorsing) - patients,
        policy.template_patients,
        policy.template_clinicians,
        open_objections(template),
    )


def open_objections(template: Template) -> tuple[Remark, ...]:
    """Those that nobody has resolved."""
    resolved = {r.about for r in template.remarks if r.kind is RemarkKind.RESOLUTION}
    return tuple(r for r in template.remarks if r.kind is RemarkKind.OBJECTION and r.act not in resolved)


def draft(content: Content, voice: Voice, occasion: Occasion) -> Change:
    """A new programme, as a draft of its first version."""
    template = Template(
        url=f"urn:uuid:{uuid4()}",
        edition="1",
        status=TemplateStatus.DRAFT,
        title=content.title,
        id=occasion.new_id(),
        authors=(_named(occasion.actor, voice),),
    )
    return _change(Act.DRAFT_TEMPLATE, _with(template, content), voice, occasion)


def revise(template: Template, content: Content, voice: Voice, occasion: Occasion) -> Change:
    """Another text of the draft. Endorsements are laid down: they were of the text before.

    Raises:
        TransitionNotAllowed: it is released or retired.
    """
    _must_be_draft(template, "revised: start a new version")
    authors = _with_hand(template.authors, _named(occasion.actor, voice))
    revised = replace(_with(template, content), authors=authors, endorsers=())
    return _change(Act.REVISE_TEMPLATE, revised, voice, occasion)


def new_version(template: Template, editions: Iterable[str], voice: Voice, occasion: Occasion) -> Change:
    """The draft of a next version, a copy of what is released; without its names and what was said of it.

    Raises:
        TransitionNotAllowed: it is a draft itself.
    """
    if template.status is TemplateStatus.DRAFT:
        raise TransitionNotAllowed(f"{template.reference} is a draft: revise it")
    numbers = [int(e) for e in (*editions, template.edition) if e.isdecimal()]
    new = replace(
        template,
        id=occasion.new_id(),
        version=None,
        edition=str(max(numbers, default=0) + 1),
        status=TemplateStatus.DRAFT,
        authors=(_named(occasion.actor, voice),),
        reviewers=(),
        endorsers=(),
        remarks=(),
        approved=None,
        predecessor=template.canonical,
        operation=None,
    )
    return _change(Act.DRAFT_TEMPLATE, new, voice, occasion)


def remark(
    template: Template, kind: RemarkKind, text: str, voice: Voice, occasion: Occasion, *, about: str | None = None
) -> Change:
    """A comment, or an objection that stands in the way of the release until it is resolved.

    Raises:
        TransitionNotAllowed: it is released or retired.
    """
    _must_be_draft(template, "discussed: start a new version")
    speaker = _named(occasion.actor, voice)
    said = Remark(kind, text, voice.act, speaker.name, occasion.at, about)
    with_remark = replace(
        template, remarks=(*template.remarks, said), reviewers=_with_hand(template.reviewers, speaker)
    )
    act = {RemarkKind.COMMENT: Act.COMMENT, RemarkKind.OBJECTION: Act.OBJECT}.get(kind, Act.RESOLVE)
    return _change(act, with_remark, voice, occasion, reason=None if kind is RemarkKind.COMMENT else text)


def resolve(
    template: Template, objection: str, text: str, stamps: Iterable[Stamp], voice: Voice, occasion: Occasion
) -> Change:
    """The objection is settled, says who raised it, or a custodian.

    Raises:
        TransitionNotAllowed: there is no such open objection.
        NotPermitted: somebody else raised it.
    """
    if objection not in {r.act for r in open_objections(template)}:
        raise TransitionNotAllowed(f"{template.reference} has no such open objection")
    raised_by = {s.who for s in stamps if s.operation == objection}
    if occasion.actor.reference not in raised_by | occasion.policy.custodians:
        raise NotPermitted("an objection is resolved by whoever raised it")
    return remark(template, RemarkKind.RESOLUTION, text, voice, occasion, about=objection)


def endorse(template: Template, stamps: Iterable[Stamp], voice: Voice, occasion: Occasion) -> Change:
    """The actor stands by exactly this text.

    Raises:
        TransitionNotAllowed: it is no draft, or the actor has endorsed this text already.
    """
    _must_be_draft(template, "endorsed")
    acts = sorted(stamps, key=lambda s: s.recorded)
    written = max((i for i, s in enumerate(acts) if s.act in WRITING), default=-1)
    if any(s.act is Act.ENDORSE and s.who == occasion.actor.reference for s in acts[written + 1 :]):
        raise TransitionNotAllowed(f"you have endorsed this text of {template.reference} already")
    endorsed = replace(template, endorsers=(*template.endorsers, _named(occasion.actor, voice)))
    return _change(Act.ENDORSE, endorsed, voice, occasion)


def release(
    template: Template, stamps: Iterable[Stamp], earlier: Iterable[Template], voice: Voice, occasion: Occasion
) -> Change:
    """The draft is ready for patients, and earlier versions are retired. It will never change again.

    Raises:
        NotPermitted: the actor is not of the care team.
        TransitionNotAllowed: it is no draft, or the gate is closed; says what is missing.
    """
    _must_be_team(occasion.actor, "released")
    _must_be_draft(template, "released")
    if missing := gate(template, stamps, occasion.policy).missing():
        raise TransitionNotAllowed(f"{template.reference} cannot be released. Missing: {'; '.join(missing)}")
    released = replace(template, status=TemplateStatus.ACTIVE, approved=occasion.day)
    change = _change(Act.RELEASE, released, voice, occasion)
    retired = (replace(t, status=TemplateStatus.RETIRED) for t in earlier if t.status is TemplateStatus.ACTIVE)
    return replace(change, others=(*change.others, *retired))


def must_be_released(template: Template, stamps: Iterable[Stamp], versions: Iterable[Template], policy: Policy) -> None:
    """Refuses to apply what is not released, and says what leads there.

    Raises:
        TransitionNotAllowed: names what is missing, or the version that is released.
    """
    if template.status is TemplateStatus.ACTIVE:
        return
    released = next((t for t in versions if t.status is TemplateStatus.ACTIVE), None)
    instead = f" Released is version {released.edition} ({released.reference}): apply that one." if released else ""
    only = f"{template.reference} is {template.status}: only what is released can be applied."
    if template.status is TemplateStatus.RETIRED:
        way = "" if released else " Start a new version (startTemplateVersion), have it endorsed and release it."
    elif missing := gate(template, stamps, policy).missing():
        way = f" Still missing, see getReleaseGate: {'; '.join(missing)}. Then somebody of the care team releases it"
        way += " (releaseTemplate)."
    else:
        way = " Nothing is missing: somebody of the care team can release it (releaseTemplate)."
    raise TransitionNotAllowed(f"{only}{instead}{way}")


def retire(template: Template, reason: str, voice: Voice, occasion: Occasion) -> Change:
    """It is no longer to be applied. Plans that came from it go on.

    Raises:
        NotPermitted: the actor is not of the care team.
        TransitionNotAllowed: it is retired already.
    """
    _must_be_team(occasion.actor, "retired")
    if template.status is TemplateStatus.RETIRED:
        raise TransitionNotAllowed(f"{template.reference} is retired already")
    retired = replace(template, status=TemplateStatus.RETIRED)
    return Change(Act.RETIRE, template.reference, others=(retired,), reason=reason)


def withdraw_naming(template: Template, consents: Iterable[NamingConsent], occasion: Occasion) -> Change:
    """The names that these consents had allowed become roles again, on a released version, too.

    Raises:
        TransitionNotAllowed: nobody is named by a consent that this actor gave or that is about them.
    """
    given = [
        c
        for c in consents
        if c.status is ConsentStatus.ACTIVE
        and c.template == template.reference
        and occasion.actor.reference in {c.subject, c.performer}
    ]
    if not given:
        raise TransitionNotAllowed(f"you are not named in {template.reference}")
    roles = {_act_of(c): ROLES[Role(c.performer.partition("/")[0])] for c in given}
    unnamed = replace(
        template,
        authors=_without_names(template.authors, roles),
        reviewers=_without_names(template.reviewers, roles),
        endorsers=_without_names(template.endorsers, roles),
        remarks=tuple(replace(r, by=roles[r.act]) if r.act in roles else r for r in template.remarks),
    )
    ended = (replace(c, status=ConsentStatus.INACTIVE) for c in given)
    return Change(Act.WITHDRAW_NAMING, template.reference, others=(unnamed, *ended))


def _change(act: Act, template: Template, voice: Voice, occasion: Occasion, *, reason: str | None = None) -> Change:
    changed = template if act is Act.RELEASE else replace(template, changed=occasion.at)
    consent = _consent(changed.reference, occasion) if _needs_consent(voice, occasion.actor) else None
    others = (changed, consent) if consent else (changed,)
    return Change(act, changed.reference, others=others, reason=reason)


def _with(template: Template, content: Content) -> Template:
    return replace(
        template,
        title=content.title,
        description=content.description,
        purpose=content.purpose,
        topics=content.topics,
        goals=content.goals,
        actions=content.actions,
    )


def _named(actor: Actor, voice: Voice) -> Named:
    """Clinicians act in their profession and are named; patients and families only if they want to be.

    Raises:
        NotPermitted: an application has no hand in it.
    """
    if actor.role not in ROLES:
        raise NotPermitted(ONLY_READS)
    role = ROLES[actor.role]
    if actor.role is Role.PRACTITIONER:
        return Named(actor.display or role, voice.act)
    return Named(f"{actor.display} ({SIDES[actor.role]})" if _needs_consent(voice, actor) else role, voice.act)


def _needs_consent(voice: Voice, actor: Actor) -> bool:
    return voice.named and actor.on_patient_side and bool(actor.display)


def _consent(template: Reference, occasion: Occasion) -> NamingConsent:
    """For a family member it is the patient's, given by them."""
    actor = occasion.actor
    subject = actor.reference if actor.role is Role.PATIENT else min(actor.patients or {actor.reference})
    return NamingConsent(subject, actor.reference, template, ConsentStatus.ACTIVE, occasion.at, id=occasion.new_id())


def _act_of(consent: NamingConsent) -> str:
    """The operation whose name it allowed: `service.commit` numbers what one operation creates."""
    return (consent.operation or "").rpartition(".")[0]


def _without_names(people: tuple[Named, ...], roles: dict[str, str]) -> tuple[Named, ...]:
    return tuple(replace(p, name=roles[p.act]) if p.act in roles else p for p in people)


def _with_hand(people: tuple[Named, ...], hand: Named) -> tuple[Named, ...]:
    """Each name once; a role may stand for several."""
    return people if hand.name in {p.name for p in people} else (*people, hand)


def _must_be_draft(template: Template, act: str) -> None:
    if template.status is not TemplateStatus.DRAFT:
        raise TransitionNotAllowed(f"{template.reference} is {template.status}: it cannot be {act}")


def _must_be_team(actor: Actor, act: str) -> None:
    if actor.role is not Role.PRACTITIONER:
        raise NotPermitted(f"a template is {act} by somebody of the care team")
