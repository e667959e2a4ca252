"""What is asked about something to do, in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fhir_mappings.activities import Activity
from fhir_mappings.activity_offer import effect_in_words, question_in_words, reason_of, would_replace
from fhir_mappings.codes import CarePlanStatus
from fhir_mappings.model import Concept, Note, PartialDate
from fhir_mappings.wording import ENGLISH
from tests.builders import NOW, PATIENT
from tests.service.domain.test_activities import an_activity

AGREED = an_activity(instruction="Ten minutes")
WHY = Note("Change proposed: It hurts.", PATIENT, NOW)
OFFER = an_activity(
    CarePlanStatus.DRAFT, id="a2", authored_on=NOW, schedule=None, due=PartialDate("2026-12-10"), notes=(WHY,)
)
REFUSED = replace(AGREED, id="a0", status=CarePlanStatus.REVOKED, authored_on=NOW - timedelta(days=20))
ANSWER = "Please say if you agree. If not, say why."
NIGHTS = "“Knee exercises”. Before: every day before going to sleep, from November 21, 2026."
BY = "“Knee exercises”. When: by December 10, 2026."


@pytest.mark.parametrize(
    ("others", "found"),
    [
        pytest.param((REFUSED, AGREED, OFFER), AGREED, id="what is agreed"),
        pytest.param((REFUSED, replace(REFUSED, id="b", authored_on=None)), REFUSED, id="the latest that it answers"),
        pytest.param((replace(AGREED, status=CarePlanStatus.COMPLETED),), None, id="not what is done"),
        pytest.param((replace(REFUSED, authored_on=NOW + timedelta(days=1)),), None, id="not what came later"),
        pytest.param(
            (replace(AGREED, thread="t2"), replace(AGREED, thread=None)), None, id="nothing of another thread"
        ),
    ],
)
def test_what_an_offer_would_replace(others: tuple[Activity, ...], found: Activity | None) -> None:
    assert would_replace(OFFER, others) is found


@pytest.mark.parametrize(
    ("offer", "before", "words"),
    [
        pytest.param(
            replace(AGREED, what=Concept("Cycling"), schedule=None),
            None,
            f"Something to do was offered: “Cycling”. How to do it: “Ten minutes”. {ANSWER}",
            id="a first offer",
        ),
        pytest.param(
            OFFER,
            AGREED,
            f"A change was offered: {BY} It would replace {NIGHTS} The reason: “It hurts”. {ANSWER}",
            id="a change of what is agreed",
        ),
        pytest.param(
            replace(OFFER, instruction="Five minutes"),
            REFUSED,
            f"Something else was offered: {BY} How to do it: “Five minutes”. It answers the offer of {NIGHTS}"
            f" The reason: “It hurts”. {ANSWER}",
            id="an answer to an offer",
        ),
        pytest.param(
            replace(AGREED, notes=(Note("Agreed", PATIENT, NOW),)),
            AGREED,
            f"A change was offered: {NIGHTS.replace('Before', 'When')} It would replace {NIGHTS} {ANSWER}",
            id="a change that nobody gave a reason for",
        ),
    ],
)
def test_a_question_tells_all_that_is_needed_to_answer_it(offer: Activity, before: Activity | None, words: str) -> None:
    assert question_in_words(offer, before) == words


def test_a_plan_tells_what_an_offer_would_replace_and_why() -> None:
    assert effect_in_words(OFFER, (AGREED,), ENGLISH) == f"It would replace {NIGHTS} The reason: “It hurts”."
    assert effect_in_words(OFFER, (), ENGLISH) == "The reason: “It hurts”."
    single = replace(AGREED, schedule=None)
    assert effect_in_words(replace(OFFER, notes=()), (single,), ENGLISH) == "It would replace “Knee exercises”."
    assert effect_in_words(replace(OFFER, notes=()), (), ENGLISH) == ""


def test_a_reason_is_found_in_every_language_and_is_none_of_our_own_words() -> None:
    assert reason_of(replace(OFFER, notes=(Note("Cambio propuesto: Duele", PATIENT, NOW),))) == "Duele"
    assert reason_of(replace(OFFER, notes=(Note("Agreed", PATIENT, NOW),))) is None
