"""Who may scale, score and prioritise what, and what follows."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.codes import AchievementStatus, ObservationStatus
from fhir_mappings.model import Concept, Level, PartialDate, Quantity, Target
from fhir_mappings.pco import ATTAINMENT, CATEGORIES, DOMAINS, INVENTORY, PROMS, rating_of
from fhir_mappings.person_centered import Assessment, AssessmentKind, PriorityList
from service.domain import attainment, goal_course, goal_offers
from service.domain.goal_offers import Offer
from service.domain.policy import Policy
from service.domain.priorities import in_force, prioritised, resplit
from service.errors import InvalidContent, NotPermitted, TransitionNotAllowed
from service.settings import Settings
from tests.builders import (
    CLINICIAN,
    MOTHER,
    NOW,
    NURSE,
    PATIENT,
    a_goal,
    a_plan,
    a_score,
    a_thread,
    an_agreed_goal,
    an_assessment,
    an_occasion,
)

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue
LEVELS = tuple(Level(f"level {score}", score) for score in (-2, -1, 0, 1, 2))
GAD_7 = PROMS.concept("70274-6", "GAD-7")
SCALED = an_agreed_goal(levels=LEVELS)
PROM = an_agreed_goal(targets=(Target(GAD_7, Quantity(Decimal(10), "1")),))
REPORTED = Target(ATTAINMENT.concept("107332-9"), due=PartialDate("2027"))
ACHIEVED, NOT_ACHIEVED = AchievementStatus.ACHIEVED, AchievementStatus.NOT_ACHIEVED


def only(change: Any) -> Any:
    (noun,) = change.others
    return noun


def test_levels_are_offered_best_first_and_told_in_a_note() -> None:
    goal = goal_offers.propose(PATIENT, Offer("Swim", levels=LEVELS, targets=(REPORTED,)), an_occasion()).goals[0]

    assert [level.score for level in goal.levels] == [2, 1, 0, -1, -2]
    assert goal.notes[1].text.startswith("How we tell how far it is: +2, much better than expected: level 2; +1")
    assert goal.categories == (CATEGORIES.concept("person-centered"),)


def test_a_category_of_pco_that_is_there_is_enough() -> None:
    wellbeing = CATEGORIES.concept("wellbeing")

    assert attainment.categories_of((wellbeing,), scaled=True) == (wellbeing,)
    assert attainment.categories_of((), scaled=False) == ()
    assert attainment.domain_concepts(["housing"]) == (DOMAINS.concept("housing"),)


@pytest.mark.parametrize(
    ("parts", "flaws"),
    [
        pytest.param({"levels": LEVELS[:2]}, ["levels"], id="no expected level"),
        pytest.param({"levels": (*LEVELS, LEVELS[2])}, ["levels[2].score", "levels[5].score"], id="a level twice"),
        pytest.param({"levels": LEVELS, "targets": (Target(GAD_7),)}, ["targets[0].measure"], id="another measure"),
    ],
)
def test_a_scale_that_could_mislead_is_refused(parts: dict[str, Any], flaws: list[str]) -> None:
    with pytest.raises(InvalidContent) as refused:
        goal_offers.propose(PATIENT, Offer("Swim", **parts), an_occasion())

    assert [flaw.expression for flaw in refused.value.flaws] == flaws


@pytest.mark.parametrize(
    ("who", "code"), [(PATIENT, "107334-5"), (CLINICIAN, "107333-7"), (MOTHER, "107331-1")], ids=str
)
def test_the_code_of_a_score_says_who_scored(who: str, code: str) -> None:
    scored = only(
        attainment.score(SCALED, -1, NOW, an_occasion(who), catalogue=CATALOGUE, note="Not yet", plan=a_plan())
    )

    assert (scored.code.codings[0].code, scored.performer, scored.note) == (code, who, "Not yet")
    assert (scored.value.codings[0].code, scored.goal) == ("LA34483-0", "Goal/g1")
    assert scored.patient_supplied == (who != CLINICIAN)


def test_points_are_scored_in_the_unit_of_the_target() -> None:
    points = only(attainment.score(PROM, Quantity(Decimal(12), "1"), NOW, an_occasion(), catalogue=CATALOGUE))

    assert (points.kind, points.code, points.value.value) == (AssessmentKind.PROM, GAD_7, Decimal(12))


@pytest.mark.parametrize(
    ("goal", "scored", "error"),
    [
        pytest.param(a_goal(levels=LEVELS), 0, TransitionNotAllowed, id="an offer"),
        pytest.param(an_agreed_goal(), 0, InvalidContent, id="no levels"),
        pytest.param(an_agreed_goal(), Quantity(Decimal(1), "1"), InvalidContent, id="no target"),
        pytest.param(SCALED, Quantity(Decimal(1), "1"), InvalidContent, id="no PROM"),
        pytest.param(PROM, Quantity(Decimal(1), "kg"), InvalidContent, id="another unit"),
        pytest.param(PROM, Quantity(Decimal(22), "1"), InvalidContent, id="more points than there are"),
        pytest.param(PROM, Quantity(Decimal("3.5"), "1"), InvalidContent, id="half a point"),
    ],
)
def test_what_cannot_be_scored_is_refused(goal: Any, scored: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        attainment.score(goal, scored, NOW, an_occasion(), catalogue=CATALOGUE)


def test_barriers_and_readiness_are_said_while_the_goal_is_open() -> None:
    told = only(attainment.barrier(a_goal(private=True), "The pool is cold", an_occasion(), note="Mondays"))
    assert (told.value, told.note, told.private) == ("The pool is cold", "Mondays", True)
    assert only(attainment.barrier(a_goal(), Concept("tired"), an_occasion())).value == Concept("tired")

    panel, importance, confidence = attainment.readiness(
        a_goal(), {"importance": 9, "confidence": 0}, an_occasion()
    ).others
    assert isinstance(panel, Assessment)
    assert panel.members == (importance.reference, confidence.reference)
    assert [rating_of(getattr(m, "value", None)) for m in (importance, confidence)] == [9, 0]
    with pytest.raises(TransitionNotAllowed):
        attainment.barrier(a_goal("rejected"), "x", an_occasion())
    with pytest.raises(TransitionNotAllowed):
        attainment.readiness(a_goal("completed"), {"importance": 1}, an_occasion())


def test_what_matters_is_said_in_ones_own_words_and_name() -> None:
    said = only(attainment.what_matters(PATIENT, "mind", "Quiet", an_occasion(MOTHER)))

    assert (said.value, said.performer, said.goal) == ("Quiet", MOTHER, None)
    assert said.code == INVENTORY.concept("mind")
    with pytest.raises(NotPermitted):
        attainment.what_matters(PATIENT, "mind", "Quiet", an_occasion(MOTHER), private=True)


def test_what_was_said_by_mistake_is_taken_back_by_who_said_it() -> None:
    said = a_score(0)

    assert only(attainment.retracted(said, "no", an_occasion())).status is ObservationStatus.ENTERED_IN_ERROR
    assert attainment.retracted(said, "no", an_occasion(NURSE, policy=Policy(custodians=frozenset({NURSE}))))
    with pytest.raises(NotPermitted):
        attainment.retracted(said, "no", an_occasion(MOTHER))
    with pytest.raises(TransitionNotAllowed):
        attainment.retracted(replace(said, status=ObservationStatus.ENTERED_IN_ERROR), "no", an_occasion())


@pytest.mark.parametrize(
    ("scores", "reached"),
    [
        pytest.param((), False, id="not scored"),
        pytest.param((a_score(-1), a_score(-2, CLINICIAN)), False, id="below what was expected"),
        pytest.param((a_score(-1), a_score(0, CLINICIAN)), True, id="by one of them"),
        pytest.param((a_score(0, status=ObservationStatus.ENTERED_IN_ERROR),), False, id="taken back"),
        pytest.param((a_score(2, goal="Goal/other"),), False, id="of another goal"),
        pytest.param(
            (an_assessment(AssessmentKind.ATTAINMENT, ATTAINMENT.concept("107334-5"), "far"),), False, id="no level"
        ),
    ],
)
def test_a_scaled_goal_is_reached_only_once_somebody_has_scored_it_so(
    scores: tuple[Assessment, ...], reached: bool
) -> None:
    def complete(outcome: AchievementStatus) -> Any:
        occasion = an_occasion(policy=Policy(ending_needs_confirmation=False))
        return goal_course.complete(a_thread(SCALED), SCALED, outcome, occasion, assessments=scores)

    assert complete(NOT_ACHIEVED).goals[0].outcomes == ()
    if reached:
        assert complete(ACHIEVED).goals[0].outcomes == ("Observation/o1",)
    else:
        with pytest.raises(TransitionNotAllowed, match="scored 0 or better by nobody"):
            complete(ACHIEVED)


def test_a_priority_that_all_give_is_still_theirs_alone() -> None:
    """`Goal.priority` is mutual; a priority list is one party's."""
    change = prioritised(PATIENT, ("Goal/g1",), an_occasion(MOTHER))

    assert only(change).source == MOTHER
    assert change.goals == ()


