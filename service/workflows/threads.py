"""The story of a goal: what was offered, what differs, what was said, who agreed to what and why."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from fhir_mappings.communication import message_from_fhir
from fhir_mappings.goal import Difference, differences
from fhir_mappings.model import Goal, Message, Reference, Stamp
from fhir_mappings.people import names_from_fhir
from fhir_mappings.provenance import stamp_from_fhir
from fhir_mappings.wording import Language
from service.commit import Session
from service.domain.questions import Question, questions_about
from service.domain.thread import UNSETTLED, as_offered
from service.records import in_order, people_of, read_record


@dataclass(frozen=True, slots=True)
class OfferView:
    """One offer, how it differs from the one before, and each act on it."""

    goal: Goal
    differences: tuple[Difference, ...]
    stamps: tuple[Stamp, ...]


@dataclass(frozen=True, slots=True)
class ThreadView:
    """All offers about one wish in order, all messages in order, and what waits for whom."""

    thread: str | None
    offers: tuple[OfferView, ...]
    messages: tuple[Message, ...]
    waiting: tuple[Question, ...]
    language: Language
    names: Mapping[Reference, str]


async def read_thread(goal_id: str, *, session: Session) -> ThreadView:
    """The thread that the goal belongs to, whichever of its offers was asked for."""
    record = await read_record(session.fhir, goal_id, told=False)
    offers = in_order(record.thread.goals)
    about = ",".join(g.reference for g in offers)
    resource_type, _, patient_id = record.goal.subject.partition("/")
    messages, provenances, people, patient, language = await asyncio.gather(
        session.fhir.search("Communication", [("based-on", about), ("patient", record.goal.subject)]),
        session.fhir.search("Provenance", [("target", about)]),
        people_of(session.fhir.search, record.goal.subject),
        session.fhir.read(resource_type, patient_id),  # as the token may be shown them; the record is for acts
        session.words_for(record.goal.subject),
    )
    stamps = sorted(map(stamp_from_fhir, provenances), key=lambda s: s.recorded)
    return ThreadView(
        record.goal.thread,
        tuple(_offer(goal, before, stamps, language) for before, goal in pairwise((None, *offers)) if goal),
        tuple(sorted(map(message_from_fhir, messages), key=lambda m: m.sent)),
        questions_about((t for t in record.thread.tasks if t.status in UNSETTLED), offers, ()),
        language,
        names_from_fhir((*people, patient)),
    )


def _offer(goal: Goal, before: Goal | None, stamps: list[Stamp], language: Language) -> OfferView:
    """A message, too, has this goal among the targets of its stamp; what counts is what an act was first about."""
    ours = tuple(s for s in stamps if s.targets[0] == goal.reference)
    if before is None:
        return OfferView(goal, (), ours)
    earlier, later = as_offered(before, stamps), as_offered(goal, stamps)
    if before.start == goal.start:
        earlier, later = replace(earlier, start=None), replace(later, start=None)
    return OfferView(goal, differences(earlier, later, language), ours)
