"""When something is due, as people say it."""

from datetime import date, time
from typing import Any

import pytest

from fhir_mappings.activities import Pattern, Schedule
from fhir_mappings.codes import DayOfWeek, EventTiming, PeriodUnit
from fhir_mappings.model import PartialDate
from fhir_mappings.wording import ENGLISH, Language
from service.api.due_words import due_in_words
from service.domain.due import Due
from service.domain.occurrences import occurrences_of
from tests.service.domain.test_activities import an_activity

MONDAY = date(2026, 11, 30)
SPANISH = Language("es")


def from_monday(**pattern: Any) -> dict[str, Any]:
    return {"schedule": Schedule(Pattern(**pattern), MONDAY)}


@pytest.mark.parametrize(
    ("given", "english", "spanish"),
    [
        pytest.param(
            from_monday(when=(EventTiming.HS,)),
            ["every day before going to sleep"],
            ["cada día antes de dormir"],
            id="nightly",
        ),
        pytest.param(
            from_monday(frequency=3, unit=PeriodUnit.WEEK),
            [f"3 times a week, {n} of 3, by December 6, 2026" for n in (1, 2, 3)],
            [f"3 veces a la semana, {n} de 3, a más tardar: 6 de diciembre de 2026" for n in (1, 2, 3)],
            id="any days of a week",
        ),
        pytest.param(
            from_monday(days=(DayOfWeek.MON, DayOfWeek.FRI), times=(time(7), time(19))),
            ["on Monday and Friday at 7:00\u202fAM", "on Monday and Friday at 7:00\u202fPM"],
            ["cada lunes y viernes a las 7:00", "cada lunes y viernes a las 19:00"],
            id="of several times the one that is meant",
        ),
        pytest.param(
            from_monday(frequency=2), ["twice a day, 1 of 2", "twice a day, 2 of 2"], None, id="twice, at any time"
        ),
        pytest.param(
            {"schedule": None, "due": PartialDate("2026-12-03")},
            ["by December 3, 2026"],
            ["a más tardar: 3 de diciembre de 2026"],
            id="once, by a day",
        ),
        pytest.param({"schedule": None, "due": PartialDate("2026-12")}, ["by December 2026"], None, id="by a month"),
        pytest.param({"schedule": None}, [None], [None], id="once, without a day"),
    ],
)
def test_when_it_is_due_is_said_in_words(
    given: dict[str, Any], english: list[str | None], spanish: list[str | None] | None
) -> None:
    activity = an_activity(authored_on=None, **given)
    due = [Due(activity, o) for o in occurrences_of(activity, MONDAY, MONDAY)]

    assert [due_in_words(item, ENGLISH) for item in due] == english
    if spanish:
        assert [due_in_words(item, SPANISH) for item in due] == spanish
