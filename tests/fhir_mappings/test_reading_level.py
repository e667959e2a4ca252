"""What CoPlan writes for patients can be read at a low reading level: an upper bound for each language.

English: Flesch-Kincaid grade (Kincaid et al. 1975). Spanish: reading ease of Fernández Huerta (1959), whose band
from 80 on is called easy. Syllables by hyphenation, which undercounts English a little and Spanish hardly.
"""

import re
from datetime import UTC, datetime
from typing import Any

import pyphen
import pytest

from fhir_mappings.codes import AchievementStatus, ObservationStatus
from fhir_mappings.model import Level, PartialDate
from fhir_mappings.narrative import achievement_in_words, levels_note, plan_narrative
from fhir_mappings.pco import ATTAINMENT, INVENTORY, SCORERS, level_concept
from fhir_mappings.person_centered import (
    AgendaItem,
    AgendaKind,
    Assessment,
    AssessmentKind,
    PlanContents,
    PriorityList,
    Visit,
)
from fhir_mappings.task import ASKS
from fhir_mappings.wording import ENGLISH, Language
from tests.builders import AGREE, CLINICIAN, MOTHER, NOW, PATIENT, PENDING, a_goal, a_plan, accepted, an_agreed_goal

WORDS = {
    "en": ("I want to swim with my class", "Walk to the shops", "Being with my friends", "Can I go on the trip?"),
    "es": ("Quiero nadar con mi clase", "Caminar a la tienda", "Estar con mis amigos", "¿Puedo ir al viaje?"),
}
"""A person's own words: as plain as they come, so that the bound is about ours."""


def everything(language: Language) -> str:
    """A plan with all that a plan can tell, what its notes say and what its Tasks ask."""
    swim, walk, friends, trip = WORDS[language.tag]
    goal = an_agreed_goal(
        description=swim,
        levels=(Level("1", 1), Level("0", 0)),
        achievement_status=AchievementStatus.IMPROVING,
        status_date=PartialDate("2026-12-01"),
        acceptances=accepted({PATIENT: AGREE, CLINICIAN: AGREE, MOTHER: AGREE}),
    )
    offered = a_goal(id="g2", description=walk, acceptances=accepted({PATIENT: AGREE, CLINICIAN: PENDING}))
    scores = tuple(
        Assessment(AssessmentKind.ATTAINMENT, PATIENT, ObservationStatus.FINAL, ATTAINMENT.concept(code),
                   level_concept(1), NOW, who, "Goal/g1", id=code)
        for who, code in SCORERS.items()
    )  # fmt: skip
    matters = Assessment(
        AssessmentKind.WHAT_MATTERS, PATIENT, ObservationStatus.FINAL, INVENTORY.concept("relationships"), friends,
        datetime(2026, 11, 1, tzinfo=UTC), PATIENT, id="o1",
    )  # fmt: skip
    contents = PlanContents(
        goals=(goal, offered),
        assessments=(*scores, matters),
        priorities=(PriorityList(PATIENT, PATIENT, ("Goal/g1", "Observation/o1"), NOW, id="l1"),),
        agenda=(
            AgendaItem(PATIENT, AgendaKind.QUESTION, trip, PATIENT, NOW, visit=Visit(None, PartialDate("2026-12-15"))),
        ),
        language=language,
    )
    narrative = plan_narrative(a_plan(goals=("Goal/g1",), title=None), contents)
    outcomes = [achievement_in_words(status, language) for status in AchievementStatus]
    said = (narrative, levels_note(goal, language), *map(language.say, ASKS.values()), *outcomes)
    return ". ".join(said)


def sentences(text: str) -> list[list[str]]:
    plain = re.sub(r"</?(b|i)>", "", text)
    parts = re.split(r"<[^>]+>|[.?!]", plain)
    return [words for p in parts if (words := re.findall(r"[^\W\d_]+", p))]


def measured(text: str, tag: str) -> tuple[float, float]:
    """Words a sentence, syllables a word."""
    hyphens: Any = pyphen.Pyphen(lang=tag)  # type: ignore[no-untyped-call]
    read = sentences(text)
    words = [w for s in read for w in s]
    syllables = [len(hyphens.positions(w)) + 1 for w in words]
    return len(words) / len(read), sum(syllables) / len(words)


def test_english_is_read_in_the_fifth_grade() -> None:
    length, syllables = measured(everything(ENGLISH), "en_US")

    assert 0.39 * length + 11.8 * syllables - 15.59 <= 5


def test_spanish_is_easy_to_read() -> None:
    length, syllables = measured(everything(Language("es")), "es")

    assert 206.84 - 60 * syllables - 1.02 * length >= 80


@pytest.mark.parametrize("language", [ENGLISH, Language("es")])
def test_no_sentence_is_long(language: Language) -> None:
    assert max(map(len, sentences(everything(language)))) <= 16
