"""What gives people rights: periods, family members and their Consents, care teams, labels that keep a secret."""

from datetime import date
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import CONFIDENTIALITY, CONSENT_ACTION, SHARED_PLAN
from fhir_mappings.elements import is_restricted
from service.domain.actors import ProxyRights, Right, Role
from service.domain.care_teams import is_on_a_team, members_of
from service.domain.confidentiality import (
    restricted_in,
    tells_of,
    with_private,
    without_private,
)
from service.domain.operations import OPERATIONS
from service.domain.periods import includes, last_day
from service.domain.permissions import permissions
from service.domain.policy import Policy, ProxyAccess
from service.domain.proxies import is_active, proxy_rights
from tests.builders import CLINICIAN, MOTHER, PATIENT, an_actor

TODAY = date(2026, 12, 1)
ALL, READ, RECORD, NONE = frozenset(Right), {Right.READ}, {Right.READ, Right.RECORD}, set[Right]()


@pytest.mark.parametrize(
    ("period", "inside", "last"),
    [
        (None, True, None),
        ({}, True, None),
        ({"start": "2026-12-01"}, True, None),
        ({"start": "2026-12-02"}, False, None),
        ({"start": "2026-12"}, True, None),
        ({"start": "2027"}, False, None),
        ({"end": "2026-12-01"}, True, date(2026, 12, 1)),
        ({"end": "2026-11-30"}, False, date(2026, 11, 30)),
        ({"end": "2026-12-01T08:00:00+01:00"}, True, date(2026, 12, 1)),
        ({"end": "2026"}, True, date(2026, 12, 31)),
        ({"end": "2026-11"}, False, date(2026, 11, 30)),
        ({"end": "tomorrow"}, False, None),
        ({"end": "2026-02-30"}, False, None),
        ({"start": 2026}, False, None),
        ("2026", False, None),
    ],
)
def test_a_period_is_held_to_the_day(period: Any, inside: bool, last: date | None) -> None:
    assert includes(period, TODAY) is inside
    assert last_day(period) == last


@pytest.mark.parametrize(
    ("person", "active"),
    [
        ({"active": True}, True),
        ({"active": False}, False),
        ({}, False),
        ({"active": "true"}, False),
        ({"active": True, "period": {"end": "2026-11-30"}}, False),
    ],
)
def test_a_family_member_is_active_or_not(person: Json, active: bool) -> None:
    assert is_active(person, TODAY) is active


THERE = f"https://ehr.example/fhir/{MOTHER}"


def a_consent(status: str = "active", who: str | None = MOTHER, **provision: Any) -> Json:
    named = {"actor": [{"reference": {"reference": who}}]} if who else {}
    return {"resourceType": "Consent", "status": status, "provision": {"type": "permit", **named, **provision}}


def does(*codes: str, system: str = CONSENT_ACTION) -> list[Json]:
    return [{"coding": [{"system": system, "code": code}]} for code in codes]


