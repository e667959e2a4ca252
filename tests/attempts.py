"""One request for each operation, prepared so that nothing but a right can stand in its way.

What `GET /v1/me` tells in advance is held against what becomes of these.
"""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import uuid4

import httpx

from fhir_mappings.carrier import Json
from service.api.template_examples import CONTENT
from tests.people import Person, World, said

WHY: Final = {"reason": "The knee is swollen since Sunday."}
MEASURED: Final = {
    "value": {"text": "ten minutes"},
    "effective": "2026-11-01T10:00:00Z",
    "measure": {"text": "Minutes"},
}
WEIGHT: Final = {"what": "weight", "value": 70, "unit": "kg", "effective": "2026-11-01T10:00:00Z"}
LEVELS: Final = [{"score": s, "text": f"Level {s} of the walk"} for s in (2, 1, 0, -1, -2)]


@dataclass(frozen=True, slots=True)
class Scene:
    """About whom it is, who tries, and who has an opposite side to be asked; all of them with every scope.

    `me` prepares what has to be the actor's own. Whoever tries may have less: another token of the same person.
    """

    world: World
    patient: str
    me: Person
    other: Person

    @property
    def clinician(self) -> Person:
        return self.me if self.me.reference.startswith("Practitioner/") else self.other

    @property
    def patients_side(self) -> Person:
        return self.other if self.clinician is self.me else self.me

    async def offer(self, by: Person, **parts: Any) -> Json:
        return await by.proposes(self.patient, "Walk to the shops again", **parts)

    async def agreed(self, **parts: Any) -> Json:
        return await self.me.acts(await self.offer(self.other, **parts), "accept")

    async def plan(self) -> Json:
        found = await self.me.sees(f"/v1/patients/{self.patient}/care-plans")
        for plan in found["carePlans"]:
            if not plan.get("private"):
                return dict(plan)
        await self.agreed()
        return await self.plan()

    async def activity(self, by: Person, **parts: Any) -> Json:
        body = {"description": "Knee exercises", "schedule": {"when": ["HS"]}, **parts}
        return said(await by.post(f"/v1/care-plans/{(await self.plan())['id']}/activities", body), 201)

    async def exercises(self) -> Json:
        """Going on, with the patient's yes."""
        planned = await self.activity(self.clinician)
        return await acts(self.patients_side, "activities", planned, "accept")

    async def report(self, activity: Json) -> Json:
        body = {"occurrence": self.occurrence, "outcome": "done"}
        return said(await self.me.post(f"/v1/activities/{activity['id']}/reports", body), 201)

    @property
    def occurrence(self) -> str:
        return f"{self.world.clock().date()}.HS"

    async def weighed(self) -> Json:
        body = {"items": [{"id": str(uuid4()), **WEIGHT}]}
        answer = await self.me.post(f"/v1/patients/{self.patient}/observations", body)
        stored = said(answer, 200)["results"][0]
        return await self.me.sees(f"/v1/observations/{stored['observation'].partition('/')[2]}")

    async def barrier(self) -> Json:
        goal = await self.agreed()
        return said(await self.me.post(f"/v1/goals/{goal['id']}/barriers", {"text": "The stairs"}), 201)

    async def item(self) -> Json:
        return said(
            await self.me.post(f"/v1/patients/{self.patient}/agenda", {"text": "May I?", "kind": "question"}), 201
        )

    async def preference(self) -> Json:
        path = f"/v1/patients/{self.patient}/preferences"
        return said(await self.me.post(path, {"words": "At home", "admission": "prefers-home"}), 201)

    async def draft(self, by: Person | None = None) -> Json:
        return said(await (by or self.me).post("/v1/templates", deepcopy(CONTENT)), 201)

    async def endorsed(self) -> Json:
        """By one of each side."""
        first = await acts(self.world.ann, "templates", await self.draft(self.world.bo), "endorsements")
        return await acts(self.world.nora, "templates", first, "endorsements")

    async def released(self) -> Json:
        return await acts(self.world.bo, "templates", await self.endorsed(), "release")


