"""Targets that people can read: what came as codes alone gets the words of the catalogue."""

from dataclasses import replace

from fhir_mappings.model import Concept, Quantity, Range, Target
from service.domain.amounts import Scale, scale_of
from service.domain.catalogue import Catalogue


def readable(target: Target, catalogue: Catalogue, language: str) -> Target:
    """The target with words where it has none; what somebody wrote stays as it is."""
    scale = scale_of(target.measure, catalogue) if target.measure else None
    if target.measure is None or scale is None:
        return target
    measure, detail = _called(target.measure, scale, language), target.detail
    if isinstance(detail, Quantity):
        return replace(target, measure=measure, detail=_amount(detail, scale, language))
    if isinstance(detail, Range):
        low, high = (end and _amount(end, scale, language) for end in (detail.low, detail.high))
        return replace(target, measure=measure, detail=Range(low, high))
    return replace(target, measure=measure)


def _called(measure: Concept, scale: Scale, language: str) -> Concept:
    if measure.text or any(c.display for c in measure.codings):
        return measure
    return replace(measure, text=(scale.part or scale.trackable).label(language))


def _amount(amount: Quantity, scale: Scale, language: str) -> Quantity:
    unit = scale.trackable.unit(amount.code)
    return replace(amount, unit=unit.in_words(language)) if unit and not amount.unit else amount
