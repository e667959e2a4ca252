"""PlanDefinition: one version of a programme, with what was said about it.

Source: https://hl7.org/fhir/R4/plandefinition.html
    https://hl7.org/fhir/extensions/StructureDefinition-cqf-artifactComment.html
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    ARTIFACT_COMMENT,
    OPERATION,
    PLAN_DEFINITION_TYPE,
    UCUM,
    ParticipantType,
    PeriodUnit,
    TemplateStatus,
)
from fhir_mappings.elements import (
    code,
    concept,
    concept_json,
    concepts,
    date,
    extension_value,
    extensions,
    identifier,
    instant,
    instant_text,
    items,
    known_code,
    must_be_understood,
    put,
    required,
    text,
    with_identifier,
    without_nothing,
)
from fhir_mappings.model import Coding, Concept, Target
from fhir_mappings.target import target_json, targets_from_fhir
from fhir_mappings.templates import (
    Named,
    Remark,
    RemarkKind,
    Span,
    Template,
    TemplateAction,
    TemplateGoal,
    TemplateTarget,
)
from fhir_mappings.timing import UNIT_NAMES, pattern_json, readable_pattern

PREFIXES: Final[Mapping[RemarkKind, str]] = {
    RemarkKind.COMMENT: "",
    RemarkKind.OBJECTION: "Objection: ",
    RemarkKind.RESOLUTION: "Objection resolved: ",
}
"""So that who reads nothing but the text knows what it is."""


def template_from_fhir(resource: Json) -> Template:
    """The elements of a PlanDefinition that CoPlan reads. Actions within actions are left unread.

    Raises:
        MappingError: url, version or status is missing.
    """
    return Template(
        id=text(resource, "id", "PlanDefinition.id"),
        version=resource.get("meta", {}).get("versionId"),
        url=required(resource, "url", "PlanDefinition.url"),
        edition=required(resource, "version", "PlanDefinition.version"),
        status=code(TemplateStatus, resource, "status", "PlanDefinition.status"),
        title=resource.get("title") or resource.get("name") or resource["url"],
        description=text(resource, "description", "PlanDefinition.description"),
        purpose=text(resource, "purpose", "PlanDefinition.purpose"),
        topics=concepts(resource, "topic", "PlanDefinition.topic"),
        goals=tuple(_goal(g) for g in items(resource, "goal", "PlanDefinition.goal")),
        actions=tuple(_action(a, i) for i, a in enumerate(items(resource, "action", "PlanDefinition.action"))),
        authors=_named(resource, "author"),
        reviewers=_named(resource, "reviewer"),
        endorsers=_named(resource, "endorser"),
        remarks=tuple(filter(None, map(_remark, extensions(resource, ARTIFACT_COMMENT)))),
        changed=instant(resource, "date", "PlanDefinition.date"),
        approved=date(resource, "approvalDate", "PlanDefinition.approvalDate"),
        predecessor=_predecessor(resource),
        operation=identifier(resource, OPERATION),
    )


def template_to_fhir(template: Template, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with what the template says otherwise; without it a new PlanDefinition.

    Raises:
        MappingError: `onto` has a modifierExtension.
    """
    resource = dict(onto) if onto is not None else _new(template)
    must_be_understood(resource)
    before = template_from_fhir(resource)
    for name, write in WRITERS.items():
        if getattr(template, name) != getattr(before, name):
            write(resource, template)
    return resource


def _new(template: Template) -> Json:
    resource: Json = {
        "resourceType": "PlanDefinition",
        "url": template.url,
        "version": template.edition,
        "title": template.title,
        "type": {"coding": [{"system": PLAN_DEFINITION_TYPE, "code": "clinical-protocol"}]},
        "status": str(template.status),
    }
    with_identifier(resource, OPERATION, template.operation)
    return resource


def _goal(goal: Json) -> TemplateGoal:
    found = items(goal, "target", "PlanDefinition.goal.target")
    read = targets_from_fhir({"target": [{k: v for k, v in t.items() if k != "due"} for t in found]})
    targets = (
        TemplateTarget(target.measure or Concept(), target.detail, _span(json.get("due")))
        for target, json in zip(read, found, strict=True)
    )
    words = concept(goal.get("description") or {})
    return TemplateGoal(goal.get("id", ""), words.text or _display(words), tuple(targets))


def _goal_json(goal: TemplateGoal) -> Json:
    targets = [
        without_nothing({**target_json(Target(t.measure, t.detail)), "due": _span_json(t.due)}) for t in goal.targets
    ]
    return without_nothing({"id": goal.id, "description": {"text": goal.words}, "target": targets})


def _action(action: Json, position: int) -> TemplateAction:
    repeat = action.get("timingTiming", {}).get("repeat")
    who = (p.get("type") for p in items(action, "participant", "PlanDefinition.action.participant"))
    coded = concepts(action, "code", "PlanDefinition.action.code")
    return TemplateAction(
        id=action.get("id", f"action-{position + 1}"),
        title=action.get("title") or action.get("description") or "(no title)",
        who=known_code(ParticipantType, next(who, None)) or ParticipantType.PATIENT,
        instruction=text(action, "description", "PlanDefinition.action.description"),
        codings=tuple(c for found in coded for c in found.codings),
        pattern=readable_pattern(repeat) if repeat else None,
        lasts=_span(repeat.get("boundsDuration")) if repeat else None,
        count=repeat.get("count") if repeat else None,
        goals=tuple(action.get("goalId", ())),
    )


