"""What a plan and an agreement say in words, for whoever reads nothing else. Short sentences, plain words.

Source: https://hl7.org/fhir/R4/narrative.html
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from types import MappingProxyType
from typing import Final

from fhir_mappings.activities import Activity
from fhir_mappings.activity_offer import effect_in_words, when_in_words
from fhir_mappings.attainment import levels_in_words, score_in_words
from fhir_mappings.codes import AcceptanceStatus, AchievementStatus, CarePlanStatus, LifecycleStatus, ObservationStatus
from fhir_mappings.model import CarePlan, Goal, Reference
from fhir_mappings.pco import score_of, scorer_of
from fhir_mappings.person_centered import (
    AgendaItem,
    AgendaStatus,
    Assessment,
    AssessmentKind,
    PlanContents,
    PriorityList,
)
from fhir_mappings.target import concept_in_words, self_standing_text
from fhir_mappings.wording import ENGLISH, Language, phrase

ROLES: Final = {
    "Patient": phrase("patient"),
    "RelatedPerson": phrase("family"),
    "Practitioner": phrase("care team"),
    "PractitionerRole": phrase("care team"),
    "CareTeam": phrase("care team"),
    "Organization": phrase("clinic"),
    "HealthcareService": phrase("clinic"),
}
NAMELESS: Final = {
    "Patient": phrase("the patient"),
    "RelatedPerson": phrase("a family member"),
    "Practitioner": phrase("the care team"),
    "PractitionerRole": phrase("the care team"),
    "CareTeam": phrase("the care team"),
    "Organization": phrase("a clinic"),
    "HealthcareService": phrase("a clinic"),
}
"""What is said of somebody whose name is not known: an id says nothing to anybody who reads."""
OFFERED: Final = frozenset({LifecycleStatus.PROPOSED, LifecycleStatus.PLANNED})
STATUS_IN_WORDS: Final = {
    LifecycleStatus.PROPOSED: phrase("offered, not agreed"),
    LifecycleStatus.PLANNED: phrase("planned"),
    LifecycleStatus.ACCEPTED: phrase("agreed, not started"),
    LifecycleStatus.ACTIVE: phrase("under way"),
    LifecycleStatus.ON_HOLD: phrase("on hold"),
    LifecycleStatus.COMPLETED: phrase("done"),
    LifecycleStatus.CANCELLED: phrase("stopped"),
    LifecycleStatus.REJECTED: phrase("said no to"),
    LifecycleStatus.ENTERED_IN_ERROR: phrase("entered by mistake"),
}
ACHIEVEMENT_IN_WORDS: Final = {
    AchievementStatus.IN_PROGRESS: phrase("in progress"),
    AchievementStatus.IMPROVING: phrase("getting better"),
    AchievementStatus.WORSENING: phrase("getting worse"),
    AchievementStatus.NO_CHANGE: phrase("no change"),
    AchievementStatus.ACHIEVED: phrase("reached"),
    AchievementStatus.SUSTAINING: phrase("reached and kept"),
    AchievementStatus.NOT_ACHIEVED: phrase("not reached"),
    AchievementStatus.NO_PROGRESS: phrase("no progress"),
    AchievementStatus.NOT_ATTAINABLE: phrase("cannot be reached"),
}
ACTIVITY_STATUS: Final = {CarePlanStatus.ON_HOLD: phrase("on hold"), CarePlanStatus.COMPLETED: phrase("done")}
POSITIONS: Final = {
    AcceptanceStatus.AGREE: phrase("Agreed by {names}."),
    AcceptanceStatus.DISAGREE: phrase("Not shared by {names}."),
    AcceptanceStatus.PENDING: phrase("Waiting for the answer of {names}."),
}
WANTED: Final = phrase("Wanted by {names}.")
"""Nothing is agreed as long as it is only offered, however many say yes to it."""
VALID: Final = frozenset({ObservationStatus.FINAL, ObservationStatus.AMENDED, ObservationStatus.CORRECTED})
SCORERS: Final = ("Patient", "RelatedPerson", "Practitioner")


def plan_narrative(plan: CarePlan, contents: PlanContents) -> str:
    """An XHTML `div`: what matters, what comes first, every goal with who agrees and how far it is, what is only
    offered, what to talk about. A private plan tells of what is private alone, any other of nothing private.

    Args:
        contents: all goals of the patient; a linked one that is not among them is only said to be kept elsewhere.
    """
    shown, language = _of_this_plan(plan, contents), contents.language
    known = {g.reference: g for g in shown.goals}
    elsewhere = escape(language.say("A goal that is kept elsewhere"))
    linked = [_linked(known[r], shown) if r in known else elsewhere for r in plan.goals]
    done = sum(known[r].lifecycle_status is LifecycleStatus.COMPLETED for r in plan.goals if r in known)
    offered = [
        _offered(g, shown) for g in shown.goals if g.lifecycle_status in OFFERED and g.reference not in plan.goals
    ]
    sections = (
        f"<h2>{escape(plan.title)}</h2>" if plan.title else "",
        _summary(len(linked) - done, done, len(offered), language),
        _section(language.say("What matters"), [escape(_statement(a, shown)) for a in _what_matters(shown)]),
        *(_priorities(p, shown) for p in sorted(shown.priorities, key=_rank) if p.current),
        _section(language.say("Goals"), linked, language.say("No goal is agreed yet.")),
        _section(language.say("Offered, not agreed"), offered),
        _activities(plan, shown, {a.reference for a in contents.activities} - {a.reference for a in shown.activities}),
        _section(language.say("To talk about at a visit"), [escape(_on_agenda(i, shown)) for i in _open(shown)]),
    )
    tag = escape(language.tag)
    return f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{tag}" xml:lang="{tag}">{"".join(sections)}</div>'


def agreement_note(
    goal: Goal, language: Language = ENGLISH, names: Mapping[Reference, str] = MappingProxyType({})
) -> str:
    """`Agreed by Ann (patient) and Dr Bo (care team).`, with those who do not share it or have still to answer.

    When it was agreed is the time of the note that says it.
    """
    return _positions(goal, language, {})


def levels_note(goal: Goal, language: Language = ENGLISH) -> str:
    """The levels of a goal for a system that does not know the extension."""
    return language.say("How we tell how far it is: {levels}", levels=levels_in_words(goal.levels, language))


def achievement_in_words(status: AchievementStatus, language: Language = ENGLISH) -> str:
    """`reached`"""
    return language.say(ACHIEVEMENT_IN_WORDS[status])


def latest_scores(goal: Reference, assessments: Iterable[Assessment]) -> Mapping[str, Assessment]:
    """The latest valid score of each scorer (a resource type), in the order patient, family, care team."""
    scored = (a for a in assessments if a.goal == goal and a.kind is AssessmentKind.ATTAINMENT and a.status in VALID)
    by_scorer = {scorer_of(a.code): a for a in sorted(scored, key=_when)}
    return {scorer: by_scorer[scorer] for scorer in SCORERS if scorer in by_scorer}


def _activities(plan: CarePlan, contents: PlanContents, untold: Collection[Reference]) -> str:
    """What is to be done, and what is only offered.

    Args:
        untold: activities that are none of this plan's to tell, though it may link them: not even their ids.
    """
    language, known = contents.language, {a.reference: a for a in contents.activities}

    def offer(draft: Activity) -> str:
        effect = escape(effect_in_words(draft, contents.activities, language))
        return f"{_activity(draft, contents)} <i>({status})</i>{f'. {effect}' if effect else ''}"

    elsewhere = escape(language.say("Something that is kept elsewhere"))
    told = (r for r in plan.activities if r not in untold)
    linked = [_activity(known[r], contents) if r in known else elsewhere for r in told]
    drafts = (a for a in contents.activities if a.status is CarePlanStatus.DRAFT and plan.reference in a.based_on)
    status = escape(language.say(STATUS_IN_WORDS[LifecycleStatus.PROPOSED]))
    offered = list(map(offer, drafts))
    return _section(language.say("What is to be done"), linked) + _section(
        language.say("To be done, offered, not agreed"), offered
    )


def _activity(activity: Activity, contents: PlanContents) -> str:
    language = contents.language
    when, who = when_and_who(activity, language, contents.names)
    status = ACTIVITY_STATUS.get(activity.status)
    said = f"<b>{escape(concept_in_words(activity.what))}</b>{f': {escape(when)}' if when else ''}"
    shown = f" <i>({escape(language.say(status))})</i>" if status else ""
    return f"{said}{f'. {escape(who)}' if who else ''}{shown}"


def when_and_who(activity: Activity, language: Language, names: Mapping[Reference, str]) -> tuple[str, str]:
    """`every day before going to sleep, from December 1, 2026` and `To be done by Ann Ahl (patient)`, where known."""
    when = when_in_words(activity, language)
    who = language.listing(dict.fromkeys(named(p, None, language, names) for p in activity.performers))
    done = activity.status is CarePlanStatus.COMPLETED
    by_whom = phrase("Done by {names}") if done else phrase("To be done by {names}")
    return when, who and language.say(by_whom, names=who)


def named(
    individual: Reference,
    display: str | None,
    language: Language = ENGLISH,
    names: Mapping[Reference, str] = MappingProxyType({}),
) -> str:
    """`Dr Bo Berg (care team)`; without a name `the care team`, never an id."""
    name = display or names.get(individual)
    role = ROLES.get(individual.partition("/")[0])
    if name and role:
        return f"{name} ({language.say(role)})"
    return name or called(individual, None, language)


def called(
    individual: Reference,
    display: str | None,
    language: Language = ENGLISH,
    names: Mapping[Reference, str] = MappingProxyType({}),
) -> str:
    """`Dr Bo Berg`; without a name `the care team`, never an id."""
    otherwise = NAMELESS.get(individual.partition("/")[0], phrase("somebody"))
    return display or names.get(individual) or language.say(otherwise)


def _of_this_plan(plan: CarePlan, contents: PlanContents) -> PlanContents:
    private = plan.private
    secret = {g.reference for g in contents.goals if g.private}
    return replace(
        contents,
        goals=tuple(g for g in contents.goals if g.private == private),
        assessments=tuple(a for a in contents.assessments if a.private == private and a.status in VALID),
        priorities=tuple(p for p in contents.priorities if p.private == private),
        agenda=tuple(i for i in contents.agenda if i.private == private),
        activities=tuple(a for a in contents.activities if bool(secret.intersection(a.goals)) == private),
    )


def _summary(agreed: int, done: int, offered: int, language: Language) -> str:
    """How many goals there are, for who has a minute."""
    parts = (
        language.plural("{number} goal is agreed.", "{number} goals are agreed.", agreed) if agreed else "",
        language.plural("{number} goal is done.", "{number} goals are done.", done) if done else "",
        language.plural("{number} offer waits for an answer.", "{number} offers wait for an answer.", offered)
        if offered
        else "",
    )
    said = " ".join(filter(None, parts))
    return f"<p>{escape(said)}</p>" if said else ""


def _section(heading: str, entries: Sequence[str], otherwise: str = "", kind: str = "ul") -> str:
    if not entries:
        return f"<p>{escape(otherwise)}</p>" if otherwise else ""
    return f"<h3>{escape(heading)}</h3><{kind}>{''.join(f'<li>{entry}</li>' for entry in entries)}</{kind}>"


def _what_matters(contents: PlanContents) -> list[Assessment]:
    stated = (a for a in contents.assessments if a.kind is AssessmentKind.WHAT_MATTERS and isinstance(a.value, str))
    return sorted(stated, key=_when)


def _statement(assessment: Assessment, contents: PlanContents) -> str:
    """`Food & Drink: I want to eat with my friends.`"""
    about = contents.language.say(concept_in_words(assessment.code))
    return f"{about}: {assessment.value}"


def _rank(priorities: PriorityList) -> int:
    """The patient's order stands first."""
    resource_type = priorities.source.partition("/")[0]
    return SCORERS.index(resource_type) if resource_type in SCORERS else len(SCORERS)


