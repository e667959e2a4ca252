"""Which statement holds, who may withdraw it, what stands against it, and whether it was there first."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.carrier import Json
from fhir_mappings.codes import ADMISSION_PREFERENCE, PREFERENCE_STANCE, ObservationStatus
from fhir_mappings.decision import ADMISSION, Order, Preference, PreferenceKind, Stance
from fhir_mappings.model import Coding, Concept, PartialDate, Target
from fhir_mappings.preference import preference_to_fhir
from service.domain.asked_first import Verdict, asked_first, judged
from service.domain.conflicts import Against, Conditional, ConflictRule, ConflictRules, Modality, admissions, conflicts
from service.domain.edits import must_be_theirs_to_write
from service.domain.policy import DEFAULT_POLICY
from service.domain.preferences import (
    VALID,
    Hold,
    Statement,
    admission_answers,
    in_force,
    is_about_admission,
    standings,
    state,
    withdraw,
)
from service.errors import InvalidContent, NotPermitted, TransitionNotAllowed
from tests.builders import CLINICIAN, MOTHER, NOW, NURSE, PATIENT, a_goal, an_actor, an_agreed_goal, an_occasion

HOUR = timedelta(hours=1)
SCT = "http://snomed.info/sct"
VENTILATION = Coding(SCT, "40617009")


def said(what: str | None = "prefers-home", hours: float = -2, **parts: Any) -> Preference:
    """An answer to admission, so many hours from now; words alone for None."""
    answer = (Coding(ADMISSION_PREFERENCE, what),) if what else ()
    at = NOW + hours * HOUR
    given: dict[str, Any] = {
        "id": f"p{hours}{what}",
        "version": "1",
        "words": "words" if what is None else None,
        "about": Concept("Admission", (ADMISSION,)) if what else None,
        "answer": answer,
        "stated_by": PATIENT,
        "since": at,
        "recorded": at,
        "subject": PATIENT,
        "kind": PreferenceKind.TREATMENT,
        "status": ObservationStatus.FINAL,
    }
    return Preference(**given | parts)


def about(coding: Coding, stance: str, hours: float = -2, **parts: Any) -> Preference:
    """A stance to a treatment."""
    answer = (Coding(PREFERENCE_STANCE, stance),)
    return said(None, hours, **{"id": f"t{hours}", "about": Concept(None, (coding,)), "answer": answer, **parts})


VOID: dict[str, Any] = {"status": ObservationStatus.ENTERED_IN_ERROR}
THIRD = said(None, -1, replaces=("Observation/p-3None",))


@pytest.mark.parametrize(
    ("preferences", "holds"),
    [
        pytest.param([], [], id="nothing said"),
        pytest.param([said()], ["in-force"], id="one"),
        pytest.param([said(hours=-3), said("wants-admission")], ["in-force", "superseded"], id="the latest holds"),
        pytest.param([said("wants-admission"), said(hours=-3)], ["in-force", "superseded"], id="in whatever order"),
        pytest.param([said(hours=1)], ["not-yet"], id="not yet"),
        pytest.param([said(**VOID)], ["entered-in-error"], id="void"),
        pytest.param(
            [said(hours=-3), said("undecided", **VOID)], ["entered-in-error", "in-force"], id="void later one"
        ),
        pytest.param([said(until=NOW - HOUR)], ["no-longer-valid"], id="ended"),
        pytest.param([said(until=NOW + HOUR)], ["in-force"], id="ends later"),
        pytest.param([said(hours=-3), said(until=NOW - HOUR)], ["no-longer-valid", "in-force"], id="holds again"),
        pytest.param(
            [said(hours=-4), said("undecided", -3), said("defers", until=NOW - HOUR)],
            ["no-longer-valid", "in-force", "superseded"],
            id="only the one before it holds again",
        ),
        pytest.param(
            [said(None, -4), said(None, -3, until=NOW, replaces=("Observation/p-4None",)), THIRD],
            ["in-force", "no-longer-valid", "superseded"],
            id="what replaces a withdrawn one stands for both",
        ),
        pytest.param([said(), said("not-asked", -1)], ["in-force", "in-force"], id="not asked undoes nothing"),
        pytest.param([said("not-asked", -3), said()], ["in-force", "superseded"], id="an answer ends not asked"),
        pytest.param([said("not-asked", -3), said("not-asked")], ["in-force", "superseded"], id="not asked again"),
        pytest.param([said(hours=-3), said(precondition="x")], ["in-force", "in-force"], id="conditional beside"),
        pytest.param(
            [said(hours=-3, precondition="x"), said()], ["in-force", "superseded"], id="unconditional for all"
        ),
        pytest.param(
            [said(hours=-3, precondition="x"), said(precondition="x")], ["in-force", "superseded"], id="same condition"
        ),
        pytest.param([said(None, -3), said(None)], ["in-force", "in-force"], id="words beside words"),
        pytest.param(
            [said(None, -3), said(None, replaces=("Observation/p-3None",))], ["in-force", "superseded"], id="replaced"
        ),
        pytest.param([said(None, -3, id=None), said(None)], ["in-force", "in-force"], id="without an id"),
        pytest.param([about(VENTILATION, "wants", -3), said()], ["in-force", "in-force"], id="other topic"),
        pytest.param(
            [about(VENTILATION, "wants", -3), about(VENTILATION, "does-not-want")],
            ["in-force", "superseded"],
            id="same treatment",
        ),
        pytest.param(
            [said(hours=-3, kind=PreferenceKind.CARE_EXPERIENCE), said()], ["in-force", "in-force"], id="other kind"
        ),
        pytest.param(
            [said(since=None), said(since=None, recorded=None, id="z")], ["in-force", "superseded"], id="undated"
        ),
    ],
)
def test_the_latest_valid_statement_on_a_topic_holds(preferences: list[Preference], holds: list[str]) -> None:
    assert [str(s.hold) for s in standings(preferences, NOW)] == holds


def test_what_is_superseded_says_until_when_and_by_what() -> None:
    first, second = said(hours=-3), said("wants-admission", -1)
    standing = standings([first, second], NOW)[1]

    assert (standing.until, standing.superseded_by) == (second.since, second.reference)


@pytest.mark.parametrize(
    ("day", "due"), [("2026-11-30", True), ("2026-12-01", True), ("2026-12", False), (None, False)]
)
def test_a_day_of_review_does_not_end_a_preference(day: str | None, due: bool) -> None:
    standing = standings([said(review=PartialDate(day) if day else None)], NOW)[0]

    assert (standing.hold, standing.review_due) == (Hold.IN_FORCE, due)


@given(st.permutations([said(hours=h) for h in (-5, -4, -3, -2)]))
def test_the_order_in_which_a_server_lists_them_does_not_matter(preferences: list[Preference]) -> None:
    assert [p.id for p in in_force(preferences, NOW)] == ["p-2prefers-home"]


WHO = st.sampled_from([PATIENT, MOTHER, CLINICIAN, NURSE])
STATED = st.tuples(
    WHO,
    st.sampled_from(["wants-admission", "prefers-home", "undecided", "not-asked"]),
    st.sampled_from([None, None, "the pain stays bearable", "my sister is there"]),
)
WITHDRAWN = st.tuples(WHO, st.integers(0, 7), st.booleans())


def happened(acts: list[tuple[Any, Any, Any]]) -> tuple[dict[str, Preference], list[list[str]], datetime]:
    """What is on the server after each act had its minute, and whose: acts that are not allowed change nothing.

    Returns:
        the statements by id, what held after each act, and the moment after the last.
    """
    kept: dict[str, Preference] = {}
    held: list[list[str]] = []
    at = NOW
    for number, (who, what, how) in enumerate(acts):
        at = NOW + timedelta(minutes=number)
        occasion = replace(an_occasion(who), at=at, new_id=partial(str, f"s{number}"))
        with suppress(NotPermitted, TransitionNotAllowed, IndexError):
            if isinstance(what, str):
                coded = (Coding(ADMISSION_PREFERENCE, what),)
                statement = Statement(PreferenceKind.TREATMENT, answer=coded, precondition=how)
                change = state(PATIENT, statement, occasion, earlier=kept.values())
            else:
                change = withdraw(list(kept.values())[what], "why", occasion, in_error=how)
            (written,) = change.others
            assert isinstance(written, Preference) and written.id
            kept[written.id] = written
        held.append([str(p.id) for p in in_force(kept.values(), at)])
    return kept, held, at


@given(st.lists(STATED | WITHDRAWN, max_size=12))
def test_whoever_says_or_withdraws_what_the_latest_that_is_valid_holds(acts: list[tuple[Any, Any, Any]]) -> None:
    kept, _, at = happened(acts)
    valid = [p for p in reversed(kept.values()) if p.status in VALID and p.until is None]
    holding = []
    for position, preference in enumerate(valid):
        later = [v for v in valid[:position] if v.is_answer or not preference.is_answer]
        if not any(v.precondition in {None, preference.precondition} for v in later):
            holding.append(preference.id)

    assert [p.id for p in in_force(kept.values(), at)] == holding


@given(st.lists(STATED | WITHDRAWN, max_size=12))
def test_withdrawing_leaves_what_would_hold_had_it_never_been_said(acts: list[tuple[Any, Any, Any]]) -> None:
    kept, _, at = happened(acts)
    untouched = [p for p in kept.values() if p.status in VALID and p.until is None]

    assert in_force(kept.values(), at) == in_force(untouched, at)


@given(st.lists(STATED | WITHDRAWN, max_size=12))
def test_what_held_at_a_moment_stays_known_unless_it_was_an_error(acts: list[tuple[Any, Any, Any]]) -> None:
    in_order = [(who, what, how if isinstance(what, str) else False) for who, what, how in acts]
    kept, held, _ = happened(in_order)

    for number, then in enumerate(held):
        known = [str(p.id) for p in in_force(kept.values(), NOW + timedelta(minutes=number))]
        assert known == then


def test_a_patient_has_their_own_answer_back_once_a_clinicians_note_over_it_is_withdrawn() -> None:
    acts = [(PATIENT, "prefers-home", None), (CLINICIAN, "wants-admission", None), (CLINICIAN, 1, False)]
    kept, held, at = happened(acts)

    assert held == [["s0"], ["s1"], ["s0"]]
    assert admission_answers(kept.values(), at).answer == kept["s0"]


def test_the_question_of_admission() -> None:
    conditional = said("wants-admission", -1, precondition="it gets worse")
    answers = admission_answers([said(), conditional, said("could-not-be-asked", -0.5)], NOW)

    assert answers.answer == conditional
    assert answers.conditional == (conditional,)
    assert answers.unanswered is not None
    assert answers.is_asked
    assert not admission_answers([said("not-asked")], NOW).is_asked
    assert admission_answers([said("not-asked", -3), said(precondition="x")], NOW).unanswered is None
    assert is_about_admission(about(ADMISSION, "wants"))
    assert not is_about_admission(about(VENTILATION, "wants"))


def home(**parts: Any) -> Statement:
    answer = (Coding(ADMISSION_PREFERENCE, parts.pop("what", "prefers-home")),)
    return Statement(PreferenceKind.TREATMENT, answer=answer, **parts)


@pytest.mark.parametrize(
    ("who", "statement", "asked_by"),
    [
        (PATIENT, home(), None),
        (PATIENT, home(asked_by=NURSE), NURSE),
        (CLINICIAN, home(), CLINICIAN),
        (CLINICIAN, home(asked_by=NURSE), NURSE),
        (CLINICIAN, home(what="not-asked"), None),
    ],
)
def test_a_clinician_who_reports_an_answer_has_asked(who: str, statement: Statement, asked_by: str | None) -> None:
    change = state(PATIENT, statement, an_occasion(who))
    stated = change.others[0]

    assert isinstance(stated, Preference)
    assert (stated.asked_by, stated.stated_by, stated.since, stated.recorded) == (asked_by, who, NOW, NOW)
    assert stated.patient_supplied is (who == PATIENT)


def test_a_statement_may_lie_back_but_is_recorded_now() -> None:
    stated = state(PATIENT, home(said_at=NOW - HOUR, note="late"), an_occasion(CLINICIAN)).others[0]

    assert isinstance(stated, Preference)
    assert (stated.since, stated.recorded, stated.note_by) == (NOW - HOUR, NOW, CLINICIAN)


@pytest.mark.parametrize(
    ("who", "statement", "error"),
    [
        (PATIENT, home(what="not-asked"), NotPermitted),
        (MOTHER, home(what="could-not-be-asked"), NotPermitted),
        (PATIENT, home(review=PartialDate("2026-11-30")), InvalidContent),
        (PATIENT, home(replaces=("Observation/absent",)), InvalidContent),
        (PATIENT, home(replaces=("Observation/void",)), InvalidContent),
    ],
)
def test_what_cannot_be_stated(who: str, statement: Statement, error: type[Exception]) -> None:
    with pytest.raises(error):
        state(PATIENT, statement, an_occasion(who), earlier=[said(id="void", **VOID)])


def test_a_statement_takes_the_place_of_another() -> None:
    change = state(PATIENT, home(replaces=("Observation/old",)), an_occasion(PATIENT), earlier=[said(id="old")])

    assert change.revision_of == ("Observation/old",)


@pytest.mark.parametrize(
    ("stated_by", "who", "in_error", "may"),
    [
        (PATIENT, PATIENT, False, True),
        (PATIENT, PATIENT, True, True),
        (PATIENT, MOTHER, False, False),
        (PATIENT, CLINICIAN, False, False),
        (MOTHER, MOTHER, True, True),
        (MOTHER, PATIENT, False, True),
        (MOTHER, PATIENT, True, False),
        (CLINICIAN, MOTHER, False, True),
        (CLINICIAN, CLINICIAN, True, True),
        (CLINICIAN, NURSE, False, False),
        (CLINICIAN, PATIENT, False, True),
    ],
)
def test_what_the_patient_said_is_the_patients_to_withdraw(stated_by: str, who: str, in_error: bool, may: bool) -> None:
    preference = said(stated_by=stated_by)
    if not may:
        with pytest.raises(NotPermitted):
            withdraw(preference, "why", an_occasion(who), in_error=in_error)
        return
    withdrawn = withdraw(preference, "why", an_occasion(who), in_error=in_error).others[0]
    assert isinstance(withdrawn, Preference)
    assert (withdrawn.until, withdrawn.note, withdrawn.note_by) == (NOW, "why", who)
    assert str(withdrawn.status) == ("entered-in-error" if in_error else "amended")


@pytest.mark.parametrize("parts", [VOID, {"until": NOW - HOUR}])
def test_what_holds_no_longer_cannot_be_withdrawn(parts: dict[str, Any]) -> None:
    with pytest.raises(TransitionNotAllowed):
        withdraw(said(**parts), "why", an_occasion(PATIENT), in_error=False)


# Conflicts

TOPIC = frozenset({(ADMISSION.system, ADMISSION.code)})
ADMIT = Modality("admission", frozenset({"ServiceRequest", "Encounter"}), frozenset({(SCT, "32485007")}), "Admission")
REFUSED = frozenset({Stance.DOES_NOT_WANT})
HOME_RULE = ConflictRule("home", "Not wanted", Against(REFUSED, TOPIC), ADMIT)
SAME_RULE = ConflictRule("same", "Not wanted", Against(REFUSED))
GOAL_RULE = ConflictRule(
    "goal", "Against a goal", Against(goals=frozenset({("urn:g", "home"), ("urn:m", "steps")})), ADMIT
)
RULES = ConflictRules({"admission": ADMIT}, (HOME_RULE, SAME_RULE, GOAL_RULE))


def an_order(code: str = "32485007", **parts: Any) -> Order:
    given: dict[str, Any] = {"codes": (Coding(SCT, code),), "id": "o1", "authored_on": NOW, "status": "active"}
    return Order(**{"resource_type": "ServiceRequest", "subject": PATIENT, "words": "Admit", **given, **parts})


@pytest.mark.parametrize(
    ("order", "preferences", "rules"),
    [
        pytest.param(an_order(), [said()], ["home"], id="admission not wanted"),
        pytest.param(an_order(), [said("wants-admission")], [], id="wanted"),
        pytest.param(an_order(), [said("not-asked")], [], id="not asked is no wish"),
        pytest.param(an_order(), [], [], id="nothing said"),
        pytest.param(an_order("1"), [said()], [], id="another order"),
        pytest.param(an_order(status="revoked"), [said()], [], id="over"),
        pytest.param(an_order(not_to_be_done=True), [said()], [], id="not to be done"),
        pytest.param(an_order("40617009"), [about(VENTILATION, "does-not-want")], ["same"], id="this very treatment"),
        pytest.param(an_order("40617009"), [about(VENTILATION, "wants")], [], id="wanted treatment"),
        pytest.param(an_order(codes=()), [said(about=None)], [], id="nothing coded"),
        pytest.param(an_order(), [said(None)], [], id="words alone are for people"),
    ],
)
def test_orders_against_what_was_said(order: Order, preferences: list[Preference], rules: list[str]) -> None:
    assert [c.rule.id for c in conflicts([order], preferences, [], RULES)] == rules


def test_both_sides_are_named_in_plain_words() -> None:
    preference = said(words="My own bed", precondition="no pain")
    (found,) = conflicts([an_order()], [preference], [], RULES)

    assert (found.ordered, found.condition) == ("Admission: Admit", "no pain")
    assert found.wanted == "“My own bed” (said by the patient, 01 Dec 2026)"
    assert found.reference == preference.reference
    (nobody,) = conflicts([an_order()], [replace(preference, stated_by=None, since=None)], [], RULES)
    assert nobody.wanted == "“My own bed” (who said it is not recorded)"


def test_a_rule_may_leave_out_what_holds_under_a_condition() -> None:
    rules = replace(RULES, rules=(replace(HOME_RULE, conditional=Conditional.SKIP),))

    assert conflicts([an_order()], [said(precondition="x")], [], rules) == ()
    assert len(conflicts([an_order()], [said()], [], rules)) == 1


def test_orders_against_agreed_goals() -> None:
    home = Concept(None, (Coding("urn:g", "home"),))
    steps = Concept(None, (Coding("urn:m", "steps"),))
    goals = [
        an_agreed_goal(id="g1", categories=(home,)),
        an_agreed_goal(id="g2", targets=(Target(steps), Target(None))),
        a_goal(id="g3", categories=(home,)),
        an_agreed_goal(id="g4"),
    ]
    found = conflicts([an_order()], [], goals, RULES)

    assert [c.reference for c in found] == ["Goal/g1", "Goal/g2"]
    assert found[0].wanted == "Agreed goal: “Walk to the shops”"


def test_admissions_are_the_orders_of_that_kind() -> None:
    assert admissions([an_order(), an_order("1"), an_order(status="revoked")], RULES) == (an_order(),)
    any_encounter = Modality("x", frozenset({"Encounter"}), frozenset(), "x")
    assert any_encounter.includes(Order("Encounter", PATIENT, "x", "planned"))


# Asked first


@pytest.mark.parametrize(
    ("preferences", "verdict"),
    [
        pytest.param([said()], "asked-first", id="before"),
        pytest.param([said("undecided")], "asked-first", id="undecided is an answer"),
        pytest.param([said("defers")], "asked-first", id="leaving it to others is an answer"),
        pytest.param([], "not-asked-first", id="nothing"),
        pytest.param([said("not-asked")], "not-asked-first", id="a record that nobody asked"),
        pytest.param([said("could-not-be-asked")], "could-not-be-asked", id="nobody could"),
        pytest.param([said("could-not-be-asked", -1), said()], "asked-first", id="could not now, had before"),
        pytest.param([said(hours=0)], "not-asked-first", id="at the same instant"),
        pytest.param([said(hours=1)], "not-asked-first", id="afterwards"),
        pytest.param([said(recorded=NOW + HOUR)], "not-asked-first", id="noted afterwards, dated back"),
        pytest.param([said(recorded=None)], "asked-first", id="of a system that does not say when it was recorded"),
        pytest.param([said(recorded=None, since=None)], "not-asked-first", id="undated"),
        pytest.param([said(until=NOW - HOUR)], "not-asked-first", id="ended before"),
        pytest.param([said(until=NOW + HOUR)], "asked-first", id="ended after"),
        pytest.param([said(**VOID)], "not-asked-first", id="void"),
        pytest.param([said(subject="Patient/zoe")], "not-asked-first", id="somebody else's"),
        pytest.param([said(None)], "not-asked-first", id="words alone"),
    ],
)
def test_an_order_counts_by_what_was_recorded_before_it(preferences: list[Preference], verdict: str) -> None:
    measured = asked_first([an_order()], preferences, ADMIT)

    assert [str(j.verdict) for j in measured.judged] == [verdict]
    assert measured.orders == (0 if verdict == "could-not-be-asked" else 1)
    assert measured.share == {"asked-first": 1.0, "not-asked-first": 0.0, "could-not-be-asked": None}[verdict]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"status": "draft"}, id="not signed"),
        pytest.param({"status": "entered-in-error"}, id="void"),
        pytest.param({"authored_on": None}, id="undated"),
        pytest.param({"not_to_be_done": True}, id="not to be done"),
        pytest.param({"codes": ()}, id="no admission"),
    ],
)
def test_what_is_no_signed_admission_is_not_counted(parts: dict[str, Any]) -> None:
    assert asked_first([an_order(**parts)], [said()], ADMIT).judged == ()


def test_the_period_is_closed_below_and_open_above() -> None:
    orders = [an_order(authored_on=NOW + n * HOUR) for n in range(4)]

    assert asked_first(orders, [], ADMIT, since=NOW + HOUR, before=NOW + 3 * HOUR).orders == 2


def test_an_admission_counts_once_however_many_resources_tell_of_it() -> None:
    encounter = Order(
        "Encounter", PATIENT, "Stay", "in-progress", (Coding(SCT, "32485007"),), "e1", None, NOW, None, None
    )
    based = replace(encounter, based_on=("ServiceRequest/o1",))

    assert asked_first([an_order(), based], [], ADMIT).orders == 1
    assert asked_first([an_order(), encounter], [], ADMIT).orders == 2
    assert asked_first([an_order(status="draft"), based], [], ADMIT).orders == 1
    assert judged(replace(an_order(), authored_on=None), [said()]).verdict is Verdict.NOT_ASKED_FIRST


@given(
    st.lists(st.sampled_from(["prefers-home", "undecided", "not-asked", "could-not-be-asked"]), max_size=4),
    st.lists(st.integers(-5, 5), min_size=4, max_size=4),
)
def test_the_parts_of_the_measure_add_up(what: list[str], hours: list[int]) -> None:
    preferences = [said(w, h, id=f"{w}{h}{i}") for i, (w, h) in enumerate(zip(what, hours, strict=False))]
    orders = [an_order(authored_on=NOW + n * HOUR) for n in (-3, 0, 3)]
    measured = asked_first(orders, preferences, ADMIT)

    assert measured.orders + measured.could_not_be_asked == 3
    assert 0 <= measured.asked_first <= measured.orders


def test_now_has_a_zone() -> None:
    assert datetime(2026, 12, 1, 9, 30, tzinfo=UTC) == NOW


# The last look at what leaves


def written(**parts: Any) -> Json:
    resource = preference_to_fhir(said(asked_by=NURSE, **parts))
    return {**resource, "id": "p1", "meta": {"versionId": "1"}}


@pytest.mark.parametrize(
    ("who", "change", "flaw"),
    [
        pytest.param(PATIENT, {"status": "amended", "note": [{"text": "x"}]}, None, id="ends"),
        pytest.param(PATIENT, {"status": "entered-in-error"}, None, id="is void"),
        pytest.param(CLINICIAN, {"status": "amended"}, "Observation.status", id="ended by a clinician"),
        pytest.param(NURSE, {"status": "amended"}, "Observation.status", id="ended by who asked"),
        pytest.param(PATIENT, {"valueString": "else"}, "Observation.valueString", id="says something else"),
        pytest.param(PATIENT, {"performer": []}, "Observation.performer", id="was said by nobody"),
    ],
)
def test_no_defect_of_an_act_changes_what_was_said(who: str, change: Json, flaw: str | None) -> None:
    before = written()
    after = {**before, **change}
    if flaw is None:
        must_be_theirs_to_write(an_actor(who), before, after, DEFAULT_POLICY)
        return
    with pytest.raises(NotPermitted, match=re.escape(flaw)):
        must_be_theirs_to_write(an_actor(who), before, after, DEFAULT_POLICY)


def test_who_asked_is_named_by_who_was_asked() -> None:
    must_be_theirs_to_write(an_actor(PATIENT), None, written(), DEFAULT_POLICY)
    with pytest.raises(NotPermitted, match="performer"):
        must_be_theirs_to_write(an_actor(PATIENT), None, written(stated_by=CLINICIAN), DEFAULT_POLICY)
