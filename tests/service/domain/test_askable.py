"""Nobody is asked who would never see the question; and nothing is planned for days that are over."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fhir_mappings.activities import Pattern, Schedule
from fhir_mappings.carrier import Json
from fhir_mappings.codes import EventTiming, PeriodUnit
from fhir_mappings.model import Concept, PartialDate
from service.domain.activity_draft import ActivityDraft, must_lie_ahead
from service.domain.askable import must_be_askable
from service.domain.policy import DEFAULT_POLICY, Policy, PractitionerAccess
from service.errors import InvalidContent
from tests.builders import CLINICIAN, MOTHER, NURSE, PATIENT, an_occasion

ROLE = "PractitionerRole/physio"


def a_member(reference: str, **parts: Any) -> Json:
    return {"member": {"reference": reference}, **parts}


PEOPLE: list[Json] = [
    {
        "resourceType": "CareTeam",
        "id": "knee",
        "status": "active",
        "subject": {"reference": PATIENT},
        "participant": [
            a_member(PATIENT),
            a_member(CLINICIAN),
            a_member(ROLE),
            a_member("Practitioner/left", period={"end": "2026-11-01"}),
            a_member("Organization/clinic"),
        ],
    },
    {"resourceType": "CareTeam", "id": "old", "status": "inactive", "subject": {"reference": PATIENT}},
    {"resourceType": "Practitioner", "id": "bo"},
    {"resourceType": "PractitionerRole", "id": "physio", "practitioner": {"reference": "Practitioner/pat"}},
    {"resourceType": "PractitionerRole", "id": "other", "practitioner": {"reference": "Practitioner/eve"}},
    {"resourceType": "RelatedPerson", "id": "rosa", "active": True, "patient": {"reference": PATIENT}},
    {"resourceType": "RelatedPerson", "id": "ex", "active": False, "patient": {"reference": PATIENT}},
]


@pytest.mark.parametrize(
    "who", [PATIENT, CLINICIAN, MOTHER, ROLE, "Practitioner/pat", "CareTeam/knee", "Organization/anywhere"]
)
def test_who_sees_the_question_can_be_asked(who: str) -> None:
    must_be_askable({"ask[0]": who}, PATIENT, PEOPLE, {}, an_occasion())


@pytest.mark.parametrize(
    "who",
    [
        NURSE,
        "Practitioner/left",
        "Practitioner/eve",
        "PractitionerRole/other",
        "RelatedPerson/ex",
        "CareTeam/old",
        "Patient/zoe",
    ],
)
def test_who_would_not_see_it_cannot_and_those_who_would_are_named(who: str) -> None:
    with pytest.raises(InvalidContent) as refused:
        must_be_askable({"ask[0]": MOTHER, "ask[1]": who}, PATIENT, PEOPLE, {CLINICIAN: "Dr Bo Berg"}, an_occasion())

    (flaw,) = refused.value.flaws
    assert flaw.expression == "ask[1]"
    assert "You can ask: Dr Bo Berg (Practitioner/bo); PractitionerRole/physio; " in flaw.message
    assert who not in flaw.message
    assert PATIENT not in flaw.message, "the patient need not be told to ask herself"


def test_what_is_private_is_given_to_nobody_of_the_family_and_those_who_see_it_are_named() -> None:
    asked = {"performers[0]": PATIENT, "performers[1]": MOTHER, "performers[2]": CLINICIAN}
    with pytest.raises(InvalidContent) as refused:
        must_be_askable(asked, PATIENT, PEOPLE, {CLINICIAN: "Dr Bo Berg"}, an_occasion(), private=True)

    (flaw,) = refused.value.flaws
    assert flaw.expression == "performers[1]"
    assert flaw.message.startswith("is of the family, who cannot see what is private. You can ask: Dr Bo Berg ")
    assert MOTHER not in flaw.message


@pytest.mark.parametrize("access", [PractitionerAccess.ANY, PractitionerAccess.LAUNCH])
def test_where_care_teams_decide_nothing_any_clinician_can_be_asked(access: PractitionerAccess) -> None:
    policy: Policy = replace(DEFAULT_POLICY, practitioner_access=access)
    must_be_askable({"ask[0]": NURSE}, PATIENT, PEOPLE, {}, an_occasion(policy=policy))

    with pytest.raises(InvalidContent):
        must_be_askable({"ask[0]": "RelatedPerson/ex"}, PATIENT, PEOPLE, {}, an_occasion(policy=policy))


NIGHTLY = Pattern(when=(EventTiming.HS,))
LONG_AGO = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        pytest.param({"due": PartialDate("2026-11-29")}, "due", id="a step of the day before yesterday"),
        pytest.param({"due": PartialDate("2026-11-30")}, None, id="still today somewhere"),
        pytest.param({"due": PartialDate("2026-12")}, None, id="this month"),
        pytest.param({"schedule": Schedule(NIGHTLY, LONG_AGO)}, None, id="begun before, and it goes on"),
        pytest.param({"schedule": Schedule(NIGHTLY, LONG_AGO, date(2026, 11, 29))}, "schedule.until", id="ended"),
        pytest.param({"schedule": Schedule(NIGHTLY, LONG_AGO, date(2026, 11, 30))}, None, id="the last evening"),
        pytest.param({"schedule": Schedule(NIGHTLY, LONG_AGO, count=6)}, "schedule.count", id="six times are over"),
        pytest.param(
            {"schedule": Schedule(Pattern(unit=PeriodUnit.WEEK), LONG_AGO, count=10)}, None, id="the ninth week of ten"
        ),
        pytest.param({}, None, id="whenever"),
    ],
)
def test_only_what_somebody_can_still_do_is_planned(parts: dict[str, Any], path: str | None) -> None:
    draft = ActivityDraft(Concept("Exercises"), **parts)
    if path is None:
        must_lie_ahead(draft, an_occasion())
        return
    with pytest.raises(InvalidContent) as refused:
        must_lie_ahead(draft, an_occasion())
    assert [f.expression for f in refused.value.flaws] == [path]