def _priorities(priorities: PriorityList, contents: PlanContents) -> str:
    """Those that can be named here, in order; the names of others would say nothing."""
    language = contents.language
    names = {g.reference: g.description for g in contents.goals}
    names |= {a.reference: str(a.value) for a in contents.assessments if isinstance(a.value, str)}
    entries = [escape(names[r]) for r in priorities.items if r in names]
    role = language.say(ROLES.get(priorities.source.partition("/")[0], phrase("care team")))
    return _section(language.say("What comes first ({role})", role=role), entries, kind="ol")


def _linked(goal: Goal, contents: PlanContents) -> str:
    language = contents.language
    status = language.say(STATUS_IN_WORDS[goal.lifecycle_status])
    if goal.status_date:
        date = language.date(goal.status_date)
        status = language.say("{status} since {date}", status=status, date=date)
    achieved = f", {achievement_in_words(goal.achievement_status, language)}" if goal.achievement_status else ""
    scores = _scores(goal, contents)
    positions = _positions(goal, language, contents.names)
    return f"{_said(goal, language)} <i>({escape(status + achieved)})</i>. {escape(positions)}{scores}"


def _offered(goal: Goal, contents: PlanContents) -> str:
    language = contents.language
    status = escape(language.say(STATUS_IN_WORDS[LifecycleStatus.PROPOSED]))
    return f"{_said(goal, language)} <i>({status})</i>. {escape(_positions(goal, language, contents.names))}"


