"""A measure that is named as the catalogue names it is what the catalogue means: it gets the code.

Without one, nothing would be known of it: no bounds, no words for its unit, and no other system could read what it is.
"""

from collections.abc import Sequence
from dataclasses import replace

from fhir_mappings.model import Concept, Quantity, Target
from service.domain.amounts import aims
from service.domain.catalogue import Catalogue, Trackable, Unit
from service.domain.units import same


def coded(targets: Sequence[Target], catalogue: Catalogue) -> tuple[Target, ...]:
    """The targets, with the code of each measure that has only a name of the catalogue, in a unit that is taken for it.

    What was said stays: `measure.text` and the amounts. A name in another unit is somebody's own.
    """
    return tuple(_coded(target, catalogue) for target in targets)


def _coded(target: Target, catalogue: Catalogue) -> Target:
    if target.measure is None or target.measure.codings or not target.measure.text:
        return target
    trackable = _named(target.measure.text, catalogue)
    unit = _unit_of_all(trackable, [amount for _, amount in aims(target)]) if trackable else None
    if trackable is None or unit is None:
        return target
    return replace(target, measure=Concept(target.measure.text, trackable.concept(unit).codings))


def _named(text: str, catalogue: Catalogue) -> Trackable | None:
    said = text.strip().casefold()
    names = ((t, {t.key, *(label.casefold() for label in t.labels.values())}) for t in catalogue if not t.parts)
    return next((t for t, known in names if said in known), None)


def _unit_of_all(trackable: Trackable, amounts: Sequence[Quantity]) -> Unit | None:
    """The one unit of the catalogue that all the amounts are in, and which they can be meant in."""
    fitting = (u for u in trackable.units if all(same(u.code, a.code) for a in amounts))
    possible = amounts and all(trackable.possible.hold(a.value) for a in amounts)
    return next(fitting, None) if possible else None
