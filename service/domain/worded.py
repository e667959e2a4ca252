"""What was measured, in the reader's words: by the catalogue where CoPlan named it; what others wrote stays."""

from collections.abc import Mapping
from dataclasses import replace

from fhir_mappings.model import Component, Observation, ObservedValue, Quantity
from service.domain.catalogue import DEFAULT_LANGUAGE, Catalogue, Trackable


def worded(observation: Observation, catalogue: Catalogue, language: str) -> Observation:
    """The measurement as it is shown to who reads this language; the record is left as it is."""
    trackable = catalogue.of(observation.code)
    if trackable is None:
        return observation
    return replace(
        observation,
        code=replace(observation.code, text=_said(observation.code.text, trackable.labels, language)),
        value=_amount(observation.value, trackable, language),
        components=tuple(_component(c, trackable, language) for c in observation.components),
    )


def _component(component: Component, trackable: Trackable, language: str) -> Component:
    codes = {(c.system, c.code) for c in component.code.codings}
    labels: Mapping[str, str] = next((p.labels for p in trackable.parts if (p.code.system, p.code.code) in codes), {})
    code = replace(component.code, text=_said(component.code.text, labels, language))
    return replace(component, code=code, value=_amount(component.value, trackable, language))


def _amount(value: ObservedValue | None, trackable: Trackable, language: str) -> ObservedValue | None:
    if isinstance(value, Quantity) and (unit := trackable.unit(value.code)):
        return replace(value, unit=_said(value.unit, unit.words, language))
    return value


def _said(text: str | None, words: Mapping[str, str], language: str) -> str | None:
    """Ours in the language; somebody else's as it was written."""
    ours = text is None or text in words.values()
    return (words.get(language) or words.get(DEFAULT_LANGUAGE) or text) if ours else text
