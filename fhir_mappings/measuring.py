"""The nouns of networks: what is measured, for which period, and what was counted.

No noun here is about a patient: counts and shares only.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from fhir_mappings.model import Coding, Reference, reference_to


class Every(StrEnum):
    """How long a period is."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start` to `end`, both days included."""

    start: date
    end: date

    @classmethod
    def of(cls, start: date, every: Every) -> "Period":
        """The calendar month, quarter or year that begins on this day."""
        months = start.month - 1 + MONTHS[every]
        return cls(start, date(start.year + months // 12, months % 12 + 1, 1) - timedelta(days=1))

    @property
    def every(self) -> Every:
        """Which of the lengths it has; what is neither a month nor a quarter counts as a year."""
        months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1
        return next((every for every, length in MONTHS.items() if length == months), Every.YEAR)

    @property
    def following(self) -> "Period":
        """The next period of this length."""
        return Period.of(self.end + timedelta(days=1), self.every)

    def overlaps(self, other: "Period") -> bool:
        return self.start <= other.end and other.start <= self.end


class Scoring(StrEnum):
    """https://hl7.org/fhir/R4/valueset-measure-scoring.html"""

    PROPORTION = "proportion"
    CONTINUOUS_VARIABLE = "continuous-variable"


class Improvement(StrEnum):
    """https://hl7.org/fhir/R4/valueset-measure-improvement-notation.html"""

    INCREASE = "increase"
    DECREASE = "decrease"


@dataclass(frozen=True, slots=True)
class MeasureDefinition:
    """One version of one measure. `rule` names what is counted; what it leaves open stands in the parameters.

    `below` is met by values under it; `met_by` by these codes; `codes` say what is looked at.
    """

    id: str
    url: str
    version: str
    title: str
    description: str
    plain: str
    rule: str
    scoring: Scoring
    improvement: Improvement
    codes: tuple[Coding, ...] = ()
    below: Decimal | None = None
    met_by: frozenset[str] = frozenset()
    days: int | None = None

    @property
    def canonical(self) -> str:
        """`url|version`."""
        return f"{self.url}|{self.version}"


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted: `numerator` of `denominator`; for a continuous variable how many, and their median.

    All None: masked, because it could tell of single people.
    """

    denominator: int | None
    numerator: int | None = None
    median: Decimal | None = None

    @property
    def is_masked(self) -> bool:
        return self.denominator is None

    @property
    def score(self) -> Decimal | None:
        """The share to six places, or the median; None where nothing was counted or all is masked."""
        if self.numerator is None:
            return self.median
        return (Decimal(self.numerator) / self.denominator).quantize(MILLIONTH) if self.denominator else None


MILLIONTH = Decimal("0.000001")
MASKED = Tally(None)


@dataclass(frozen=True, slots=True)
class Stratum:
    """A tally of a part: `stratifier` says by what (`language`), `value` which (`es`)."""

    stratifier: str
    value: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class MeasureReport:
    """One measure of one centre, or of the whole network, in one period: a summary, of nobody in particular.

    `measure` is `url|version`, `date` when it was computed, `network` the id of the network's Organization. `subject`
    and `operation` make it a noun that an act can write.
    """

    measure: str
    scoring: Scoring
    improvement: Improvement
    reporter: Reference
    network: str
    period: Period
    date: datetime
    tally: Tally
    strata: tuple[Stratum, ...] = ()
    id: str | None = None
    operation: str | None = None

    @property
    def reference(self) -> Reference:
        return reference_to("MeasureReport", self.id)

    @property
    def subject(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Counted:
    """Everything that was counted for one measure in one period, unmasked: it stays where it was computed.

    `centres` by id of the Organization, `strata` by stratifier and value, both over the same people as `network`.
    """

    measure: str
    period: Period
    network: Tally
    centres: dict[str, Tally]
    strata: dict[str, dict[str, Tally]]
