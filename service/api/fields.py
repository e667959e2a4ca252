"""What a field of a body or a query may hold, each kind checked in one place."""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from fhir_mappings import model
from fhir_mappings.elements import DATE, checked_reference, checked_text, checked_unit
from fhir_mappings.pco import DOMAINS
from fhir_mappings.wording import phrase

D = TypeVar("D", date, datetime)
FIRST_YEAR, LAST_YEAR = 1900, 2100
CLOCK_SKEW: Final = timedelta(minutes=5)


def _words(max_length: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > max_length:
            raise PydanticCustomError("string_too_long", "is too long", {"max_length": max_length})
        return checked_text(value, "", max_length=max_length).strip()

    return AfterValidator(check)


def reference_to(*allowed: str) -> AfterValidator:
    """A reference of the form Type/id to one of these types."""
    return AfterValidator(lambda value: _referring(value, allowed))


def id_or_reference_to(*allowed: str) -> AfterValidator:
    """A reference to one of these types, or the id alone: what it is the id of is then for the record to say."""
    return AfterValidator(lambda v: v if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", v) else _referring(v, allowed))


def _referring(value: str, allowed: tuple[str, ...]) -> str:
    resource_type = value.partition("/")[0]
    if resource_type.isalpha() and resource_type not in allowed:
        raise PydanticCustomError("reference_type", "is of another type", expected(sorted(allowed)))
    return checked_reference(value, allowed, "")


def expected(names: Iterable[str]) -> dict[str, str]:
    """Context of an error that names what is accepted, as pydantic's own has it."""
    return {"expected": ", ".join(f"'{name}'" for name in names)}


def one_of(codes: Collection[str]) -> AfterValidator:
    """One of these codes; they are named to whoever sends another."""

    def check(value: str) -> str:
        if value not in codes:
            raise PydanticCustomError("enum", "is none of them", expected(codes))
        return value

    return AfterValidator(check)


def _number(value: Any) -> Any:
    """JSON numbers only: the text "6000" is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number_type", "is no number")
    return value


def _written(value: Any) -> Any:
    """A date with time as text: a number, in quotes or not, would be taken for seconds since 1970."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise PydanticCustomError("datetime_type", "is no date with time")
    return value


def in_these_centuries(value: D) -> D:
    """A day or an instant from which nothing reaches over the edge of the calendar, in whatever zone."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(phrase("must be a date of this or the last century"))
    return value


def _date(value: str) -> model.PartialDate:
    """A day, month or year of the calendar; never a time."""
    if not DATE.fullmatch(value):
        raise ValueError(phrase("must be a date such as 2026-05-01, 2026-05 or 2026, without a time"))
    date = model.PartialDate(value)
    in_these_centuries(date.last_day)
    return date


def not_in_the_future(value: datetime) -> datetime:
    """What is told happened already; clocks may differ a little."""
    in_these_centuries(value)
    if value > datetime.now(UTC) + CLOCK_SKEW:
        raise ValueError(phrase("must not lie in the future"))
    return value


Instant: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(in_these_centuries)]
PastInstant: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(not_in_the_future)]
Words: TypeAlias = Annotated[str, _words(2_000)]
Reason: TypeAlias = Annotated[
    str, _words(1_000), Field(description="Why, in plain words. Everybody concerned can read it.")
]
ShortText: TypeAlias = Annotated[str, _words(200)]
Uri: TypeAlias = Annotated[str, Field(pattern=r"^(https?://|urn:)\S{1,200}$")]
Code: TypeAlias = Annotated[str, Field(pattern=r"^[^\s]+( [^\s]+)*$", max_length=100), _words(100)]
Id: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
GoalKey: TypeAlias = Annotated[
    str,
    Field(pattern=r"^(Goal/)?[A-Za-z0-9\-.]{1,64}$", examples=["sugar-in-range"]),
    AfterValidator(lambda value: value.removeprefix("Goal/")),
]
"""A goal by its id, or by the reference that our answers have."""
ObservationKey: TypeAlias = Annotated[
    str,
    Field(pattern=r"^(Observation/)?[A-Za-z0-9\-.]{1,64}$", examples=["Observation/o-7"]),
    AfterValidator(lambda value: f"Observation/{value.removeprefix('Observation/')}"),
]
"""An Observation by its reference, or by its id."""
Number: TypeAlias = Annotated[Decimal, BeforeValidator(_number), Field(max_digits=18, allow_inf_nan=False)]
Unit: TypeAlias = Annotated[
    str, AfterValidator(lambda value: checked_unit(value, "")), Field(description="UCUM code, for example `{steps}/d`")
]
Confirmed: TypeAlias = Annotated[
    bool,
    Field(strict=True, description="True once somebody has looked again at an amount hardly ever so high or low"),
]
Domain: TypeAlias = Annotated[str, one_of(DOMAINS.codes), Field(json_schema_extra={"enum": [*DOMAINS.codes]})]
Day: TypeAlias = Annotated[
    str, AfterValidator(_date), Field(description="`YYYY`, `YYYY-MM` or `YYYY-MM-DD`", examples=["2027-01-31"])
]
