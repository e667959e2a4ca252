"""What CoPlan leaves on a FHIR server passes the official HL7 validator with US Core 6.1.0 and PCO 1.0.0."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fhir_mappings.carrier import Json, encode
from tests.people import World
from tests.service.workflows import test_cystic_fibrosis as cystic_fibrosis
from tests.service.workflows import test_knee_injury as knee
from tests.service.workflows import test_lifecycle as lifecycle

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "fhir"
WRITTEN = {
    "Goal",
    "Task",
    "CarePlan",
    "Communication",
    "CommunicationRequest",
    "List",
    "Observation",
    "Provenance",
    "AuditEvent",
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


async def left_by(world: World) -> list[Json]:
    """All that this test has written."""
    found: list[Json] = []
    for patient in (world.patient, world.child):
        for resource_type in (
            "Goal",
            "Task",
            "CarePlan",
            "Communication",
            "CommunicationRequest",
            "List",
            "Observation",
        ):
            found += await world.found(f"{resource_type}?patient=Patient/{patient}&_count=500")
        found += await world.found(f"AuditEvent?entity=Patient/{patient}&_count=500")
    targets = ",".join(f"{r['resourceType']}/{r['id']}" for r in found if r["resourceType"] != "AuditEvent")
    return [*found, *(await world.found(f"Provenance?target={targets}&_count=500"))]


async def test_the_official_validator_finds_no_error(world: World, validator: Path, tmp_path: Path) -> None:
    for act in ALL_ACTS:
        await act(world)
    await agreed_goals(world)
    resources = await left_by(world)
    assert {r["resourceType"] for r in resources} == WRITTEN
    ndjson = tmp_path / "left.ndjson"
    ndjson.write_bytes(b"\n".join(map(encode, resources)))
    checked = subprocess.run([validator, ndjson], capture_output=True, text=True, env=packages(), check=False)

    found = [line.split("\t") for line in checked.stdout.splitlines()]
    errors = sorted({f"{where}: {message}" for _, severity, where, message in found if severity in {"error", "fatal"}})
    assert errors == []
    assert checked.returncode == 0
