"""Applying a template to a patient: everything is proposed, nothing agreed. See docs/adr/0045."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Final

from fhir_mappings.activities import Schedule
from fhir_mappings.codes import Act, ParticipantType, PeriodUnit
from fhir_mappings.model import CarePlan, Concept, PartialDate, Reference, Target
from fhir_mappings.templates import Span, Template, TemplateAction, TemplateGoal
from service.domain import activities, goal_offers
from service.domain.activity_draft import ActivityDraft
from service.domain.care_plans import STILL_OPEN, opened
from service.domain.catalogue import Catalogue
from service.domain.goal_offers import Offer
from service.domain.readable import readable
from service.domain.thread import Change, Occasion
from service.errors import Flaw, InvalidContent, TransitionNotAllowed

DAYS: Final = {PeriodUnit.DAY: 1, PeriodUnit.WEEK: 7, PeriodUnit.MONTH: 30}
"""A month of a template is 30 days: what counts is that it ends, not on which date."""


@dataclass(frozen=True, slots=True)
class Application:
    """For whom, from when, and who plays the roles that the template names; `again`: though it goes on already."""

    subject: Reference
    start: date
    practitioner: Reference | None = None
    family: Reference | None = None
    addresses: tuple[Reference, ...] = ()
    again: bool = False


def apply(template: Template, application: Application, occasion: Occasion, catalogue: Catalogue) -> Change:
    """A plan that links nothing yet, each goal and each activity as a proposal, a question to whoever must answer.

    Args:
        template: one that is released, see `must_be_released`.

    Raises:
        InvalidContent: the template has something to do for somebody who is not named, or it is to start in the past.
    """
    if application.start < occasion.earliest_today:
        raise InvalidContent(Flaw("start", "is over: a programme starts today or later", "business-rule"))
    performers = _performers(template, application, occasion)
    plan = replace(
        opened(application.subject, template.title, (), occasion),
        instantiates=template.canonical,
        period_start=PartialDate(application.start.isoformat()),
        addresses=application.addresses,
    )
    asked = _asked(application, occasion)
    tell = partial(readable, catalogue=catalogue, language=occasion.language.primary)
    offers = {
        g.id: goal_offers.propose(plan.subject, _offer(g, application, asked, tell), occasion, plan=plan)
        for g in template.goals
    }
    drafts = [
        activities.drafted(plan, _draft(action, application, performers, offers), performers[action.who], occasion)
        for action in template.actions
    ]
    changes = (*offers.values(), *drafts)
    return Change(
        Act.APPLY_TEMPLATE,
        plan.reference,
        goals=tuple(goal for change in changes for goal in change.goals),
        tasks=tuple(task for change in changes for task in change.tasks),
        others=tuple(noun for change in changes for noun in change.others),
        plan=plan,
    )


def must_not_go_on(template: Template, plans: Iterable[CarePlan]) -> None:
    """Refuses a programme that the patient is in already, whatever its version.

    Raises:
        TransitionNotAllowed: names the plan.
    """
    for plan in plans:
        if plan.status in STILL_OPEN and plan.instantiates and plan.instantiates.partition("|")[0] == template.url:
            raise TransitionNotAllowed(
                f"{plan.reference} has come from this programme and still goes on: send `again` to apply it once more"
            )


def _performers(
    template: Template, application: Application, occasion: Occasion
) -> Mapping[ParticipantType, tuple[Reference, ...]]:
    given = {
        ParticipantType.PATIENT: application.subject,
        ParticipantType.PRACTITIONER: application.practitioner,
        ParticipantType.RELATED_PERSON: application.family,
    }
    needed = {a.who for a in template.actions}
    if occasion.actor.on_patient_side:
        needed.add(ParticipantType.PRACTITIONER)  # somebody has to answer
    missing = [w for w in ParticipantType if w in needed and not given.get(w)]
    if missing:
        names = {ParticipantType.PRACTITIONER: "practitioner", ParticipantType.RELATED_PERSON: "family"}
        flaws = (Flaw(names.get(w, "template"), "is needed: the template asks them for something") for w in missing)
        raise InvalidContent(*flaws)
    return {who: (reference,) for who, reference in given.items() if reference}


def _asked(application: Application, occasion: Occasion) -> tuple[Reference, ...]:
    """All who are to answer about the goals, but for who offers them now; a family member speaks for the patient."""
    speaks_for = (application.subject,) if occasion.actor.on_patient_side else ()
    parties = (application.subject, application.family, application.practitioner)
    others = (p for p in parties if p and p not in {occasion.actor.reference, *speaks_for})
    return tuple(dict.fromkeys(others))


def _offer(
    goal: TemplateGoal, application: Application, asked: tuple[Reference, ...], tell: Callable[[Target], Target]
) -> Offer:
    targets = (
        tell(Target(t.measure, t.detail, PartialDate(_end(t.due, application.start).isoformat()) if t.due else None))
        for t in goal.targets
    )
    return Offer(
        goal.words,
        tuple(targets),
        start=PartialDate(application.start.isoformat()),
        addresses=application.addresses,
        asked=asked,
    )


def _draft(
    action: TemplateAction,
    application: Application,
    performers: Mapping[ParticipantType, tuple[Reference, ...]],
    offers: Mapping[str, Change],
) -> ActivityDraft:
    until = _end(action.lasts, application.start) - timedelta(days=1) if action.lasts else None
    return ActivityDraft(
        what=Concept(action.title, action.codings),
        performers=performers[action.who],
        schedule=Schedule(action.pattern, application.start, until, action.count) if action.pattern else None,
        instruction=action.instruction,
        goals=tuple(offers[g].about for g in action.goals if g in offers),
    )


def _end(span: Span, start: date) -> date:
    return start + timedelta(days=span.value * DAYS[span.unit])