@pytest.mark.parametrize(
    ("consents", "policy", "rights", "by"),
    [
        pytest.param([], "full", ALL, "policy", id="policy"),
        pytest.param([], "read", READ, "policy", id="policy to read"),
        pytest.param([], "none", NONE, "policy", id="policy without"),
        pytest.param([a_consent(who="RelatedPerson/x")], "full", ALL, "policy", id="of somebody else"),
        pytest.param([a_consent(who=None)], "full", ALL, "policy", id="of nobody"),
        pytest.param([a_consent("draft")], "full", ALL, "policy", id="never given"),
        pytest.param([a_consent("entered-in-error")], "full", ALL, "policy", id="a mistake"),
        pytest.param([a_consent()], "none", ALL, "consent", id="everything"),
        pytest.param([a_consent(who=f"{MOTHER}/_history/2")], "none", ALL, "consent", id="by version"),
        pytest.param([a_consent(action=does("access"))], "full", READ, "consent", id="to read"),
        pytest.param([a_consent(action=does("collect"))], "full", RECORD, "consent", id="to record"),
        pytest.param([a_consent(action=does("correct"))], "none", ALL, "consent", id="to act"),
        pytest.param([a_consent(action=does("access", "collect"))], "none", RECORD, "consent", id="two actions"),
        pytest.param([a_consent(action=does("use"))], "full", NONE, "consent", id="another action"),
        pytest.param([a_consent(action=does("access", system="urn:x"))], "full", NONE, "consent", id="not ours"),
        pytest.param([a_consent(action=[{"text": "see"}])], "full", NONE, "consent", id="in words"),
        pytest.param([a_consent("inactive")], "full", NONE, "consent", id="withdrawn"),
        pytest.param([a_consent(period={"end": "2026-11-30"})], "full", NONE, "consent", id="over"),
        pytest.param([a_consent(purpose=[{}])], "full", NONE, "consent", id="a limit that is not evaluated"),
        pytest.param([a_consent(type="deny")], "full", NONE, "consent", id="denied"),
        pytest.param([a_consent(type="deny", purpose=[{}])], "full", NONE, "consent", id="denied in part"),
        pytest.param([a_consent(), a_consent(type="deny", action=does("correct"))], "full", RECORD, "consent", id="no"),
        pytest.param([a_consent(), a_consent(type="deny", action=does("collect"))], "full", READ, "consent", id="no 2"),
        pytest.param([a_consent(), a_consent(type="deny", action=does("access"))], "full", NONE, "consent", id="no 3"),
        pytest.param([a_consent(), a_consent(type="deny", action=does("x"))], "full", NONE, "consent", id="no 4"),
        pytest.param(
            [a_consent(provision=[{"type": "deny", "action": does("correct")}])],
            "full",
            RECORD,
            "consent",
            id="an exception inside",
        ),
        pytest.param(
            [a_consent(who=None, type="deny", provision=[a_consent(action=does("access"))["provision"]])],
            "none",
            READ,
            "consent",
            id="nested",
        ),
        pytest.param(
            [a_consent(provision=[{"type": "deny", "period": {"end": "2026-11-30"}}])],
            "none",
            ALL,
            "consent",
            id="an exception that is over",
        ),
        pytest.param(
            [a_consent(), a_consent(provision=[a_consent(who="RelatedPerson/x", type="deny")["provision"]])],
            "none",
            ALL,
            "consent",
            id="an exception for somebody else",
        ),
        pytest.param([a_consent(type="deny", who=THERE)], "full", NONE, "consent", id="denied by a URL"),
        pytest.param([a_consent(who=THERE)], "full", NONE, "consent", id="permitted by a URL, perhaps elsewhere"),
        pytest.param(
            [a_consent(), a_consent(type="deny", who=f"{THERE}/_history/2", action=does("correct"))],
            "none",
            RECORD,
            "consent",
            id="denied in part by a URL",
        ),
        pytest.param(
            [{"resourceType": "Consent", "status": "active"}], "full", ALL, "policy", id="without a provision"
        ),
        pytest.param(
            [a_consent(actor=[{"reference": {"display": "mother"}}, {"role": {}}])],
            "full",
            ALL,
            "policy",
            id="in words of somebody",
        ),
    ],
)
def test_what_a_family_member_may(consents: list[Json], policy: str, rights: frozenset[Right], by: str) -> None:
    found = proxy_rights({"active": True}, consents, MOTHER, TODAY, ProxyAccess(policy))

    assert (found.rights, found.by) == (rights, by)


