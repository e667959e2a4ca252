"""One rule for every amount that comes in, whether it was measured, entered in a diary or is aimed at: its unit and its
bounds. Why it is one: docs/adr/0034.

A unit that the catalogue takes for what is measured stays. Another is converted into one of these where that is exact,
else it is refused with those named. What the catalogue does not know needs a UCUM unit, and no more is known of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from fhir_mappings.model import Concept, Goal, Observation, Quantity, Range, Target
from fhir_mappings.ucum import meant
from fhir_mappings.wording import phrase
from service.domain.catalogue import Bounds, Catalogue, Part, Trackable, Unit
from service.domain.progress import COUNTED, measurable_target, measured, unit_of
from service.domain.units import comparable, converted, is_ucum, same
from service.errors import Flaw, InvalidContent

IMPLAUSIBLE: Final = "business-rule"
"""Issue code of a value that is taken once somebody has looked again and said `confirmed`."""
NO_UNIT: Final = "1"


@dataclass(frozen=True, slots=True)
class Scale:
    """What a value is of, and the units that it is taken in. `part` is the one of a panel, where it is of one."""

    trackable: Trackable
    units: tuple[Unit, ...]
    part: Part | None = None

    @property
    def accepted(self) -> tuple[str, ...]:
        """The UCUM codes that it is taken in."""
        return tuple(u.code for u in self.units)

    def plausible(self, unit: Unit) -> Bounds:
        """What is hardly ever exceeded in this unit."""
        return self.part.plausible if self.part else unit.plausible

    def exact(self, value: Decimal, unit: str) -> tuple[Decimal, Unit] | None:
        """The value in a unit that is taken, its own where that is one; None where it fits none exactly."""
        own = [u for u in self.units if same(u.code, unit)]
        if own:
            return value, next((u for u in own if u.code == unit), own[0])
        found = ((converted(value, unit, u.code), u) for u in self.units)
        return next(((v, u) for v, u in found if v is not None), None)


def scale_of(measure: Concept, catalogue: Catalogue) -> Scale | None:
    """The scale of what is coded so. A code of mass takes no moles: its units are those that are recorded under it."""
    wanted = {(c.system, c.code) for c in measure.codings}
    for trackable in catalogue:
        if part := next((p for p in trackable.parts if (p.code.system, p.code.code) in wanted), None):
            return Scale(trackable, trackable.units, part)
        units = tuple(u for u in trackable.units if (trackable.code.system, u.coded or trackable.code.code) in wanted)
        if units:
            return Scale(trackable, units)
    return None


def unit_flaw(unit: str, scale: Scale, path: str) -> Flaw:
    """Names the units that are taken, and the one that may have been meant."""
    parts = {"accepted": ", ".join(scale.accepted)}
    said = phrase("must be one of {accepted}, or convert to it exactly")
    if other := next((u for u in scale.trackable.units if u.code == unit and u not in scale.units), None):
        said = phrase("must be one of {accepted}, or convert to it exactly; {unit} goes with the code {code}")
        parts |= {"unit": other.code, "code": other.coded or scale.trackable.code.code}
    elif codes := meant(unit, scale.accepted):
        said = phrase("must be one of {accepted}, or convert to it exactly: did you mean {codes}?")
        parts |= {"codes": " / ".join(codes)}
    return Flaw(path, said, "not-supported", parts)


def bound_flaw(scale: Scale, unit: Unit, value: Decimal, path: str, *, confirmed: bool) -> Flaw | None:
    """A score of 28 of 27 cannot be meant; a glucose of 45 mmol/L can, and a slip of the finger looks the same."""
    plausible = scale.plausible(unit)
    if not scale.trackable.possible.hold(value):
        return _impossible(scale, unit, path)
    if not confirmed and not plausible.hold(value):
        parts = {"bounds": plausible, "unit": unit.words}
        unlikely = phrase("is hardly ever outside {bounds} {unit}: look again, then send it confirmed")
        if other := _fitting(scale, unit, value):
            unlikely = phrase("is hardly ever outside {bounds} {unit}: did you mean {other}? If not, send it confirmed")
            parts["other"] = other.code
        return Flaw(path, unlikely, IMPLAUSIBLE, parts)
    return None


def _impossible(scale: Scale, unit: Unit, path: str) -> Flaw:
    """With the unit, but for points: `of 10` is what the bounds say already."""
    possible = scale.trackable.possible
    if same(unit.code, NO_UNIT):
        return Flaw(path, "must be {bounds}", parts={"bounds": possible})
    return Flaw(path, "must be {bounds} {unit}", parts={"bounds": possible, "unit": unit.words})


def _fitting(scale: Scale, unit: Unit, value: Decimal) -> Unit | None:
    """Another unit of the same thing in which the value would be nothing out of the way."""
    others = (u for u in scale.trackable.units if u is not unit and u.plausible.low is not None)
    return None if scale.part else next((u for u in others if u.plausible.hold(value)), None)


def whole_flaw(scale: Scale, value: Decimal, path: str) -> Flaw | None:
    """Steps and points come one by one. What is aimed at may lie between: it is an average."""
    whole = not scale.trackable.whole or value == value.to_integral_value()
    return None if whole else Flaw(path, "must be a whole number")


def taken(
    amount: Quantity, measure: Concept, catalogue: Catalogue, path: str, *, confirmed: bool = False
) -> tuple[Quantity, str | None]:
    """The amount of this measure in a unit that is taken, and what was sent, in words, where that was another unit.

    Raises:
        InvalidContent: names the unit, the value, or the measure where that has several values.
    """
    scale = scale_of(measure, catalogue)
    if scale is None:
        must_be_ucum(amount.code, f"{path}.code")
        return amount, None
    if flaw := _panel_flaw(scale, "measure"):
        raise InvalidContent(flaw)
    value, unit = _exact(amount, scale, path)
    flaws = (
        whole_flaw(scale, value, f"{path}.value"),
        bound_flaw(scale, unit, value, f"{path}.value", confirmed=confirmed),
    )
    if found := tuple(filter(None, flaws)):
        raise InvalidContent(*found)
    if same(unit.code, amount.code):
        return replace(amount, code=unit.code), None
    return replace(amount, value=value, code=unit.code, unit=unit.in_words()), sent_as((amount.value,), amount.code)


def sent_as(values: Iterable[Decimal], unit: str) -> str:
    """The note of what was converted."""
    return f"Entered as {', '.join(f'{v} {unit}' for v in values)}."


def must_be_aimable(
    targets: Sequence[Target], catalogue: Catalogue, *, confirmed: bool = False, within: str = ""
) -> None:
    """Refuses targets that no value could be held against. They stay in the unit in which they were said.

    Args:
        within: the path of what has the targets, with its dot.

    Raises:
        InvalidContent: names each unit and each amount that cannot stand.
    """
    flaws = tuple(
        flaw
        for i, target in enumerate(targets)
        if isinstance(target.detail, Quantity | Range)
        for flaw in _target_flaws(target, catalogue, f"{within}targets[{i}]", confirmed)
    )
    if flaws:
        raise InvalidContent(*flaws)


def must_be_comparable(observation: Observation, goal: Goal, catalogue: Catalogue, path: str) -> None:
    """Refuses a value of what the goal measures that could not be held against its target: it would count for nothing.

    A target in a unit that nothing can be told in is another system's, and no fault of who measures.

    Raises:
        InvalidContent: names the unit, and the one that the target is in.
    """
    target = measurable_target(goal)
    unit = unit_of(target) if target else None
    amount = target and of_the_same(observation, target.measure, catalogue)
    if not target or not unit or not amount or comparable(amount.value, amount.code, unit) is not None:
        return
    scale = scale_of(target.measure, catalogue) if target.measure else None
    if scale.exact(Decimal(1), unit) if scale else is_ucum(unit):
        untold = phrase("cannot be told in {unit}, which the goal's target is in")
        raise InvalidContent(Flaw(path, untold, "not-supported", {"unit": unit}))


def of_the_same(observation: Observation, measure: Concept | None, catalogue: Catalogue) -> Quantity | None:
    """The amount of this measure, also where the unit gives it another code (glucose by mass and by moles)."""
    if amount := measured(observation, measure):
        return amount
    theirs, ours = catalogue.of(observation.code), catalogue.of(measure) if measure else None
    value = observation.value
    return value if theirs is not None and theirs is ours and isinstance(value, Quantity) else None


def left_out(target: Target, observations: Iterable[Observation], catalogue: Catalogue) -> int:
    """How many values of what the target measures cannot be told in its unit, so that its series goes without them."""
    unit = unit_of(target)
    counted = (o for o in observations if o.status in COUNTED and of_the_same(o, target.measure, catalogue))
    own = (measured(o, target.measure) for o in counted)
    return sum(1 for a in own if unit and (a is None or comparable(a.value, a.code, unit) is None))


def asks_registry(amounts: Iterable[tuple[Concept | None, str]], catalogue: Catalogue) -> bool:
    """True if one of these units is none that the catalogue takes for its measure: only the registry knows of it."""
    return any(unit not in _known(measure, catalogue) for measure, unit in amounts)


def amounts_of(targets: Iterable[Target]) -> Iterator[tuple[Concept | None, str]]:
    """Measure and unit of all that a number can meet."""
    return ((t.measure, amount.code) for t in targets for _, amount in aims(t))


def must_be_ucum(unit: str, path: str) -> None:
    """Refuses what UCUM does not have.

    Raises:
        InvalidContent: names the element.
    """
    if unit != NO_UNIT and not is_ucum(unit):
        codes = meant(unit)
        said = phrase("is no unit of UCUM: did you mean {codes}?") if codes else phrase("is no unit of UCUM")
        raise InvalidContent(Flaw(path, said, "code-invalid", {"codes": " / ".join(codes)} if codes else {}))


def _known(measure: Concept | None, catalogue: Catalogue) -> tuple[str, ...]:
    scale = scale_of(measure, catalogue) if measure else None
    return scale.accepted if scale else (NO_UNIT,)


def _exact(amount: Quantity, scale: Scale, path: str) -> tuple[Decimal, Unit]:
    found = scale.exact(amount.value, amount.code)
    if found is None:
        raise InvalidContent(unit_flaw(amount.code, scale, f"{path}.code"))
    return found


def _panel_flaw(scale: Scale, path: str) -> Flaw | None:
    if scale.part or not scale.trackable.parts:
        return None
    names = " / ".join(f"{p.code.code} ({p.key})" for p in scale.trackable.parts)
    return Flaw(path, "has several values: name one of {names}", "not-supported", {"names": names})


def _target_flaws(target: Target, catalogue: Catalogue, path: str, confirmed: bool) -> Iterator[Flaw]:
    scale = scale_of(target.measure, catalogue) if target.measure else None
    if scale and (flaw := _panel_flaw(scale, f"{path}.measure")):
        yield flaw
        return
    for name, amount in aims(target):
        yield from _aim_flaws(amount, scale, f"{path}.value.{name}", confirmed)


def _aim_flaws(amount: Quantity, scale: Scale | None, path: str, confirmed: bool) -> Iterator[Flaw]:
    try:
        if scale is None:
            must_be_ucum(amount.code, f"{path}.code")
            return
        value, unit = _exact(amount, scale, path)
    except InvalidContent as exc:
        yield from exc.flaws
        return
    if flaw := bound_flaw(scale, unit, value, f"{path}.value", confirmed=confirmed):
        yield flaw


def aims(target: Target) -> Iterator[tuple[str, Quantity]]:
    """The amounts of a target that is a Quantity or a Range, each with where it stands in `value`."""
    detail = target.detail
    if isinstance(detail, Quantity):
        yield "quantity", detail
    if isinstance(detail, Range):
        yield from ((f"range.{name}", q) for name, q in (("low", detail.low), ("high", detail.high)) if q)
