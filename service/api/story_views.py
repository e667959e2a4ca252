"""Answers that tell of more than one resource: threads, progress, plans, and who the caller is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fhir_mappings import model
from fhir_mappings.carrier import Json
from fhir_mappings.narrative import called
from fhir_mappings.wording import Language
from service.api.network_views import NetworkMeasureView
from service.api.person_views import (
    AgendaItemView,
    AgendaList,
    AssessmentView,
    GoalAttainment,
    GoalOnTheWay,
    GoalScores,
    PriorityLists,
    PriorityListSet,
    PriorityListView,
    StatementView,
    WhatMatters,
    names_of,
    open_items,
    priority_lists,
    said_on_the_way,
    scores_of,
    statements,
)
from service.api.question_views import QuestionView
from service.api.step_views import GoalStepsView
from service.api.views import (
    ConceptView,
    Day,
    GoalList,
    GoalView,
    Health,
    KeySet,
    NamingView,
    PersonName,
    ProblemDetails,
    Reference,
    ValueView,
    View,
    day_text,
    people_in,
)
from service.workflows.plans import PlanView
from service.workflows.threads import OfferView, ThreadView


class MessageView(View):
    id: str
    goal: Reference
    sender: Reference
    text: str
    sent: datetime
    recipients: tuple[Reference, ...] = ()
    in_response_to: Reference | None = None

    @classmethod
    def of(cls, message: model.Message) -> "MessageView":
        return cls(
            id=str(message.id),
            goal=message.about,
            sender=message.sender,
            text=message.text,
            sent=message.sent,
            recipients=message.recipients,
            in_response_to=message.in_response_to,
        )


class DifferenceView(View):
    """What an offer says otherwise than the one before; an absent side says nothing."""

    element: str
    before: str | None = None
    after: str | None = None


class StampView(View):
    """Who did what with this text, when and why."""

    who: Reference
    at: datetime
    act: str | None = None
    name: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, stamp: model.Stamp, language: Language, names: Mapping[Reference, str]) -> "StampView":
        name = called(stamp.who, stamp.display, language, names)
        return cls(who=stamp.who, at=stamp.recorded, act=stamp.act, name=name, reason=stamp.reason)


class OfferInThread(View):
    goal: GoalView
    differences: tuple[DifferenceView, ...] = ()
    acts: tuple[StampView, ...] = ()

    @classmethod
    def of(cls, offer: OfferView, language: Language, names: Mapping[Reference, str]) -> "OfferInThread":
        return cls(
            goal=GoalView.of(offer.goal, language, names),
            differences=tuple(
                DifferenceView(element=d.expression, before=d.before, after=d.after) for d in offer.differences
            ),
            acts=tuple(StampView.of(stamp, language, names) for stamp in offer.stamps),
        )


class GoalThread(NamingView):
    """The story of a wish: each offer, how it differs from the one before, who did what and why, what was said."""

    offers: tuple[OfferInThread, ...]
    messages: tuple[MessageView, ...] = ()
    waiting: tuple[QuestionView, ...] = ()
    thread: str | None = None
    people: tuple[PersonName, ...] = ()

    @classmethod
    def of(cls, thread: ThreadView) -> "GoalThread":
        return cls(
            thread=thread.thread,
            offers=tuple(OfferInThread.of(o, thread.language, thread.names) for o in thread.offers),
            messages=tuple(map(MessageView.of, thread.messages)),
            waiting=tuple(QuestionView.of(q, thread.language, thread.names) for q in thread.waiting),
            people=people_in(thread.names),
        )


class MeasurementView(View):
    id: str
    status: str
    measure: ConceptView
    goals: tuple[Reference, ...]
    value: ValueView | None = None
    effective: datetime | None = None
    performers: tuple[Reference, ...] = ()
    note: str | None = None
    patient_supplied: bool = False

    @classmethod
    def of(cls, observation: model.Observation) -> "MeasurementView":
        return cls(
            id=str(observation.id),
            status=observation.status,
            measure=ConceptView.of(observation.code),
            goals=observation.goals,
            value=None if observation.value is None else ValueView.of(observation.value),
            effective=observation.effective,
            performers=observation.performers,
            note=observation.note,
            patient_supplied=observation.patient_supplied,
        )


class CarePlanView(View):
    """`keptHere`: its goals and its narrative are kept by this service. `instantiates`: the programme it came from."""

    id: str
    version: str
    patient: Reference
    status: str
    goals: tuple[Reference, ...] = ()
    title: str | None = None
    kept_here: bool = False
    period_start: Day | None = None
    addresses: tuple[Reference, ...] = ()
    care_teams: tuple[Reference, ...] = ()
    contributors: tuple[Reference, ...] = ()
    activities: tuple[Reference, ...] = ()
    instantiates: str | None = None

    @classmethod
    def of(cls, plan: model.CarePlan) -> "CarePlanView":
        return cls(
            id=str(plan.id),
            version=plan.version or "",
            patient=plan.subject,
            status=plan.status,
            goals=plan.goals,
            title=plan.title,
            kept_here=plan.shared is not None,
            period_start=day_text(plan.period_start),
            addresses=plan.addresses,
            care_teams=plan.care_teams,
            contributors=plan.contributors,
            activities=plan.activities,
            instantiates=plan.instantiates,
        )


class CarePlanWithGoals(View):
    """A plan, and the goals that it links, in its order."""

    care_plan: CarePlanView
    goals: tuple[GoalView, ...] = ()


class CarePlanList(View):
    care_plans: tuple[CarePlanView, ...]


class CareTeamView(View):
    id: str
    name: str | None = None
    members: tuple[Reference, ...] = ()

    @classmethod
    def of(cls, team: Json) -> "CareTeamView":
        members = (p.get("member", {}).get("reference") for p in team.get("participant", []))
        return cls(id=team["id"], name=team.get("name"), members=tuple(m for m in members if m))


class PatientPlan(NamingView):
    """All about a patient's goals: what is to be done for each today and this week, what waits for you and for others,
    what matters first, what comes first for whom, goals with their scores side by side, what is in the way and how
    ready somebody is, plans, latest values, what to talk about, team. `language` is of our words, `people` says who is
    who.
    """

    patient: Reference
    as_of: datetime
    language: str
    what_matters: tuple[StatementView, ...] = ()
    priorities: tuple[PriorityListView, ...] = ()
    goals: tuple[GoalView, ...] = ()
    questions_for_you: tuple[QuestionView, ...] = ()
    waiting_for_others: tuple[QuestionView, ...] = ()
    time_zone: str = "UTC"
    steps: tuple[GoalStepsView, ...] = ()
    latest: tuple[MeasurementView, ...] = ()
    attainment: tuple[GoalScores, ...] = ()
    on_the_way: tuple[GoalOnTheWay, ...] = ()
    agenda: tuple[AgendaItemView, ...] = ()
    care_plans: tuple[CarePlanView, ...] = ()
    care_teams: tuple[CareTeamView, ...] = ()
    people: tuple[PersonName, ...] = ()

    @classmethod
    def of(cls, view: PlanView) -> "PatientPlan":
        language, names = view.language, view.contents.names
        return cls(
            patient=view.patient,
            as_of=view.as_of,
            language=view.language.tag,
            what_matters=statements(view.contents.assessments, view.language),
            priorities=priority_lists(view.contents.priorities, names_of(view.goals, view.contents.assessments)),
            goals=tuple(GoalView.of(g, language, names) for g in view.goals),
            attainment=scores_of(view.goals, view.contents.assessments, language),
            on_the_way=said_on_the_way(view.goals, view.contents.assessments),
            agenda=open_items(view.contents.agenda, language, names),
            questions_for_you=tuple(QuestionView.of(q, language, names) for q in view.questions),
            waiting_for_others=tuple(QuestionView.of(q, language, names) for q in view.waiting),
            time_zone=view.zone.key,
            steps=tuple(GoalStepsView.of(s, view.zone, language, names) for s in view.steps),
            latest=tuple(map(MeasurementView.of, view.latest)),
            care_plans=tuple(map(CarePlanView.of, view.plans)),
            care_teams=tuple(map(CareTeamView.of, view.care_teams)),
            people=people_in(names),
        )


ANSWERS: tuple[Any, ...] = (
    AgendaItemView,
    AgendaList,
    AssessmentView,
    CarePlanList,
    CarePlanView,
    CarePlanWithGoals,
    GoalAttainment,
    GoalList,
    GoalThread,
    GoalView,
    Health,
    KeySet,
    MeasurementView,
    MessageView,
    NetworkMeasureView,
    PatientPlan,
    PriorityListSet,
    PriorityLists,
    ProblemDetails,
    WhatMatters,
)
"""All that a route answers, for openapi.yaml."""
