"""A network that never was, with the truth beside it: what was to be found, centre by centre and month by month.

Remission rises from 60 % to 79 % after a change at each centre's own date: the figures of the ImproveCareNow network of
71 centres, as told in Batalden et al., Coproduction of healthcare service, BMJ Qual Saf 2016
(doi:10.1136/bmjqs-2015-004315).
All else (who is seen how often, who writes goals, how long answers take) is made up, and moves with the change, too.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import numpy as np
import pyarrow as pa

from fhir_mappings.carrier import encode
from service.networks.synthetic_fhir import Writer

Numbers: TypeAlias = np.ndarray[Any, Any]
Table: TypeAlias = pa.Table

LAST_DAY: Final = date(2026, 1, 1)
"""The day of the export: the years before it are full."""
BEFORE, AFTER = 0.60, 0.79
SPREAD_OF_CENTRES: Final = 0.03
SEEN_IN_A_MONTH: Final = 0.40
SEEN_TWICE: Final = 0.10
WEIGHED_AT_HOME: Final = 0.20
WITH_COLITIS: Final = 0.45
"""Scored by PUCAI; the others by sPCDAI. The global assessment (PGA) is made at each visit."""
SAME_BY_INDEX: Final = 0.90
GOALS_OF_A_PATIENT: Final = 1.5
ADMISSIONS_IN_A_YEAR: Final = 0.15
MINUTE: Final = 60
DAY: Final = 86_400

WRITTEN_BY_PATIENT: Final = (0.25, 0.55)
AGREED: Final = (0.45, 0.80)
FOLLOWED_UP: Final = (0.50, 0.75)
ASKED_FIRST: Final = (0.20, 0.60)
DAYS_TO_ANSWER: Final = (9.0, 4.0)
NEVER_ANSWERED: Final = 0.08
"""Before and after the change of a centre."""


@dataclass(frozen=True, slots=True)
class CentreTruth:
    """What is true of one centre: when it changed (first month of the new ways, counted from 0), the share of remission
    before and after, and the counts of each index by month as (in remission, seen).
    """

    centre: str
    patients: int
    changed: int
    before: float
    after: float
    counts: dict[str, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of the network."""

    network: str
    seed: int
    first_month: str
    months: int
    exported: str
    observations: int
    centres: tuple[CentreTruth, ...]


