"""Preferences, feedback and what CoPlan publishes pass the official HL7 validator: US Core 6.1.0, and 8.0.0."""

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from fhir_mappings.carrier import Json, encode
from fhir_mappings.codes import ENCLOSED_PRECONDITION
from service.gateways.definitions import FOLDER
from tests.conftest import FhirServer
from tests.ehr import EHR
from tests.people import World, said
from tests.service.api.test_cds_hooks import feedback
from tests.service.workflows.test_preferences import HOME, states, visit
from tests.test_conformance import SHARED, validator

__all__ = ["validator"]

EXTENSIONS = [
    "local.standins#1.0.0",
    "hl7.terminology.r4#7.3.0",
    "hl7.fhir.uv.extensions.r4#5.3.0",
    "local.pacio#1.0.0",
]
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


@pytest.fixture
def fhir_server(embedded_server: FhirServer) -> FhirServer:
    """What is written is the same on every server."""
    return embedded_server


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The packages beside this repository, and a stand-in for the one extension of PACIO that is written here."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for package in (SHARED / "packages").iterdir():
        (folder / package.name).symlink_to(package)
    value = {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "CodeableConcept"}]}
    url = {"id": "Extension.url", "path": "Extension.url", "fixedUri": ENCLOSED_PRECONDITION}
    definition = {
        "resourceType": "StructureDefinition",
        "id": "adi-enclosedPrecondition-extension",
        "url": ENCLOSED_PRECONDITION,
        "name": "EnclosedPrecondition",
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "Observation"}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Extension", "path": "Extension"}, url, value]},
    }
    about = {"name": "local.pacio", "version": "1.0.0", "fhirVersions": ["4.0.1"], "dependencies": {}}
    with tarfile.open(folder / "local.pacio-1.0.0.tgz", "w:gz") as archive:
        for name, content in (("package.json", about), ("StructureDefinition-adi.json", definition)):
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return folder


async def left_by(world: World) -> list[Json]:
    """Preferences of every kind and state, and feedback on a card."""
    encounter = await visit(world, world.patient)
    kept = await states(
        world.ann,
        world.patient,
        **HOME,
        onlyIf="no pain",
        askedBy=world.nora.reference,
        encounter=encounter,
        reviewOn="2099",
    )
    await states(world.ann, world.patient, words="No blood", replaces=[f"Observation/{kept['id']}"])
    await states(world.rosa, world.child, words="Tell her before every needle", kind="care-experience-preference")
    ventilation = {"text": "Ventilation", "coding": [{"system": "http://snomed.info/sct", "code": "40617009"}]}
    await states(world.bo, world.patient, about=ventilation, stance="does-not-want", words="Never again")
    for admission, note in (("not-asked", None), ("could-not-be-asked", "asleep"), ("undecided", None)):
        await states(world.bo, world.patient, admission=admission, **({"note": note} if note else {}))
    for in_error in (True, False):
        wrong = await states(world.ann, world.patient, admission="wants-admission")
        body = {"reason": "changed my mind", "inError": in_error}
        said(await world.ann.post(f"/v1/preferences/{wrong['id']}/withdraw", body, version=wrong["version"]), 200)
    entry = feedback(overrideReason={"reason": {"code": "cannot-wait", "system": "urn:coplan:override-reason"}})
    said(await EHR.call(world.ann.http, "/cds-services/coplan-agenda/feedback", {"feedback": [entry]}), 200)
    found: list[Json] = []
    for patient in (world.patient, world.child):
        found += await world.found(f"Observation?patient=Patient/{patient}&_count=500")
        found += await world.found(f"AuditEvent?entity=Patient/{patient}&_count=500")
    targets = ",".join(f"Observation/{r['id']}" for r in found if r["resourceType"] == "Observation")
    found += await world.found(f"Provenance?target={targets}&_count=500")
    return [*found, *(await world.found("AuditEvent?subtype=urn:coplan:act%7Ccard-feedback&_count=500"))]


async def test_the_official_validator_finds_no_error(
    world: World, validator: Path, packages: Path, tmp_path: Path
) -> None:
    resources = await left_by(world)
    preferences = [r for r in resources if r["resourceType"] == "Observation"]
    kinds = {"treatment-intervention": [], "care-experience": []}  # type: dict[str, list[Json]]
    for preference in preferences:
        kind = preference["category"][0]["coding"][0]["code"].removesuffix("-preference")
        kinds[kind].append(preference)
    assert (len(kinds["treatment-intervention"]), len(kinds["care-experience"])) == (8, 1)
    published = [json.loads(Path(str(p)).read_bytes()) for p in FOLDER.iterdir() if p.name[0].isupper()]
    everything = [*resources, *published]

    def errors(name: str, content: list[Json], us_core: str, *more: str) -> list[str]:
        file = tmp_path / f"{name}.ndjson"
        file.write_bytes(b"\n".join(map(encode, content)))
        guides = [part for guide in (*EXTENSIONS, us_core) for part in ("--ig", guide)]
        environment = {**os.environ, "FHIRCHECK_PACKAGES": str(packages), "FHIRCHECK_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [validator, *more, *guides, file], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode in {0, 1}, done.stderr[-2000:]
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        return sorted(
            {f"{where}: {message}" for _, severity, where, message in lines if severity in {"error", "fatal"}}
        )

    assert errors("floor", everything, "hl7.fhir.us.core#6.1.0") == []
    for kind, content in kinds.items():
        assert errors(kind, content, "hl7.fhir.us.core#8.0.0", "--profile", f"{US_CORE}{kind}-preference") == []
