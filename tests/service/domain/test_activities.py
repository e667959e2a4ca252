"""Activities: who must be asked, what follows from an answer, what counts as done. In words: docs/activities.md."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.activities import ONCE, Activity, Pattern, Report, Schedule
from fhir_mappings.activity_report import STATUS_OF
from fhir_mappings.codes import Act, CarePlanStatus, EventTiming, PeriodUnit, ReportOutcome, RequestIntent, TaskStatus
from fhir_mappings.model import CarePlan, Concept, PartialDate, Stamp, Task
from service.domain import activities as rules
from service.domain.activities import Course, Said
from service.domain.activity_draft import ActivityDraft
from service.domain.adherence import Adherence, Pause, adherence, pauses_of, together, versions_of
from service.domain.due import due, due_today, upcoming
from service.domain.next_steps import next_step
from service.domain.occurrences import occurrence_with, occurrences
from service.domain.replaced import must_be_unsaid
from service.domain.thread import Change, Occasion
from service.errors import InvalidContent, NotPermitted, TransitionNotAllowed
from tests.builders import CLINICIAN, MOTHER, NOW, NURSE, PATIENT, a_plan, a_task, an_occasion
from tests.service.domain.test_occurrences import schedules

TODAY = NOW.date()  # 2026-12-01
NIGHTLY = Schedule(Pattern(when=(EventTiming.HS,)), TODAY - timedelta(days=10))
ACTIVE, DRAFT, HELD = CarePlanStatus.ACTIVE, CarePlanStatus.DRAFT, CarePlanStatus.ON_HOLD
REVOKED, COMPLETED = CarePlanStatus.REVOKED, CarePlanStatus.COMPLETED
CLINIC = "Organization/clinic"
EXERCISES = Concept("Knee exercises")


def an_activity(status: CarePlanStatus = ACTIVE, **parts: Any) -> Activity:
    activity = Activity(
        PATIENT,
        EXERCISES,
        status,
        id="a1",
        version="1",
        schedule=NIGHTLY,
        requester=CLINICIAN,
        performers=(PATIENT,),
        authored_on=NOW - timedelta(days=10),
        based_on=("CarePlan/p1",),
        thread="t1",
    )
    return replace(activity, **parts)


def asked(owner: str | None = PATIENT, activity: str = "a1", **parts: Any) -> Task:
    return a_task(focus=f"ServiceRequest/{activity}", owner=owner, requester=CLINICIAN, **parts)


def a_course(
    activity: Activity, *others: Activity, tasks: tuple[Task, ...] = (), plan: CarePlan | None = None
) -> Course:
    return Course(activity, others, tasks, plan or a_plan(activities=(activity.reference,)))


def activities(change: Change) -> dict[str, str]:
    return {n.reference: str(n.status) for n in change.others if isinstance(n, Activity)}


def first(change: Change) -> Any:
    return change.others[0]


@pytest.mark.parametrize(
    ("who", "performers", "status", "intent", "owners"),
    [
        pytest.param(PATIENT, (), ACTIVE, "plan", [], id="patient for themselves"),
        pytest.param(PATIENT, (MOTHER,), ACTIVE, "plan", [], id="patient and mother are one side"),
        pytest.param(PATIENT, (NURSE,), DRAFT, "plan", [NURSE], id="patient asks the nurse"),
        pytest.param(CLINICIAN, (), DRAFT, "plan", [PATIENT], id="clinician for the patient"),
        pytest.param(CLINICIAN, (CLINIC,), ACTIVE, "order", [], id="clinician orders from the clinic"),
        pytest.param(CLINICIAN, (NURSE, PATIENT), DRAFT, "plan", [PATIENT], id="nurse and patient together"),
    ],
)
def test_nobody_is_given_something_to_do_by_the_other_side(
    who: str, performers: tuple[str, ...], status: CarePlanStatus, intent: str, owners: list[str]
) -> None:
    draft = ActivityDraft(EXERCISES, performers, NIGHTLY)
    change = rules.plan_activity(a_plan(), draft, an_occasion(who))

    planned = first(change)
    assert (planned.status, planned.intent) == (status, intent)
    assert planned.performers == (performers or (PATIENT,))
    assert [t.owner for t in change.tasks] == owners
    assert change.plan is not None
    assert change.plan.activities == ((planned.reference,) if status is ACTIVE else ())
    assert who in change.plan.contributors


def test_what_a_template_proposes_is_in_force_for_nobody() -> None:
    draft = ActivityDraft(EXERCISES, (CLINIC,))
    change = rules.drafted(a_plan(), draft, (CLINICIAN,), an_occasion(CLINICIAN))

    assert first(change).status is DRAFT
    assert first(change).intent is RequestIntent.ORDER
    assert [t.owner for t in change.tasks] == [CLINICIAN]


def test_agreement_puts_it_into_the_plan_and_settles_the_question() -> None:
    course = a_course(an_activity(DRAFT), tasks=(asked(),), plan=a_plan())
    change = rules.accept(course, an_occasion(PATIENT))

    assert activities(change) == {"ServiceRequest/a1": "active"}
    assert change.plan is not None
    assert change.plan.activities == ("ServiceRequest/a1",)
    assert [(t.status, t.output) for t in change.tasks] == [(TaskStatus.COMPLETED, ("ServiceRequest/a1",))]
    assert first(change).notes[-1].text == "Agreed"


def test_a_change_that_is_agreed_replaces_what_was_and_all_other_proposals() -> None:
    new, other = an_activity(DRAFT, id="a2"), an_activity(DRAFT, id="a3")
    tasks = (asked(CLINICIAN, "a2"), asked(CLINICIAN, "a3", id="k3"))
    course = a_course(new, an_activity(), other, tasks=tasks, plan=a_plan(activities=("ServiceRequest/a1",)))
    change = rules.accept(course, an_occasion(CLINICIAN))

    assert activities(change) == {
        "ServiceRequest/a2": "active",
        "ServiceRequest/a1": "revoked",
        "ServiceRequest/a3": "revoked",
    }
    assert first(change).replaces == ("ServiceRequest/a1",)
    assert change.revision_of == ("ServiceRequest/a1",)
    assert change.plan is not None
    assert change.plan.activities == ("ServiceRequest/a2",)
    assert [(t.id, t.status) for t in change.tasks] == [("k1", TaskStatus.COMPLETED), ("k3", TaskStatus.CANCELLED)]


@pytest.mark.parametrize(
    ("activity", "who", "owners"),
    [
        pytest.param(an_activity(), PATIENT, [CLINICIAN], id="who asked for it is asked"),
        pytest.param(an_activity(), CLINICIAN, [PATIENT], id="who does it is asked"),
        pytest.param(an_activity(requester=PATIENT), CLINICIAN, [PATIENT], id="once"),
        pytest.param(an_activity(requester=PATIENT), PATIENT, [], id="one's own"),
        pytest.param(an_activity(requester=None, performers=(CLINIC,)), NURSE, [], id="the team's own"),
    ],
)
def test_a_change_is_negotiated_like_the_activity(activity: Activity, who: str, owners: list[str]) -> None:
    less = ActivityDraft(EXERCISES, schedule=replace(NIGHTLY, count=3))
    change = rules.propose_change(a_course(activity), less, "Too much", an_occasion(who))

    new = first(change)
    assert [t.owner for t in change.tasks] == owners
    assert (new.status, new.thread, new.performers) == (DRAFT if owners else ACTIVE, "t1", activity.performers)
    assert new.notes[0].text == "Change proposed: Too much"
    assert activities(change).get("ServiceRequest/a1") == (None if owners else "revoked")
    assert change.plan is not None
    assert change.plan.activities == (("ServiceRequest/a1",) if owners else (new.reference,))


@pytest.mark.parametrize(
    ("offer", "owner", "who", "owners"),
    [
        pytest.param(an_activity(DRAFT), PATIENT, PATIENT, [CLINICIAN], id="who asked for it is asked"),
        pytest.param(an_activity(DRAFT), PATIENT, MOTHER, [CLINICIAN], id="in the patient's place"),
        pytest.param(an_activity(DRAFT, requester=PATIENT, performers=(NURSE,)), NURSE, NURSE, [PATIENT], id="nurse"),
        pytest.param(an_activity(DRAFT, performers=(CLINICIAN,)), CLINICIAN, CLINICIAN, [], id="one's own programme"),
    ],
)
def test_an_offer_is_answered_with_another_which_stands_in_its_place(
    offer: Activity, owner: str, who: str, owners: list[str]
) -> None:
    agreed, less = an_activity(id="a0"), ActivityDraft(EXERCISES, schedule=replace(NIGHTLY, count=3))
    course = a_course(offer, agreed, tasks=(asked(owner),), plan=a_plan(activities=("ServiceRequest/a0",)))
    change = rules.propose_change(course, less, "Too much", an_occasion(who))

    new, *others = (n for n in change.others if isinstance(n, Activity))
    assert (change.act, change.about, change.reason) == (Act.COUNTER_PROPOSE, new.reference, "Too much")
    assert (new.status, new.thread, new.performers) == (DRAFT if owners else ACTIVE, "t1", offer.performers)
    assert "ServiceRequest/a1" in change.revision_of
    assert [t.owner for t in change.tasks if t.status is TaskStatus.REQUESTED] == owners
    gone = next(a for a in others if a.id == "a1")
    assert (gone.status, gone.notes[-1].text) == (REVOKED, "Not agreed: Too much")
    assert [(t.id, t.status_reason) for t in change.tasks if t.status is TaskStatus.REJECTED] == [("k1", "Too much")]
    assert change.plan is not None
    assert change.plan.activities == (("ServiceRequest/a0",) if owners else (new.reference,))


@pytest.mark.parametrize(
    ("who", "error", "said"),
    [
        pytest.param(CLINICIAN, TransitionNotAllowed, "your own offer: take it back, and offer anew", id="one's own"),
        pytest.param(NURSE, NotPermitted, "waits for the answer of others", id="of one's own side"),
    ],
)
def test_only_who_is_asked_answers_with_another_offer(who: str, error: type[Exception], said: str) -> None:
    course = a_course(an_activity(DRAFT), tasks=(asked(),))
    with pytest.raises(error, match=said):
        rules.propose_change(course, ActivityDraft(EXERCISES), "x", an_occasion(who))


def test_no_and_taking_back_leave_what_was_agreed() -> None:
    draft = an_activity(DRAFT)
    for who in (PATIENT, CLINICIAN):
        change = rules.decline(a_course(draft, tasks=(asked(),)), "Not this", an_occasion(who))
        assert activities(change) == {"ServiceRequest/a1": "revoked"}
        assert [(t.status, t.status_reason) for t in change.tasks] == [(TaskStatus.REJECTED, "Not this")]


@pytest.mark.parametrize("owner", [NURSE, None, CLINIC])
def test_any_member_of_the_asked_side_answers(owner: str | None) -> None:
    course = a_course(an_activity(DRAFT, requester=PATIENT), tasks=(asked(owner),))

    assert rules.accept(course, an_occasion(CLINICIAN)).others
    with pytest.raises(NotPermitted):
        rules.accept(course, an_occasion(PATIENT))
    with pytest.raises(NotPermitted):
        rules.decline(course, "no", an_occasion(MOTHER))


def test_it_is_paused_taken_up_again_and_stopped_with_a_reason() -> None:
    active, held = a_course(an_activity()), a_course(an_activity(HELD))
    open_change = an_activity(DRAFT, id="a2")
    stopping = a_course(an_activity(), open_change, tasks=(asked(CLINICIAN, "a2"),))

    assert first(rules.hold(active, "Swollen", an_occasion())).notes[-1].text == "Paused: Swollen"
    assert activities(rules.resume(held, "Better", an_occasion())) == {"ServiceRequest/a1": "active"}
    stopped = rules.stop(stopping, "No use", an_occasion())
    assert activities(stopped) == {"ServiceRequest/a1": "revoked", "ServiceRequest/a2": "revoked"}
    assert [t.status for t in stopped.tasks] == [TaskStatus.CANCELLED]


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(lambda c, o: rules.accept(c, o), ACTIVE, id="agreed already"),
        pytest.param(lambda c, o: rules.decline(c, "x", o), ACTIVE, id="not to be declined"),
        pytest.param(lambda c, o: rules.hold(c, "x", o), DRAFT, id="not to be paused"),
        pytest.param(lambda c, o: rules.resume(c, "x", o), ACTIVE, id="not paused"),
        pytest.param(lambda c, o: rules.stop(c, "x", o), REVOKED, id="over"),
        pytest.param(lambda c, o: rules.propose_change(c, ActivityDraft(EXERCISES), "x", o), REVOKED, id="no more"),
        pytest.param(lambda c, o: rules.report(c, "2026-12-01.HS", Said(ReportOutcome.DONE), o), DRAFT, id="not yet"),
    ],
)
def test_an_act_that_does_not_follow_is_refused(
    act: Callable[[Course, Occasion], Change], status: CarePlanStatus
) -> None:
    with pytest.raises(TransitionNotAllowed, match="ServiceRequest/a1 is"):
        act(a_course(an_activity(status), tasks=(asked(),)), an_occasion(PATIENT))


def test_what_another_system_keeps_is_negotiated_there() -> None:
    foreign = Course(an_activity(thread=None))
    with pytest.raises(TransitionNotAllowed, match="another system"):
        rules.propose_change(foreign, ActivityDraft(EXERCISES), "x", an_occasion())
    with pytest.raises(TransitionNotAllowed, match="no open plan"):
        rules.accept(Course(an_activity(DRAFT), tasks=(asked(),)), an_occasion())


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (ReportOutcome.DONE, TaskStatus.COMPLETED),
        (ReportOutcome.PARTLY, TaskStatus.COMPLETED),
        (ReportOutcome.SKIPPED, TaskStatus.CANCELLED),
        (ReportOutcome.TOO_HARD, TaskStatus.FAILED),
    ],
)
def test_a_report_says_what_became_of_one_evening(outcome: ReportOutcome, status: TaskStatus) -> None:
    change = rules.report(a_course(an_activity()), "2026-11-30.HS", Said(outcome, "Tired"), an_occasion())

    report = first(change)
    assert (report.status, report.outcome, report.occurrence) == (status, outcome, "2026-11-30.HS")
    assert (report.owner, report.requester, report.first) == (PATIENT, PATIENT, date(2026, 11, 30))
    assert [n.text for n in report.notes] == ["Tired"]
    assert len(change.others) == 1
    assert change.plan is None


def test_who_may_report_is_judged_by_the_report_that_they_would_write() -> None:
    said = Said(ReportOutcome.DONE, "Tired")
    written = first(rules.report(a_course(an_activity()), "2026-11-30.HS", said, an_occasion()))

    assert rules.as_reported(an_activity(), "2026-11-30.HS", said, an_occasion()) == written


def test_a_night_that_was_reported_before_a_change_is_due_once() -> None:
    old = an_activity(REVOKED, id="a0")
    new = an_activity(schedule=replace(NIGHTLY, start=TODAY), replaces=("ServiceRequest/a0",))
    other_time = replace(new, schedule=Schedule(Pattern(times=(time(7), time(19))), TODAY))
    reports = [
        a_report("2026-12-01.HS", activity="ServiceRequest/a0", first=TODAY, last=TODAY),
        a_report("2026-12-02.HS", SKIPPED, activity="ServiceRequest/a0"),
    ]

    today = due_today([old, new], reports, TODAY, UTC)
    assert [(d.activity.id, d.is_open) for d in today] == [("a0", False)]
    (tonight,) = due_today([old, new], [replace(reports[0], outcome=None)], TODAY, UTC)
    assert (tonight.activity, tonight.is_open) == (new, True), "a report that was a mistake says nothing"
    following = upcoming(new, reports, TODAY, [old])
    assert following is not None
    assert following.first == TODAY + timedelta(days=2)
    left = [d.occurrence.key for d in due_today([old, other_time], reports, TODAY, UTC) if d.is_open]
    assert left == ["2026-12-01T19:00"], "one report stands for one of two"

    counted = [
        adherence(a, reports, (), days=4, today=TODAY + timedelta(days=3), others=[old, new]).due for a in (old, new)
    ]
    assert counted[1] == 1, "the third night alone"
    swim = an_activity(replaces=("ServiceRequest/a0",), schedule=None)
    once = [a_report(ONCE, ReportOutcome.PARTLY, activity="ServiceRequest/a0")]
    assert upcoming(swim, once, TODAY, [replace(old, schedule=None)]) is not None, "what was not done goes on"


def test_what_was_reported_before_a_change_is_put_right_and_not_reported_again() -> None:
    old = an_activity(REVOKED, id="a0")
    new = an_activity(schedule=replace(NIGHTLY, start=TODAY), replaces=("ServiceRequest/a0",))
    reports = [a_report("2026-12-01.HS", activity="ServiceRequest/a0")]

    with pytest.raises(TransitionNotAllowed, match="correct that report"):
        must_be_unsaid(new, [old], reports, "2026-12-01.HS")
    must_be_unsaid(new, [old], reports, "2026-12-02.HS")
    must_be_unsaid(new, [old], reports, "nothing")
    must_be_unsaid(replace(new, schedule=None), [old], reports, ONCE)


DONE, SKIPPED = ReportOutcome.DONE, ReportOutcome.SKIPPED


@pytest.mark.parametrize(
    ("at", "day", "outcome", "taken"),
    [
        pytest.param("2026-11-25T04:32", 26, DONE, False, id="tomorrow everywhere"),
        pytest.param("2026-11-25T04:32", 26, ReportOutcome.PARTLY, False, id="nor partly"),
        pytest.param("2026-11-25T04:32", 26, ReportOutcome.TOO_HARD, False, id="nor tried"),
        pytest.param("2026-11-25T04:32", 25, DONE, True, id="today, though it is for the night"),
        pytest.param("2026-11-25T09:59", 26, DONE, False, id="one minute before the first clocks"),
        pytest.param("2026-11-25T10:00", 26, DONE, True, id="today in Kiritimati"),
        pytest.param("2026-11-25T04:32", 26, SKIPPED, True, id="to be left out tomorrow"),
        pytest.param("2026-11-25T04:32", 27, SKIPPED, False, id="not the day after"),
    ],
)
def test_nothing_is_done_before_its_day_has_begun_somewhere(
    at: str, day: int, outcome: ReportOutcome, taken: bool
) -> None:
    occasion = replace(an_occasion(), at=datetime.fromisoformat(at).replace(tzinfo=UTC))
    course, key = a_course(an_activity()), f"2026-11-{day}.HS"
    if taken:
        assert rules.report(course, key, Said(outcome), occasion).others
        return
    with pytest.raises(InvalidContent, match="has not begun yet"):
        rules.report(course, key, Said(outcome), occasion)


def test_what_will_be_left_out_cannot_be_put_right_to_done_before_its_day() -> None:
    occasion = replace(an_occasion(), at=datetime(2026, 11, 25, 4, 32, tzinfo=UTC))
    course = a_course(an_activity())
    left_out = first(rules.report(course, "2026-11-26.HS", Said(SKIPPED), occasion))
    with pytest.raises(InvalidContent, match="has not begun yet"):
        rules.correct(course, left_out, Said(DONE), "x", occasion)
    assert first(rules.correct(course, left_out, Said(None), "x", occasion)).outcome is None


@pytest.mark.parametrize(
    ("activity", "key", "message"),
    [
        pytest.param(an_activity(), "2026-11-25", r"It has: 2026-11-25\.HS$", id="the day alone"),
        pytest.param(an_activity(), "2026-11-25.MORN", r"It has: 2026-11-25\.HS$", id="another time of day"),
        pytest.param(an_activity(schedule=None), "2026-11-25", "It has: once$", id="a single step"),
        pytest.param(an_activity(), "2026-11-20.HS", "is none of this activity$", id="nothing on that day"),
        pytest.param(an_activity(), "tonight", "is none of this activity$", id="no day at all"),
        pytest.param(an_activity(schedule=None, unread_timing=True), "x", "is none of this activity$", id="unread"),
    ],
)
def test_what_is_no_occurrence_is_told_what_its_day_has(activity: Activity, key: str, message: str) -> None:
    with pytest.raises(InvalidContent) as refused:
        rules.report(a_course(activity), key, Said(DONE), an_occasion())
    assert re.search(message, refused.value.flaws[0].said())


@pytest.mark.parametrize("key", ["2026-11-20.HS", "2026-12-04.HS", "nonsense", "once"])
def test_only_what_is_due_can_be_reported(key: str) -> None:
    with pytest.raises(InvalidContent):
        rules.report(a_course(an_activity()), key, Said(ReportOutcome.DONE), an_occasion())


def test_a_single_step_is_completed_by_its_report_and_goes_on_with_its_correction() -> None:
    xray = an_activity(schedule=None, performers=(CLINIC,))
    done = rules.report(a_course(xray), ONCE, Said(ReportOutcome.DONE), an_occasion(NURSE))
    assert activities(done) == {"ServiceRequest/a1": "completed"}
    assert done.plan is not None
    assert activities(rules.report(a_course(xray), ONCE, Said(ReportOutcome.SKIPPED), an_occasion())) == {}

    report = replace(first(done), id="r1")
    course = a_course(replace(xray, status=COMPLETED))
    mistaken = rules.correct(course, report, Said(None), "Another patient", an_occasion(NURSE))
    assert activities(mistaken) == {"ServiceRequest/a1": "active"}
    assert first(mistaken).status is TaskStatus.ENTERED_IN_ERROR
    stopped = rules.correct(a_course(replace(xray, status=REVOKED)), report, Said(None), "x", an_occasion(NURSE))
    assert activities(stopped) == {}


def test_a_correction_keeps_what_was_said_and_says_why() -> None:
    report = a_report("2026-11-30.HS", ReportOutcome.SKIPPED)
    change = rules.correct(
        a_course(an_activity()), report, Said(ReportOutcome.DONE, "At noon"), "Forgot", an_occasion()
    )

    assert [n.text for n in first(change).notes] == ['Corrected from "Skipped" to "Done": Forgot', "At noon"]
    back = rules.correct(
        a_course(an_activity()), replace(report, outcome=None), Said(ReportOutcome.DONE), "Was right", an_occasion()
    )
    assert first(back).notes[-1].text == 'Corrected from a mistake to "Done": Was right'
    with pytest.raises(TransitionNotAllowed):
        rules.correct(a_course(an_activity()), report, Said(ReportOutcome.SKIPPED), "x", an_occasion())


def test_who_has_to_do_what_next() -> None:
    night = occurrence_with(an_activity(), "2026-12-01.HS")
    draft = next_step(a_course(an_activity(DRAFT), tasks=(asked(), asked(None, id="k2"))), night)
    doing = next_step(a_course(an_activity()), night)
    step = next_step(a_course(an_activity(schedule=None, due=PartialDate("2026-12"))), night)

    assert draft is not None
    assert (draft.what, draft.who) == ("answer", (PATIENT,))
    assert doing is not None
    assert (doing.what, doing.who, doing.by) == ("do", (PATIENT,), TODAY)
    assert step is not None
    assert step.by == date(2026, 12, 31)
    held = next_step(a_course(an_activity(HELD)), night)
    assert held is not None
    assert held.what == "resume"
    assert next_step(a_course(an_activity()), None) is None
    assert next_step(a_course(an_activity(REVOKED)), night) is None


def a_report(key: str, outcome: ReportOutcome | None = ReportOutcome.DONE, **parts: Any) -> Report:
    report = Report(
        PATIENT,
        "ServiceRequest/a1",
        key,
        STATUS_OF[outcome],
        NOW,
        NOW,
        CLINICIAN,
        outcome=outcome,
        id="r1",
        version="1",
    )
    return replace(report, **parts)


def test_adherence_counts_what_is_over_and_what_was_reported() -> None:
    reports = [
        a_report("2026-11-30.HS"),
        a_report("2026-11-29.HS", ReportOutcome.TOO_HARD),
        a_report("2026-11-28.HS", None),
        a_report("2026-11-27.HS", ReportOutcome.PARTLY),
        a_report("2026-11-26.HS", ReportOutcome.SKIPPED),
    ]
    found = adherence(an_activity(), reports, [], days=7, today=TODAY)
    counts = (found.due, found.done, found.partly, found.skipped, found.too_hard, found.missing)
    assert counts == (6, 1, 1, 1, 1, 2)
    tonight = adherence(an_activity(), [a_report("2026-12-01.HS")], [], days=1, today=TODAY)
    assert (tonight.due, tonight.done) == (1, 1)
    assert (found.first, found.last) == (date(2026, 11, 25), TODAY)


@given(schedule=schedules(), offset=st.integers(0, 200), days=st.integers(1, 40), data=st.data())
def test_what_is_due_adds_up_and_a_report_never_makes_more_missing(
    schedule: Schedule, offset: int, days: int, data: st.DataObject
) -> None:
    activity, today = an_activity(schedule=schedule), schedule.start + timedelta(days=offset)
    keys = [o.key for o in occurrences(schedule, today - timedelta(days=days - 1), today)]
    outcomes = data.draw(st.dictionaries(st.sampled_from(keys), st.sampled_from(ReportOutcome))) if keys else {}
    before = adherence(activity, [], [], days=days, today=today)
    after = adherence(activity, [a_report(k, o) for k, o in outcomes.items()], [], days=days, today=today)

    assert after.due == after.done + after.partly + after.skipped + after.too_hard + after.missing
    assert after.due - after.missing == len(outcomes)
    assert after.missing <= before.missing == before.due
    paused = adherence(activity, [], [Pause(date.min)], days=days, today=today)
    assert (paused.due, paused.missing) == (0, 0)


def test_nothing_is_missing_in_a_pause() -> None:
    pauses = [Pause(date(2026, 11, 20), date(2026, 11, 27)), Pause(date(2026, 11, 30))]
    found = adherence(an_activity(), [a_report("2026-11-27.HS")], pauses, days=7, today=TODAY)

    assert (found.due, found.done, found.missing) == (3, 1, 2)


def test_pauses_follow_from_the_acts() -> None:
    def stamp(act: Act, day: int) -> Stamp:
        return Stamp(("ServiceRequest/a1",), datetime(2026, 11, day, 23, 30, tzinfo=UTC), PATIENT, act)

    acts = [stamp(Act.CANCEL, 20), stamp(Act.ACCEPT, 2), stamp(Act.HOLD, 5), stamp(Act.HOLD, 6), stamp(Act.RESUME, 9)]
    later = timedelta(hours=1)
    assert pauses_of([stamp(Act.REPORT_ACTIVITY, 1)], UTC) == ()
    assert pauses_of([stamp(Act.HOLD, 5), stamp(Act.RESUME, 6), stamp(Act.RESUME, 7)], UTC) == (
        Pause(date(2026, 11, 5), date(2026, 11, 6)),
    )
    assert pauses_of(acts, UTC) == (
        Pause(date.min, date(2026, 11, 2)),
        Pause(date(2026, 11, 5), date(2026, 11, 9)),
        Pause(date(2026, 11, 20)),
    )
    assert pauses_of(acts[:1], timezone(later)) == (Pause(date(2026, 11, 21)),)


def test_today_offers_one_of_what_any_day_will_do_for() -> None:
    swim = an_activity(
        id="s1", schedule=Schedule(Pattern(frequency=3, unit=PeriodUnit.WEEK), TODAY - timedelta(days=2))
    )
    key = "2026-11-29."
    yesterday = NOW - timedelta(days=1)
    reports = [
        a_report(f"{key}1", activity="ServiceRequest/s1", authored_on=yesterday),
        a_report(f"{key}2", activity="ServiceRequest/s1"),
    ]
    stopped = an_activity(REVOKED, id="x1")
    found = due_today([swim, an_activity(), stopped], reports, TODAY, UTC)

    assert [(d.activity.id, d.occurrence.key, d.is_open) for d in found] == [
        ("a1", "2026-12-01.HS", True),
        ("s1", f"{key}2", False),
        ("s1", f"{key}3", True),
    ]
    more = due_today([swim], reports[:1], TODAY, UTC)
    assert [d.occurrence.key for d in more] == [f"{key}2"]
    assert [
        d.occurrence.key
        for d in due([stopped], [a_report("2026-12-01.HS", activity="ServiceRequest/x1")], TODAY, TODAY)
    ] == ["2026-12-01.HS"]
    following = upcoming(an_activity(), [a_report("2026-12-01.HS")], TODAY)
    assert following is not None
    assert following.key == "2026-12-02.HS"


def a_stamp(activity: str, act: Act, ago: int, *others: str) -> Stamp:
    targets = (f"ServiceRequest/{activity}", *(f"ServiceRequest/{o}" for o in others))
    return Stamp(targets, NOW - timedelta(days=ago), PATIENT, act)


def test_what_was_done_before_a_change_still_counts() -> None:
    first = an_activity(REVOKED, id="first")
    second = an_activity(REVOKED, id="second", replaces=(first.reference,))
    third = an_activity(id="third", replaces=(second.reference, "ServiceRequest/kept-elsewhere"))
    draft = an_activity(DRAFT, id="draft")
    stamps = (
        a_stamp("first", Act.PLAN_ACTIVITY, 10),
        a_stamp("first", Act.ACCEPT, 10),
        a_stamp("second", Act.COUNTER_PROPOSE, 7),
        a_stamp("second", Act.ACCEPT, 6),
        a_stamp("third", Act.COUNTER_PROPOSE, 2),
    )
    found = versions_of(third, (draft, first, second), stamps, UTC)
    days = {v.activity.id: adherence(v.activity, (), v.pauses, days=28, today=TODAY).due for v in found}

    assert [(v.activity.id, v.since and (TODAY - v.since).days, v.until and (TODAY - v.until).days) for v in found] == [
        ("first", None, 6),
        ("second", 6, 2),
        ("third", 2, None),
    ]
    # From the day after it was agreed to the day before it was replaced; tonight is not over.
    assert days == {"first": 3, "second": 3, "third": 1}
    (alone,) = versions_of(draft, (), (), UTC)
    assert (alone.activity, alone.pauses) == (draft, ())
    replaced, *_ = versions_of(first, (second, third), stamps, UTC)
    assert replaced.until == TODAY - timedelta(days=6), "what was replaced is not missed any more"


def test_one_window_has_what_was_done_in_all_forms() -> None:
    parts = [Adherence(7, TODAY, TODAY, due=3, done=2, missing=1), Adherence(7, TODAY, TODAY, due=2, done=1, partly=1)]
    whole = together(parts, days=7, today=TODAY)

    assert (whole.first, whole.last) == (TODAY - timedelta(days=6), TODAY)
    assert (whole.due, whole.done, whole.partly, whole.missing) == (5, 3, 1, 1)
