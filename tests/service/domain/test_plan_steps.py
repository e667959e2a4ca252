"""What a plan asks for, goal by goal; and what waits for whose word."""

from datetime import UTC, timedelta

from fhir_mappings.activities import Report
from fhir_mappings.codes import Act, ReportOutcome, TaskStatus
from fhir_mappings.model import PartialDate, Stamp
from service.domain.plan_steps import by_goal, plan_steps
from service.domain.questions import Question, questions_about, split_for
from service.domain.thread import as_offered
from tests.builders import CLINICIAN, NOW, PATIENT, a_goal, a_task, an_actor
from tests.service.domain.test_activities import COMPLETED, DRAFT, REVOKED, TODAY, an_activity, asked


def a_report(activity: str, occurrence: str) -> Report:
    outcome = ReportOutcome.DONE
    return Report(PATIENT, activity, occurrence, TaskStatus.COMPLETED, NOW, NOW, PATIENT, outcome)


def test_a_plan_shows_what_is_offered_or_in_force_and_what_was_done_this_week() -> None:
    offered = an_activity(DRAFT, id="offered", authored_on=NOW)
    nightly = an_activity(id="nightly", authored_on=NOW - timedelta(days=1))
    theirs = an_activity(id="theirs", authored_on=None)
    replaced = an_activity(REVOKED, id="replaced")
    over, gone = an_activity(COMPLETED, id="over", schedule=None), an_activity(REVOKED, id="gone")
    reports = [a_report("ServiceRequest/replaced", f"{TODAY}.HS")]
    steps = plan_steps(
        (offered, nightly, theirs, replaced, over, gone), reports, [asked(activity="offered")], TODAY, UTC
    )

    assert [s.activity.id for s in steps] == ["theirs", "replaced", "nightly", "offered"]
    assert [(s.next.what if s.next else None, len(s.today), len(s.week)) for s in steps] == [
        ("do", 1, 7),
        (None, 1, 1),
        ("do", 1, 7),
        ("answer", 0, 0),
    ]


def test_steps_stand_with_each_goal_that_they_serve_and_last_those_that_serve_none() -> None:
    walk, swim, idle = a_goal(id="walk"), a_goal(id="swim"), a_goal(id="idle")
    both = an_activity(id="both", goals=("Goal/walk", "Goal/swim"))
    other = an_activity(id="other", goals=("Goal/gone",))
    found = by_goal(plan_steps((both, other), (), (), TODAY, UTC), (walk, swim, idle))

    assert [(f.goal and f.goal.id, [s.activity.id for s in f.steps]) for f in found] == [
        ("walk", ["both"]),
        ("swim", ["both"]),
        (None, ["other"]),
    ]
    assert by_goal((), (walk,)) == ()


def test_a_question_comes_with_what_it_is_about_where_that_can_be_seen() -> None:
    goal, activity = a_goal(), an_activity()
    later, first = asked(id="k2"), a_task(authored_on=NOW - timedelta(days=1))
    hidden = a_task(id="k3", focus="Goal/hidden", authored_on=NOW + timedelta(days=1))

    assert questions_about((later, hidden, first), (goal,), (activity,)) == (
        Question(first, goal),
        Question(later, activity),
        Question(hidden, None),
    )


def test_nobody_answers_their_own_question_and_what_is_on_hold_waits_for_nobody() -> None:
    mine = Question(a_task(owner=PATIENT, requester=CLINICIAN))
    own = Question(a_task(id="k2", owner=PATIENT, requester=PATIENT))
    held = Question(a_task(id="k3", owner=PATIENT, requester=CLINICIAN, status=TaskStatus.ON_HOLD))

    assert split_for(an_actor(PATIENT), (mine, own, held)) == ((mine,), (own,))


def test_what_somebody_has_proposed_that_they_do_themselves_waits_for_their_own_yes() -> None:
    own = Question(asked(CLINICIAN), an_activity())
    theirs = Question(asked(PATIENT, id="k2"), an_activity())

    assert split_for(an_actor(CLINICIAN), (own, theirs)) == ((own,), (theirs,))


def test_a_start_that_came_with_the_agreement_was_not_offered() -> None:
    agreed = [Stamp(("Goal/g1",), NOW, PATIENT, Act.ACCEPT), Stamp(("Goal/g2",), NOW, PATIENT, Act.ACCEPT)]
    today, later = PartialDate("2026-12-01"), PartialDate("2027-01-01")

    assert as_offered(a_goal(start=today), agreed).start is None
    assert as_offered(a_goal(start=later), agreed).start == later
    assert as_offered(a_goal(start=today), agreed[1:]).start == today
    assert as_offered(a_goal(), agreed).start is None
