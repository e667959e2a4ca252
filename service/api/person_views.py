"""Answers about attainment, what matters, priorities and the agenda of a visit."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from fhir_mappings import model
from fhir_mappings.attainment import NAMES
from fhir_mappings.narrative import VALID, called, latest_scores
from fhir_mappings.pco import READINESS, rating_of, score_of, scorer_of
from fhir_mappings.person_centered import AgendaItem, Assessment, AssessmentKind, PriorityList
from fhir_mappings.target import concept_in_words
from fhir_mappings.wording import ENGLISH, Language
from service.api.views import ConceptView, Day, LevelView, Reference, View, day_text
from service.domain.agenda import in_order
from service.domain.priorities import in_force
from service.workflows.attainment import AttainmentView, PersonView


class ScoreView(View):
    """One score: a level of a scaled goal, -2 to +2."""

    id: str
    score: int
    name: str
    by: Reference | None = None
    at: datetime | None = None
    note: str | None = None

    @classmethod
    def of(cls, assessment: Assessment, language: Language) -> "ScoreView":
        score = score_of(assessment.value) or 0
        return cls(
            id=str(assessment.id),
            score=score,
            name=language.say(NAMES[score]),
            by=assessment.performer,
            at=assessment.effective,
            note=assessment.note,
        )


class GoalScores(View):
    """The latest score of each side."""

    goal: Reference
    patient: ScoreView | None = None
    family: ScoreView | None = None
    care_team: ScoreView | None = None

    @classmethod
    def of(cls, goal: model.Goal, assessments: Iterable[Assessment], language: Language) -> "GoalScores":
        found = latest_scores(goal.reference, assessments)
        latest = {scorer: ScoreView.of(a, language) for scorer, a in found.items() if score_of(a.value) is not None}
        return cls(
            goal=goal.reference,
            patient=latest.get("Patient"),
            family=latest.get("RelatedPerson"),
            care_team=latest.get("Practitioner"),
        )


class BarrierView(View):
    """What is in the way, in words or coded."""

    id: str
    text: str
    concept: ConceptView | None = None
    by: Reference | None = None
    at: datetime | None = None
    note: str | None = None

    @classmethod
    def of(cls, barrier: Assessment) -> "BarrierView":
        coded = barrier.value if isinstance(barrier.value, model.Concept) else None
        return cls(
            id=str(barrier.id),
            text=concept_in_words(coded) if coded else str(barrier.value or ""),
            concept=ConceptView.of(coded) if coded else None,
            by=barrier.performer,
            at=barrier.effective,
            note=barrier.note,
        )


class ReadinessView(View):
    """0 to 10: how much it matters, or how sure somebody is to get there."""

    id: str
    about: Annotated[str, msgspec.Meta(description="`importance` or `confidence`")]
    rating: int
    by: Reference | None = None
    at: datetime | None = None


class PromScoreView(View):
    """Points of a patient-reported outcome measure."""

    id: str
    value: Decimal
    unit: str
    by: Reference | None = None
    at: datetime | None = None


class GoalAttainment(View):
    """How far a goal is, as each side sees it, and what was said on the way; oldest first."""

    goal: Reference
    levels: tuple[LevelView, ...] = ()
    latest: GoalScores | None = None
    patient: tuple[ScoreView, ...] = ()
    family: tuple[ScoreView, ...] = ()
    care_team: tuple[ScoreView, ...] = ()
    proms: tuple[PromScoreView, ...] = ()
    barriers: tuple[BarrierView, ...] = ()
    readiness: tuple[ReadinessView, ...] = ()

    @classmethod
    def of(cls, view: AttainmentView, language: Language) -> "GoalAttainment":
        scored = [a for a in view.assessments if score_of(a.value) is not None]

        def by(scorer: str) -> tuple[ScoreView, ...]:
            return tuple(ScoreView.of(a, language) for a in scored if scorer_of(a.code) == scorer)

        return cls(
            goal=view.goal.reference,
            levels=tuple(LevelView.of(level, language) for level in view.goal.levels),
            latest=GoalScores.of(view.goal, view.assessments, language) if scored else None,
            patient=by("Patient"),
            family=by("RelatedPerson"),
            care_team=by("Practitioner"),
            proms=tuple(p for a in view.assessments for p in _prom(a)),
            barriers=tuple(BarrierView.of(a) for a in view.assessments if a.kind is AssessmentKind.BARRIER),
            readiness=tuple(r for a in view.assessments for r in _readiness(a)),
        )


class GoalOnTheWay(View):
    """What is in the way of a goal, and the latest that each said of how much it matters and how sure they are."""

    goal: Reference
    barriers: tuple[BarrierView, ...] = ()
    readiness: tuple[ReadinessView, ...] = ()


class AssessmentView(View):
    """What was said, as it stands: a score, a barrier, readiness, what matters."""

    id: str
    version: str
    patient: Reference
    status: str
    code: ConceptView
    goal: Reference | None = None
    text: str | None = None
    score: Annotated[int, msgspec.Meta(description="-2 to +2, of a scaled goal")] | None = None
    rating: Annotated[int, msgspec.Meta(description="0 to 10, of readiness")] | None = None
    value: Annotated[Decimal, msgspec.Meta(description="Points of a PROM")] | None = None
    members: tuple[Reference, ...] = ()
    by: Reference | None = None
    at: datetime | None = None
    note: str | None = None
    visibility: str = "shared"

    @classmethod
    def of(cls, assessment: Assessment, language: Language) -> "AssessmentView":
        value, score = assessment.value, score_of(assessment.value)
        coded = concept_in_words(value) or None if isinstance(value, model.Concept) else None
        coded = coded if score is None else language.say(NAMES[score])
        return cls(
            id=str(assessment.id),
            version=assessment.version or "",
            patient=assessment.subject,
            status=assessment.status,
            code=ConceptView.of(assessment.code),
            goal=assessment.goal,
            text=value if isinstance(value, str) else coded,
            score=score,
            rating=rating_of(value),
            value=value.value if isinstance(value, model.Quantity) else None,
            members=assessment.members,
            by=assessment.performer,
            at=assessment.effective,
            note=assessment.note,
            visibility=_visibility(assessment.private),
        )


class StatementView(View):
    """What matters to somebody, in their own words. `heading` is ours."""

    id: str
    about: str
    heading: str
    text: str
    by: Reference | None = None
    at: datetime | None = None
    visibility: str = "shared"


class WhatMatters(View):
    what_matters: tuple[StatementView, ...] = ()
    language: str = "en"

    @classmethod
    def of(cls, view: PersonView) -> "WhatMatters":
        return cls(what_matters=statements(view.statements, view.language), language=view.language.tag)


class PriorityView(View):
    reference: Reference
    text: str


class PriorityListView(View):
    """What comes first for one party, in order."""

    by: Reference
    date: datetime
    items: tuple[PriorityView, ...] = ()
    visibility: str = "shared"


class PriorityListSet(View):
    """One party's order as it stands now."""

    id: str
    version: str
    patient: Reference
    by: Reference
    date: datetime
    items: tuple[Reference, ...] = ()
    visibility: str = "shared"

    @classmethod
    def of(cls, priorities: PriorityList) -> "PriorityListSet":
        return cls(
            id=str(priorities.id),
            version=priorities.version or "",
            patient=priorities.subject,
            by=priorities.source,
            date=priorities.date,
            items=priorities.items,
            visibility=_visibility(priorities.private),
        )


