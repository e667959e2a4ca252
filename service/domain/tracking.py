"""From what somebody enters to the Observation that stands for it, and its correction. In words: docs/tracking.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from fhir_mappings.carrier import encode
from fhir_mappings.codes import Act, ObservationStatus
from fhir_mappings.elements import instant_text
from fhir_mappings.model import Coding, Component, Concept, Observation, Quantity, Reference
from fhir_mappings.wording import phrase
from service.domain.catalogue import Bounds, Catalogue, Part, Trackable, Unit
from service.domain.thread import Change, Occasion
from service.domain.units import converted
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed

IMPLAUSIBLE: Final = "business-rule"
"""Issue code of a value that is taken once somebody has looked again and said `confirmed`."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What was measured: one value, or one for each part of a panel. `unit` None: the first one of the catalogue."""

    value: Decimal | None = None
    parts: Mapping[str, Decimal] = field(default_factory=dict)
    unit: str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One entry of a diary or a device. `item` names it within the application that sends it."""

    what: str
    amount: Amount
    effective: datetime
    item: str | None = None
    goals: tuple[str, ...] = ()
    note: str | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for entries that say the same; whether somebody confirmed it is not part of that."""
        amount = self.amount
        said = {
            "what": self.what,
            "value": _plain(amount.value),
            "parts": {k: _plain(v) for k, v in sorted(amount.parts.items())},
            "unit": amount.unit,
            "effective": instant_text(self.effective),
            "goals": self.goals,
            "note": self.note,
        }
        return sha256(encode(said)).hexdigest()[:32]


def observed(reading: Reading, patient: Reference, item: str, catalogue: Catalogue, occasion: Occasion) -> Observation:
    """The Observation of an entry, in the name of who sends it.

    Raises:
        InvalidContent: names each element that cannot stand.
    """
    trackable = catalogue.get(reading.what)
    if trackable is None:
        raise InvalidContent(Flaw("what", "is no key of the catalogue", "not-found"))
    measured = _measured(trackable, reading.amount)
    return replace(
        measured,
        id=occasion.new_id(),
        subject=patient,
        effective=reading.effective,
        performers=(occasion.actor.reference,),
        goals=tuple(f"Goal/{goal}" for goal in reading.goals),
        note=_notes(reading.note, measured.note),
        patient_supplied=occasion.actor.on_patient_side,
        client_item=item,
        fingerprint=reading.fingerprint,
    )


def amended(
    before: Observation,
    amount: Amount | None,
    effective: datetime | None,
    note: str | None,
    reason: str,
    catalogue: Catalogue,
    occasion: Occasion,
) -> Change:
    """Corrects an Observation: what it said before stays in its history, who corrected it and why in its Provenance.

    Raises:
        TransitionNotAllowed: it was recorded elsewhere, or is entered in error.
        NotPermitted: it was recorded by the other side.
        InvalidContent: names each element that cannot stand.
    """
    _must_be_correctable(before, occasion)
    after = replace(before, effective=effective or before.effective, status=ObservationStatus.AMENDED)
    if amount:
        trackable = catalogue.of(before.code)
        if trackable is None:
            raise TransitionNotAllowed(f"{before.reference} is of something that the catalogue no longer has")
        measured = _measured(trackable, replace(amount, unit=amount.unit or _unit_of(before)))
        if measured.code.codings != before.code.codings:
            raise InvalidContent(Flaw("unit", "makes it another measurement: enter that one anew", "not-supported"))
        after = replace(after, value=measured.value, components=measured.components)
        note = _notes(note, measured.note)
    if note:
        after = replace(after, note=note)
    return Change(Act.AMEND_OBSERVATION, before.reference, observations=(after,), reason=reason)


def voided(before: Observation, reason: str, occasion: Occasion) -> Change:
    """Says that an Observation should never have been there. Nothing is deleted.

    Raises:
        TransitionNotAllowed: it was recorded elsewhere, or is entered in error already.
        NotPermitted: it was recorded by the other side.
    """
    _must_be_correctable(before, occasion)
    after = replace(before, status=ObservationStatus.ENTERED_IN_ERROR)
    return Change(Act.ENTER_IN_ERROR, before.reference, observations=(after,), reason=reason)


def _measured(trackable: Trackable, amount: Amount) -> Observation:
    """Code, value, unit and profile; subject and status are set by the caller."""
    unit, factors, sent = _unit(trackable, amount)
    flaws = (*_shape_flaws(trackable, amount), *_bound_flaws(trackable, unit, factors, amount.confirmed))
    if flaws:
        raise InvalidContent(*flaws)
    parts = {p.key: p for p in trackable.parts}
    values = {name: Quantity(value, unit.code, unit.in_words()) for name, value in factors.items()}
    return Observation(
        subject="",
        status=ObservationStatus.FINAL,
        code=trackable.concept(unit),
        value=values.get("value"),
        effective=None,
        category=trackable.category,
        note=sent,
        components=tuple(Component(_part_concept(p), values[k]) for k, p in parts.items()),
        profile=trackable.profile,
    )


