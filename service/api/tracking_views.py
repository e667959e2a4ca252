"""What is tracked, as callers get it."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from fhir_mappings import model
from fhir_mappings.carrier import Json
from fhir_mappings.observation import observation_from_fhir
from fhir_mappings.wording import Language
from service.api.story_views import MeasurementView
from service.api.views import CodingView, ConceptView, Flaw, Reference, ValueView, View
from service.domain.catalogue import Bounds, Catalogue, Part, Trackable, Unit
from service.domain.corrections import Correction
from service.domain.worded import worded
from service.workflows.tracking import Fate, Result

Words = Annotated[dict[str, str], msgspec.Meta(description="By language", examples=[{"en": "Weight", "es": "Peso"}])]


class BoundsView(View):
    """Both ends included; an absent one is open."""

    low: Decimal | None = None
    high: Decimal | None = None

    @classmethod
    def of(cls, bounds: Bounds) -> "BoundsView | None":
        return None if bounds == Bounds() else cls(low=bounds.low, high=bounds.high)


class UnitView(View):
    """`coding`: what a value in this unit is recorded under. Beyond `plausible` a value is taken once confirmed."""

    code: str
    words: Words
    coding: CodingView
    plausible: BoundsView | None = None

    @classmethod
    def of(cls, unit: Unit, trackable: Trackable) -> "UnitView":
        coding = CodingView(system=trackable.code.system, code=unit.coded or trackable.code.code)
        return cls(code=unit.code, words=dict(unit.words), coding=coding, plausible=BoundsView.of(unit.plausible))


class PartView(View):
    key: str
    labels: Words
    coding: CodingView
    plausible: BoundsView | None = None

    @classmethod
    def of(cls, part: Part) -> "PartView":
        coding = CodingView(system=part.code.system, code=part.code.code)
        return cls(key=part.key, labels=dict(part.labels), coding=coding, plausible=BoundsView.of(part.plausible))


class TrackableView(View):
    """One thing to track. Post its `key`; other units than these are taken where they convert exactly."""

    key: str
    labels: Words
    category: str
    better: Annotated[str, msgspec.Meta(description="Which way is good news: `more`, `less` or `in-range`")]
    units: tuple[UnitView, ...]
    possible: BoundsView | None = None
    parts: tuple[PartView, ...] = ()
    whole: Annotated[bool, msgspec.Meta(description="Whole numbers only")] = False
    summed: Annotated[bool, msgspec.Meta(description="What is entered in a day adds up: a chart marks the sum")] = False
    clinical: Annotated[bool, msgspec.Meta(description="Recorded by the care team alone")] = False
    profile: str | None = None

    @classmethod
    def of(cls, trackable: Trackable) -> "TrackableView":
        return cls(
            key=trackable.key,
            labels=dict(trackable.labels),
            category=trackable.category,
            better=trackable.better,
            units=tuple(UnitView.of(u, trackable) for u in trackable.units),
            possible=BoundsView.of(trackable.possible),
            parts=tuple(map(PartView.of, trackable.parts)),
            whole=trackable.whole,
            summed=trackable.summed,
            clinical=trackable.clinical,
            profile=trackable.profile,
        )


class TrackableList(View):
    trackables: tuple[TrackableView, ...]


class ItemResult(View):
    """What became of one entry. `observation` is absent, and `errors` say why, where it was refused."""

    outcome: Annotated[str, msgspec.Meta(description="`created`, `already-there` or `refused`")]
    id: Annotated[str, msgspec.Meta(description="Your own id of the entry")] | None = None
    observation: Reference | None = None
    version: str | None = None
    errors: tuple[Flaw, ...] = ()

    @classmethod
    def of(cls, result: Result, language: Language) -> "ItemResult":
        return cls(
            outcome=result.fate,
            id=result.item,
            observation=result.observation,
            version=result.version,
            errors=tuple(Flaw(path=f.expression, code=f.code, message=f.said(language)) for f in result.flaws),
        )


class Recorded(View):
    """One result for each entry, in the order of the entries."""

    created: int
    already_there: int
    refused: int
    results: tuple[ItemResult, ...]

    @classmethod
    def of(cls, results: tuple[Result, ...], language: Language) -> "Recorded":
        fates = [r.fate for r in results]
        created, there, refused = map(fates.count, (Fate.CREATED, Fate.ALREADY_THERE, Fate.REFUSED))
        shown = tuple(ItemResult.of(r, language) for r in results)
        return cls(created=created, already_there=there, refused=refused, results=shown)


class ComponentView(View):
    measure: ConceptView
    value: ValueView | None = None

    @classmethod
    def of(cls, component: model.Component) -> "ComponentView":
        value = None if component.value is None else ValueView.of(component.value)
        return cls(measure=ConceptView.of(component.code), value=value)


class SaidView(View):
    """What a measurement said."""

    status: str
    value: ValueView | None = None
    components: tuple[ComponentView, ...] = ()
    effective: datetime | None = None
    note: str | None = None

    @classmethod
    def of(cls, observation: model.Observation) -> "SaidView":
        return cls(
            status=observation.status,
            value=None if observation.value is None else ValueView.of(observation.value),
            components=tuple(map(ComponentView.of, observation.components)),
            effective=observation.effective,
            note=observation.note,
        )


class CorrectionView(View):
    """Who corrected it, when and why; `from` and `to` are absent where the FHIR server does not tell its versions."""

    who: Reference
    at: datetime
    name: str | None = None
    reason: str | None = None
    from_: SaidView | None = msgspec.field(name="from", default=None)
    to: SaidView | None = None

    @classmethod
    def of(cls, correction: Correction) -> "CorrectionView":
        stamp, before, after = correction.stamp, correction.before, correction.after
        return cls(
            who=stamp.who,
            at=stamp.recorded,
            name=stamp.display,
            reason=stamp.reason,
            from_=SaidView.of(before) if before else None,
            to=SaidView.of(after) if after else None,
        )


class ObservationView(MeasurementView, kw_only=True):
    """What was measured, by whom and when. `what` is its key in the catalogue, where it has one. `corrections`, oldest
    first, are told where one measurement is read.
    """

    version: str
    what: str | None = None
    category: str | None = None
    components: tuple[ComponentView, ...] = ()
    corrections: tuple[CorrectionView, ...] = ()

    @classmethod
    def shown(
        cls, resource: Json, language: Language, catalogue: Catalogue, corrections: Iterable[Correction] = ()
    ) -> "ObservationView":
        observation = worded(observation_from_fhir(resource), catalogue, language.primary)
        trackable = catalogue.of(observation.code)
        return cls(
            **msgspec.structs.asdict(MeasurementView.of(observation)),
            version=observation.version or "",
            what=trackable.key if trackable else None,
            category=observation.category,
            components=tuple(map(ComponentView.of, observation.components)),
            corrections=tuple(map(CorrectionView.of, corrections)),
        )


class ObservationList(View):
    """Latest first. Ask again with `next` as `cursor` for what is older."""

    observations: tuple[ObservationView, ...]
    next: str | None = None


TRACKING_ANSWERS: tuple[type[View], ...] = (ObservationList, ObservationView, Recorded, TrackableList)