class PriorityLists(View):
    """Each party's order; the patient's first."""

    priorities: tuple[PriorityListView, ...] = ()

    @classmethod
    def of(cls, view: PersonView) -> "PriorityLists":
        return cls(priorities=priority_lists(view.priorities, view.names))


class AgendaItemView(View):
    """A question or a topic for a visit. Without a visit it is for the next one."""

    id: str
    version: str
    kind: str
    text: str
    by: Reference
    added: datetime
    status: Annotated[str, msgspec.Meta(description="`active`, `completed` (talked about) or `revoked` (taken off)")]
    name: str | None = None
    goal: Reference | None = None
    visit: Reference | None = None
    day: Day | None = None
    outcome: str | None = None
    closed_by: Reference | None = None
    closed_at: datetime | None = None
    visibility: str = "shared"

    @classmethod
    def of(
        cls, item: AgendaItem, language: Language = ENGLISH, names: Mapping[Reference, str] | None = None
    ) -> "AgendaItemView":
        return cls(
            id=str(item.id),
            version=item.version or "",
            kind=item.kind,
            text=item.text,
            by=item.requester,
            name=called(item.requester, item.display, language, names or {}),
            added=item.authored_on,
            status=item.status,
            goal=item.goal,
            visit=item.visit.reference,
            day=day_text(item.visit.day),
            outcome=item.outcome,
            closed_by=item.closed_by,
            closed_at=item.closed_at,
            visibility=_visibility(item.private),
        )


