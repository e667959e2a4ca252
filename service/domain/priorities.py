"""What comes first, for each party in their own name: nobody reorders somebody else's list."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from fhir_mappings.codes import Act
from fhir_mappings.model import CarePlan, Reference
from fhir_mappings.person_centered import PriorityList
from service.domain.thread import Change, Occasion

ORDER: Final = {"Patient": 0, "RelatedPerson": 1}
"""Whose list stands before whose."""


def prioritised(  # what the lists are made of stands in as many places
    subject: Reference,
    items: tuple[Reference, ...],
    occasion: Occasion,
    *,
    lists: Iterable[PriorityList] = (),
    private: Collection[Reference] = (),
    plan: CarePlan | None = None,
) -> Change:
    """The actor's order in place of the earlier one."""
    written = tuple(split(subject, occasion.actor.reference, items, occasion, lists=lists, private=private))
    return Change(Act.SET_PRIORITIES, written[-1].reference, others=written, plan=plan)


def split(
    subject: Reference,
    source: Reference,
    items: tuple[Reference, ...],
    occasion: Occasion,
    *,
    lists: Iterable[PriorityList],
    private: Collection[Reference],
) -> Iterator[PriorityList]:
    """The lists of one source: the shared one, and a private one in full where something on it is private.

    The shared list does not betray the other: it has no gap where something private stands. The one that says all is
    the last. Lists of other systems stay as they are; of two of ours for the same, made at once, one is retired.
    """
    ours = sorted((p for p in lists if p.source == source and p.key is not None), key=lambda p: p.current)
    present = {p.private: p for p in ours}
    yield from (replace(p, current=False) for p in ours if p.current and p is not present[p.private])
    shown = tuple(i for i in items if i not in private)
    hidden = shown != items
    shared = _written(present.get(False), subject, source, shown, occasion, private=False)
    if True in present and present[True].current and not hidden:
        yield replace(present[True], items=items, date=occasion.at, current=False)
    yield shared
    if hidden:
        yield _written(present.get(True), subject, source, items, occasion, private=True)


def resplit(
    lists: Collection[PriorityList], private: Collection[Reference], occasion: Occasion
) -> tuple[PriorityList, ...]:
    """All lists of ours anew, after something on them has become private or shared."""
    full: dict[Reference, PriorityList] = {}
    for priorities in sorted((p for p in lists if p.key is not None and p.current), key=lambda p: p.private):
        full[priorities.source] = priorities
    again = (split(p.subject, source, p.items, occasion, lists=lists, private=private) for source, p in full.items())
    return tuple(p for found in again for p in found)


def in_force(lists: Iterable[PriorityList]) -> tuple[PriorityList, ...]:
    """One list for each source that this reader may see, the fullest; the patient's first, then the family's."""
    full: dict[Reference, PriorityList] = {}
    for priorities in sorted((p for p in lists if p.current and p.items), key=lambda p: p.private):
        full[priorities.source] = priorities
    return tuple(sorted(full.values(), key=lambda p: (ORDER.get(p.source.partition("/")[0], len(ORDER)), p.source)))


def _written(
    present: PriorityList | None,
    subject: Reference,
    source: Reference,
    items: tuple[Reference, ...],
    occasion: Occasion,
    *,
    private: bool,
) -> PriorityList:
    if present is not None:
        return replace(present, items=items, date=occasion.at, current=True)
    key = f"{subject.partition('/')[2]}.{source.partition('/')[2]}{'.private' if private else ''}"
    return PriorityList(
        id=occasion.new_id(),
        subject=subject,
        source=source,
        items=items,
        date=occasion.at,
        key=key,
        note=occasion.language.say("What comes first, as the family sees it"),
        patient_supplied=not source.startswith("Practitioner/"),
        private=private,
    )
