"""By when targets are to be reached: a day that is over is nobody's aim."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from fhir_mappings.model import Target
from service.domain.thread import Occasion
from service.errors import Flaw, InvalidContent


def must_be_ahead(targets: Iterable[Target], occasion: Occasion) -> None:
    """Refuses a target whose day is over everywhere on earth; a month or a year is over with its last day.

    Raises:
        InvalidContent: names each.
    """
    over = [i for i, t in enumerate(targets) if t.due and t.due.last_day < occasion.earliest_today]
    if over:
        flaws = (Flaw(f"targets[{i}].due", "is over: a goal is reached today or later", "business-rule") for i in over)
        raise InvalidContent(*flaws)


def without_past(targets: Iterable[Target], today: date) -> tuple[Target, ...]:
    """The targets to offer once more: without days that are over, and without those that say nothing else."""
    kept = (replace(t, due=None) if t.due and t.due.last_day < today else t for t in targets)
    return tuple(t for t in kept if t.measure or t.due)
