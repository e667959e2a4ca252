"""Answers that ask: what waits, in which words, from whom, and how it is answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec

from fhir_mappings.activities import Activity
from fhir_mappings.activity_offer import question_in_words, reason_of, when_in_words
from fhir_mappings.codes import TaskCode
from fhir_mappings.model import Goal, Task
from fhir_mappings.narrative import called
from fhir_mappings.target import concept_in_words
from fhir_mappings.task import ASK_TO_DO, ASKS
from fhir_mappings.wording import ENGLISH, Language
from service.api.views import Reference, View
from service.domain.questions import Question

GOAL_ANSWERS: Final = {
    TaskCode.APPROVE: {"acceptGoal": "accept", "counterProposeGoal": "counter-proposals", "declineGoal": "decline"},
    TaskCode.FULFILL: {"completeGoal": "complete", "declineGoal": "decline", "sendGoalMessage": "messages"},
    TaskCode.ABORT: {"cancelGoal": "cancel", "declineGoal": "decline", "sendGoalMessage": "messages"},
}
ACTIVITY_ANSWERS: Final = {
    "acceptActivity": "accept",
    "proposeActivityChange": "changes",
    "declineActivity": "decline",
}


class AnswerView(View):
    """One way to answer: an operation, and the path to POST to."""

    operation: Annotated[str, msgspec.Meta(description="operationId", examples=["acceptGoal"])]
    path: Annotated[str, msgspec.Meta(examples=["/v1/goals/knee-walk/accept"])]


class QuestionView(View):
    """Something that waits for an answer: about an offer (`approve`), or about ending a goal (`fulfill`, `abort`).

    `words` says what is asked, with all of what is to be done; `description` what it is about. `version` is for the
    If-Match of the answer.
    """

    task: Reference
    about: str
    words: str
    requested_by: Reference
    requested_by_name: str
    asked_at: datetime
    goal: Reference | None = None
    activity: Reference | None = None
    description: str | None = None
    schedule: Annotated[str, msgspec.Meta(description="When it is to be done, in words")] | None = None
    instead_of: (
        Annotated[Reference, msgspec.Meta(description="What it would replace, or was offered against")] | None
    ) = None
    reason: Annotated[str, msgspec.Meta(description="Why that should change, as somebody said it")] | None = None
    version: str | None = None
    asked: Reference | None = None
    asked_name: str | None = None
    waiting_for_information: bool = False
    proposed_outcome: str | None = None
    answers: tuple[AnswerView, ...] = ()

    @classmethod
    def of(
        cls, question: Question, language: Language = ENGLISH, names: Mapping[str, str] | None = None
    ) -> "QuestionView":
        task, about, names = question.task, question.about, names or {}
        is_goal = task.focus.startswith("Goal/")
        asked = task.owner or "CareTeam/"
        return cls(
            task=task.reference,
            goal=task.focus if is_goal else None,
            activity=None if is_goal else task.focus,
            about=task.code,
            words=_asked(question, language),
            description=_words_of(about),
            **_activity_parts(question, language),
            version=about.version if about else None,
            requested_by=task.requester,
            requested_by_name=called(task.requester, None, language, names),
            asked_at=task.authored_on,
            asked=task.owner,
            asked_name=called(asked, None, language, names),
            waiting_for_information=task.business_status is not None,
            proposed_outcome=task.proposed_outcome,
            answers=_answers(task),
        )


def _asked(question: Question, language: Language) -> str:
    match question.about:
        case Activity() as activity:
            return question_in_words(activity, question.before, language)
        case None if question.task.focus.startswith("ServiceRequest/"):
            return language.say(ASK_TO_DO)
        case _:
            return language.say(ASKS.get(question.task.code, ASKS[TaskCode.APPROVE]))


def _activity_parts(question: Question, language: Language) -> dict[str, str | None]:
    if not isinstance(activity := question.about, Activity):
        return {}
    before = question.before
    return {
        "schedule": when_in_words(activity, language) or None,
        "instead_of": before.reference if before else None,
        "reason": reason_of(activity),
    }


def _words_of(about: Goal | Activity | None) -> str | None:
    match about:
        case Goal():
            return about.description
        case Activity():
            return concept_in_words(about.what)
        case None:
            return None


def _answers(task: Task) -> tuple[AnswerView, ...]:
    kind, _, resource_id = task.focus.partition("/")
    by_act, base = (GOAL_ANSWERS.get(task.code, {}), "goals") if kind == "Goal" else (ACTIVITY_ANSWERS, "activities")
    return tuple(AnswerView(operation=name, path=f"/v1/{base}/{resource_id}/{act}") for name, act in by_act.items())
