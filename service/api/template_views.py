"""Answers about programmes designed with patients."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from fhir_mappings import templates as nouns
from fhir_mappings.timing import count_in_words, pattern_in_words, span_in_words
from fhir_mappings.wording import ENGLISH, Language
from service.api.views import CodingView, ConceptView, Day, ValueView, View, day_text
from service.domain.templates import Gate, open_objections


class SpanView(View):
    value: int
    unit: str

    @classmethod
    def of(cls, span: nouns.Span) -> "SpanView":
        return cls(value=span.value, unit=span.unit)


class TemplateTargetView(View):
    measure: ConceptView
    value: ValueView | None = None
    due: SpanView | None = None


class TemplateGoalView(View):
    id: str
    description: str
    targets: tuple[TemplateTargetView, ...] = ()

    @classmethod
    def of(cls, goal: nouns.TemplateGoal) -> "TemplateGoalView":
        targets = (
            TemplateTargetView(
                measure=ConceptView.of(t.measure),
                value=None if t.detail is None else ValueView.of(t.detail),
                due=SpanView.of(t.due) if t.due else None,
            )
            for t in goal.targets
        )
        return cls(id=goal.id, description=goal.words, targets=tuple(targets))


class PatternView(View):
    days: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    frequency: int = 1
    period: int = 1
    unit: str = "d"


class TemplateActionView(View):
    """`words` says when and for how long."""

    id: str
    title: str
    who: str
    words: str | None = None
    instruction: str | None = None
    coding: tuple[CodingView, ...] = ()
    schedule: PatternView | None = None
    lasts: SpanView | None = None
    count: int | None = None
    goals: tuple[str, ...] = ()

    @classmethod
    def of(cls, action: nouns.TemplateAction, language: Language = ENGLISH) -> "TemplateActionView":
        return cls(
            id=action.id,
            title=action.title,
            who=action.who,
            words=_in_words(action, language),
            instruction=action.instruction,
            coding=tuple(CodingView(system=c.system, code=c.code, display=c.display) for c in action.codings),
            schedule=_pattern(action),
            lasts=SpanView.of(action.lasts) if action.lasts else None,
            count=action.count,
            goals=action.goals,
        )


class RemarkView(View):
    """`by` is a role, or a name where its bearer wants to be named. `open`: an objection that nobody has resolved."""

    id: str
    kind: str
    text: str
    by: str | None = None
    at: datetime | None = None
    about: str | None = None
    open: bool = False


class TemplateView(View):
    """One version of a programme. `draft` is worked on, `active` is released, `retired` no longer applied."""

    id: str
    version: Annotated[str, msgspec.Meta(description="For If-Match")]
    url: str
    edition: Annotated[str, msgspec.Meta(description="Its version among those of the same `url`")]
    canonical: Annotated[
        str, msgspec.Meta(description="`url|edition`: as `applyTemplate` takes it, and as plans say it")
    ]
    status: str
    title: str
    description: str | None = None
    purpose: str | None = None
    topics: tuple[ConceptView, ...] = ()
    goals: tuple[TemplateGoalView, ...] = ()
    actions: tuple[TemplateActionView, ...] = ()
    authors: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    endorsers: tuple[str, ...] = ()
    remarks: tuple[RemarkView, ...] = ()
    predecessor: str | None = None
    approved: Day | None = None

    @classmethod
    def of(cls, template: nouns.Template, language: Language = ENGLISH) -> "TemplateView":
        return cls(
            id=str(template.id),
            version=template.version or "",
            url=template.url,
            edition=template.edition,
            canonical=template.canonical,
            status=template.status,
            title=template.title,
            description=template.description,
            purpose=template.purpose,
            topics=tuple(map(ConceptView.of, template.topics)),
            goals=tuple(map(TemplateGoalView.of, template.goals)),
            actions=tuple(TemplateActionView.of(a, language) for a in template.actions),
            authors=tuple(n.name for n in template.authors),
            reviewers=tuple(n.name for n in template.reviewers),
            endorsers=tuple(n.name for n in template.endorsers),
            remarks=_remarks(template),
            predecessor=template.predecessor,
            approved=day_text(template.approved),
        )


class TemplateList(View):
    templates: tuple[TemplateView, ...]


class ReleaseGate(View):
    """`missing` says in words what the release still lacks, and which operation brings it; absent where it is open."""

    open: bool
    patients: int
    clinicians: int
    patients_needed: int
    clinicians_needed: int
    open_objections: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, gate: Gate, language: Language = ENGLISH) -> "ReleaseGate":
        return cls(
            open=gate.is_open,
            patients=gate.patients,
            clinicians=gate.clinicians,
            patients_needed=gate.patients_needed,
            clinicians_needed=gate.clinicians_needed,
            open_objections=tuple(r.text for r in gate.objections),
            missing=gate.missing(language),
        )


ANSWERS: tuple[Any, ...] = (ReleaseGate, TemplateList, TemplateView)


def _remarks(template: nouns.Template) -> tuple[RemarkView, ...]:
    unresolved = open_objections(template)
    return tuple(
        RemarkView(id=r.act, kind=r.kind, text=r.text, by=r.by, at=r.at, about=r.about, open=r in unresolved)
        for r in template.remarks
    )


def _pattern(action: nouns.TemplateAction) -> PatternView | None:
    pattern = action.pattern
    if pattern is None:
        return None
    times = tuple(f"{t:%H:%M}" for t in pattern.times)
    return PatternView(
        days=pattern.days,
        times=times,
        when=pattern.when,
        frequency=pattern.frequency,
        period=pattern.period,
        unit=pattern.unit,
    )


def _in_words(action: nouns.TemplateAction, language: Language) -> str | None:
    """`every day before going to sleep, for 12 weeks`"""
    if action.pattern is None:
        return None
    lasts = span_in_words(action.lasts.value, action.lasts.unit, language) if action.lasts else ""
    said = (pattern_in_words(action.pattern, language), lasts, count_in_words(action.count, language))
    return ", ".join(filter(None, said))