def _unit(trackable: Trackable, amount: Amount) -> tuple[Unit, Mapping[str, Decimal], str | None]:
    """The unit to record in, the values in it, and what was sent, in words, where that was another unit."""
    given = amount.parts if amount.value is None else {**amount.parts, "value": amount.value}
    unit = trackable.units[0] if amount.unit is None else trackable.unit(amount.unit)
    if unit:
        return unit, given, None
    for candidate in trackable.units:
        values = ((k, converted(v, str(amount.unit), candidate.code)) for k, v in given.items())
        exact = {k: v for k, v in values if v is not None}
        if exact and len(exact) == len(given):
            sent = ", ".join(f"{v} {amount.unit}" for v in given.values())
            return candidate, exact, f"Entered as {sent}."
    accepted = ", ".join(u.code for u in trackable.units)
    refused = phrase("must be one of {accepted}, or convert to it exactly")
    raise InvalidContent(Flaw("unit", refused, "not-supported", {"accepted": accepted}))


def _shape_flaws(trackable: Trackable, amount: Amount) -> tuple[Flaw, ...]:
    wanted = {p.key for p in trackable.parts}
    if not wanted:
        missing = (Flaw("value", "is needed", "required"),) if amount.value is None else ()
        unknown = (Flaw("parts", "are not known here: give a value", "not-supported"),) if amount.parts else ()
        return (*missing, *unknown)
    one = (Flaw("value", "is not known here: give the parts", "not-supported"),)
    return (
        *(one if amount.value is not None else ()),
        *(Flaw(f"parts.{key}", "is needed", "required") for key in sorted(wanted - amount.parts.keys())),
        *(Flaw(f"parts.{key}", "is not known", "not-supported") for key in sorted(amount.parts.keys() - wanted)),
    )


def _bound_flaws(trackable: Trackable, unit: Unit, values: Mapping[str, Decimal], confirmed: bool) -> tuple[Flaw, ...]:
    parts = {p.key: p for p in trackable.parts}
    return tuple(
        flaw
        for key, value in values.items()
        if (flaw := _bound_flaw(trackable, _plausible(parts.get(key), unit), key, value, confirmed))
    )


def _bound_flaw(trackable: Trackable, plausible: Bounds, key: str, value: Decimal, confirmed: bool) -> Flaw | None:
    """A score of 28 of 27 cannot be meant; a glucose of 45 mmol/L can, and a slip of the finger looks the same."""
    path = key if key == "value" else f"parts.{key}"
    if trackable.whole and value != value.to_integral_value():
        return Flaw(path, "must be a whole number")
    if not trackable.possible.hold(value):
        return Flaw(path, "must be {bounds}", parts={"bounds": trackable.possible})
    if not confirmed and not plausible.hold(value):
        unlikely = phrase("is hardly ever outside {bounds}: look again, then send it confirmed")
        return Flaw(path, unlikely, IMPLAUSIBLE, {"bounds": plausible})
    return None


def _plausible(part: Part | None, unit: Unit) -> Bounds:
    return part.plausible if part else unit.plausible


def _part_concept(part: Part) -> Concept:
    return Concept(part.labels["en"], (Coding(part.code.system, part.code.code, part.code.display),))


def _unit_of(observation: Observation) -> str | None:
    values = (observation.value, *(c.value for c in observation.components))
    return next((v.code for v in values if isinstance(v, Quantity)), None)


def _must_be_correctable(observation: Observation, occasion: Occasion) -> None:
    """Each side corrects its own: nobody's measurement changes by another's hand. Custodians may, as for goals."""
    if observation.client_item is None and observation.operation is None:
        raise TransitionNotAllowed(f"{observation.reference} was recorded elsewhere: correct it there")
    if observation.status is ObservationStatus.ENTERED_IN_ERROR:
        raise TransitionNotAllowed(f"{observation.reference} was entered in error: there is nothing to correct")
    from_patient_side = any(not p.startswith("Practitioner") for p in observation.performers)
    own_side = from_patient_side == occasion.actor.on_patient_side
    if not own_side and occasion.actor.reference not in occasion.policy.custodians:
        raise NotPermitted(f"{observation.reference} was recorded by the other side: ask them to correct it")


def _notes(*notes: str | None) -> str | None:
    return " ".join(filter(None, notes)) or None


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"