def _action_json(action: TemplateAction) -> Json:
    repeat = (
        without_nothing(
            {
                "boundsDuration": _span_json(action.lasts),
                "count": action.count,
                **pattern_json(action.pattern),
            }
        )
        if action.pattern
        else None
    )
    return without_nothing(
        {
            "id": action.id,
            "title": action.title,
            "description": action.instruction,
            "code": [concept_json(Concept(None, action.codings))] if action.codings else [],
            "goalId": list(action.goals),
            "timingTiming": {"repeat": repeat} if repeat else None,
            "participant": [{"type": str(action.who)}],
        }
    )


def _span(duration: Json | None) -> Span | None:
    unit = known_code(PeriodUnit, (duration or {}).get("code"))
    value = (duration or {}).get("value")
    return Span(int(value), unit) if unit and value is not None else None


def _span_json(span: Span | None) -> Json | None:
    if span is None:
        return None
    unit = UNIT_NAMES[span.unit] if span.value == 1 else f"{UNIT_NAMES[span.unit]}s"
    return {"value": span.value, "unit": unit, "system": UCUM, "code": str(span.unit)}


def _named(resource: Json, name: str) -> tuple[Named, ...]:
    found = items(resource, name, f"PlanDefinition.{name}")
    return tuple(Named(f["name"], f.get("id")) for f in found if f.get("name"))


def _named_json(named: Named) -> Json:
    return without_nothing({"id": named.act, "name": named.name})


def _remark(extension: Json) -> Remark | None:
    """A remark of another system has no kind in its id: it is a comment."""
    said = extension_value(extension, "text", "valueMarkdown")
    if not isinstance(said, str):
        return None
    prefix, _, act = extension.get("id", "").partition("-")
    kind = known_code(RemarkKind, prefix)
    about = extension_value(extension, "target", "valueUri")
    return Remark(
        kind or RemarkKind.COMMENT,
        said.removeprefix(PREFIXES[kind]) if kind else said,
        act if kind else extension.get("id", ""),
        extension_value(extension, "user", "valueString"),
        instant({"at": extension_value(extension, "authoredOn", "valueDateTime")}, "at", "authoredOn"),
        about.removeprefix(f"#{RemarkKind.OBJECTION}-") if isinstance(about, str) else None,
    )


def _remark_json(remark: Remark) -> Json:
    nested: list[Json] = [
        {"url": "type", "valueCode": "review"},
        {"url": "text", "valueMarkdown": f"{PREFIXES[remark.kind]}{remark.text}"},
    ]
    if remark.about:
        nested.append({"url": "target", "valueUri": f"#{RemarkKind.OBJECTION}-{remark.about}"})
    if remark.by:
        nested.append({"url": "user", "valueString": remark.by})
    if remark.at:
        nested.append({"url": "authoredOn", "valueDateTime": instant_text(remark.at)})
    return {"id": f"{remark.kind}-{remark.act}", "url": ARTIFACT_COMMENT, "extension": nested}


def _write_remarks(resource: Json, template: Template) -> None:
    """Remarks that nothing was changed about stay as they are."""
    known = {r: e for e in extensions(resource, ARTIFACT_COMMENT) if (r := _remark(e))}
    others = [e for e in resource.get("extension", []) if e.get("url") != ARTIFACT_COMMENT]
    put(resource, "extension", [*others, *(known.get(r) or _remark_json(r) for r in template.remarks)])


def _predecessor(resource: Json) -> str | None:
    artifacts = items(resource, "relatedArtifact", "PlanDefinition.relatedArtifact")
    return next((a.get("resource") for a in artifacts if a.get("type") == "predecessor"), None)


def _write_predecessor(resource: Json, template: Template) -> None:
    others = [a for a in resource.get("relatedArtifact", []) if a.get("type") != "predecessor"]
    put(resource, "relatedArtifact", [*others, {"type": "predecessor", "resource": template.predecessor}])


def _display(value: Concept) -> str:
    coded: tuple[Coding, ...] = value.codings
    return next((c.display for c in coded if c.display), "(no description)")


def _writes(name: str, value: Callable[[Template], Any]) -> Callable[[Json, Template], None]:
    return lambda resource, template: put(resource, name, value(template))


WRITERS: Final[Mapping[str, Callable[[Json, Template], None]]] = {
    "status": _writes("status", lambda t: str(t.status)),
    "title": _writes("title", lambda t: t.title),
    "description": _writes("description", lambda t: t.description),
    "purpose": _writes("purpose", lambda t: t.purpose),
    "topics": _writes("topic", lambda t: [concept_json(c) for c in t.topics]),
    "goals": _writes("goal", lambda t: [_goal_json(g) for g in t.goals]),
    "actions": _writes("action", lambda t: [_action_json(a) for a in t.actions]),
    "authors": _writes("author", lambda t: [_named_json(n) for n in t.authors]),
    "reviewers": _writes("reviewer", lambda t: [_named_json(n) for n in t.reviewers]),
    "endorsers": _writes("endorser", lambda t: [_named_json(n) for n in t.endorsers]),
    "remarks": _write_remarks,
    "changed": _writes("date", lambda t: t.changed and instant_text(t.changed)),
    "approved": _writes("approvalDate", lambda t: t.approved and t.approved.text),
    "predecessor": _write_predecessor,
}
"""How each field of the noun is written. `url` and `version` are identity and never change."""
