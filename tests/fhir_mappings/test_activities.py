"""Activities and reports to FHIR and back; schedules in JSON and in words."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given

from fhir_mappings.activities import Activity, Pattern, Report, Schedule
from fhir_mappings.activity_report import STATUS_OF, is_report, report_from_fhir, report_to_fhir
from fhir_mappings.care_plan import care_plan_from_fhir, care_plan_to_fhir
from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.codes import CarePlanStatus, DayOfWeek, EventTiming, PeriodUnit, ReportOutcome, TaskStatus
from fhir_mappings.elements import MappingError
from fhir_mappings.model import Concept, Note, PartialDate
from fhir_mappings.narrative import plan_narrative
from fhir_mappings.person_centered import PlanContents
from fhir_mappings.r4 import check
from fhir_mappings.service_request import activity_from_fhir, activity_to_fhir
from fhir_mappings.task import asks_about, task_to_fhir
from fhir_mappings.timing import (
    is_computable,
    pattern_in_words,
    schedule_from_fhir,
    schedule_in_words,
    span_in_words,
    timing_json,
)
from fhir_mappings.wording import Language
from tests.builders import CLINICIAN, NOW, PATIENT, a_plan, a_task
from tests.fhir_mappings.test_fidelity import official
from tests.service.domain.test_occurrences import schedules

SPANISH = Language("es")
START = date(2026, 12, 1)
NIGHTLY = Schedule(Pattern(when=(EventTiming.HS,)), START, date(2027, 2, 28))


def an_activity(**parts: Any) -> Activity:
    activity = Activity(
        PATIENT,
        Concept("Knee exercises"),
        CarePlanStatus.DRAFT,
        id="a1",
        schedule=NIGHTLY,
        requester=CLINICIAN,
        performers=(PATIENT,),
        goals=("Goal/g1",),
        authored_on=NOW,
        instruction="Ten minutes",
        notes=(Note("Change proposed: less", CLINICIAN, NOW),),
        based_on=("CarePlan/p1",),
        thread="t1",
        operation="op",
        patient_supplied=True,
    )
    return replace(activity, **parts)


def a_report(**parts: Any) -> Report:
    report = Report(
        PATIENT,
        "ServiceRequest/a1",
        "2026-12-03.HS",
        TaskStatus.FAILED,
        NOW,
        NOW,
        CLINICIAN,
        outcome=ReportOutcome.TOO_HARD,
        owner=PATIENT,
        first=date(2026, 12, 3),
        last=date(2026, 12, 3),
        done_at=NOW,
        notes=(Note("Swollen", PATIENT, NOW),),
        id="r1",
        operation="op",
        patient_supplied=True,
    )
    return replace(report, **parts)


@pytest.mark.parametrize(
    "activity",
    [
        an_activity(),
        an_activity(schedule=None, due=PartialDate("2026-12-10")),
        an_activity(requester=None, patient_supplied=False),
    ],
)
def test_an_activity_comes_back_as_it_was_said(activity: Activity) -> None:
    resource = check(activity_to_fhir(activity) | {"id": "a1"})

    assert activity_from_fhir(decode(encode(resource))) == activity


def test_only_status_notes_and_what_it_replaces_change() -> None:
    stored = activity_to_fhir(an_activity()) | {"id": "a1", "theirs": 1}
    note = Note("Agreed", PATIENT, NOW)
    agreed = replace(
        activity_from_fhir(stored),
        status=CarePlanStatus.ACTIVE,
        replaces=("ServiceRequest/a0",),
        notes=(*an_activity().notes, note),
        instruction="something else",
    )
    after = activity_to_fhir(agreed, onto=stored)

    assert {k for k in after if after[k] != stored.get(k)} == {"status", "replaces", "note"}
    assert activity_to_fhir(activity_from_fhir(stored), onto=stored) == stored
    tied = activity_to_fhir(replace(activity_from_fhir(stored), thread="t2"), onto=stored)
    assert [i["value"] for i in tied["identifier"]] == ["t1", "op", "t2"]


@official("ServiceRequest")
def test_an_official_service_request_changes_in_its_status_only(path: Any) -> None:
    theirs = decode(path.read_bytes())
    if "reference" not in theirs["subject"]:
        with pytest.raises(MappingError, match=r"ServiceRequest\.subject"):
            activity_from_fhir(theirs)
        return
    activity = activity_from_fhir(theirs)

    assert encode(activity_to_fhir(activity, onto=theirs)) == encode(theirs)
    moved = activity_to_fhir(replace(activity, status=CarePlanStatus.UNKNOWN), onto=theirs)
    assert {k for k in moved if moved[k] != theirs.get(k)} == {"status"}


@pytest.mark.parametrize(
    "report",
    [
        a_report(),
        a_report(first=None, last=None, done_at=None, notes=(), owner=None, patient_supplied=False),
        a_report(outcome=None, status=TaskStatus.ENTERED_IN_ERROR),
    ],
)
def test_a_report_comes_back_as_it_was_said(report: Report) -> None:
    resource = check(report_to_fhir(report) | {"id": "r1"})

    assert is_report(resource)
    assert report_from_fhir(decode(encode(resource))) == report
    assert report_to_fhir(report, onto=resource) == resource


@pytest.mark.parametrize("outcome", [*ReportOutcome, None])
def test_a_correction_leaves_no_trace_of_the_earlier_status(outcome: ReportOutcome | None) -> None:
    stored = report_to_fhir(a_report()) | {"id": "r1"}
    later = NOW + timedelta(hours=1)
    corrected = a_report(outcome=outcome, status=STATUS_OF[outcome], last_modified=later)
    resource = check(report_to_fhir(corrected, onto=stored))

    assert report_from_fhir(resource) == corrected
    assert ("statusReason" in resource) is (outcome in {ReportOutcome.SKIPPED, ReportOutcome.TOO_HARD})
    assert ("businessStatus" in resource) is (outcome is not None)


@pytest.mark.parametrize("element", ["identifier", "authoredOn"])
def test_a_task_that_is_no_report_is_said_to_be_none(element: str) -> None:
    resource = report_to_fhir(a_report())
    del resource[element]

    with pytest.raises(MappingError, match=f"Task.{element}"):
        report_from_fhir(resource)
    assert not is_report({"resourceType": "Goal"})


def test_only_a_question_asks_about_something() -> None:
    question = task_to_fhir(a_task())

    assert asks_about(question) == "Goal/g1"
    assert asks_about(question | {"code": {"text": "whatever"}}) is None
    assert asks_about({k: v for k, v in question.items() if k != "requester"}) is None
    assert task_to_fhir(a_task(description="Please"))["description"] == "Please"


@given(schedule=schedules())
def test_every_schedule_comes_back_from_its_timing(schedule: Schedule) -> None:
    timing = decode(encode(timing_json(schedule)))

    assert schedule_from_fhir(timing) == schedule
    check(activity_to_fhir(an_activity(schedule=schedule)))
    assert schedule_in_words(schedule)


@pytest.mark.parametrize(
    ("repeat", "pattern"),
    [
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["HS"]}, Pattern(when=(EventTiming.HS,))),
        (
            {"frequency": 2, "period": 1, "periodUnit": "d", "when": ["MORN", "EVE"]},
            Pattern(when=(EventTiming.MORN, EventTiming.EVE)),
        ),
        (
            {"frequency": 2, "period": 1, "periodUnit": "wk", "dayOfWeek": ["tue", "thu"]},
            Pattern(days=(DayOfWeek.TUE, DayOfWeek.THU)),
        ),
        ({"period": 1.0, "periodUnit": "wk"}, Pattern(unit=PeriodUnit.WEEK)),
        ({"timeOfDay": ["07:30:00"]}, Pattern(times=(time(7, 30),))),
        ({"duration": 30, "durationUnit": "min"}, Pattern()),
    ],
)
def test_what_others_say_is_understood(repeat: Json, pattern: Pattern) -> None:
    bounds = {"boundsPeriod": {"start": "2026-12-01T08:00:00Z"}}

    assert schedule_from_fhir({"repeat": repeat | bounds}) == Schedule(pattern, START)


def test_a_duration_says_how_long() -> None:
    lasts = {"repeat": {"boundsDuration": {"value": 2, "code": "wk"}, "period": 1, "periodUnit": "d"}}
    found = schedule_from_fhir(lasts, otherwise_from=START)

    assert found == Schedule(Pattern(), START, date(2026, 12, 14))
    assert schedule_from_fhir(lasts) is None


@pytest.mark.parametrize(
    "timing",
    [
        {"code": {"text": "BID"}},
        {"event": ["2026-12-01"], "repeat": {"frequency": 1}},
        {"repeat": {"frequency": 1, "period": 4, "periodUnit": "h"}},
        {"repeat": {"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"}},
        {"repeat": {"period": 1.5, "periodUnit": "d"}},
        {"repeat": {"timeOfDay": ["07:30:00"], "when": ["HS"]}},
        {"repeat": {"frequency": 2, "timeOfDay": ["07:30:00"]}},
        {"repeat": {"boundsDuration": {"value": 1, "code": "mo"}}},
        {"repeat": {"boundsPeriod": {"start": "2026"}}},
        {"repeat": {"when": "HS", "boundsPeriod": 5}},
        {"repeat": []},
    ],
)
def test_what_is_not_computed_is_not_guessed(timing: Json) -> None:
    assert schedule_from_fhir(timing, otherwise_from=START) is None
    resource = activity_to_fhir(an_activity(schedule=None)) | {"occurrenceTiming": timing}
    assert activity_from_fhir(resource).unread_timing


def test_a_pattern_needs_a_positive_frequency() -> None:
    assert not is_computable(Pattern(frequency=0))
    assert not is_computable(Pattern(days=(DayOfWeek.MON,), frequency=2, unit=PeriodUnit.WEEK))


@pytest.mark.parametrize(
    ("pattern", "english", "spanish"),
    [
        (Pattern(), "every day", "cada día"),
        (Pattern(when=(EventTiming.HS,)), "every day before going to sleep", "cada día antes de dormir"),
        (
            Pattern(days=(DayOfWeek.MON, DayOfWeek.WED, DayOfWeek.SAT)),
            "on Monday, Wednesday, and Saturday",
            "cada lunes, miércoles y sábado",
        ),
        (
            Pattern(days=(DayOfWeek.SUN,), times=(time(7), time(21, 5))),
            "on Sunday at 7:00\u202fAM and at 9:05\u202fPM",
            "cada domingo a las 7:00 y a las 21:05",
        ),
        (Pattern(times=(time(1, 30),)), "every day at 1:30\u202fAM", "cada día a la 1:30"),
        (Pattern(frequency=3, unit=PeriodUnit.WEEK), "3 times a week", "3 veces a la semana"),
        (Pattern(frequency=2), "twice a day", "dos veces al día"),
        (Pattern(frequency=2, period=2, unit=PeriodUnit.MONTH), "twice every 2 months", "dos veces cada 2 meses"),
        (Pattern(period=2), "every 2 days", "cada 2 días"),
        (Pattern(unit=PeriodUnit.MONTH), "every month", "cada mes"),
    ],
)
def test_a_pattern_in_words(pattern: Pattern, english: str, spanish: str) -> None:
    assert pattern_in_words(pattern) == english
    assert pattern_in_words(pattern, SPANISH) == spanish


@pytest.mark.parametrize(
    ("schedule", "english", "spanish"),
    [
        (
            NIGHTLY,
            "every day before going to sleep, from December 1, 2026 until February 28, 2027",
            "cada día antes de dormir, desde el 1 de diciembre de 2026 hasta el 28 de febrero de 2027",
        ),
        (
            Schedule(Pattern(), START, count=6),
            "every day, from December 1, 2026, 6 times in all",
            "cada día, desde el 1 de diciembre de 2026, 6 veces en total",
        ),
        (
            Schedule(Pattern(), START, count=1),
            "every day, from December 1, 2026, 1 time in all",
            "cada día, desde el 1 de diciembre de 2026, 1 vez en total",
        ),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, english: str, spanish: str) -> None:
    assert schedule_in_words(schedule) == english
    assert schedule_in_words(schedule, SPANISH) == spanish


@pytest.mark.parametrize(
    ("value", "unit", "english", "spanish"),
    [
        (1, PeriodUnit.DAY, "for 1 day", "durante 1 día"),
        (12, PeriodUnit.WEEK, "for 12 weeks", "durante 12 semanas"),
        (3, PeriodUnit.MONTH, "for 3 months", "durante 3 meses"),
    ],
)
def test_how_long_in_words(value: int, unit: PeriodUnit, english: str, spanish: str) -> None:
    assert span_in_words(value, unit) == english
    assert span_in_words(value, unit, SPANISH) == spanish


def test_the_clock_is_the_one_of_the_region() -> None:
    assert pattern_in_words(Pattern(times=(time(13),)), Language("es-MX")) == "cada día a la 1:00\u202fp.m."
    assert pattern_in_words(Pattern(times=(time(13),)), Language("en-GB")) == "every day at 13:00"


def test_a_plan_in_spanish_says_how_often_in_spanish() -> None:
    div = plan_narrative(a_plan(), PlanContents(activities=(an_activity(),), language=SPANISH))

    assert "cada día antes de dormir, desde el 1 de diciembre de 2026" in div
    assert "every day" not in div


def test_the_plan_says_what_is_to_be_done_and_what_is_only_proposed() -> None:
    done = an_activity(id="a2", schedule=None, due=PartialDate("2026-12-10"), status=CarePlanStatus.COMPLETED)
    bare = an_activity(id="a3", schedule=None, performers=(), status=CarePlanStatus.ACTIVE)
    plan = a_plan(activities=("ServiceRequest/a2", "ServiceRequest/a3", "ServiceRequest/theirs"))
    div = plan_narrative(plan, PlanContents(activities=(an_activity(), done, bare, an_activity(id="a4", based_on=()))))

    assert "<li><b>Knee exercises</b>: by December 10, 2026. Done by the patient <i>(done)</i></li>" in div
    assert "<li><b>Knee exercises</b></li><li>Something that is kept elsewhere</li>" in div
    assert div.count("(offered, not agreed)") == 1
    assert (
        "every day before going to sleep, from December 1, 2026 until February 28, 2027. To be done by the patient"
        in div
    )


def test_a_plan_links_activities_and_keeps_those_of_others() -> None:
    theirs = [{"detail": {"status": "scheduled"}}, {"reference": {"reference": "ServiceRequest/a1", "display": "Old"}}]
    stored = {**care_plan_to_fhir(a_plan(), narrative="<div/>"), "id": "p1", "activity": theirs}
    plan = care_plan_from_fhir(stored)
    linked = care_plan_to_fhir(
        replace(plan, activities=("ServiceRequest/a1", "ServiceRequest/a2")), onto=stored, narrative=""
    )

    assert linked["activity"] == [*theirs, {"reference": {"reference": "ServiceRequest/a2"}}]
    gone = care_plan_to_fhir(replace(plan, activities=()), onto=stored, narrative="")
    assert gone["activity"] == theirs[:1]
    new = care_plan_to_fhir(a_plan(instantiates="urn:x|1", activities=("urn:uuid:1",)), narrative="")
    assert new["instantiatesCanonical"] == ["urn:x|1"]
    assert new["activity"] == [{"reference": {"reference": "urn:uuid:1"}}]
