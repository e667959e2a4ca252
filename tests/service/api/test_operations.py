"""What `GET /v1/me` tells in advance is what happens: each operation, tried with more rights and with less."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import yaml

from fhir_mappings.codes import CONSENT_ACTION
from service.domain.actors import Role
from service.domain.operations import OPERATIONS, WITHOUT_RIGHTS
from tests.attempts import ATTEMPTS, Scene
from tests.conftest import ISSUER, FhirServer, open_world
from tests.people import Person, World

PORTAL = "patient/Goal.cruds patient/CarePlan.rs patient/Observation.crs"
WITHOUT_REPORTS = "getNetworkMeasure"
"""Nothing is published there: whoever may read it is told so by a 404."""


@pytest.fixture
async def here(embedded_server: FhirServer) -> AsyncIterator[World]:
    async with open_world(embedded_server) as world:
        yield world


def with_scope(person: Person, scope: str) -> Person:
    return replace(person, token=ISSUER.token(person.reference, scope=scope))


def application(world: World) -> Person:
    token = ISSUER.token("", scope="system/*.cruds", client_id="warehouse")
    return Person(world.ann.http, "Device/warehouse", token)


async def consents(world: World, action: str) -> None:
    """Mia says what Rosa may."""
    consent = {
        "resourceType": "Consent",
        "id": f"rosa-{world.suffix}",
        "status": "active",
        "scope": {"text": "privacy"},
        "category": [{"text": "privacy"}],
        "patient": {"reference": f"Patient/{world.child}"},
        "provision": {
            "type": "permit",
            "action": [{"coding": [{"system": CONSENT_ACTION, "code": action}]}],
            "actor": [{"role": {"text": "proxy"}, "reference": {"reference": world.rosa.reference}}],
        },
    }
    answer = await world.fhir.put(f"Consent/{consent['id']}", json=consent)
    assert answer.is_success, answer.text


def test_every_operation_is_told_of_or_it_is_said_why_not() -> None:
    paths = yaml.safe_load(Path("openapi.yaml").read_text())["paths"].values()
    documented = [operation["operationId"] for path in paths for operation in path.values()]

    assert sorted(documented) == sorted((*OPERATIONS, *WITHOUT_RIGHTS))
    assert ATTEMPTS.keys() == OPERATIONS.keys()


def is_as_told(name: str, told: bool, answer: httpx.Response) -> bool:
    """What is told is never refused, and what is not told never happens."""
    if not told:
        return not answer.is_success
    return answer.is_success or (name == WITHOUT_REPORTS and answer.status_code == 404)


async def must_be_as_told(scene: Scene, tried: dict[str, Person], names: Iterable[str] = ATTEMPTS) -> None:
    """Each operation by each of these, the least rights first: what was not refused has to be prepared anew."""
    told = {kind: set((await person.sees("/v1/me")).get("operations", ())) for kind, person in tried.items()}
    found = []
    for name in names:
        prepare = ATTEMPTS[name]
        attempt = await prepare(scene)
        for kind, person in tried.items():
            answer = await attempt.by(person)
            if not is_as_told(name, name in told[kind], answer):
                found.append(
                    f"{name} by {kind}: told {name in told[kind]}, but {answer.status_code} {answer.text[:200]}"
                )
            if answer.is_success and attempt.body is not None:
                attempt = await prepare(scene)
    assert not found, "\n".join(found)


async def test_a_patient_is_told_what_each_token_is_good_for(here: World) -> None:
    scene = Scene(here, here.patient, here.ann, here.bo)
    tried = {
        "goals only": with_scope(here.ann, "user/Goal.s"),
        "an application": application(here),
        "to read": with_scope(here.ann, "user/*.rs"),
        "a portal": replace(here.ann, token=ISSUER.token(here.ann.reference, scope=PORTAL, patient=here.patient)),
    }
    await must_be_as_told(scene, tried)


async def test_what_is_for_the_other_side_is_not_told(here: World) -> None:
    """All that is for one's own side is tried with the least scopes below."""
    for me, other, role in ((here.ann, here.bo, Role.PATIENT), (here.bo, here.ann, Role.PRACTITIONER)):
        theirs = [name for name, operation in OPERATIONS.items() if role not in operation.by]
        await must_be_as_told(Scene(here, here.patient, me, other), {"everything": me}, theirs)


async def test_a_mother_is_told_what_can_be_done(here: World) -> None:
    scene = Scene(here, here.child, here.rosa, here.bo)
    await must_be_as_told(scene, {"everything": here.rosa})


async def test_a_mother_is_told_what_the_consent_leaves_her(here: World) -> None:
    """To see and to record: what she may neither way is refused."""
    await consents(here, "collect")
    scene = Scene(here, here.child, here.mia, here.bo)
    await must_be_as_told(scene, {"collect": here.rosa})


async def test_no_scope_that_is_told_can_be_left_out(here: World) -> None:
    """The least that does, and one less: for each operation, by whom it is for."""
    scenes = {
        True: Scene(here, here.patient, here.ann, here.bo),
        False: Scene(here, here.patient, here.bo, here.ann),
    }
    found = []
    for name, operation in OPERATIONS.items():
        scene = scenes[Role.PATIENT in operation.by]
        attempt = await ATTEMPTS[name](scene)
        scopes = [f"user/{resource_type}.{interaction}" for resource_type, interaction in operation.scopes]
        for left_out in scopes:
            rest = " ".join(s for s in scopes if s != left_out) or "user/Device.s"
            answer = await attempt.by(with_scope(scene.me, rest))
            if answer.is_success:
                found.append(f"{name} does not need {left_out}")
                attempt = await ATTEMPTS[name](scene)
        answer = await attempt.by(with_scope(scene.me, " ".join(scopes) or "user/Device.s"))
        if not is_as_told(name, True, answer):
            found.append(f"{name} needs more than {scopes}: {answer.text[:300]}")
    assert not found, "\n".join(found)