def synthesise(
    folder: Path,
    *,
    network: str,
    centres: int,
    patients: int,
    years: int,
    seed: int,
    form: str = "ndjson",
    told: Callable[[str], object] = lambda _: None,
) -> Truth:
    """Writes the resources and `truth.json`. Equal arguments give equal files.

    Args:
        form: `ndjson` or `parquet`, both in FHIR shape.
        told: the name of each centre once it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    months = years * 12
    chance = np.random.default_rng(seed)
    sizes = _sizes(chance, centres, patients)
    bases = _bases(chance, sizes)
    changes = chance.integers(int(months * 0.35), int(months * 0.65), size=centres)
    streams = chance.spawn(centres)
    found = []
    with Writer(folder, form) as writer:
        writer.organizations(network, [_centre_id(i) for i in range(centres)])
        for index in range(centres):
            one = _Centre(
                index, sizes[index], changes[index], bases[index], months, years, streams[index], sizes[:index].sum()
            )
            found.append(one.write(writer))
            told(one.id)
        observations = writer.written["Observation"]
    first = f"{LAST_DAY.year - years}-01-01"
    truth = Truth(network, seed, first, months, LAST_DAY.isoformat(), observations, tuple(found))
    (folder / "truth.json").write_bytes(encode(asdict(truth)))
    return truth


@dataclass(frozen=True, slots=True)
class _Centre:
    """One centre: its numbers, drawn from a stream of its own. Ids count through the whole network."""

    index: int
    size: int
    changed: int
    before: float
    months: int
    years: int
    chance: np.random.Generator
    first_patient: int

    @property
    def id(self) -> str:
        return _centre_id(self.index)

    def write(self, writer: Writer) -> CentreTruth:
        patients = np.arange(self.size) + self.first_patient
        self._people(writer, patients)
        counts = self._visits(writer, patients)
        self._goals(writer, patients)
        self._admissions(writer, patients)
        after = self.before + AFTER - BEFORE
        return CentreTruth(self.id, int(self.size), int(self.changed), float(self.before), float(after), counts)

    def _people(self, writer: Writer, patients: Numbers) -> None:
        chance, n = self.chance, len(patients)
        young = chance.random(n) < 0.7
        age = np.where(young, chance.integers(5, 22, n), chance.integers(22, 80, n))
        born = _days_before(age, chance.integers(0, 365, n))
        language = chance.choice(np.array(["en", "es", "fr-CA"]), n, p=[0.78, 0.18, 0.04])
        writer.patients(_table(patient=patients, centre=np.full(n, self.index), born=born, language=language))
        proxied = patients[(age < 18) & (chance.random(n) < 0.9)]
        writer.related_persons(_table(patient=proxied))

    def _visits(self, writer: Writer, patients: Numbers) -> dict[str, list[tuple[int, int]]]:
        """Visits with their indices, home weights, and what is true: the last visit of each patient in each month."""
        chance, shape = self.chance, (len(patients), self.months)
        seen = chance.random(shape) < SEEN_IN_A_MONTH
        twice = seen & (chance.random(shape) < SEEN_TWICE)
        share = np.where(np.arange(self.months) >= self.changed, self.before + AFTER - BEFORE, self.before)
        colitis = chance.random(len(patients)) < WITH_COLITIS
        counts: dict[str, Numbers] = {name: np.zeros((self.months, 2), dtype=np.int64) for name in INDICES}
        for visit, (whose, days) in enumerate(((seen, (0, 14)), (twice, (14, 28)))):
            who, month = np.nonzero(whose)
            well = chance.random(len(who)) < share[month]
            well_by_index = np.where(chance.random(len(who)) < SAME_BY_INDEX, well, chance.random(len(who)) < 0.5)
            at = self._instants(month, chance.integers(*days, len(who)))
            last = ~twice[who, month] if visit == 0 else np.ones(len(who), dtype=bool)
            ucs = colitis[who]
            for name, mine, met in (
                ("pga", np.ones(len(who), dtype=bool), well),
                ("pucai", ucs, well_by_index),
                ("spcdai", ~ucs, well_by_index),
            ):
                _count(counts[name], month[mine & last], met[mine & last])
                table = _table(
                    patient=patients[who][mine], moment=at[mine], met=met[mine], size=chance.random(mine.sum())
                )
                writer.index(name, table)
        who, month = np.nonzero(chance.random(shape) < WEIGHED_AT_HOME)
        at = self._instants(month, chance.integers(0, 28, len(who)))
        writer.weights(
            _table(patient=patients[who], moment=at, value=np.round(chance.normal(58, 14, len(who)).clip(15), 1))
        )
        return {name: [(int(n), int(d)) for n, d in rows] for name, rows in counts.items()}

    def _goals(self, writer: Writer, patients: Numbers) -> None:
        """Goals with the proposal of each; answered ones are in force from the day of the answer."""
        chance = self.chance
        whose = np.repeat(patients, chance.poisson(GOALS_OF_A_PATIENT, len(patients)))
        n, end = len(whose), _epoch(LAST_DAY)
        month = chance.integers(0, self.months, n)
        asked = self._instants(month, chance.integers(0, 28, n))
        new = (month >= self.changed).astype(int)
        days = chance.lognormal(np.log(np.array(DAYS_TO_ANSWER)[new]), 0.8)
        answered = asked + (days * DAY).astype(np.int64)
        forgotten = chance.random(n) < NEVER_ANSWERED
        answered = np.where(forgotten, asked + chance.integers(20, 120, n) * DAY, answered)
        waits = answered >= end
        withdrawn = forgotten & ~waits
        declined = ~forgotten & ~waits & (chance.random(n) < 0.1)
        goal = np.arange(n)
        ids = [f"{self.index}-{i}" for i in goal]
        own = chance.random(n) < np.array(WRITTEN_BY_PATIENT)[new]
        common = {"goal": ids, "patient": whose, "own": own, "start": answered // DAY}
        over_after = chance.integers(60, 500, n) * DAY
        over = (chance.random(n) < 0.5) & (answered + over_after < end)
        holds = ~(waits | withdrawn | declined)
        unheld = np.where(waits, "proposed", np.where(withdrawn, "cancelled", "rejected"))
        agreed = chance.random(n) < np.array(AGREED)[new]
        table = _table(
            **common,
            status=np.where(holds, np.where(over, "completed", "active"), unheld),
            ended=(answered + over_after) // DAY,
            agreed=agreed & holds,
        )
        writer.goals(table.filter(pa.array(~holds)), "offered")
        writer.goals(table.filter(pa.array(holds & ~over)), "held")
        writer.goals(table.filter(pa.array(holds & over)), "over")
        outcome = np.where(withdrawn, "cancelled", np.where(declined, "rejected", "completed"))
        task = _table(goal=ids, patient=whose, asked=asked, answered=answered, status=outcome)
        writer.tasks(task.filter(pa.array(waits)), answered=False)
        writer.tasks(task.filter(pa.array(~waits)), answered=True)
        seen = holds & (chance.random(n) < np.array(FOLLOWED_UP)[new])
        at = answered + chance.integers(5, 200, n) * DAY
        followed = _table(goal=ids, patient=whose, moment=at, value=chance.integers(1, 6, n))
        writer.follow_ups(followed.filter(pa.array(seen & (at < end))))

    def _admissions(self, writer: Writer, patients: Numbers) -> None:
        chance = self.chance
        whose = np.repeat(patients, chance.poisson(ADMISSIONS_IN_A_YEAR * self.years, len(patients)))
        n = len(whose)
        month = chance.integers(0, self.months, n)
        at = self._instants(month, chance.integers(0, 28, n))
        kind = chance.choice(np.array(["IMP", "ACUTE", "AMB"]), n, p=[0.6, 0.2, 0.2])
        by_order = (chance.random(n) < 0.3) & (kind == "IMP")
        table = _table(id=[f"{self.index}-{i}" for i in range(n)], patient=whose, moment=at, kind=kind)
        writer.encounters(table.filter(pa.array(~by_order)))
        writer.service_requests(table.filter(pa.array(by_order)))
        asked = chance.random(n) < np.array(ASKED_FIRST)[(month >= self.changed).astype(int)]
        wishes = np.array(["wants-admission", "prefers-home", "undecided", "defers", "not-asked"])
        wish = chance.choice(wishes, n, p=[0.35, 0.35, 0.1, 0.1, 0.1])
        earlier = at - chance.integers(10, 300, n) * MINUTE
        writer.preferences(_table(patient=whose, moment=earlier, wish=wish).filter(pa.array(asked)))

    def _instants(self, month: Numbers, day: Numbers) -> Numbers:
        """Seconds since 1970 on this day of this month, by daylight."""
        starts = np.array(
            [_epoch(date(LAST_DAY.year - self.years + m // 12, m % 12 + 1, 1)) for m in range(self.months)]
        )
        minutes = self.chance.integers(8 * 60, 18 * 60, len(month))
        seconds = self.chance.integers(0, 60, len(month))
        return cast(Numbers, starts[month] + day * DAY + minutes * MINUTE + seconds)


INDICES: Final = ("pga", "pucai", "spcdai")


def _centre_id(index: int) -> str:
    return f"centre-{index + 1:02d}"


def _sizes(chance: np.random.Generator, centres: int, patients: int) -> Numbers:
    """Some are three times as large as others; at least one patient each, and none left over."""
    weights = chance.lognormal(0, 0.45, centres)
    sizes = np.maximum(1, np.floor(patients * weights / weights.sum()).astype(np.int64))
    sizes[np.argmax(sizes)] += patients - sizes.sum()
    return cast(Numbers, sizes)


def _bases(chance: np.random.Generator, sizes: Numbers) -> Numbers:
    """Each centre has its own share; all patients together the one that was told."""
    bases = chance.normal(BEFORE, SPREAD_OF_CENTRES, len(sizes))
    return cast(Numbers, bases + BEFORE - np.average(bases, weights=sizes))


def _count(counts: Numbers, month: Numbers, met: Numbers) -> None:
    np.add.at(counts[:, 0], month[met], 1)
    np.add.at(counts[:, 1], month, 1)


def _days_before(age: Numbers, day: Numbers) -> Numbers:
    """Days since 1970 of a birthday, as seen from the day of the export."""
    return cast(Numbers, _epoch(LAST_DAY) // DAY - (age * 365.25).astype(np.int64) - day)


def _epoch(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY


def _table(**columns: Any) -> Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})