def lists(*named: str, private: bool = False, source: str = PATIENT, **parts: Any) -> PriorityList:
    return PriorityList(PATIENT, source, named, NOW, **{"key": "ann.ann", "id": "l1", "private": private, **parts})


def test_a_list_with_something_private_leaves_no_gap_for_the_family_to_see() -> None:
    shared, full = prioritised(
        PATIENT, ("Goal/a", "Goal/b", "Goal/c"), an_occasion(), lists=(lists("Goal/c"),), private={"Goal/b"}
    ).others
    assert isinstance(shared, PriorityList)
    assert isinstance(full, PriorityList)

    assert (shared.id, shared.items, shared.private) == ("l1", ("Goal/a", "Goal/c"), False)
    assert (full.items, full.private, full.current) == (("Goal/a", "Goal/b", "Goal/c"), True, True)


def test_a_list_that_has_nothing_private_any_more_is_retired() -> None:
    before = (lists("Goal/a"), lists("Goal/a", "Goal/b", private=True, id="l2"))
    full, shared = resplit(before, set(), an_occasion())
    assert (full.id, full.current, full.private) == ("l2", False, True)
    assert (shared.id, shared.current, shared.items) == ("l1", True, ("Goal/a", "Goal/b"))

    (again,) = resplit((shared, full), set(), an_occasion())
    assert again.id == "l1"


def test_lists_of_other_systems_stay_and_of_two_made_at_once_one_is_retired() -> None:
    theirs = lists("Goal/x", key=None, id="theirs")
    extra, kept = prioritised(
        PATIENT, ("Goal/a",), an_occasion(), lists=(theirs, lists("Goal/b"), lists("Goal/c", id="l2"))
    ).others
    assert isinstance(extra, PriorityList)
    assert isinstance(kept, PriorityList)

    assert (extra.id, extra.current) == ("l1", False)
    assert (kept.id, kept.items) == ("l2", ("Goal/a",))
    assert resplit((theirs,), set(), an_occasion()) == ()


def test_the_patients_order_stands_first_and_in_full() -> None:
    shown = in_force(
        (
            lists("Goal/d", source=CLINICIAN),
            lists("Goal/m", source=MOTHER),
            lists("Goal/full", private=True),
            lists("Goal/part"),
            lists("Goal/old", source=NURSE, current=False),
            lists(source="Practitioner/none"),
        )
    )

    assert [(p.source, p.items) for p in shown] == [
        (PATIENT, ("Goal/full",)),
        (MOTHER, ("Goal/m",)),
        (CLINICIAN, ("Goal/d",)),
    ]