def test_a_right_ends_with_the_first_of_its_days() -> None:
    person = {"active": True, "period": {"end": "2027-12-31"}}
    consent = a_consent(period={"end": "2027-06-30"})
    unlimited = proxy_rights({"active": True}, [a_consent()], MOTHER, TODAY, ProxyAccess.FULL)
    denied = proxy_rights(person, [a_consent(type="deny", period={"end": "2027"})], MOTHER, TODAY, ProxyAccess.FULL)

    assert proxy_rights(person, [consent], MOTHER, TODAY, ProxyAccess.FULL).until == date(2027, 6, 30)
    assert proxy_rights(person, [], MOTHER, TODAY, ProxyAccess.FULL).until == date(2027, 12, 31)
    assert unlimited.until is None
    assert denied.until == date(2027, 12, 31)


def a_team(*members: str, **parts: Any) -> Json:
    participants = [{"member": {"reference": m}} for m in members]
    team = {"resourceType": "CareTeam", "status": "active", "subject": {"reference": PATIENT}}
    return team | {"participant": participants} | parts


@pytest.mark.parametrize(
    ("team", "on_it"),
    [
        pytest.param(a_team(CLINICIAN), True, id="a member"),
        pytest.param(a_team(f"{CLINICIAN}/_history/1"), True, id="by version"),
        pytest.param(a_team("Practitioner/x"), False, id="others"),
        pytest.param(a_team(CLINICIAN, status="inactive"), False, id="a team that was"),
        pytest.param(a_team(CLINICIAN, subject={"reference": "Patient/zoe"}), False, id="of another patient"),
        pytest.param(a_team(CLINICIAN, period={"end": "2026-11-30"}), False, id="a team that has ended"),
        pytest.param(
            a_team(participant=[{"member": {"reference": CLINICIAN}, "period": {"start": "2026-12-02"}}]),
            False,
            id="not yet",
        ),
        pytest.param(a_team(participant=[{"member": {"display": "Bo"}}, {}]), False, id="by name only"),
        pytest.param(a_team(participant=[]), False, id="nobody"),
    ],
)
def test_who_is_on_a_care_team(team: Json, on_it: bool) -> None:
    assert is_on_a_team([a_team(), team], PATIENT, {CLINICIAN}, TODAY) is on_it
    assert (CLINICIAN in set(members_of(team, PATIENT, TODAY))) is on_it


def labelled(code: str, **parts: Any) -> Json:
    label = {"system": CONFIDENTIALITY, "code": code}
    return {"resourceType": "Goal", "id": "secret", "meta": {"security": [label]}, **parts}


def test_a_label_keeps_a_resource_from_the_family() -> None:
    assert [is_restricted(labelled(c)) for c in ("R", "V", "N")] == [True, True, False]
    assert not is_restricted({"resourceType": "Goal", "meta": {"security": [{"system": "urn:x", "code": "R"}]}})
    assert not is_restricted({"resourceType": "Goal"})
    assert restricted_in([labelled("R"), labelled("N"), labelled("R", resourceType="Task")]) == {"Goal/secret"}


def test_what_tells_of_a_private_goal() -> None:
    private, task = {"Goal/secret"}, {"resourceType": "Task", "focus": {"reference": "Goal/secret/_history/2"}}
    plan: Json = {
        "resourceType": "CarePlan",
        "text": {"status": "generated", "div": "all"},
        "goal": [{"reference": "Goal/open"}, {"reference": "Goal/secret"}],
    }

    assert tells_of(task, private)
    assert tells_of({**task, "focus": {"reference": "https://ehr.example/fhir/Goal/secret/_history/2"}}, private)
    there: Json = plan | {"goal": [{"reference": "https://ehr.example/fhir/Goal/secret"}, plan["goal"][0]]}
    assert without_private(there, private)["goal"] == [{"reference": "Goal/open"}]
    assert not tells_of(task, {"Goal/other"})
    assert not tells_of(plan, private)
    shown = without_private(plan, private)
    assert shown["goal"] == [{"reference": "Goal/open"}]
    assert "all" not in shown["text"]["div"]
    assert "text" not in without_private({"resourceType": "CarePlan", "goal": plan["goal"][1:]}, private)
    assert "goal" not in without_private({"resourceType": "CarePlan", "goal": plan["goal"][1:]}, private)
    assert without_private(plan, set()) is plan
    changed = shown | {"goal": [*shown["goal"], {"reference": "Goal/new"}]}
    links = [g["reference"] for g in with_private(changed, plan, private)["goal"]]
    assert links == ["Goal/open", "Goal/new", "Goal/secret"]


