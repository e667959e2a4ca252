"""What a card says, and when there is none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.codes import PREFERENCE_STANCE, TaskStatus
from fhir_mappings.decision import Order
from fhir_mappings.model import Coding, Concept, PartialDate
from fhir_mappings.wording import ENGLISH, Language
from service.domain.card_words import Situation
from service.domain.cards import (
    OVERRIDE_REASONS,
    SUMMARY_LIMIT,
    Card,
    agenda,
    before_encounter,
    before_orders,
    what_matters,
)
from service.domain.hooks import SERVICES, TEMPLATES, Hook
from service.gateways.definitions import conflict_rules
from tests.builders import CLINICIAN, MOTHER, NOW, NURSE, PATIENT, a_goal, a_task, an_agreed_goal
from tests.service.domain.test_preference_rules import an_order, said

RULES = conflict_rules()
EMERGENCY = Order("Encounter", PATIENT, "ED", "in-progress", (Coding(None, "EMER"),))
FOR_CLINICIAN, FOR_PATIENT = a_task(owner=CLINICIAN), a_task(owner=PATIENT)


def known(**parts: Any) -> Situation:
    """All is known, and there is nothing."""
    return Situation(**{"patient": PATIENT, "at": NOW, "preferences": (), "goals": (), "tasks": (), **parts})


def shown(card: Card | None) -> Card:
    assert card is not None
    return card


def test_there_is_no_card_about_nothing() -> None:
    assert what_matters(known()) is None
    assert agenda(known()) is None
    assert before_orders(known(), RULES) is None
    assert before_encounter(known()) is None


@pytest.mark.parametrize(
    ("situation", "summary"),
    [
        ({"goals": (a_goal(),), "tasks": (FOR_CLINICIAN,), "user": CLINICIAN}, "1 offer waits for your answer"),
        (
            {"goals": (a_goal(),), "tasks": (FOR_CLINICIAN, FOR_CLINICIAN), "user": NURSE},
            "1 offer waits for an answer of the care team",
        ),
        (
            {"goals": (a_goal(),), "tasks": (FOR_PATIENT,), "user_is_patient_side": True, "user": PATIENT},
            "1 offer waits for your answer",
        ),
        (
            {"goals": (a_goal(),), "tasks": (FOR_PATIENT,), "user_is_patient_side": True, "user": MOTHER},
            "1 offer waits for an answer of the patient or the family",
        ),
        ({"goals": (an_agreed_goal(), an_agreed_goal(id="g2"))}, "2 agreed goals"),
        ({"preferences": (said(),)}, "Prefers care at home"),
        ({"preferences": (said(precondition="x"),)}, "Prefers care at home, under a condition"),
        (
            {"preferences": (said(review=PartialDate("2026-11-01")),)},
            "1 preference is due for review; Prefers care at home",
        ),
    ],
)
def test_the_chart_says_what_waits_and_what_matters(situation: dict[str, Any], summary: str) -> None:
    assert shown(what_matters(known(**situation))).summary == summary


@pytest.mark.parametrize(
    "situation",
    [
        {"goals": (a_goal(),), "tasks": (FOR_PATIENT,)},
        {"goals": (a_goal(),), "tasks": (a_task(status=TaskStatus.COMPLETED),)},
        {"goals": (), "tasks": (FOR_CLINICIAN,)},
        {"goals": (a_goal(),), "tasks": (a_task(owner=None),), "user_is_patient_side": True},
    ],
)
def test_what_waits_for_somebody_else_is_not_shown_as_yours(situation: dict[str, Any]) -> None:
    assert what_matters(known(**situation)) is None


def test_words_are_told_with_all_that_it_takes_to_weigh_them() -> None:
    preference = said(words="<b>My *own* bed</b>\nplease", precondition="no pain", review=PartialDate("2026-12-24"))
    detail = shown(before_encounter(known(preferences=(preference,)))).detail

    assert "“&lt;b&gt;My \\*own\\* bed&lt;/b&gt; please” (Prefers care at home)" in detail
    assert "Said by the patient, 2 hours ago." in detail
    assert "Only if: no pain." in detail
    assert "To be talked about again: December 24, 2026." in detail
    bare = shown(before_encounter(known(preferences=(replace(preference, stated_by=None, since=None, review=None),))))
    assert "Said by" not in bare.detail


def test_an_earlier_answer_without_a_condition_is_told_beside_a_later_one_under_one() -> None:
    card = shown(before_encounter(known(preferences=(said(hours=-3), said("wants-admission", precondition="fever")))))

    assert card.summary == "Asked: the patient wants to be admitted, under a condition"
    assert "Prefers care at home" in card.detail


@pytest.mark.parametrize(
    ("by", "named"),
    [
        (PATIENT, ""),
        (MOTHER, " (said by the family)"),
        ("Practitioner/bo", " (noted by the care team)"),
        (None, ""),
    ],
)
def test_who_spoke_for_the_patient_is_told_at_once(by: str | None, named: str) -> None:
    situation = known(preferences=(replace(said(), stated_by=by),))

    assert shown(before_encounter(situation)).summary == f"Asked: the patient prefers care at home{named}"
    assert shown(what_matters(situation)).summary == f"Prefers care at home{named}"


def test_that_nobody_asked_this_time_is_told_beside_the_answer() -> None:
    card = shown(before_encounter(known(preferences=(said(), said("not-asked", -1)))))

    assert "Recorded 1 hour ago: not asked again." in card.detail


@pytest.mark.parametrize(
    ("situation", "summary"),
    [
        ({"visit": EMERGENCY}, "Not asked yet: does the patient want to be admitted?"),
        ({"visit": None}, None),
        ({"visit": replace(EMERGENCY, codes=(Coding(None, "AMB"),))}, None),
        ({"visit": EMERGENCY, "preferences": None}, None),
        (
            {"visit": EMERGENCY, "preferences": (said("could-not-be-asked", note="asleep"),)},
            "Could not be asked yet: does the patient want to be admitted?",
        ),
    ],
)
def test_not_asked_is_said_where_the_question_arises_and_only_if_it_is_known(
    situation: dict[str, Any], summary: str | None
) -> None:
    card = before_encounter(known(**situation))

    assert (card and card.summary) == summary
    assert card is None or card.asks == "admission"


@pytest.mark.parametrize(
    ("situation", "indicator"),
    [
        ({"preferences": (said(),)}, "warning"),
        ({"preferences": (said("undecided"),)}, "info"),
        ({"preferences": (said("wants-admission"),)}, None),
        ({"preferences": (said("defers"),)}, None),
        ({"preferences": ()}, "warning"),
        ({"preferences": None}, None),
        ({"preferences": (), "orders": (an_order("1"),)}, None),
    ],
)
def test_a_draft_gets_a_card_if_it_does_not_fit(situation: dict[str, Any], indicator: str | None) -> None:
    card = before_orders(known(**{"orders": (an_order(),), **situation}), RULES)

    assert (card and str(card.indicator)) == indicator


def test_several_conflicts_are_one_card() -> None:
    orders = (an_order(), an_order("183452005", words="Emergency admission"))
    card = shown(before_orders(known(preferences=(said(precondition="no pain"),), orders=orders), RULES))

    assert card.summary == "Admission that the patient does not want (and 1 more): talk before you sign"
    assert card.detail.count("**Admission that the patient does not want**") == 2
    assert "Only if: no pain.\n\nWhether the condition is met is for you to judge." in card.detail
    assert card.reasons == OVERRIDE_REASONS


def test_one_conflict_is_told_in_three_lines() -> None:
    """The title is the summary already."""
    card = shown(before_orders(known(preferences=(said(words="My own bed"),), orders=(an_order(),)), RULES))

    assert card.summary == "Admission that the patient does not want: talk before you sign"
    assert card.detail == ("“My own bed” (Prefers care at home). Said by the patient, 2 hours ago.\n\nOrdered: Admit")
    assert [r.code for r in card.reasons] == [
        "talked-with-person",
        "cannot-wait",
        "cannot-be-asked",
        "not-this-situation",
    ]


def test_what_was_never_asked_has_no_reason_that_is_about_an_answer() -> None:
    reasons = [r.code for r in shown(before_orders(known(orders=(an_order(),)), RULES)).reasons]

    assert reasons == ["talked-with-person", "cannot-wait", "cannot-be-asked"]
    assert shown(before_encounter(known(visit=EMERGENCY))).reasons == ()


def test_only_what_somebody_has_said_stands_in_quotes() -> None:
    assert shown(before_encounter(known(preferences=(said(),)))).detail == (
        "Prefers care at home. Said by the patient, 2 hours ago."
    )


def test_an_order_of_which_there_is_only_a_code_is_told_by_its_kind() -> None:
    order = an_order(words="32485007")

    assert (
        "Ordered: Admission to hospital"
        in shown(before_orders(known(preferences=(said(),), orders=(order,)), RULES)).detail
    )


def test_what_was_said_long_ago_is_told_by_its_day() -> None:
    card = shown(before_encounter(known(preferences=(said(hours=-24 * 40),))))

    assert "Said by the patient, October 22, 2026." in card.detail


def test_a_clinician_reads_the_card_in_their_language_and_the_person_in_their_own() -> None:
    preference = said(words="My own bed", precondition="no pain", review=PartialDate("2026-12-24"))
    parts: dict[str, Any] = {"preferences": (preference,), "orders": (an_order(),), "language": Language("es")}
    card = shown(before_orders(known(**parts), RULES))

    assert card.summary == "Ingreso que la persona no desea: hablen antes de firmar"
    assert "“My own bed” (Prefiere que se le cuide en casa)" in card.detail
    assert "Lo dijo la persona, hace 2 horas." in card.detail
    assert "Para volver a hablar: 24 de diciembre de 2026." in card.detail
    english = shown(before_orders(known(**{**parts, "language": ENGLISH}), RULES))
    assert card.uuid("s", PATIENT) == english.uuid("s", PATIENT)


def test_an_agenda_has_what_is_due_until_the_visit() -> None:
    later = NOW + timedelta(days=30)
    visit = Order("Appointment", PATIENT, "Visit", "proposed", authored_on=later)
    review = said(review=PartialDate("2026-12-24"))

    assert agenda(known(preferences=(review,))) is None
    card = shown(agenda(known(preferences=(review,), orders=(visit,), goals=(a_goal(),), tasks=(FOR_CLINICIAN,))))
    assert card.summary == "For the agenda: 1 offer is open; 1 preference is to be reviewed"
    assert "(offered by the patient, 1 minute ago)" in card.detail


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        (a_goal(expressed_by=MOTHER), "offered by the family"),
        (a_goal(expressed_by=None, notes=()), "(offered)"),
    ],
)
def test_an_offer_says_whose_it_is(goal: Any, said: str) -> None:
    assert said in shown(what_matters(known(goals=(goal,), tasks=(FOR_CLINICIAN,)))).detail


def test_a_long_list_is_cut_and_says_so() -> None:
    goals = tuple(an_agreed_goal(id=f"g{n}") for n in range(7))

    assert "* and 2 more" in shown(what_matters(known(goals=goals))).detail


@given(st.text(min_size=1, max_size=400), st.integers(0, 3))
def test_a_summary_always_fits_and_a_detail_is_never_markup(words: str, agreed: int) -> None:
    goals = tuple(an_agreed_goal(id=f"g{n}", description=words) for n in range(agreed))
    order = an_order(words=words)
    cards = [
        what_matters(known(goals=goals, preferences=(said(words=words),))),
        before_orders(known(preferences=(said(words=words),), orders=(order,)), RULES),
    ]
    for card in filter(None, cards):
        assert 0 < len(card.summary) <= SUMMARY_LIMIT
        assert "<" not in card.detail


def test_a_card_is_the_same_until_it_is_about_something_else() -> None:
    first = shown(before_encounter(known(preferences=(said(),)))).uuid("s", PATIENT)

    assert shown(before_encounter(known(preferences=(said(),)))).uuid("s", PATIENT) == first
    changed = (replace(said(), version="2"),)
    assert shown(before_encounter(known(preferences=changed))).uuid("s", PATIENT) != first
    assert shown(before_encounter(known(preferences=(said(),)))).uuid("s", "Patient/zoe") != first


def test_services_want_only_what_has_a_template_and_every_hook_is_answered() -> None:
    hooks = [hook for service in SERVICES for hook in service.answers]
    assert sorted(hooks) == sorted(Hook)
    for service in SERVICES:
        for answer in service.answers.values():
            assert set(answer.facts) <= set(TEMPLATES)
            assert answer.card(known(), RULES) is None
    assert all(reason.display for reason in OVERRIDE_REASONS)


def test_a_summary_that_is_too_long_is_cut() -> None:
    preference = said(None, answer=(Coding("urn:x", "x", "y" * 300),), words=None, about=Concept("x"))
    long = replace(preference, answer=(Coding("urn:coplan:admission-preference", "prefers-home"),), words="x" * 300)
    goals = tuple(an_agreed_goal(id=f"g{n}") for n in range(3))
    card = shown(what_matters(known(preferences=(preference, long), goals=goals)))
    assert len(card.summary) <= SUMMARY_LIMIT


WANTS_NOTED = said("wants-admission", -1, stated_by=CLINICIAN)


def test_a_note_takes_nothing_that_the_patient_said_off_the_screen() -> None:
    both = (said(words="My own bed", precondition="no pain"), WANTS_NOTED)
    card = shown(before_encounter(known(preferences=both)))
    told = "The patient said otherwise, 2 hours ago: “My own bed” (Prefers care at home). Only if: no pain."

    assert card.summary == (
        "Two answers: the patient prefers care at home, under a condition; later: wants to be admitted "
        "(noted by the care team)"
    )
    assert card.detail == f"Wants to be admitted. Noted by the care team, 1 hour ago. {told}"
    assert told in shown(what_matters(known(preferences=both))).detail
    signing = shown(before_orders(known(preferences=both, orders=(an_order(),)), RULES))
    assert (signing.summary, str(signing.indicator)) == ("The patient said otherwise: talk before you sign", "warning")
    assert told in signing.detail and "Wants to be admitted. Noted by the care team" in signing.detail


def test_a_note_against_the_patients_wish_is_shown_with_the_wish() -> None:
    both = (said("wants-admission", since=None), said(hours=-1, stated_by=CLINICIAN))
    card = shown(before_orders(known(preferences=both, orders=(an_order(),)), RULES))

    assert "The patient said otherwise: Wants to be admitted." in card.detail
    unsure = (said("undecided"), WANTS_NOTED)
    assert str(shown(before_orders(known(preferences=unsure, orders=(an_order(),)), RULES)).indicator) == "warning"


@pytest.mark.parametrize(
    "preferences",
    [
        (said(), said(hours=-1, stated_by=CLINICIAN)),
        (said(), said("wants-admission", -1)),
        (said(), said("undecided", -1), replace(said(hours=-0.5), stated_by=None, answer=said("undecided").answer)),
        (said(stated_by=CLINICIAN), said("wants-admission", -1, stated_by=MOTHER)),
    ],
)
def test_where_the_patient_has_not_said_otherwise_nothing_says_so(preferences: tuple[Any, ...]) -> None:
    situation = known(preferences=preferences)

    assert situation.contradicted == ()


def test_a_code_is_told_by_its_topic_and_without_quotes() -> None:
    steroids = Concept("Steroids", (Coding("urn:drug", "1"),))
    code = (Coding(PREFERENCE_STANCE, "does-not-want"),)
    coded = said(None, words=None, about=steroids, answer=code)

    assert "* Steroids: does not want it. Said by" in shown(what_matters(known(preferences=(coded,)))).detail
    spoken = replace(coded, words="They make me fat", about=Concept(None, (Coding("urn:drug", "1", "Steroids"),)))
    assert (
        "* Steroids: “They make me fat” (Does not want it)." in shown(what_matters(known(preferences=(spoken,)))).detail
    )
    spanish = shown(what_matters(known(preferences=(coded,), language=Language("es")))).detail
    assert "* Steroids: no lo desea." in spanish or "* Steroids: no " in spanish


def test_the_link_asks_about_admission_only_where_the_order_is_about_it() -> None:
    blood = Coding("http://snomed.info/sct", "116859006")
    refused = said(
        None, words=None, about=Concept("Blood", (blood,)), answer=(Coding(PREFERENCE_STANCE, "does-not-want"),)
    )
    order = replace(an_order(words="Red cells"), codes=(blood,))

    assert shown(before_orders(known(preferences=(refused,), orders=(order,)), RULES)).asks is None
    assert shown(before_orders(known(preferences=(said(),), orders=(an_order(),)), RULES)).asks == "admission"
