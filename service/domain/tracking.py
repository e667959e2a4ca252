"""From what somebody enters to the Observation that stands for it, and its correction. In words: docs/tracking.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from hashlib import sha256
from itertools import pairwise

from fhir_mappings.carrier import encode
from fhir_mappings.codes import Act, ObservationStatus
from fhir_mappings.elements import instant_text
from fhir_mappings.model import Coding, Component, Concept, Observation, PartialDate, Quantity, Reference
from fhir_mappings.wording import phrase
from service.domain.amounts import Scale, bound_flaw, sent_as, unit_flaw, whole_flaw
from service.domain.catalogue import Catalogue, Part, Trackable, Unit
from service.domain.thread import Change, Occasion
from service.domain.units import same
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed


@dataclass(frozen=True, slots=True)
class Amount:
    """What was measured: one value, or one for each part of a panel. `unit` None: the only one there is."""

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
        raise InvalidContent(_unknown(reading.what, catalogue))
    if trackable.clinical and occasion.actor.on_patient_side:
        raise InvalidContent(Flaw("what", "takes an examination: only the care team records it", "forbidden"))
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


def must_be_lived(effective: datetime, born: PartialDate | None) -> None:
    """Refuses what would have been measured before the patient was born: a slip in the year, or somebody else's.

    Raises:
        InvalidContent: names `effective`.
    """
    if born is not None and effective.date() < born.first_day:
        raise InvalidContent(Flaw("effective", "lies before the patient was born", "business-rule"))


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


def _unknown(what: str, catalogue: Catalogue) -> Flaw:
    """Names the keys that may have been meant, by their letters or their label; else all of them."""
    wanted = what.replace("-", " ").casefold()
    named = [t.key for t in catalogue if any(wanted in label.casefold() for label in t.labels.values())]
    if close := list(dict.fromkeys((*get_close_matches(what, [t.key for t in catalogue]), *named))):
        said = phrase("is no key of the catalogue: did you mean {keys}?")
        return Flaw("what", said, "not-found", {"keys": " / ".join(close)})
    keys = ", ".join(t.key for t in catalogue)
    return Flaw("what", "is no key of the catalogue, which has {keys}", "not-found", {"keys": keys})


def _measured(trackable: Trackable, amount: Amount) -> Observation:
    """Code, value, unit and profile; subject and status are set by the caller."""
    unit, values, sent = _unit(trackable, amount)
    flaws = (*_shape_flaws(trackable, amount), *_value_flaws(trackable, unit, values, amount.confirmed))
    if flaws:
        raise InvalidContent(*flaws)
    quantities = {name: Quantity(value, unit.code, unit.in_words()) for name, value in values.items()}
    return Observation(
        subject="",
        status=ObservationStatus.FINAL,
        code=trackable.concept(unit),
        value=quantities.get("value"),
        effective=None,
        category=trackable.category,
        note=sent,
        components=tuple(Component(_part_concept(p), quantities[p.key]) for p in trackable.parts),
        profile=trackable.profile,
    )


def _unit(trackable: Trackable, amount: Amount) -> tuple[Unit, Mapping[str, Decimal], str | None]:
    """The unit to record in, the values in it, and what was sent, in words, where that was another unit."""
    given = amount.parts if amount.value is None else {**amount.parts, "value": amount.value}
    if amount.unit is None:
        return _only_unit(trackable), given, None
    scale = Scale(trackable, trackable.units)
    exact = {key: found for key, value in given.items() if (found := scale.exact(value, amount.unit))}
    unit = next((u for _, u in exact.values()), trackable.unit(amount.unit))
    if unit is None or len(exact) < len(given):
        raise InvalidContent(unit_flaw(amount.unit, scale, "unit"))
    sent = None if same(unit.code, amount.unit) else sent_as(given.values(), amount.unit)
    return unit, {key: value for key, (value, _) in exact.items()}, sent


def _only_unit(trackable: Trackable) -> Unit:
    """A sugar of 22 is one thing in mg/dL and another in mmol/L: where there are several, the unit is said."""
    first, *others = trackable.units
    if others:
        accepted = " / ".join(u.code for u in trackable.units)
        raise InvalidContent(Flaw("unit", "is needed: one of {accepted}", "required", {"accepted": accepted}))
    return first


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


def _value_flaws(trackable: Trackable, unit: Unit, values: Mapping[str, Decimal], confirmed: bool) -> tuple[Flaw, ...]:
    parts = {p.key: p for p in trackable.parts}
    flaws = []
    for key, value in values.items():
        scale, path = Scale(trackable, trackable.units, parts.get(key)), key if key == "value" else f"parts.{key}"
        flaws.append(whole_flaw(scale, value, path) or bound_flaw(scale, unit, value, path, confirmed=confirmed))
    return (*filter(None, flaws), *_order_flaws(trackable, values))


def _order_flaws(trackable: Trackable, values: Mapping[str, Decimal]) -> Iterator[Flaw]:
    """An upper pressure that is no higher than the lower one: the two were swapped."""
    if not trackable.descending:
        return
    there = [p.key for p in trackable.parts if p.key in values]
    for higher, lower in pairwise(there):
        if values[lower] >= values[higher]:
            yield Flaw(f"parts.{lower}", "must be lower than {higher}: were they swapped?", parts={"higher": higher})


def _part_concept(part: Part) -> Concept:
    return Concept(part.label(), (Coding(part.code.system, part.code.code, part.code.display),))


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
