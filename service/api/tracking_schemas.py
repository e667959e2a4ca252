"""Bodies for what is tracked. An entry that cannot be read is no reason to lose the others of its request."""

import re
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from service.api.fields import Confirmed, GoalKey, Number, PastInstant, Reason, Unit, Words
from service.api.flaws import flaw_of
from service.api.schemas import Body
from service.domain.tracking import Amount, Reading
from service.workflows.tracking import Unread

MOST: int = 500
Key: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9\-]{0,63}$")]
ITEM_ID: Final = re.compile(r"[A-Za-z0-9\-._:]{1,64}")
ItemId: TypeAlias = Annotated[
    str,
    Field(
        pattern=rf"^{ITEM_ID.pattern}$",
        description="Your own id of this entry. Sent again, also in another request, it is recorded once.",
    ),
]
Time: TypeAlias = Annotated[
    PastInstant,
    Field(description="When it was measured, with its zone", examples=["2026-12-03T19:30:00+01:00"]),
]


class Measured(Body):
    """One value, or one for each part (blood pressure: `systolic` and `diastolic`)."""

    value: Number | None = None
    parts: dict[Key, Number] = Field(default_factory=dict, max_length=10)
    unit: Unit | None = Field(None, description="UCUM code; may be left out where the catalogue has just one unit")
    confirmed: Confirmed = False

    def amount(self) -> Amount:
        """What the rules take."""
        return Amount(self.value, self.parts, self.unit, self.confirmed)


class TrackedItem(Measured):
    """One entry of a diary or a device."""

    id: ItemId | None = None
    what: Key = Field(description="Key of the catalogue, for example `glucose`")
    effective: Time
    goals: tuple[GoalKey, ...] = Field(
        (), max_length=5, description="Agreed goals that it is measured for: ids, or references as answers have them"
    )
    note: Words | None = None

    def reading(self) -> Reading:
        """What the rules take."""
        return Reading(self.what, self.amount(), self.effective, self.id, self.goals, self.note)


def _or_why_not(value: Any, read: ValidatorFunctionWrapHandler) -> TrackedItem | Unread:
    try:
        item: TrackedItem = read(value)
        return item
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
        return Unread(tuple(flaw_of(e, ("body", *e["loc"])) for e in errors), _own_id(value))


def _own_id(value: Any) -> str | None:
    """A phone that gets one entry back must know which of its own it was."""
    given = value.get("id") if isinstance(value, dict) else None
    return given if isinstance(given, str) and ITEM_ID.fullmatch(given) else None


class RecordObservations(Body):
    """One entry or up to 500, in any order of time."""

    items: tuple[Annotated[TrackedItem, WrapValidator(_or_why_not)], ...] = Field(min_length=1, max_length=MOST)

    def entries(self) -> tuple[Reading | Unread, ...]:
        """Each as a Reading, or why it is none."""
        return tuple(item.reading() if isinstance(item, TrackedItem) else item for item in self.items)


class AmendObservation(Measured):
    """What it should have said. What is left out stays as it was, the unit included."""

    reason: Reason
    effective: Time | None = None
    note: Words | None = None

    def corrected(self) -> Amount | None:
        """The value as it should have been; None where only the time or the note is corrected."""
        return self.amount() if self.model_fields_set & {"value", "parts", "unit"} else None
