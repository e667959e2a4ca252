"""People of a test: synthetic, with tokens of the demo issuer, on a record that no other test shares."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from fhir_mappings.carrier import Json, decode, encode

JSON = {"Content-Type": "application/json"}
FHIR = {"Accept": "application/fhir+json"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token, and the service."""

    http: httpx.AsyncClient
    reference: str
    token: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={"Authorization": f"Bearer {self.token}", **headers})

    async def post(
        self, path: str, body: Any = None, *, version: str | None = None, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """Sends what a portal sends. `version` is what it read; `key` a new one unless the act is repeated."""
        sent = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key or str(uuid4()), **JSON, **headers}
        if version is not None:
            sent["If-Match"] = f'W/"{version}"'
        content = body if isinstance(body, bytes) else encode({} if body is None else body)
        return await self.http.post(path, content=content, headers=sent)

    async def proposes(self, patient: str, words: str, **offer: Any) -> Json:
        """The goal as it was answered."""
        return said(await self.post(f"/v1/patients/{patient}/goals", {"description": words, **offer}), 201)

    async def acts(self, goal: Json, act: str, **body: Any) -> Json:
        """An act on the version at hand; the goal as it was answered."""
        answer = await self.post(f"/v1/goals/{goal['id']}/{act}", body, version=goal["version"])
        return said(answer, 201 if act in {"counter-proposals", "messages", "progress"} else 200)

    async def sees(self, path: str) -> Json:
        return said(await self.get(path), 200)


@dataclass(slots=True)
class MovableClock:
    """The present, or another day in the past: a story that takes weeks is told in a second."""

    behind: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.behind

    def days_ago(self, days: int) -> date:
        """Sets it; the day by UTC."""
        self.behind = timedelta(days=days)
        return self().date()


@dataclass(frozen=True, slots=True)
class World:
    """A patient with a clinician, a mother who speaks for a child, the child herself (an adolescent with a token of her
    own), a man with diabetes (`diabetic` is his id), and people who have nothing to do with them.
    """

    patient: str
    child: str
    stranger: str
    diabetic: str
    ann: Person
    bo: Person
    nora: Person
    rosa: Person
    mia: Person
    dev: Person
    other: Person
    fhir: httpx.AsyncClient
    suffix: str
    clock: MovableClock = field(default_factory=MovableClock)

    async def on_server(self, path: str) -> Json:
        """What the FHIR server itself says: what a plain EHR reads."""
        answer = await self.fhir.get(path, headers={"Cache-Control": "no-cache"})
        assert answer.status_code == 200, answer.text
        resource: Json = decode(answer.content)
        return resource

    async def found(self, path: str) -> list[Json]:
        """The resources of a search on the FHIR server itself."""
        headers = {"Cache-Control": "no-cache"}
        answer = await self.fhir.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in decode(answer.content).get("entry", [])]


def said(answer: httpx.Response, status: int) -> Json:
    """The body, once the status is the expected one."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:2000]}"
    body: Json = decode(answer.content)
    return body


def record(suffix: str) -> Json:
    """Synthetic people in US Core; a transaction of updates."""
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"

    def patient(short: str, family: str) -> Json:
        return {
            "resourceType": "Patient",
            "id": f"{short}-{suffix}",
            "meta": {"profile": [f"{profile}patient"]},
            "identifier": [{"system": "urn:coplan:test-record", "value": f"{short}-{suffix}"}],
            "name": [{"family": family, "given": [short.title()]}],
            "gender": "female",
            "birthDate": "1968-04-02",
        }

    def practitioner(short: str, family: str) -> Json:
        return {
            "resourceType": "Practitioner",
            "id": f"{short}-{suffix}",
            "identifier": [{"system": "urn:coplan:test-staff", "value": f"{short}-{suffix}"}],
            "name": [{"family": family, "given": [short.title()]}],
        }

    rosa = {
        "resourceType": "RelatedPerson",
        "id": f"rosa-{suffix}",
        "meta": {"profile": [f"{profile}relatedperson"]},
        "active": True,
        "patient": {"reference": f"Patient/mia-{suffix}"},
        "relationship": [{"text": "mother"}],
        "name": [{"family": "Moss", "given": ["Rosa"]}],
    }
    clinic = {
        "resourceType": "Organization",
        "id": f"clinic-{suffix}",
        "meta": {"profile": [f"{profile}organization"]},
        "active": True,
        "name": "Test clinic",
    }
    knee = {
        "resourceType": "Condition",
        "id": f"knee-{suffix}",
        "code": {"text": "Injured knee"},
        "subject": {"reference": f"Patient/ann-{suffix}"},
    }

    def team(patient: str, *members: str) -> Json:
        participants = [{"member": {"reference": f"{member}-{suffix}"}} for member in members]
        return {
            "resourceType": "CareTeam",
            "id": f"team-{patient}-{suffix}",
            "status": "active",
            "subject": {"reference": f"Patient/{patient}-{suffix}"},
            "participant": participants,
        }

    clinicians = ("Practitioner/bo", "Practitioner/nora")
    resources = [
        clinic,
        practitioner("bo", "Berg"),
        practitioner("nora", "Nyby"),
        patient("ann", "Ahl"),
        patient("mia", "Moss"),
        patient("dev", "Das"),
        patient("zoe", "Zahl"),
        rosa,
        knee,
        team("ann", "Patient/ann", *clinicians),
        team("mia", "RelatedPerson/rosa", *clinicians),
        team("dev", "Patient/dev", *clinicians),
    ]
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
