"""The rules of the measures, each written once: what is counted, for DuckDB and Spark alike.

A rule answers cases: one row for each thing counted, with its patient, the first day of its period, and either `met`
(1 or 0, for a share) or `days` (for a median). Only periods that were over when the data were exported are counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import ibis
from ibis import Table, Value, _
from ibis.expr.types import BooleanValue

from fhir_mappings.measuring import Every, MeasureDefinition, Period, Scoring
from service.networks.tables import UNKNOWN, Column

TRUNCATED_TO: Final = {Every.MONTH: "M", Every.QUARTER: "Q", Every.YEAR: "Y"}
FOLLOW_UP: Final = (timedelta(weeks=2), timedelta(weeks=26))
COULD_NOT_BE_ASKED: Final = "could-not-be-asked"
REPLACED_IN_A_ROW: Final = 3
"""So many statements are followed, each of which replaces the one before by name and is withdrawn itself."""
NOT_ASKED: Final = ("not-asked", COULD_NOT_BE_ASKED)
AGE_BANDS: Final = (("0-5", 6), ("6-11", 12), ("12-17", 18), ("18-39", 40), ("40-64", 65))
OLDEST: Final = "65+"
STRATIFIERS: Final = ("centre", "age-band", "language", "proxy")


@dataclass(frozen=True, slots=True)
class Data:
    """The flat tables of `tables.FLAT`, the day they were exported on, and the periods over by then."""

    tables: Mapping[str, Table]
    as_of: date
    every: Every
    periods: tuple[Period, ...]

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def period_of(self, day: Column) -> Column:
        """The first day of the period that the day lies in."""
        return day.truncate(TRUNCATED_TO[self.every])

    def calendar(self) -> Table:
        """period, last: the first and the last day of each period."""
        rows = [(p.start, p.end) for p in self.periods]
        return ibis.memtable(rows, schema={"period": "date", "last": "date"})


Rule = Callable[[Data, MeasureDefinition], Table]


def remission(data: Data, measure: MeasureDefinition) -> Table:
    """Patients with a value of this index in the period; met if their latest one says remission.

    Of two values of one second the worse one counts: `at` and whether it is met are one number, of which the largest
    is taken, so that one pass over the Observations is enough.
    """
    values = data["observations"].filter(_is_coded(_.codes, measure))
    met = _is_met(measure)
    keyed = values.select(
        patient=_.patient, period=data.period_of(_.day), key=_.at * 2 + ibis.ifelse(met, 0, 1), read=_is_read(measure)
    ).filter(_.read)
    latest = keyed.group_by("patient", "period").agg(key=_.key.max())
    return latest.select("patient", "period", met=(1 - _.key % 2).cast("int64"))


def goals_authored(data: Data, _measure: MeasureDefinition) -> Table:
    """Goals in force on the last day of the period; met if patient or family wrote them."""
    return _in_force(data).select(
        "patient", "period", met=ibis.ifelse(_.author.isin(("Patient", "RelatedPerson")), 1, 0)
    )


def goals_agreed(data: Data, _measure: MeasureDefinition) -> Table:
    """Goals in force on the last day of the period; met if somebody of each side agrees and nobody disagrees."""
    own = _.kind.isin(("Patient", "RelatedPerson"))
    agrees = _.status == "agree"
    sides = (
        data["acceptances"]
        .group_by("goal")
        .agg(
            ours=(own & agrees).cast("int64").max(),
            theirs=(~own & agrees).cast("int64").max(),
            against=(_.status == "disagree").cast("int64").max(),
        )
    )
    in_force = _in_force(data).left_join(sides, "goal")
    agreed = (_.ours == 1) & (_.theirs == 1) & (_.against == 0)
    return in_force.select("patient", "period", met=ibis.ifelse(agreed.fill_null(False), 1, 0))


def days_to_decision(data: Data, _measure: MeasureDefinition) -> Table:
    """Proposals decided in the period, with the days from asking to the answer."""
    decided = data["proposals"].filter(_.decided_at.notnull())
    days = (_.decided_at - _.asked_at).cast("float64") / 86400
    return decided.select("patient", period=data.period_of(_.decided), days=days)


def proposals_unanswered(data: Data, measure: MeasureDefinition) -> Table:
    """Proposals that wait on the last day of the period; met if they have waited for more than so many days."""
    calendar = data.calendar()
    proposals = data["proposals"]
    waiting = proposals.join(
        calendar,
        [proposals.asked <= calendar.last, ibis.or_(proposals.closed.isnull(), proposals.closed > calendar.last)],
    )
    waited = _.last.delta(_.asked, unit="day")
    return waiting.select("patient", "period", met=ibis.ifelse(waited > (measure.days or 0), 1, 0))


def goals_followed_up(data: Data, _measure: MeasureDefinition) -> Table:
    """Goals begun in the period, once 26 weeks have gone by since its end; met by a measurement in weeks 2 to 26."""
    first, last = FOLLOW_UP
    begun = data["goals"].filter(_.start <= data.as_of)
    seen = begun.join(data["follow_ups"], "goal")
    after = _.day.delta(_.start, unit="day")
    in_time = seen.filter(after >= first.days, after <= last.days).select("goal").distinct().mutate(seen=1)
    cases = begun.left_join(in_time, "goal").select(
        "patient", period=data.period_of(_.start), met=ibis.coalesce(_.seen, 0)
    )
    ended = [p.start for p in data.periods if p.end + last <= data.as_of]
    return cases.filter(_.period <= ended[-1]) if ended else cases.limit(0)


def asked_first(data: Data, measure: MeasureDefinition) -> Table:
    """Admissions; met if an answer was recorded before, and held then. Before whom nobody could ask is not counted.

    The same as `service.domain.asked_first`, for all patients at once.
    """
    admitted = _admissions(data, measure)
    said = _said(data["preferences"])
    valid = admitted.join(said.filter(_.code.notnull()), "patient").filter(_is_valid(_.known_from, _.until))
    taken = valid.join(_places_taken(said), "id").filter(_is_valid(_.taken_from, _.taken_until))
    known = valid.anti_join(taken, ["admission", "id"])
    before = known.group_by("admission").agg(
        answered=(~_.code.isin(NOT_ASKED)).cast("int64").max(),
        impossible=(_.code == COULD_NOT_BE_ASKED).cast("int64").max(),
    )
    judged = admitted.left_join(before, "admission").filter((_.answered == 1) | (_.impossible.fill_null(0) == 0))
    return judged.select("patient", period=data.period_of(_.day), met=_.answered.fill_null(0))


def _admissions(data: Data, measure: MeasureDefinition) -> Table:
    """admission, patient, day, at: orders, and stays that are based on none of them."""
    orders = data["orders"].filter(_is_coded(_.codes, measure))
    stays = data["stays"].filter(_is_coded(_.codes, measure))
    based = stays.select("id", "based_on").unnest("based_on").filter(_.based_on.notnull())
    same = based.semi_join(orders.select(based_on=_.id), "based_on").select("id").distinct()
    columns = ("patient", "day", "at")
    return orders.select(*columns, admission="o" + _.id).union(
        stays.anti_join(same, "id").select(*columns, admission="e" + _.id)
    )


def _said(preferences: Table) -> Table:
    """The preferences of known patients, since when (seconds) each is known and holds, and which of them answer."""
    return preferences.filter(_.patient.notnull()).mutate(
        known_from=ibis.greatest(_.recorded + 1, _.since), answers=(~_.code.isin(NOT_ASKED)).fill_null(True)
    )


def _is_valid(begun: Value, until: Value) -> BooleanValue:
    """At the time of the admission."""
    return (begun <= _["at"]) & (until.isnull() | (_["at"] < until))


def _places_taken(said: Table) -> Table:
    """id, taken_from, taken_until: what takes the place of each answer to the question of admission, while it is valid
    itself. What replaces by name what took a place takes it, too.
    """
    old, new = said.filter(_.code.notnull()), said.view()
    same = (
        new.about_admission & ((new.condition == "") | (new.condition == old.condition)) & (new.answers | ~old.answers)
    )
    after = [old.patient == new.patient, _is_later(new, old)]
    taken = old.join(new, [*after, same | _replaces(new, old)]).select(
        id=old.id, by=new.id, taken_from=new.known_from, taken_until=new.until
    )
    places, links = [taken], _replacements(said)
    for _again in range(REPLACED_IN_A_ROW):
        places.append(
            places[-1]
            .join(links, "by")
            .select("id", by=_.then, taken_from=ibis.greatest(_.taken_from, _.then_from), taken_until=_.then_until)
        )
    return ibis.union(*places).drop("by")


def _replacements(said: Table) -> Table:
    """by, then, then_from, then_until: each statement and what replaces it by name."""
    old, new = said.view(), said.view()
    pairs = old.join(new, [old.patient == new.patient, _is_later(new, old), _replaces(new, old)])
    return pairs.select(by=old.id, then=new.id, then_from=new.known_from, then_until=new.until)


def _is_later(new: Table, old: Table) -> BooleanValue:
    return (new.since > old.since) | (
        (new.since == old.since)
        & ((new.recorded > old.recorded) | ((new.recorded == old.recorded) & (new.id > old.id)))
    )


def _replaces(new: Table, old: Table) -> BooleanValue:
    return new.replaces.contains(old.id).fill_null(False)


RULES: Final[Mapping[str, Rule]] = {
    "asked-first": asked_first,
    "days-to-decision": days_to_decision,
    "goals-agreed": goals_agreed,
    "goals-authored": goals_authored,
    "goals-followed-up": goals_followed_up,
    "proposals-unanswered": proposals_unanswered,
    "remission": remission,
}
"""`Measure.group.population.criteria.expression`: the rule."""


def cases_of(measure: MeasureDefinition, data: Data) -> Table:
    """The cases of a measure with the strata of their patients. A patient without a centre is nobody's case."""
    rule = RULES[measure.rule]
    first, last = data.periods[0].start, data.periods[-1].start
    cases = rule(data, measure).filter(_.period.between(first, last))
    people = data["patients"].left_join(data["proxies"].mutate(proxy=ibis.literal("yes")), "patient")
    known = people.select("patient", "centre", "born", "language", proxy=_.proxy.fill_null("no"))
    joined = cases.join(known.filter(_.centre.notnull()), "patient")
    return joined.mutate(age_band=_age_band(_.period.year() - _.born.year()))