def _said(goal: Goal, language: Language) -> str:
    return f"<b>{escape(self_standing_text(goal.description, goal.targets, language))}</b>"


def _scores(goal: Goal, contents: PlanContents) -> str:
    """Side by side: who says how far it is."""
    language = contents.language
    found = latest_scores(goal.reference, contents.assessments)
    scored = {scorer: score for scorer, a in found.items() if (score := score_of(a.value)) is not None}
    if not scored:
        return ""
    cells = (f"{language.say(ROLES[scorer])}: {score_in_words(score, language)}" for scorer, score in scored.items())
    entries = "".join(f"<li>{escape(cell)}</li>" for cell in cells)
    heading = language.say("How far it is:")
    return f"<br/>{escape(heading)}<ul>{entries}</ul>"


def _open(contents: PlanContents) -> list[AgendaItem]:
    waiting = (i for i in contents.agenda if i.status is AgendaStatus.ACTIVE)
    return sorted(waiting, key=lambda i: (i.visit.day.text if i.visit.day else "9999", i.authored_on))


def _on_agenda(item: AgendaItem, contents: PlanContents) -> str:
    language = contents.language
    who = named(item.requester, item.display, language, contents.names)
    if item.visit.day is None:
        return f"{item.text} ({who})"
    return f"{item.text} ({who}, {language.date(item.visit.day)})"


def _positions(goal: Goal, language: Language, names: Mapping[Reference, str]) -> str:
    """Each party's position; a goal without acceptances says whose it is."""
    parts = [p for status in POSITIONS if (p := _by(goal, status, language, names))]
    if parts:
        return " ".join(parts)
    if goal.expressed_by:
        return language.say("Said by {name}.", name=named(goal.expressed_by, None, language, names))
    return language.say("We do not know who agreed.")


def _by(goal: Goal, status: AcceptanceStatus, language: Language, names: Mapping[Reference, str]) -> str:
    said = (a for a in goal.acceptances if a.status is status)
    parties = dict.fromkeys(named(a.individual, a.display, language, names) for a in said)
    wanted = status is AcceptanceStatus.AGREE and goal.lifecycle_status is LifecycleStatus.PROPOSED
    return language.say(WANTED if wanted else POSITIONS[status], names=language.listing(parties)) if parties else ""


def _when(assessment: Assessment) -> str:
    return assessment.effective.isoformat() if assessment.effective else ""