class AgendaList(View):
    """By visit, those for the next one last; then as they were raised."""

    items: tuple[AgendaItemView, ...] = ()


def statements(assessments: Iterable[Assessment], language: Language) -> tuple[StatementView, ...]:
    """What matters, oldest first."""
    stated = (a for a in assessments if a.kind is AssessmentKind.WHAT_MATTERS and a.status in VALID)
    return tuple(
        StatementView(
            id=str(a.id),
            about=next((c.code for c in a.code.codings if c.code), ""),
            heading=language.say(concept_in_words(a.code)),
            text=a.value,
            by=a.performer,
            at=a.effective,
            visibility=_visibility(a.private),
        )
        for a in sorted(stated, key=lambda a: a.effective.isoformat() if a.effective else "")
        if isinstance(a.value, str)
    )


def names_of(goals: Iterable[model.Goal], assessments: Iterable[Assessment]) -> Mapping[Reference, str]:
    """The words of what a priority list can name."""
    said = {a.reference: a.value for a in assessments if isinstance(a.value, str) and a.status in VALID}
    return {g.reference: g.description for g in goals} | said


def priority_lists(lists: Iterable[PriorityList], names: Mapping[Reference, str]) -> tuple[PriorityListView, ...]:
    """Each party's order; what has no words here (any more) is left out."""
    return tuple(
        PriorityListView(
            by=p.source,
            date=p.date,
            items=tuple(PriorityView(reference=r, text=names[r]) for r in p.items if r in names),
            visibility=_visibility(p.private),
        )
        for p in in_force(lists)
    )


def scores_of(
    goals: Iterable[model.Goal], assessments: tuple[Assessment, ...], language: Language
) -> tuple[GoalScores, ...]:
    """The latest scores of each goal that has any."""
    return tuple(GoalScores.of(g, assessments, language) for g in goals if latest_scores(g.reference, assessments))


def said_on_the_way(goals: Iterable[model.Goal], assessments: Iterable[Assessment]) -> tuple[GoalOnTheWay, ...]:
    """Of each goal of which something was said: barriers, oldest first, and the latest readiness of each person."""
    valid = (a for a in assessments if a.status in VALID)
    said = sorted(valid, key=lambda a: a.effective.isoformat() if a.effective else "")
    found = (_on_the_way(g.reference, [a for a in said if a.goal == g.reference]) for g in goals)
    return tuple(f for f in found if f.barriers or f.readiness)


def _on_the_way(goal: Reference, said: Iterable[Assessment]) -> GoalOnTheWay:
    said = tuple(said)
    barriers = tuple(BarrierView.of(a) for a in said if a.kind is AssessmentKind.BARRIER)
    latest = {(r.about, r.by): r for a in said for r in _readiness(a)}
    return GoalOnTheWay(goal=goal, barriers=barriers, readiness=tuple(latest.values()))


def open_items(
    items: Iterable[AgendaItem], language: Language, names: Mapping[Reference, str]
) -> tuple[AgendaItemView, ...]:
    """What is still to be talked about."""
    return tuple(AgendaItemView.of(i, language, names) for i in in_order(items) if i.status == "active")


def _readiness(assessment: Assessment) -> Iterable[ReadinessView]:
    code, rating = READINESS.code_in(assessment.code), rating_of(assessment.value)
    if code is not None and rating is not None:
        yield ReadinessView(
            id=str(assessment.id), about=code, rating=rating, by=assessment.performer, at=assessment.effective
        )


def _prom(assessment: Assessment) -> Iterable[PromScoreView]:
    value = assessment.value
    if assessment.kind is AssessmentKind.PROM and isinstance(value, model.Quantity):
        yield PromScoreView(
            id=str(assessment.id),
            value=value.value,
            unit=value.unit or value.code,
            by=assessment.performer,
            at=assessment.effective,
        )


def _visibility(private: bool) -> str:
    return "private" if private else "shared"
