"""What comes first, for each party in their own name: nobody reorders somebody else's list."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from fhir_mappings.codes import Act
from fhir_mappings.model import CarePlan, Reference
from fhir_mappings.person_centered import PriorityList
from service.domain.thread import Change, Occasion


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
    the last.
    """
    present = {p.private: p for p in lists if p.source == source}
    shown = tuple(i for i in items if i not in private)
    hidden = shown != items
    yield _written(present.get(False), subject, source, shown, occasion, private=False)
    if hidden or True in present:
        full = _written(present.get(True), subject, source, items, occasion, private=True)
        yield replace(full, current=hidden)


def resplit(
    lists: Collection[PriorityList], private: Collection[Reference], occasion: Occasion
) -> tuple[PriorityList, ...]:
    """All lists anew, after something on them has become private or shared."""
    full: dict[Reference, PriorityList] = {}
    for priorities in sorted(lists, key=lambda p: p.private):
        full[priorities.source] = priorities
    again = (split(p.subject, source, p.items, occasion, lists=lists, private=private) for source, p in full.items())
    return tuple(p for found in again for p in found)


def in_force(lists: Iterable[PriorityList]) -> tuple[PriorityList, ...]:
    """One list for each source that this reader may see, the fullest; the patient's first, then the family's."""
    full: dict[Reference, PriorityList] = {}
    for priorities in sorted((p for p in lists if p.current and p.items), key=lambda p: p.private):
        full[priorities.source] = priorities
    order = ("Patient", "RelatedPerson")
    return tuple(
        sorted(
            full.values(),
            key=lambda p: (
                p.source.partition("/")[0] not in order[:1],
                p.source.partition("/")[0] not in order,
                p.source,
            ),
        )
    )


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
