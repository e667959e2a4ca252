"""What CoPlan leaves on a FHIR server passes the official HL7 validator with US Core 6.1.0 and PCO 1.0.0."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fhir_mappings.carrier import Json, encode
from service.gateways.template_library import shipped_templates
from tests.people import World, said
from tests.service.workflows import test_codesigned_template as programmes
from tests.service.workflows import test_cystic_fibrosis as cystic_fibrosis
from tests.service.workflows import test_diabetes as diabetes
from tests.service.workflows import test_diabetes_decisions as decisions
from tests.service.workflows import test_knee_activities as activities
from tests.service.workflows import test_knee_injury as knee
from tests.service.workflows import test_lifecycle as lifecycle
from tests.service.workflows import test_tracking as tracking

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "fhir"
WRITTEN = {
    "AuditEvent",
    "CarePlan",
    "Communication",
    "CommunicationRequest",
    "Consent",
    "Goal",
    "List",
    "Observation",
    "PlanDefinition",
    "Provenance",
    "ServiceRequest",
    "Task",
}
ALL_ACTS = (
    cystic_fibrosis.test_a_year_with_mia_her_mother_and_the_team,
    knee.test_progress_moves_the_goal_and_shows_in_the_plan,
    knee.test_the_thread_tells_who_offered_what_what_differs_and_why,
    lifecycle.test_a_declined_wish_stays_readable_with_the_reason,
    lifecycle.test_the_care_team_may_leave_a_goal_to_the_patient,
    lifecycle.test_who_withdraws_an_answer_brings_the_first_offer_back,
    lifecycle.test_a_question_is_answered_and_the_offer_goes_on_waiting,
    lifecycle.test_a_mother_speaks_for_her_child_under_her_own_name,
    decisions.test_food_exercise_and_insulin_are_his_own_decisions,
    diabetes.test_a_slip_of_the_finger_is_caught_or_corrected,
    tracking.test_everything_in_the_catalogue_can_be_recorded,
    tracking.test_what_should_never_have_been_there_counts_no_longer,
)
"""Between them every act of the lifecycle but those of `agreed_goals`."""


@pytest.fixture(scope="session")
def validator() -> Path:
    """The official validator, built in a folder of our own: the shared one stays as it is."""
    source, built = SHARED / "validator", ROOT / ".cache" / "validator"
    if not source.is_dir():
        pytest.skip("the official validator is not beside this repository")
    if shutil.which("mvn") is None:
        pytest.skip("Maven is not here to build the official validator")
    if not (built / "target" / "fhircheck.jsa").exists():
        shutil.copytree(source, built, dirs_exist_ok=True)
        subprocess.run([built / "build.sh"], check=True, capture_output=True, stdin=subprocess.DEVNULL, env=packages())
    return built / "fhircheck"


def packages() -> dict[str, str]:
    return {**os.environ, "FHIRCHECK_PACKAGES": str(SHARED / "packages")}


async def agreed_goals(world: World) -> None:
    """Hold, resume, complete, cancel, void: one goal each."""
    for act, body in (
        ("hold", {"reason": "swollen"}),
        ("complete", {"outcome": "achieved"}),
        ("cancel", {"reason": "no longer"}),
        ("entered-in-error", {"reason": "wrong person"}),
    ):
        goal = await world.ann.acts(await lifecycle.agreed(world), act, **body)
        if act == "hold":
            await world.ann.acts(goal, "resume", reason="better")
        if act == "complete":
            await world.bo.acts(goal, "complete")


async def activities_of_a_knee(world: World) -> None:
    """Planned, agreed, declined, reported, corrected, changed, paused, resumed, stopped."""
    act, plan = activities.acts, activities.plans
    _, exercises = await activities.a_week(world)
    clinic = f"Organization/clinic-{world.suffix}"
    xray = await plan(world, world.bo, "X-ray of the knee", performers=[clinic], due=world.clock().date().isoformat())
    step = await activities.reports(world.nora, xray, "once", "done", at=world.clock().isoformat())
    mistake = {"outcome": "entered-in-error", "reason": "Another patient"}
    path = f"/v1/activities/{xray['id']}/reports/{step['id']}/correct"
    assert (await world.nora.post(path, mistake, version=step["version"])).status_code == 200
    await act(world.ann, await plan(world, world.bo, "Cold baths", schedule={"days": ["mon"]}), "decline", reason="No")
    diary = await plan(world, world.ann, "Diary", schedule={"times": ["07:30", "21:00"], "count": 5})
    held = await act(world.ann, diary, "hold", reason="Busy")
    await act(world.ann, await act(world.ann, held, "resume", reason="Calm"), "stop", reason="Enough")
    change = {"schedule": {"frequency": 3, "unit": "wk"}, "reason": "Too hard", "instruction": "Five minutes"}
    await act(world.bo, await act(world.ann, exercises, "changes", **change), "accept")


async def a_programme(world: World) -> None:
    """Drafted, revised, discussed, endorsed by name and without, released, copied, applied; a name withdrawn."""
    title = f"Knee {world.suffix}"
    template = said(await world.bo.post("/v1/templates", programmes.content(title=title)), 201)
    template = await programmes.says(world.ann, template, "comments", text="Pictures would help", nameMe=True)
    template = await programmes.says(world.rosa, template, "objections", text="Too much")
    path = f"/v1/templates/{template['id']}/objections/{template['remarks'][1]['id']}/resolve"
    template = said(await world.rosa.post(path, {"text": "Fine"}), 200)
    template = await programmes.says(world.bo, template, "revise", **programmes.content(title=title))
    template = await programmes.says(world.ann, template, "endorsements", nameMe=True)
    template = await programmes.says(world.nora, template, "endorsements")
    template = await programmes.says(world.bo, template, "release")
    await programmes.applied(world, template, practitioner=world.nora.reference)
    said(await world.ann.post(f"/v1/templates/{template['id']}/withdraw-naming", {}), 200)
    template = await world.ann.sees(f"/v1/templates/{template['id']}")
    await programmes.says(world.ann, template, "versions")


async def left_by(world: World) -> list[Json]:
    """All that this test has written."""
    found: list[Json] = []
    for patient in (world.patient, world.child, world.diabetic):
        for resource_type in (
            "CarePlan",
            "Communication",
            "CommunicationRequest",
            "Consent",
            "Goal",
            "List",
            "Observation",
            "ServiceRequest",
            "Task",
        ):
            found += await world.found(f"{resource_type}?patient=Patient/{patient}&_count=500")
        found += await world.found(f"AuditEvent?entity=Patient/{patient}&_count=500")
    found += await world.found(f"PlanDefinition?title=Knee {world.suffix}")
    targets = ",".join(f"{r['resourceType']}/{r['id']}" for r in found if r["resourceType"] != "AuditEvent")
    return [*found, *(await world.found(f"Provenance?target={targets}&_count=500"))]


async def test_the_official_validator_finds_no_error(world: World, validator: Path, tmp_path: Path) -> None:
    for act in ALL_ACTS:
        await act(world)
    await agreed_goals(world)
    await activities_of_a_knee(world)
    await a_programme(world)
    resources = await left_by(world)
    assert {r["resourceType"] for r in resources} == WRITTEN
    resources += shipped_templates()
    ndjson = tmp_path / "left.ndjson"
    ndjson.write_bytes(b"\n".join(map(encode, resources)))
    checked = subprocess.run([validator, ndjson], capture_output=True, text=True, env=packages(), check=False)

    found = [line.split("\t") for line in checked.stdout.splitlines()]
    errors = sorted({f"{where}: {message}" for _, severity, where, message in found if severity in {"error", "fatal"}})
    assert errors == []
    assert checked.returncode == 0