@pytest.mark.parametrize(("system", "told"), [(SHARED_PLAN, True), ("urn:other", False)])
def test_a_private_activity_is_left_out_of_a_plan_and_put_back(system: str, told: bool) -> None:
    private = restricted_in([labelled("R", resourceType="ServiceRequest")])
    hidden, shown = ({"reference": {"reference": f"ServiceRequest/{i}"}} for i in ("secret", "open"))
    plan: Json = {
        "resourceType": "CarePlan",
        "identifier": [{"system": system, "value": "x"}],
        "text": {"status": "generated", "div": "all"},
        "activity": [hidden, shown],
    }

    seen = without_private(plan, private)
    assert seen["activity"] == [shown]
    assert (seen["text"]["div"] == "all") == told
    assert with_private(seen, plan, private)["activity"] == [shown, hidden]
    assert "activity" not in without_private(plan | {"activity": [hidden]}, private)


FULL = frozenset({"user/*.cruds"})


@pytest.mark.parametrize(
    ("actor", "can", "cannot"),
    [
        pytest.param(an_actor(scopes=FULL), {"acceptGoal", "listGoals"}, {"agreeToDisagree"}, id="patient"),
        pytest.param(an_actor(CLINICIAN, scopes=FULL), {"agreeToDisagree"}, set(), id="clinician"),
        pytest.param(
            an_actor(
                scopes=frozenset({"patient/Goal.cruds", "patient/CarePlan.rs", "patient/Observation.crs"}),
                context=PATIENT,
            ),
            {"acceptGoal", "sendGoalMessage", "recordProgress", "getPatientPlan"},
            {"openCarePlan", "linkGoal"},
            id="portal",
        ),
        pytest.param(
            an_actor(scopes=frozenset({"user/Goal.rs", "user/CarePlan.rs"})),
            {"getGoal"},
            {"acceptGoal", "sendGoalMessage"},
            id="to read",
        ),
        pytest.param(
            an_actor("Device/app", scopes=frozenset({"system/*.cruds"})), {"listGoals"}, {"proposeGoal"}, id="app"
        ),
        pytest.param(
            an_actor(MOTHER, scopes=FULL, proxy=ProxyRights(frozenset(RECORD), "consent")),
            {"recordProgress", "getGoal"},
            {"proposeGoal"},
            id="to record",
        ),
        pytest.param(
            an_actor(MOTHER, scopes=FULL, proxy=ProxyRights(frozenset(), "policy")), set(), {"getGoal"}, id="nothing"
        ),
    ],
)
def test_what_an_actor_can_do_is_told_in_advance(actor: Any, can: set[str], cannot: set[str]) -> None:
    told = set(permissions(actor).operations)

    assert can <= told
    assert not cannot & told


def test_what_the_house_has_switched_off_is_not_told() -> None:
    clinician = an_actor(CLINICIAN, scopes=FULL)

    assert "agreeToDisagree" not in permissions(clinician, Policy(self_managed_goals=False)).operations
    assert len(permissions(clinician).operations) == len(OPERATIONS) - 2


def test_scopes_are_told_as_they_were_understood() -> None:
    told = permissions(an_actor(scopes=frozenset({"openid", "user/Goal.rs", "system/Goal.rs", "user/Goal.sr"})))

    assert told.scopes == ("user/Goal.rs",)
    assert told.without_effect == ("system/Goal.rs",)
    assert told.not_understood == ("user/Goal.sr",)
    assert an_actor("Device/app").role is Role.SYSTEM