def tallied(measure: MeasureDefinition, cases: Table, *by: str) -> Table:
    """The counts of the cases, by period and whatever else is named."""
    grouped = cases.group_by(["period", *by])
    if measure.scoring is Scoring.PROPORTION:
        return grouped.agg(denominator=_.count(), numerator=_.met.sum().cast("int64"))
    return grouped.agg(denominator=_.count(), median=_.days.quantile(0.5))


def _in_force(data: Data) -> Table:
    """goal, patient, author, period: each goal once for each period on whose last day it held."""
    calendar, goals = data.calendar(), data["goals"]
    held = goals.join(calendar, [goals.start <= calendar.last, ibis.or_(goals.end.isnull(), goals.end > calendar.last)])
    return held.select("goal", "patient", "author", "period")


def _is_coded(codes: Column, measure: MeasureDefinition) -> Column:
    return ibis.or_(*(codes.contains(f"{c.system}|{c.code}") for c in measure.codes))


def _is_met(measure: MeasureDefinition) -> Column:
    """A number that is low enough, or one of the answers. Never null: what cannot be read was left out before."""
    answers = sorted(measure.met_by)
    said = _.answers.filter(lambda code: code.isin(answers)).length() > 0
    low = _.value < float(measure.below if measure.below is not None else 0)
    return _either(measure, low, said)


def _is_read(measure: MeasureDefinition) -> Column:
    return _either(measure, _.value.notnull(), _.answers.length() > 0)


def _either(measure: MeasureDefinition, number: Column, answer: Column) -> Column:
    """What the measure goes by: the number, the answer, or whichever there is."""
    ways = [(measure.below is not None, number), (bool(measure.met_by), answer)]
    first, *others = (way.fill_null(False) for used, way in ways if used)
    return first | others[0] if others else first


def _age_band(age: Column) -> Column:
    """By the age that is reached in the year in which the period begins."""
    branches = [(age < below, ibis.literal(name)) for name, below in AGE_BANDS]
    return ibis.ifelse(age.isnull(), UNKNOWN, ibis.cases(*branches, else_=OLDEST))
