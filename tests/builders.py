"""Nouns with defaults: a test says only what it is about."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from fhir_mappings.codes import (
    AcceptanceStatus,
    CarePlanStatus,
    LifecycleStatus,
    ObservationStatus,
    TaskCode,
    TaskStatus,
)
from fhir_mappings.model import Acceptance, CarePlan, Concept, Goal, Note, Task
from fhir_mappings.pco import ATTAINMENT, SCORERS, level_concept
from fhir_mappings.person_centered import Assessment, AssessmentKind
from service.domain.actors import Actor, Role
from service.domain.policy import DEFAULT_POLICY, Policy
from service.domain.thread import Change, Occasion, Thread

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
PATIENT, CLINICIAN, MOTHER, NURSE = "Patient/ann", "Practitioner/bo", "RelatedPerson/rosa", "Practitioner/nora"
AGREE, DISAGREE, PENDING = AcceptanceStatus.AGREE, AcceptanceStatus.DISAGREE, AcceptanceStatus.PENDING


def an_actor(reference: str = PATIENT, **parts: Any) -> Actor:
    role = Role(reference.partition("/")[0])
    given = {
        "client_id": "portal",
        "issuer": "urn:test",
        "scopes": frozenset({"user/*.cruds"}),
        "patients": frozenset({PATIENT}),
        "display": None,
    }
    return Actor(reference, role, **given | parts)


def an_occasion(reference: str = PATIENT, *, policy: Policy = DEFAULT_POLICY) -> Occasion:
    ids: Iterator[int] = count(1)
    return Occasion(an_actor(reference), NOW, policy, lambda: f"urn:uuid:{next(ids)}")


def a_goal(status: str = "proposed", **parts: Any) -> Goal:
    """Offered by the patient to a clinician, unless said otherwise."""
    goal = Goal(
        id="g1",
        version="1",
        subject=PATIENT,
        description="Walk to the shops",
        lifecycle_status=LifecycleStatus(status),
        expressed_by=PATIENT,
        acceptances=accepted({PATIENT: AGREE, CLINICIAN: PENDING}),
        notes=(Note("Offered", PATIENT, NOW),),
        thread="t1",
    )
    return replace(goal, **parts)


def an_agreed_goal(status: str = "active", **parts: Any) -> Goal:
    return a_goal(status, **{"acceptances": accepted({PATIENT: AGREE, CLINICIAN: AGREE}), **parts})


def accepted(positions: dict[str, AcceptanceStatus]) -> tuple[Acceptance, ...]:
    return tuple(Acceptance(individual, status) for individual, status in positions.items())


def a_task(**parts: Any) -> Task:
    task = Task(
        id="k1",
        version="1",
        code=TaskCode.APPROVE,
        status=TaskStatus.REQUESTED,
        subject=PATIENT,
        focus="Goal/g1",
        requester=PATIENT,
        owner=CLINICIAN,
        authored_on=NOW,
        last_modified=NOW,
        thread="t1",
    )
    return replace(task, **parts)


def a_plan(**parts: Any) -> CarePlan:
    plan = CarePlan(subject=PATIENT, status=CarePlanStatus.ACTIVE, id="p1", version="1", title="Plan", shared="ann")
    return replace(plan, **parts)


def an_assessment(kind: AssessmentKind, code: Concept, value: Any = None, **parts: Any) -> Assessment:
    """Said by the patient of the goal `g1`, unless said otherwise."""
    said = Assessment(
        id="o1",
        version="1",
        kind=kind,
        subject=PATIENT,
        status=ObservationStatus.FINAL,
        code=code,
        value=value,
        effective=NOW,
        performer=PATIENT,
        goal="Goal/g1",
    )
    return replace(said, **parts)


def a_score(score: int, scorer: str = PATIENT, **parts: Any) -> Assessment:
    code = ATTAINMENT.concept(SCORERS[scorer.partition("/")[0]])
    return an_assessment(AssessmentKind.ATTAINMENT, code, level_concept(score), performer=scorer, **parts)


def a_thread(*goals: Goal, tasks: tuple[Task, ...] = (), plan: CarePlan | None = None) -> Thread:
    return Thread(goals, tasks, plan)


def statuses(change: Change) -> dict[str, str]:
    """The Tasks of a change, by id."""
    return {t.reference: str(t.status) for t in change.tasks}