async def acts(by: Person, kind: str, on: Json, act: str, **body: Any) -> Json:
    answer = await by.post(f"/v1/{kind}/{on['id']}/{act}", body, version=on["version"])
    assert answer.is_success, answer.text
    return dict(answer.json())


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that is still to be sent."""

    path: str
    body: Json | None = None
    version: str | None = None

    async def by(self, person: Person) -> httpx.Response:
        if self.body is None:
            return await person.get(self.path)
        return await person.post(self.path, self.body, version=self.version)


Prepare: TypeAlias = Callable[[Scene], Awaitable[Attempt]]


def _get(path: str) -> Prepare:
    async def prepare(scene: Scene) -> Attempt:
        return Attempt(path.replace("{patient}", scene.patient).replace("{clinic}", f"clinic-{scene.world.suffix}"))

    return prepare


def _new(path: str, body: Json) -> Prepare:
    async def prepare(scene: Scene) -> Attempt:
        return Attempt(f"/v1/patients/{scene.patient}/{path}", body)

    return prepare


def _on(kind: str, subject: Callable[[Scene], Awaitable[Json]], act: str = "", body: Json | None = None) -> Prepare:
    async def prepare(scene: Scene) -> Attempt:
        on = await subject(scene)
        return Attempt(f"/v1/{kind}/{on['id']}{act and '/'}{act}", body, on["version"] if body is not None else None)

    return prepare


async def _theirs(scene: Scene) -> Json:
    return await scene.offer(scene.other)


async def _mine(scene: Scene) -> Json:
    return await scene.offer(scene.me)


async def _with_a_barrier(scene: Scene) -> Json:
    """Which is labelled along with the goal."""
    goal = await scene.agreed()
    said(await scene.other.post(f"/v1/goals/{goal['id']}/barriers", {"text": "The stairs"}), 201)
    return goal


async def _held(scene: Scene) -> Json:
    return await scene.me.acts(await scene.agreed(), "hold", **WHY)


async def _scaled(scene: Scene) -> Json:
    return await scene.agreed(levels=LEVELS)


async def _proposed_activity(scene: Scene) -> Json:
    """To me: a patient who plans asks a performer, and a clinician the patient."""
    if scene.me is scene.clinician:
        return await scene.activity(scene.other, performers=[scene.me.reference])
    return await scene.activity(scene.other)


async def _paused(scene: Scene) -> Json:
    return await acts(scene.me, "activities", await scene.exercises(), "hold", **WHY)


async def _priorities(scene: Scene) -> Attempt:
    goal = await scene.agreed()
    return Attempt(f"/v1/patients/{scene.patient}/priorities", {"items": [f"Goal/{goal['id']}"]})


async def _carry_over(scene: Scene) -> Attempt:
    await scene.item()
    return Attempt(f"/v1/patients/{scene.patient}/agenda/carry-over", {"visit": {"day": "2027-03-16"}})


async def _link(scene: Scene) -> Attempt:
    goal = await scene.agreed()
    plan = said(await scene.world.bo.post(f"/v1/patients/{scene.patient}/care-plans", {"title": "Another"}), 201)
    return Attempt(f"/v1/care-plans/{plan['id']}/goals", {"goal": goal["id"]}, plan["version"])


async def _plan_activity(scene: Scene) -> Attempt:
    """The other side is asked."""
    plan = await scene.plan()
    performers = [scene.clinician.reference] if scene.me is scene.patients_side else []
    body = {"description": "Exercises", "schedule": {"when": ["HS"]}, "performers": performers}
    return Attempt(f"/v1/care-plans/{plan['id']}/activities", body)


async def _report_activity(scene: Scene) -> Attempt:
    done = await scene.exercises()
    return Attempt(f"/v1/activities/{done['id']}/reports", {"occurrence": scene.occurrence, "outcome": "done"})


async def _read_report(scene: Scene) -> Attempt:
    done = await scene.exercises()
    report = await scene.report(done)
    return Attempt(f"/v1/activities/{done['id']}/reports/{report['id']}")


async def _correct_report(scene: Scene) -> Attempt:
    done = await scene.exercises()
    report = await scene.report(done)
    path = f"/v1/activities/{done['id']}/reports/{report['id']}/correct"
    return Attempt(path, {"outcome": "partly", **WHY}, report["version"])


async def _resolve(scene: Scene) -> Attempt:
    objected = await acts(scene.me, "templates", await scene.draft(scene.world.bo), "objections", text="Too much")
    return Attempt(
        f"/v1/templates/{objected['id']}/objections/{objected['remarks'][0]['id']}/resolve", {"text": "Fine"}
    )


async def _withdraw_naming(scene: Scene) -> Attempt:
    template = await acts(scene.me, "templates", await scene.draft(scene.world.bo), "endorsements", nameMe=True)
    return Attempt(f"/v1/templates/{template['id']}/withdraw-naming", {})


async def _apply(scene: Scene) -> Attempt:
    body = {"template": (await scene.released())["id"], "practitioner": scene.clinician.reference}
    return Attempt(f"/v1/patients/{scene.patient}/apply-template", body)


async def _anybodys_draft(scene: Scene) -> Json:
    return await scene.draft(scene.world.bo)


_PATIENT = "/v1/patients/{patient}/"
_OF_MINE: Final = Scene.weighed
ATTEMPTS: Final[Mapping[str, Prepare]] = {
    "proposeGoal": _new("goals", {"description": "Walk to the shops again"}),
    "counterProposeGoal": _on("goals", _theirs, "counter-proposals", {"description": "Walk to the bus", **WHY}),
    "acceptGoal": _on("goals", _theirs, "accept", {}),
    "declineGoal": _on("goals", _theirs, "decline", WHY),
    "agreeToDisagree": _on("goals", _theirs, "agree-to-disagree", WHY),
    "withdrawGoal": _on("goals", _mine, "withdraw", {}),
    "holdGoal": _on("goals", Scene.agreed, "hold", WHY),
    "resumeGoal": _on("goals", _held, "resume", WHY),
    "completeGoal": _on("goals", Scene.agreed, "complete", {"outcome": "achieved"}),
    "cancelGoal": _on("goals", Scene.agreed, "cancel", WHY),
    "markGoalEnteredInError": _on("goals", _mine, "entered-in-error", WHY),
    "sendGoalMessage": _on("goals", Scene.agreed, "messages", {"text": "May I?"}),
    "recordProgress": _on("goals", Scene.agreed, "progress", MEASURED),
    "listGoals": _get(f"{_PATIENT}goals"),
    "getGoal": _on("goals", Scene.agreed),
    "getGoalThread": _on("goals", Scene.agreed, "thread"),
    "getGoalProgress": _on("goals", Scene.agreed, "progress"),
    "getGoalRunChart": _on("goals", Scene.agreed, "run-chart"),
    "getTrackedRunChart": _get(f"{_PATIENT}run-chart?code=weight"),
    "listTrackables": _get("/v1/tracking/catalog"),
    "recordObservations": _new("observations", {"items": [{"id": "phone-1", **WEIGHT}]}),
    "listObservations": _get(f"{_PATIENT}observations"),
    "getObservation": _on("observations", _OF_MINE),
    "amendObservation": _on("observations", _OF_MINE, "amend", {"value": 71, **WHY}),
    "markObservationEnteredInError": _on("observations", _OF_MINE, "entered-in-error", WHY),
    "recordScore": _on("goals", _scaled, "scores", {"score": 0, "effective": "2026-11-01T10:00:00Z"}),
    "getGoalAttainment": _on("goals", _scaled, "attainment"),
    "addBarrier": _on("goals", Scene.agreed, "barriers", {"text": "The stairs"}),
    "recordReadiness": _on("goals", Scene.agreed, "readiness", {"importance": 9, "confidence": 6}),
    "sayWhatMatters": _new("what-matters", {"text": "My friends", "about": "relationships"}),
    "listWhatMatters": _get(f"{_PATIENT}what-matters"),
    "setPriorities": _priorities,
    "listPriorities": _get(f"{_PATIENT}priorities"),
    "markAssessmentEnteredInError": _on("assessments", Scene.barrier, "entered-in-error", WHY),
    "changeGoalVisibility": _on("goals", _with_a_barrier, "visibility", {"visibility": "private"}),
    "addAgendaItem": _new("agenda", {"text": "May I?", "kind": "question"}),
    "listAgenda": _get(f"{_PATIENT}agenda"),
    "closeAgendaItem": _on("agenda-items", Scene.item, "close", {"outcome": "Yes"}),
    "carryOverAgenda": _carry_over,
    "getPatientPlan": _get(f"{_PATIENT}plan"),
    "openCarePlan": _new("care-plans", {"title": "Back on my feet"}),
    "listCarePlans": _get(f"{_PATIENT}care-plans"),
    "getCarePlan": _on("care-plans", Scene.plan),
    "linkGoal": _link,
    "planActivity": _plan_activity,
    "listActivities": _get(f"{_PATIENT}activities"),
    "getActivity": _on("activities", Scene.exercises),
    "acceptActivity": _on("activities", _proposed_activity, "accept", {}),
    "declineActivity": _on("activities", _proposed_activity, "decline", WHY),
    "proposeActivityChange": _on("activities", Scene.exercises, "changes", {"schedule": {"when": ["MORN"]}, **WHY}),
    "holdActivity": _on("activities", Scene.exercises, "hold", WHY),
    "resumeActivity": _on("activities", _paused, "resume", WHY),
    "stopActivity": _on("activities", Scene.exercises, "stop", WHY),
    "reportActivity": _report_activity,
    "getActivityReport": _read_report,
    "correctActivityReport": _correct_report,
    "getAdherence": _on("activities", Scene.exercises, "adherence"),
    "suggestSmallerActivity": _on("activities", Scene.exercises, "smaller"),
    "getToday": _get(f"{_PATIENT}today"),
    "getWeek": _get(f"{_PATIENT}week"),
    "listTemplates": _get("/v1/templates"),
    "draftTemplate": lambda _: _settled(Attempt("/v1/templates", deepcopy(CONTENT))),
    "getTemplate": _on("templates", _anybodys_draft),
    "getReleaseGate": _on("templates", _anybodys_draft, "gate"),
    "reviseTemplate": _on("templates", _anybodys_draft, "revise", deepcopy(CONTENT)),
    "startTemplateVersion": _on("templates", Scene.released, "versions", {}),
    "commentTemplate": _on("templates", _anybodys_draft, "comments", {"text": "Pictures?"}),
    "objectToTemplate": _on("templates", _anybodys_draft, "objections", {"text": "Too much"}),
    "resolveTemplateObjection": _resolve,
    "endorseTemplate": _on("templates", _anybodys_draft, "endorsements", {}),
    "releaseTemplate": _on("templates", Scene.endorsed, "release", {}),
    "retireTemplate": _on("templates", Scene.released, "retire", WHY),
    "withdrawTemplateNaming": _withdraw_naming,
    "applyTemplate": _apply,
    "statePreference": _new("preferences", {"words": "At home", "admission": "prefers-home"}),
    "listPreferences": _get(f"{_PATIENT}preferences"),
    "getCurrentPreferences": _get(f"{_PATIENT}preferences/current"),
    "getPreference": _on("preferences", Scene.preference),
    "withdrawPreference": _on("preferences", Scene.preference, "withdraw", WHY),
    "listConflicts": _get(f"{_PATIENT}conflicts"),
    "getAskedFirst": _get(f"{_PATIENT}asked-first"),
    "getCardFeedback": _get("/v1/decision-support/feedback"),
    "getNetworkMeasure": _get("/v1/networks/{clinic}/measures/remission-pga"),
}
"""By operationId. Whether the operation then finds anything to do is another matter: a 404 of a network without reports
is an answer, a 403 is a refusal.
"""


async def _settled(attempt: Attempt) -> Attempt:
    return attempt
