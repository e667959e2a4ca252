"""What somebody plans to be done, before anybody was asked."""

from dataclasses import dataclass
from datetime import date

from fhir_mappings.activities import Schedule
from fhir_mappings.model import Concept, PartialDate, Reference
from service.domain.occurrences import occurrences
from service.domain.thread import Occasion
from service.errors import Flaw, InvalidContent


@dataclass(frozen=True, slots=True)
class ActivityDraft:
    """What somebody plans. Without `performers` it is for the patient; `schedule` and `due` exclude each other."""

    what: Concept
    performers: tuple[Reference, ...] = ()
    schedule: Schedule | None = None
    due: PartialDate | None = None
    instruction: str | None = None
    goals: tuple[Reference, ...] = ()


def must_lie_ahead(draft: ActivityDraft, occasion: Occasion) -> None:
    """Refuses what nobody can do any more. Today is not over until it is over everywhere on earth.

    Raises:
        InvalidContent: names the element that ends it.
    """
    first, schedule = occasion.earliest_today, draft.schedule
    if draft.due and draft.due.last_day < first:
        raise InvalidContent(Flaw("due", "is over", "business-rule"))
    if schedule and next(occurrences(schedule, first, date.max), None) is None:
        ends = "count" if schedule.until is None else "until"
        raise InvalidContent(Flaw(f"schedule.{ends}", "is over: nothing of it lies ahead", "business-rule"))
