"""A goal from the first offer to its end. One function is one thing that somebody does; see docs/workflows/."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from fhir_mappings.codes import AchievementStatus, GoalPriority
from fhir_mappings.model import Goal, Reference
from service.commit import Decision, Outcome, Session, carry_out
from service.domain import goal_answers, goal_course, goal_offers
from service.domain.amounts import amounts_of, must_be_aimable
from service.domain.askable import must_be_askable
from service.domain.catalogue import Catalogue
from service.domain.goal_offers import Offer
from service.domain.named_measures import coded
from service.domain.readable import readable
from service.domain.thread import Change, Occasion, Thread
from service.records import must_be_readable, read_patient_record, read_record
from service.series import load_units

Rule: TypeAlias = Callable[[Thread, Goal, Occasion], Change]


async def propose(
    patient: Reference, offer: Offer, *, session: Session, catalogue: Catalogue, care_plan: str | None = None
) -> Outcome:
    """Puts a goal on the table. `care_plan` is the id of the plan that it is meant for."""
    offer = replace(offer, targets=coded(offer.targets, catalogue))
    await _must_be_sound(offer, session, catalogue)

    async def decide() -> Decision:
        record = await read_patient_record(session.fhir, patient, session.language)
        plan = record.plan_for(care_plan, private=offer.private)
        occasion = session.occasion(record.contents.language)
        must_be_askable(_asked(offer), patient, record.people, record.contents.names, occasion)
        change = goal_offers.propose(patient, _readable(offer, catalogue, occasion), occasion, plan=plan)
        return Decision(change, record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def counter_propose(
    goal_id: str, offer: Offer, reason: str, *, session: Session, catalogue: Catalogue, if_match: str
) -> Outcome:
    """Answers an offer, or revises an agreed goal, with another offer."""
    offer = replace(offer, targets=coded(offer.targets, catalogue))
    await _must_be_sound(offer, session, catalogue)

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match, otherwise=session.language)
        occasion, patient = session.occasion(record.contents.language), record.patient
        must_be_askable(_asked(offer), record.goal.subject, patient.people, record.contents.names, occasion)
        told = _readable(offer, catalogue, occasion)
        change = goal_offers.counter_propose(record.thread, record.goal, told, reason, occasion)
        return Decision(change, record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def accept(
    goal_id: str,
    *,
    session: Session,
    if_match: str,
    priority: GoalPriority | None = None,
    comment: str | None = None,
) -> Outcome:
    """Agrees to what is on the table."""
    return await _act(goal_id, partial(goal_answers.accept, priority=priority, comment=comment), session, if_match)


async def decline(goal_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Says no to what is on the table."""
    return await _act(goal_id, _with_reason(goal_answers.decline, reason), session, if_match)


async def agree_to_disagree(goal_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Leaves the goal to the patient as their own."""
    return await _act(goal_id, _with_reason(goal_answers.agree_to_disagree, reason), session, if_match)


async def withdraw(goal_id: str, reason: str | None, *, session: Session, if_match: str) -> Outcome:
    """Takes one's own offer back."""

    def rule(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
        return goal_offers.withdraw(thread, goal, reason, occasion)

    return await _act(goal_id, rule, session, if_match)


async def hold(goal_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Pauses an agreed goal."""
    return await _act(goal_id, _with_reason(goal_course.hold, reason), session, if_match)


async def resume(goal_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Takes a goal up again."""
    return await _act(goal_id, _with_reason(goal_course.resume, reason), session, if_match)


async def complete(
    goal_id: str,
    outcome: AchievementStatus | None,
    *,
    session: Session,
    if_match: str,
    reason: str | None = None,
    observation: Reference | None = None,
) -> Outcome:
    """Says what became of a goal, or confirms what the other side said."""
    if observation:
        await must_be_readable(session.fhir, {"observation": observation})

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match, otherwise=session.language)
        change = goal_course.complete(
            record.thread,
            record.goal,
            outcome,
            session.occasion(record.contents.language),
            reason=reason,
            observation=observation,
            assessments=record.contents.assessments,
        )
        return Decision(change, record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def cancel(goal_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Ends a goal before its time."""
    return await _act(goal_id, _with_reason(goal_course.cancel, reason), session, if_match)


async def enter_in_error(goal_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Voids a goal that should never have been there."""
    return await _act(goal_id, _with_reason(goal_offers.enter_in_error, reason), session, if_match)


async def send_message(
    goal_id: str, text: str, *, session: Session, if_match: str | None = None, in_response_to: Reference | None = None
) -> Outcome:
    """Asks or answers about a goal."""
    if in_response_to:
        await must_be_readable(session.fhir, {"inResponseTo": in_response_to})

    def rule(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
        return goal_course.say(thread, goal, text, occasion, in_response_to=in_response_to)

    return await _act(goal_id, rule, session, if_match, told=False)


async def _act(goal_id: str, rule: Rule, session: Session, if_match: str | None, *, told: bool = True) -> Outcome:
    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match, otherwise=session.language, told=told)
        change = rule(record.thread, record.goal, session.occasion(record.contents.language))
        return Decision(change, record.sources, record.goals, record.contents if told else None)

    return await carry_out(session, decide)


def _with_reason(rule: Callable[[Thread, Goal, str, Occasion], Change], reason: str) -> Rule:
    return lambda thread, goal, occasion: rule(thread, goal, reason, occasion)


def _readable(offer: Offer, catalogue: Catalogue, occasion: Occasion) -> Offer:
    """In the patient's language, which the description is written in."""
    language = occasion.language.primary
    return replace(offer, targets=tuple(readable(t, catalogue, language) for t in offer.targets))


async def _must_be_sound(offer: Offer, session: Session, catalogue: Catalogue) -> None:
    """Its targets can be measured, and what it refers to is the actor's to see."""
    await load_units(amounts_of(offer.targets), catalogue)
    must_be_aimable(offer.targets, catalogue, confirmed=offer.confirmed)
    addressed = {f"addresses[{i}]": reference for i, reference in enumerate(offer.addresses)}
    await must_be_readable(session.fhir, _asked(offer) | addressed)


def _asked(offer: Offer) -> dict[str, Reference]:
    return {f"ask[{i}]": reference for i, reference in enumerate(offer.asked)}
