"""Scaling a goal and scoring it. The rules in words: docs/attainment.md.

Source: https://hl7.org/fhir/us/pco/STU1/
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from fhir_mappings.codes import AchievementStatus, Act, LifecycleStatus, ObservationStatus
from fhir_mappings.model import CarePlan, Concept, Goal, Level, Quantity, Reference, Target
from fhir_mappings.narrative import latest_scores
from fhir_mappings.pco import (
    ATTAINMENT,
    BARRIER,
    CATEGORIES,
    DOMAINS,
    EXPECTED,
    READINESS,
    SCORERS,
    WHAT_MATTERS,
    is_prom,
    is_scaled,
    level_concept,
    rating_concept,
    score_of,
)
from fhir_mappings.person_centered import Assessment, AssessmentKind
from service.domain.amounts import taken
from service.domain.catalogue import Catalogue
from service.domain.lifecycle import AGREED, OPEN, must_be
from service.domain.thread import Change, Occasion
from service.domain.visibility import must_be_private_by_right
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed

REACHED: Final = frozenset({AchievementStatus.ACHIEVED, AchievementStatus.SUSTAINING})
MAX_LEVELS: Final = 5


def categories_of(categories: tuple[Concept, ...], *, scaled: bool) -> tuple[Concept, ...]:
    """The categories of a goal; one that is scaled is person-centered, whatever else it is."""
    if not scaled or any(CATEGORIES.code_in(c) for c in categories):
        return categories
    return (CATEGORIES.concept("person-centered"), *categories)


def must_scale(levels: Sequence[Level], targets: Sequence[Target]) -> None:
    """Refuses levels that could be taken one for the other, and a second scale beside them.

    Raises:
        InvalidContent: names the level or the target.
    """
    counted = Counter(level.score for level in levels)
    flaws = [
        Flaw(f"levels[{i}].score", "comes twice: each level is said once", "duplicate")
        for i, level in enumerate(levels)
        if counted[level.score] > 1
    ]
    measured = ((i, t.measure) for i, t in enumerate(targets) if levels and t.measure)
    flaws += [
        Flaw(f"targets[{i}].measure", "stands beside levels: say there what is to be reached", "business-rule")
        for i, measure in measured
        if not ATTAINMENT.code_in(measure)
    ]
    if levels and EXPECTED not in counted:
        flaws.append(Flaw("levels", "lack 0, the expected level: the others are told from it", "required"))
    if flaws:
        raise InvalidContent(*flaws)


def score(  # one keyword per element of the Observation that a caller may choose
    goal: Goal,
    scored: int | Quantity,
    effective: datetime,
    occasion: Occasion,
    *,
    catalogue: Catalogue,
    note: str | None = None,
    confirmed: bool = False,
    plan: CarePlan | None = None,
) -> Change:
    """How far the goal is, as the actor sees it: a level for a scaled goal, an amount for a PROM.

    The code of a level says who scored, so it follows from the actor.

    Raises:
        TransitionNotAllowed: the goal is neither agreed nor completed.
        InvalidContent: the goal has no levels, or no PROM in its target; or the unit is another than the target's;
            or no such amount can be meant.
    """
    must_be(goal, AGREED | {LifecycleStatus.COMPLETED}, "scored: it is not agreed")
    if isinstance(scored, Quantity):
        kind, code = AssessmentKind.PROM, _prom(goal, scored)
        value: Concept | Quantity
        value, sent = taken(scored, code, catalogue, "value", confirmed=confirmed)
        note = " ".join(filter(None, (note, sent))) or None
    else:
        kind, code, value = AssessmentKind.ATTAINMENT, _scale(goal, occasion), level_concept(scored)
    assessment = replace(
        assessed(goal.subject, kind, code, occasion, goal=goal.reference, private=goal.private),
        value=value,
        effective=effective,
        note=note,
    )
    return Change(Act.RECORD_SCORE, assessment.reference, others=(assessment,), plan=plan)


def barrier(goal: Goal, what: Concept | str, occasion: Occasion, *, note: str | None = None) -> Change:
    """What is in the way of the goal.

    Raises:
        TransitionNotAllowed: the goal is over.
    """
    must_be(goal, OPEN, "told of a barrier: it is over")
    code = BARRIER.concept(next(iter(BARRIER.codes)))
    assessment = assessed(goal.subject, AssessmentKind.BARRIER, code, occasion, goal=goal.reference)
    assessment = replace(assessment, value=what, note=note, private=goal.private)
    return Change(Act.ADD_BARRIER, assessment.reference, others=(assessment,))


def readiness(goal: Goal, ratings: Mapping[str, int], occasion: Occasion) -> Change:
    """How much it matters and how sure somebody is to get there, 0 to 10: a panel and its answers.

    Raises:
        TransitionNotAllowed: the goal is over.
    """
    must_be(goal, OPEN, "rated: it is over")

    def rated(code: str) -> Assessment:
        concept = READINESS.concept(code)
        return assessed(
            goal.subject, AssessmentKind.READINESS, concept, occasion, goal=goal.reference, private=goal.private
        )

    members = tuple(replace(rated(code), value=rating_concept(rating)) for code, rating in ratings.items())
    panel = replace(rated("readiness-assessment"), members=tuple(m.reference for m in members))
    return Change(Act.RECORD_READINESS, panel.reference, others=(panel, *members))


def what_matters(  # one argument per thing that a caller says
    subject: Reference,
    about: str,
    words: str,
    occasion: Occasion,
    *,
    private: bool = False,
    plan: CarePlan | None = None,
) -> Change:
    """What matters to somebody, in their own words, under a heading of the personal health inventory.

    Raises:
        NotPermitted: it is to be private, and the actor is not the patient.
    """
    must_be_private_by_right(private, occasion.actor, ())
    code = next(codes.concept(about) for codes in WHAT_MATTERS if about in codes.codes)
    assessment = assessed(subject, AssessmentKind.WHAT_MATTERS, code, occasion, private=private)
    assessment = replace(assessment, value=words)
    return Change(Act.SAY_WHAT_MATTERS, assessment.reference, others=(assessment,), plan=plan)


def retracted(assessment: Assessment, reason: str, occasion: Occasion, *, plan: CarePlan | None = None) -> Change:
    """Takes back what was said by mistake. It stays on the server as entered in error.

    Raises:
        TransitionNotAllowed: it was taken back already.
        NotPermitted: somebody else said it.
    """
    if assessment.status is ObservationStatus.ENTERED_IN_ERROR:
        raise TransitionNotAllowed(f"{assessment.reference} was entered in error already")
    if occasion.actor.reference not in {assessment.performer, *occasion.policy.custodians}:
        raise NotPermitted(f"{assessment.reference} can be taken back by who said it or a custodian only")
    gone = replace(assessment, status=ObservationStatus.ENTERED_IN_ERROR)
    return Change(Act.ENTER_IN_ERROR, gone.reference, others=(gone,), plan=plan, reason=reason)


def must_be_attained(goal: Goal, outcome: AchievementStatus | None, assessments: Iterable[Assessment]) -> None:
    """A scaled goal is said to be reached by people, and only once one of them has scored it as expected or better.

    Raises:
        TransitionNotAllowed: nobody's latest score is 0 or more.
    """
    if outcome not in REACHED or not is_scaled(goal):
        return
    if not deciding_scores(goal, assessments):
        raise TransitionNotAllowed(f"{goal.reference} is scored 0 or better by nobody: score it, or say not-achieved")


def deciding_scores(goal: Goal, assessments: Iterable[Assessment]) -> tuple[Reference, ...]:
    """The latest scores that say that the goal is reached: level 0 or better."""
    latest = latest_scores(goal.reference, assessments).values()
    reached = (a for a in latest if (scored := score_of(a.value)) is not None and scored >= EXPECTED)
    return tuple(a.reference for a in reached)


def assessed(
    subject: Reference,
    kind: AssessmentKind,
    code: Concept,
    occasion: Occasion,
    *,
    goal: Reference | None = None,
    private: bool = False,
) -> Assessment:
    """A new assessment in the actor's name, now."""
    return Assessment(
        id=occasion.new_id(),
        kind=kind,
        subject=subject,
        status=ObservationStatus.FINAL,
        code=code,
        effective=occasion.at,
        performer=occasion.actor.reference,
        goal=goal,
        patient_supplied=occasion.actor.on_patient_side,
        private=private,
    )


def domain_concepts(domains: Iterable[str]) -> tuple[Concept, ...]:
    """Categories of a goal by their codes."""
    return tuple(DOMAINS.concept(d) for d in domains)


def _scale(goal: Goal, occasion: Occasion) -> Concept:
    if not is_scaled(goal):
        raise InvalidContent(Flaw("score", "has no levels to be told by: this goal was offered without", "required"))
    return ATTAINMENT.concept(SCORERS[occasion.actor.role])


def _prom(goal: Goal, scored: Quantity) -> Concept:
    (target, *_) = goal.targets or (None,)
    if not is_prom(goal) or target is None or target.measure is None:
        raise InvalidContent(
            Flaw("value", "is of no measure: the goal's target is no patient-reported one", "required")
        )
    if not isinstance(target.detail, Quantity) or scored.code != target.detail.code:
        raise InvalidContent(Flaw("value.code", "is another unit than the target's", "value"))
    return target.measure
