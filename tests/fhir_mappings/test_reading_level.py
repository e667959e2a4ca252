"""What CoPlan writes for patients can be read at a low reading level: an upper bound for each language.

English: Flesch-Kincaid grade (Kincaid et al. 1975). Spanish: reading ease of Fernández Huerta (1959), whose band
from 80 on is called easy. Syllables by hyphenation, which undercounts English a little and Spanish hardly.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pyphen
import pytest

from fhir_mappings.activities import Activity, Pattern, Report
from fhir_mappings.activity_offer import question_in_words
from fhir_mappings.codes import (
    AchievementStatus,
    CarePlanStatus,
    DayOfWeek,
    ObservationStatus,
    PeriodUnit,
    ReportOutcome,
    TaskStatus,
)
from fhir_mappings.model import Concept, Level, PartialDate
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
from fhir_mappings.task import ASK_TO_DO, ASKS
from fhir_mappings.wording import ENGLISH, Language
from service.api.activity_views import next_in_words
from service.api.adherence_views import AdherenceWindow, VersionAdherence
from service.api.smaller_views import SmallerActivity
from service.domain.adherence import Adherence, Version
from service.domain.next_steps import NextStep
from service.workflows.days import HARD, Smaller
from tests.builders import AGREE, CLINICIAN, MOTHER, NOW, PATIENT, PENDING, a_goal, a_plan, accepted, an_agreed_goal
from tests.service.domain.test_activities import NIGHTLY, an_activity

WORDS = {
    "en": (
        "I want to swim with my class",
        "Walk to the shops",
        "Being with my friends",
        "Can I go on the trip?",
        "Swim",
    ),
    "es": ("Quiero nadar con mi clase", "Caminar a la tienda", "Estar con mis amigos", "¿Puedo ir al viaje?", "Nadar"),
}
"""A person's own words: as plain as they come, so that the bound is about ours."""


def everything(language: Language) -> str:
    """A plan with all that a plan can tell, what its notes say, what its Tasks ask, and what its steps say."""
    swim, walk, friends, trip, lesson = WORDS[language.tag]
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
        activities=tuple(steps(lesson)),
        language=language,
        names={PATIENT: "Ann Ahl", CLINICIAN: "Bo Berg"},
    )
    links = tuple(a.reference for a in contents.activities if a.status is not CarePlanStatus.DRAFT)
    narrative = plan_narrative(a_plan(goals=("Goal/g1", "Goal/theirs"), activities=links, title=None), contents)
    outcomes = [achievement_in_words(status, language) for status in AchievementStatus]
    asked = map(language.say, (*ASKS.values(), ASK_TO_DO))
    said = (
        narrative,
        levels_note(goal, language),
        *asked,
        *what_is_asked(contents.activities, language),
        *outcomes,
        *what_is_next(language, contents.names),
    )
    return ". ".join((*said, *how_it_went(contents.activities, language)))


def steps(words: str) -> list[Activity]:
    """In force, on hold, done and offered; at a time or moment, so often, once; by people with and without name."""
    week = replace(NIGHTLY, pattern=Pattern(frequency=3, unit=PeriodUnit.WEEK), count=6)
    clock = replace(NIGHTLY, pattern=Pattern(days=(DayOfWeek.MON, DayOfWeek.FRI), times=(time(7, 30),)))
    due = PartialDate("2026-12-10")
    return [
        an_activity(id="a1", what=Concept(words), schedule=replace(NIGHTLY, until=NIGHTLY.start + timedelta(weeks=12))),
        an_activity(id="a2", what=Concept(words), schedule=week, performers=(MOTHER,), status=CarePlanStatus.ON_HOLD),
        an_activity(id="a3", what=Concept(words), schedule=clock, performers=(PATIENT, MOTHER)),
        an_activity(id="a4", what=Concept(words), schedule=None, due=due, status=CarePlanStatus.COMPLETED),
        an_activity(id="a5", what=Concept(words), schedule=None, performers=("Organization/x",)),
        an_activity(id="a6", what=Concept(words), status=CarePlanStatus.DRAFT, performers=(CLINICIAN,)),
    ]


def what_is_asked(activities: tuple[Activity, ...], language: Language) -> list[str]:
    agreed, *_, offer = activities
    refused = replace(agreed, status=CarePlanStatus.REVOKED)
    return [question_in_words(offer, before, language) for before in (None, agreed, refused)]


def what_is_next(language: Language, names: Mapping[str, str]) -> list[str]:
    nobody = NextStep("answer")
    found = [NextStep(what, (PATIENT, MOTHER), by) for what in ("answer", "do", "resume") for by in (None, NOW.date())]
    return [next_in_words(step, language, names) for step in (nobody, *found)]


def how_it_went(activities: tuple[Activity, ...], language: Language) -> list[str]:
    """Windows, before and after a change, and what is offered as a smaller step."""
    counts = Adherence(7, NOW.date(), NOW.date(), due=7, done=3, partly=1, skipped=1, too_hard=1, missing=1)
    nothing = Adherence(7, NOW.date(), NOW.date())
    versions = [Version(activities[0], (), until=until) for until in (None, NOW.date())]
    told = [AdherenceWindow.of(c, language).words for c in (counts, nothing)]
    told += [VersionAdherence.of(v, c, language).words for v in versions for c in (counts, nothing)]
    goal = a_goal(description=WORDS[language.tag][0])
    offered = [
        SmallerActivity.of(Smaller(activities[0], NIGHTLY, (goal,), NOW.date(), because, language, language))
        for because in (None, *(a_report(outcome) for outcome in HARD))
    ]
    return [*told, *(o.change.reason for o in offered if o.change), offered[0].goals[0].counter_proposal.description]


def a_report(outcome: ReportOutcome) -> Report:
    return Report(PATIENT, "ServiceRequest/a1", "x", TaskStatus.COMPLETED, NOW, NOW, PATIENT, outcome)


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
