"""Goal with the extensions goal-acceptance and goal-relationship.

Source: https://hl7.org/fhir/R4/goal.html
    https://hl7.org/fhir/R4/extension-goal-acceptance.html
    https://hl7.org/fhir/R4/extension-goal-relationship.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_mappings.attainment import level_json, levels_from_fhir, levels_in_words
from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    GOAL_ACCEPTANCE,
    GOAL_ACHIEVEMENT,
    GOAL_PRIORITY,
    GOAL_RELATIONSHIP,
    GOAL_RELATIONSHIP_TYPE,
    GOAL_THREAD,
    OPERATION,
    PCO_PROFILES,
    US_CORE_GOAL,
    AcceptanceStatus,
    AchievementStatus,
    GoalPriority,
    LifecycleStatus,
)
from fhir_mappings.elements import (
    code,
    code_of,
    concept,
    concept_json,
    concepts,
    date,
    extension_value,
    extensions,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    is_restricted,
    items,
    known_code,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    references,
    text,
    with_identifier,
    with_patient_supplied,
    with_restriction,
)
from fhir_mappings.model import Acceptance, Goal, Note, Reference
from fhir_mappings.pco import goal_profile
from fhir_mappings.target import concept_in_words, target_in_words, target_json, targets_from_fhir
from fhir_mappings.wording import ENGLISH, Language


@dataclass(frozen=True, slots=True)
class Difference:
    """One element in which two offers differ, in words; None where one of them says nothing."""

    expression: str
    before: str | None
    after: str | None


def goal_from_fhir(resource: Json) -> Goal:
    """The elements of a Goal that CoPlan reads.

    A description that is only coded is shown by its display. An acceptance without status counts as pending: the
    extension leaves it open (0..1). Achievement and priority from another code system are left unread.

    Raises:
        MappingError: an element that R4 requires is missing, or its code is outside the required value set.
    """
    return Goal(
        id=text(resource, "id", "Goal.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "Goal.subject"),
        description=_description(resource),
        lifecycle_status=code(LifecycleStatus, resource, "lifecycleStatus", "Goal.lifecycleStatus"),
        achievement_status=known_code(AchievementStatus, code_of(resource.get("achievementStatus"), GOAL_ACHIEVEMENT)),
        start=date(resource, "startDate", "Goal.startDate"),
        status_date=date(resource, "statusDate", "Goal.statusDate"),
        status_reason=text(resource, "statusReason", "Goal.statusReason"),
        expressed_by=optional_reference(resource, "expressedBy", "Goal.expressedBy"),
        targets=targets_from_fhir(resource),
        levels=levels_from_fhir(resource),
        acceptances=tuple(filter(None, map(_acceptance, extensions(resource, GOAL_ACCEPTANCE)))),
        priority=known_code(GoalPriority, code_of(resource.get("priority"), GOAL_PRIORITY)),
        categories=concepts(resource, "category", "Goal.category"),
        addresses=references(resource, "addresses", "Goal.addresses"),
        notes=tuple(map(_note, items(resource, "note", "Goal.note"))),
        outcomes=references(resource, "outcomeReference", "Goal.outcomeReference"),
        replaced_by=tuple(filter(None, map(_replacement, extensions(resource, GOAL_RELATIONSHIP)))),
        thread=identifier(resource, GOAL_THREAD),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
        private=is_restricted(resource),
    )


def goal_to_fhir(goal: Goal, *, onto: Json | None = None) -> Json:
    """A copy of `onto` that says what `goal` says; without `onto` a new Goal.

    `id` and `subject` are identity and are never rewritten; notes are only added to.

    Raises:
        MappingError: `onto` has a modifierExtension, whose meaning CoPlan cannot keep.
    """
    resource = dict(onto) if onto is not None else _new(goal)
    must_be_understood(resource)
    before = goal_from_fhir(resource)
    for name, write in WRITERS.items():
        if getattr(goal, name) != getattr(before, name):
            write(resource, goal)
    return _with_profile(resource, goal)


def differences(before: Goal, after: Goal, language: Language = ENGLISH) -> tuple[Difference, ...]:
    """What one offer says otherwise than the other, element by element."""
    said = ((path, a, b) for (path, a), (_, b) in zip(_said(before, language), _said(after, language), strict=True))
    return tuple(Difference(path, a, b) for path, a, b in said if a != b)


def _said(goal: Goal, language: Language) -> tuple[tuple[str, str | None], ...]:
    return (
        ("Goal.description", goal.description),
        ("Goal.start", language.date(goal.start) if goal.start else None),
        ("Goal.target", "; ".join(target_in_words(t, language) for t in goal.targets) or None),
        ("Goal.extension", levels_in_words(goal.levels, language) or None),
        ("Goal.category", ", ".join(map(concept_in_words, goal.categories)) or None),
        ("Goal.addresses", ", ".join(goal.addresses) or None),
    )


def _new(goal: Goal) -> Json:
    resource: Json = {
        "resourceType": "Goal",
        "meta": {"profile": [US_CORE_GOAL]},
        "lifecycleStatus": str(goal.lifecycle_status),
        "description": {"text": goal.description},
        "subject": reference_json(goal.subject),
    }
    put(resource, "extension", [level_json(level) for level in goal.levels])
    if goal.patient_supplied:
        with_patient_supplied(resource)
    return resource


def _with_profile(resource: Json, goal: Goal) -> Json:
    """A goal that CoPlan made declares the profile of PCO once it can keep it, which wants a start."""
    meta, profile = resource.get("meta", {}), goal_profile(goal)
    declared = meta.get("profile", [])
    if profile is None or US_CORE_GOAL not in declared or f"{PCO_PROFILES}{profile}" in declared:
        return resource
    return {**resource, "meta": {**meta, "profile": [*declared, f"{PCO_PROFILES}{profile}"]}}


def _description(resource: Json) -> str:
    return concept_in_words(concept(resource.get("description") or {})) or "(no description)"


def _acceptance(extension: Json) -> Acceptance | None:
    individual = extension_value(extension, "individual", "valueReference") or {}
    if not individual.get("reference"):
        return None
    status = known_code(AcceptanceStatus, extension_value(extension, "status", "valueCode"))
    priority = code_of(extension_value(extension, "priority", "valueCodeableConcept"), GOAL_PRIORITY)
    return Acceptance(
        individual["reference"].partition("/_history/")[0],
        status or AcceptanceStatus.PENDING,
        known_code(GoalPriority, priority),
        individual.get("display"),
    )


def _acceptance_json(acceptance: Acceptance, onto: Json | None) -> Json:
    """Nested extensions that are not ours stay."""
    ours = {"individual", "status", "priority"}
    kept = [e for e in (onto or {}).get("extension", []) if e.get("url") not in ours]
    nested: list[Json] = [
        {"url": "individual", "valueReference": reference_json(acceptance.individual, acceptance.display)},
        {"url": "status", "valueCode": str(acceptance.status)},
    ]
    if acceptance.priority:
        nested.append({"url": "priority", "valueCodeableConcept": _coded(GOAL_PRIORITY, acceptance.priority)})
    return {"url": GOAL_ACCEPTANCE, "extension": [*nested, *kept]}


def _replacement(extension: Json) -> Reference | None:
    kind = extension_value(extension, "type", "valueCodeableConcept") or {}
    target = extension_value(extension, "target", "valueReference") or {}
    # Other systems write the older system http://hl7.org/fhir/goal-relationship-type; the code means the same.
    is_replacement = any(c.code == "replacement" for c in concept(kind).codings)
    return target.get("reference") if is_replacement else None


def _note(note: Json) -> Note:
    return Note(
        note.get("text", ""),
        optional_reference(note, "authorReference", "Goal.note.authorReference"),
        instant(note, "time", "Goal.note.time"),
    )


def _note_json(note: Note) -> Json:
    author = {"authorReference": reference_json(note.author)} if note.author else {}
    time = {"time": instant_text(note.time)} if note.time else {}
    return {**author, **time, "text": note.text}


def _coded(system: str, value: str) -> Json:
    return {"coding": [{"system": system, "code": str(value)}]}


def _write_acceptances(resource: Json, goal: Goal) -> None:
    known = {a.individual: e for e in extensions(resource, GOAL_ACCEPTANCE) if (a := _acceptance(e))}
    others = [e for e in resource.get("extension", []) if e.get("url") != GOAL_ACCEPTANCE]
    ours = [
        onto if (onto := known.get(a.individual)) and _acceptance(onto) == a else _acceptance_json(a, onto)
        for a in goal.acceptances
    ]
    put(resource, "extension", [*others, *ours])


def _write_replacements(resource: Json, goal: Goal) -> None:
    present = goal_from_fhir(resource).replaced_by
    added = [
        {
            "url": GOAL_RELATIONSHIP,
            "extension": [
                {"url": "type", "valueCodeableConcept": _coded(GOAL_RELATIONSHIP_TYPE, "replacement")},
                {"url": "target", "valueReference": reference_json(new)},
            ],
        }
        for new in goal.replaced_by
        if new not in present
    ]
    put(resource, "extension", [*resource.get("extension", []), *added])


def _write_notes(resource: Json, goal: Goal) -> None:
    present = resource.get("note", [])
    put(resource, "note", [*present, *map(_note_json, goal.notes[len(goal_from_fhir(resource).notes) :])])


def _write_identifiers(resource: Json, goal: Goal) -> None:
    with_identifier(resource, GOAL_THREAD, goal.thread)
    with_identifier(resource, OPERATION, goal.operation)


def _write_restriction(resource: Json, goal: Goal) -> None:
    resource["meta"] = with_restriction(resource, goal.private)["meta"]


def _writes(name: str, value: Callable[[Goal], Any]) -> Callable[[Json, Goal], None]:
    return lambda resource, goal: put(resource, name, value(goal))


WRITERS: Final[Mapping[str, Callable[[Json, Goal], None]]] = {
    "lifecycle_status": _writes("lifecycleStatus", lambda g: str(g.lifecycle_status)),
    "achievement_status": _writes(
        "achievementStatus", lambda g: g.achievement_status and _coded(GOAL_ACHIEVEMENT, g.achievement_status)
    ),
    "start": _writes("startDate", lambda g: g.start and g.start.text),
    "status_date": _writes("statusDate", lambda g: g.status_date and g.status_date.text),
    "status_reason": _writes("statusReason", lambda g: g.status_reason),
    "expressed_by": _writes("expressedBy", lambda g: g.expressed_by and reference_json(g.expressed_by)),
    "targets": _writes("target", lambda g: [target_json(t) for t in g.targets]),
    "acceptances": _write_acceptances,
    "replaced_by": _write_replacements,
    "priority": _writes("priority", lambda g: g.priority and _coded(GOAL_PRIORITY, g.priority)),
    "categories": _writes("category", lambda g: [concept_json(c) for c in g.categories]),
    "addresses": _writes("addresses", lambda g: [reference_json(r) for r in g.addresses]),
    "notes": _write_notes,
    "outcomes": _writes("outcomeReference", lambda g: [reference_json(r) for r in g.outcomes]),
    "thread": _write_identifiers,
    "operation": _write_identifiers,
    "private": _write_restriction,
}
"""How each field of the noun is written. Not `description` and `levels`: the text of an offer never changes."""
