"""Activities: planned, agreed, changed, paused, stopped, reported. The acts in words: docs/activities.md.

Nobody is given something to do without their yes: what is planned for the other side is a draft until they agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4

from fhir_mappings.activities import Activity, Report
from fhir_mappings.activity_offer import CHANGE_PROPOSED, IN_FORCE, question_in_words
from fhir_mappings.activity_report import STATUS_OF, WORDS
from fhir_mappings.codes import Act, CarePlanStatus, ReportOutcome, RequestIntent, TaskCode, TaskStatus
from fhir_mappings.model import CarePlan, Note, Reference, Task
from fhir_mappings.wording import SHIPPED, Language, phrase
from service.domain.activity_draft import ActivityDraft, must_lie_ahead
from service.domain.actors import Actor
from service.domain.care_plans import with_hands
from service.domain.occurrences import Occurrence, keys_near, occurrence_with
from service.domain.sides import on_patient_side, other_side
from service.domain.thread import WAITING, Change, Occasion, settled
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed

AHEAD: Final = phrase("has not begun yet: until then it can only be reported as skipped, from the day before")
CORRECTED: Final = phrase("Corrected from {before} to {after}: {reason}")
EARLY: Final = timedelta(days=1)
"""So long before its day it can be said that something will be left out; that it was done, not before its day."""


@dataclass(frozen=True, slots=True)
class Course:
    """An activity, all others of its thread, the questions about any of them, and its plan (None: kept elsewhere)."""

    activity: Activity
    others: tuple[Activity, ...] = ()
    tasks: tuple[Task, ...] = ()
    plan: CarePlan | None = None

    def questions(self, activity: Activity) -> tuple[Task, ...]:
        """What waits for an answer about this activity."""
        return tuple(t for t in self.tasks if t.focus == activity.reference and t.status in WAITING)


def plan_activity(plan: CarePlan, draft: ActivityDraft, occasion: Occasion) -> Change:
    """Something to do, as part of the plan: in force at once where one's own side does it, else a question.

    Raises:
        InvalidContent: its days are over.
    """
    must_lie_ahead(draft, occasion)
    asked = other_side(occasion.actor, draft.performers or (plan.subject,))
    return _offered(plan, draft, asked, occasion, thread=str(uuid4()), act=Act.PLAN_ACTIVITY)


def drafted(plan: CarePlan, draft: ActivityDraft, asked: tuple[Reference, ...], occasion: Occasion) -> Change:
    """Something to do that is in force for nobody until those asked agree, whoever they are."""
    return _offered(plan, draft, asked, occasion, thread=str(uuid4()), act=Act.PLAN_ACTIVITY)


def propose_change(course: Course, draft: ActivityDraft, reason: str, occasion: Occasion) -> Change:
    """Another schedule or other words for what is agreed. It stays as it is until those concerned agree.

    In answer to an offer it is a no with another offer. Where nobody of the other side asked for it or does it, the
    change is in force at once.

    Raises:
        TransitionNotAllowed: it is over or the actor's own offer, or no plan that is kept here refers to it.
        NotPermitted: others are asked about the offer.
    """
    activity = course.activity
    _must_be_changeable(course, occasion.actor)
    if course.plan is None or activity.thread is None:
        raise TransitionNotAllowed(f"{activity.reference} is kept by another system: ask for the change there")
    asked = other_side(occasion.actor, (activity.requester, *activity.performers))
    change = _offered(
        course.plan,
        replace(draft, performers=activity.performers, goals=activity.goals),
        asked,
        occasion,
        thread=activity.thread,
        act=Act.COUNTER_PROPOSE,
        before=activity,
        reason=reason,
    )
    if activity.status is not CarePlanStatus.DRAFT:
        return change if asked else _replacing(course, _offer_in(change), change, occasion)
    no = decline(course, reason, occasion)
    if not asked:
        change = _replacing(replace(course, activity=_offer_in(no)), _offer_in(change), change, occasion)
    return replace(change, others=(*change.others, *no.others), tasks=(*change.tasks, *no.tasks))


def accept(course: Course, occasion: Occasion) -> Change:
    """The asked side agrees: it is in force, in place of what it was to change.

    Raises:
        TransitionNotAllowed: it is no draft, or its plan is not kept here.
        NotPermitted: others are asked.
    """
    activity = course.activity
    _must_be(activity, frozenset({CarePlanStatus.DRAFT}), "agreed to")
    _must_be_asked(course, occasion.actor)
    if course.plan is None:
        raise TransitionNotAllowed(f"{activity.reference} belongs to no open plan that is kept here")
    agreed = _noted(replace(activity, status=CarePlanStatus.ACTIVE), phrase("Agreed"), None, occasion)
    tasks = _answered(course.questions(activity), activity, TaskStatus.COMPLETED, None, occasion)
    change = Change(
        Act.ACCEPT, activity.reference, others=(agreed,), tasks=tasks, plan=_linked(course.plan, agreed, (), occasion)
    )
    return _replacing(course, agreed, change, occasion)


def decline(course: Course, reason: str, occasion: Occasion) -> Change:
    """The asked side says no, or who proposed it takes it back. What was agreed before goes on.

    Raises:
        TransitionNotAllowed: it is no draft.
        NotPermitted: others are asked.
    """
    activity = course.activity
    _must_be(activity, frozenset({CarePlanStatus.DRAFT}), "declined")
    if activity.requester != occasion.actor.reference:
        _must_be_asked(course, occasion.actor)
    gone = _noted(replace(activity, status=CarePlanStatus.REVOKED), phrase("Not agreed"), reason, occasion)
    tasks = _answered(course.questions(activity), activity, TaskStatus.REJECTED, reason, occasion)
    return Change(Act.DECLINE, activity.reference, others=(gone,), tasks=tasks, plan=course.plan, reason=reason)


def hold(course: Course, reason: str, occasion: Occasion) -> Change:
    """Nothing is due until it is taken up again. Whoever sees a reason may pause it."""
    _must_be(course.activity, {CarePlanStatus.ACTIVE}, "paused")
    return _moved(course, CarePlanStatus.ON_HOLD, Act.HOLD, phrase("Paused"), reason, occasion)


def resume(course: Course, reason: str, occasion: Occasion) -> Change:
    """It goes on as it was agreed."""
    _must_be(course.activity, {CarePlanStatus.ON_HOLD}, "taken up again")
    return _moved(course, CarePlanStatus.ACTIVE, Act.RESUME, phrase("Goes on"), reason, occasion)


def stop(course: Course, reason: str, occasion: Occasion) -> Change:
    """It ends at once: nobody is held to an activity, and a stop for safety waits for nobody."""
    _must_be(course.activity, IN_FORCE, "stopped")
    change = _moved(course, CarePlanStatus.REVOKED, Act.CANCEL, phrase("Stopped"), reason, occasion)
    drafts = tuple(a for a in course.others if a.status is CarePlanStatus.DRAFT)
    gone = tuple(_noted(replace(a, status=CarePlanStatus.REVOKED), phrase("Stopped"), reason, occasion) for a in drafts)
    tasks = tuple(
        settled(t, TaskStatus.CANCELLED, occasion, reason=reason) for a in drafts for t in course.questions(a)
    )
    return replace(change, others=(*change.others, *gone), tasks=tasks)


def report(course: Course, key: str, said: "Said", occasion: Occasion) -> Change:
    """What became of one occurrence. A single step that is done completes its activity.

    Raises:
        TransitionNotAllowed: it is not in force.
        InvalidContent: the activity has no such occurrence, or it has not begun for anybody on earth.
    """
    activity = course.activity
    occurrence = _must_be_occurrence(activity, key)
    _must_be(activity, IN_FORCE, "reported on")
    if said.outcome and _is_ahead(occurrence.first, said.outcome, occasion):
        raise InvalidContent(Flaw("occurrence", AHEAD, "business-rule"))
    new = _report(activity, occurrence, said, occasion)
    done = _completed(activity, said.outcome, occasion)
    plan = course.plan if done else None
    return Change(Act.REPORT_ACTIVITY, new.reference, others=(new, *done), plan=plan)


def as_reported(activity: Activity, key: str, said: "Said", occasion: Occasion) -> Report:
    """What this actor would write, to judge whether they may: whether it can be reported now is for `report` to say.

    Raises:
        InvalidContent: the activity has no such occurrence.
    """
    return _report(activity, _must_be_occurrence(activity, key), said, occasion)


def correct(course: Course, earlier: Report, said: "Said", reason: str, occasion: Occasion) -> Change:
    """Another outcome for a report, with what it was before and why. `said.outcome` None: it was a mistake.

    Raises:
        TransitionNotAllowed: that is what it says already.
        InvalidContent: it has not begun for anybody on earth.
    """
    if said.outcome is earlier.outcome:
        raise TransitionNotAllowed(f"{earlier.reference} says so already")
    if said.outcome and earlier.first and _is_ahead(earlier.first, said.outcome, occasion):
        raise InvalidContent(Flaw("outcome", AHEAD, "business-rule"))
    before, after = (_word(outcome, occasion) for outcome in (earlier.outcome, said.outcome))
    text = occasion.language.say(CORRECTED, before=before, after=after, reason=reason)
    notes = (*earlier.notes, Note(text, occasion.actor.reference, occasion.at), *_note(said, occasion))
    corrected = replace(
        earlier, outcome=said.outcome, status=STATUS_OF[said.outcome], last_modified=occasion.at, notes=notes
    )
    done = _completed(course.activity, said.outcome, occasion)
    plan = course.plan if done else None
    return Change(Act.CORRECT_REPORT, earlier.reference, others=(corrected, *done), plan=plan, reason=reason)


def is_correction(note: Note) -> bool:
    """True for what `correct` has written: our words, in any language, not the person's own."""
    return note.text.startswith(tuple(Language(tag).say(CORRECTED).partition("{")[0] for tag in SHIPPED))


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of an occurrence; `at`: when it was done."""

    outcome: ReportOutcome | None
    note: str | None = None
    at: datetime | None = None


def _offered(
    plan: CarePlan,
    draft: ActivityDraft,
    asked: tuple[Reference, ...],
    occasion: Occasion,
    *,
    thread: str,
    act: Act,
    before: Activity | None = None,
    reason: str | None = None,
) -> Change:
    performers = draft.performers or (plan.subject,)
    ordered = not occasion.actor.on_patient_side and not any(map(on_patient_side, performers))
    activity = Activity(
        id=occasion.new_id(),
        subject=plan.subject,
        what=draft.what,
        status=CarePlanStatus.DRAFT if asked else CarePlanStatus.ACTIVE,
        intent=RequestIntent.ORDER if ordered else RequestIntent.PLAN,
        schedule=draft.schedule,
        due=draft.due,
        requester=occasion.actor.reference,
        performers=performers,
        goals=draft.goals,
        authored_on=occasion.at,
        instruction=draft.instruction,
        based_on=(plan.reference,),
        thread=thread,
        patient_supplied=occasion.actor.on_patient_side,
    )
    if reason:
        activity = _noted(activity, CHANGE_PROPOSED, reason, occasion)
    tasks = tuple(_question(activity, owner, before, occasion) for owner in asked)
    linked = _linked(plan, activity, (), occasion) if not asked else with_hands(plan, (occasion.actor.reference,))
    return Change(
        act,
        activity.reference,
        others=(activity,),
        tasks=tasks,
        plan=linked,
        revision_of=(before.reference,) if before else (),
        reason=reason,
    )


def _question(activity: Activity, owner: Reference, before: Activity | None, occasion: Occasion) -> Task:
    return Task(
        id=occasion.new_id(),
        code=TaskCode.APPROVE,
        status=TaskStatus.REQUESTED,
        subject=activity.subject,
        focus=activity.reference,
        requester=occasion.actor.reference,
        owner=owner,
        authored_on=occasion.at,
        last_modified=occasion.at,
        based_on=activity.based_on,
        description=question_in_words(activity, before, occasion.language),
    )


def _offer_in(change: Change) -> Activity:
    return next(n for n in change.others if isinstance(n, Activity))


def _replacing(course: Course, new: Activity, change: Change, occasion: Occasion) -> Change:
    """The change, with all others of the thread ended: what was in force, and other proposals to change it."""
    family = (course.activity, *course.others)
    old = [a for a in family if a.reference != new.reference and a.status in IN_FORCE | {CarePlanStatus.DRAFT}]
    gone = tuple(a.reference for a in old if a.status in IN_FORCE)
    ended = tuple(_noted(replace(a, status=CarePlanStatus.REVOKED), phrase("Replaced"), None, occasion) for a in old)
    tasks = tuple(
        settled(t, TaskStatus.CANCELLED, occasion, reason=occasion.language.say("Another proposal was agreed"))
        for a in old
        for t in course.questions(a)
    )
    plan = change.plan and _linked(change.plan, new, gone, occasion)
    revised = tuple(dict.fromkeys((*change.revision_of, *gone)))
    new = replace(new, replaces=gone)
    return replace(change, others=(new, *ended), tasks=(*change.tasks, *tasks), plan=plan, revision_of=revised)


def _linked(plan: CarePlan, activity: Activity, gone: Iterable[Reference], occasion: Occasion) -> CarePlan:
    kept = (a for a in plan.activities if a not in set(gone))
    linked = replace(plan, activities=tuple(dict.fromkeys((*kept, activity.reference))))
    return with_hands(linked, (activity.requester, occasion.actor.reference))


def _moved(course: Course, status: CarePlanStatus, act: Act, word: str, reason: str, occasion: Occasion) -> Change:
    moved = _noted(replace(course.activity, status=status), word, reason, occasion)
    return Change(act, moved.reference, others=(moved,), plan=course.plan, reason=reason)


def _must_be_occurrence(activity: Activity, key: str) -> Occurrence:
    if occurrence := occurrence_with(activity, key):
        return occurrence
    if keys := keys_near(activity, key):
        message = phrase("is none of this activity. It has: {keys}")
        raise InvalidContent(Flaw("occurrence", message, "not-found", {"keys": ", ".join(keys)}))
    raise InvalidContent(Flaw("occurrence", "is none of this activity", "not-found"))


def _is_ahead(first: date, outcome: ReportOutcome, occasion: Occasion) -> bool:
    """True for what nobody on earth can have done yet. That it will be left out is known the day before."""
    early = EARLY if outcome is ReportOutcome.SKIPPED else timedelta()
    return first > occasion.latest_today + early


def _report(activity: Activity, occurrence: Occurrence, said: Said, occasion: Occasion) -> Report:
    return Report(
        id=occasion.new_id(),
        subject=activity.subject,
        activity=activity.reference,
        occurrence=occurrence.key,
        status=STATUS_OF[said.outcome],
        outcome=said.outcome,
        authored_on=occasion.at,
        last_modified=occasion.at,
        requester=occasion.actor.reference,
        owner=next(iter(activity.performers), None),
        first=None if occurrence.last is None else occurrence.first,
        last=occurrence.last,
        done_at=said.at,
        notes=_note(said, occasion),
        patient_supplied=occasion.actor.on_patient_side,
    )


def _completed(activity: Activity, outcome: ReportOutcome | None, occasion: Occasion) -> tuple[Activity, ...]:
    """The single step that is over with this report, or goes on with its correction."""
    single = activity.schedule is None and not activity.unread_timing
    status = CarePlanStatus.COMPLETED if outcome is ReportOutcome.DONE else CarePlanStatus.ACTIVE
    if not single or status is activity.status or activity.status not in IN_FORCE | {CarePlanStatus.COMPLETED}:
        return ()
    return (replace(activity, status=status),)


def _note(said: Said, occasion: Occasion) -> tuple[Note, ...]:
    return (Note(said.note, occasion.actor.reference, occasion.at),) if said.note else ()


def _word(outcome: ReportOutcome | None, occasion: Occasion) -> str:
    return f'"{occasion.language.say(WORDS[outcome])}"' if outcome else occasion.language.say("a mistake")


def _noted(activity: Activity, word: str, reason: str | None, occasion: Occasion) -> Activity:
    """R4's ServiceRequest has no statusReason: what happened and why is a dated note in the actor's name."""
    said = occasion.language.say(word)
    text = f"{said}: {reason}" if reason else said
    return replace(activity, notes=(*activity.notes, Note(text, occasion.actor.reference, occasion.at)))


def _answered(
    tasks: Iterable[Task], activity: Activity, status: TaskStatus, reason: str | None, occasion: Occasion
) -> tuple[Task, ...]:
    output = activity.reference if status is TaskStatus.COMPLETED else None
    return tuple(settled(t, status, occasion, reason=reason, output=output) for t in tasks)


def _must_be_changeable(course: Course, actor: Actor) -> None:
    activity = course.activity
    if activity.status is not CarePlanStatus.DRAFT:
        return _must_be(activity, IN_FORCE, "changed")
    if activity.requester == actor.reference and not _waits_for(course, actor):
        raise TransitionNotAllowed(f"{activity.reference} is your own offer: take it back, and offer anew")
    return _must_be_asked(course, actor)


def _waits_for(course: Course, actor: Actor) -> bool:
    asked = [t.owner for t in course.questions(course.activity)]
    return any((o is None or not on_patient_side(o)) is not actor.on_patient_side for o in asked)


def _must_be_asked(course: Course, actor: Actor) -> None:
    if not _waits_for(course, actor):
        raise NotPermitted(f"{course.activity.reference} waits for the answer of others")


def _must_be(activity: Activity, allowed: Iterable[CarePlanStatus], act: str) -> None:
    if activity.status not in set(allowed):
        raise TransitionNotAllowed(f"{activity.reference} is {activity.status}: it cannot be {act}")
