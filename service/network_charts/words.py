"""What a chart says, in words that everybody reads: people first, then shares; chance is called chance."""

from fhir_mappings.measuring import Every, Improvement, MeasureReport, Period, Tally
from service.domain.network_measures import Centre, Funnel, Series

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def period_in_words(period: Period) -> str:
    """`June 2025`, `April to June 2025`, `2025`."""
    start, end = period.start, period.end
    if (start.month, end.month) == (1, 12):
        return str(start.year)
    first, last = MONTHS[start.month - 1], MONTHS[end.month - 1]
    return f"{first} {start.year}" if first == last else f"{first} to {last} {end.year}"


def tally_in_words(tally: Tally) -> str:
    """`79 % (812 of 1,028)`, `4.5 days (median of 310)`, `not shown: too few people`."""
    if tally.is_masked:
        return "not shown: too few people"
    if not tally.denominator:
        return "nobody"
    if tally.numerator is None:
        return f"{float(tally.median or 0):.1f} days (median of {tally.denominator:,})"
    return f"{percent(float(tally.score or 0))} ({tally.numerator:,} of {tally.denominator:,})"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def level(value: float, tally: Tally) -> str:
    """A value of the same kind as the tally: a share or days."""
    return percent(value) if tally.numerator is not None else f"{value:.1f} days"


def every_of(period: Period) -> Every:
    months = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
    return {1: Every.MONTH, 3: Every.QUARTER}.get(months, Every.YEAR)


def reporter_in_words(report: MeasureReport) -> str:
    """The network, or the id of a centre."""
    own = report.reporter == f"Organization/{report.network}"
    return "All centres together" if own else f"Centre {report.reporter.partition('/')[2]}"


def story(series: Series) -> tuple[str, ...]:
    """The sentences that stand beside a chart over time."""
    shown, chart = series.shown, series.chart
    if chart is None:
        return ("There are too few people to show anything here without telling of single ones.",)
    last = shown[-1]
    said = [f"{period_in_words(last.period)}: {tally_in_words(last.tally)}."]
    usual = level(chart.centre, last.tally)
    if not chart.alerts:
        said.append(f"Since the beginning it has gone up and down around {usual}, no more than chance explains.")
    else:
        way = _way(series, shown[chart.alerts[-1]].tally, chart.centre)
        said.append(f"It is {way} the usual {usual} of the beginning, more than chance explains.")
        said.append(f"It was first to be seen in {period_in_words(shown[chart.alerts[0]].period)}.")
    if chart.over_dispersed:
        said.append("The points vary more than chance alone makes them; the limits are widened for it (Laney p').")
    if hidden := len(series.reports) - len(shown):
        said.append(f"{hidden} of {len(series.reports)} periods are not shown: too few people.")
    return tuple(said)


def _way(series: Series, tally: Tally, centre: float) -> str:
    higher = float(tally.score or 0) > centre
    better = higher is (series.measure.improvement is Improvement.INCREASE)
    return f"{'better' if better else 'worse'} now: {'above' if higher else 'below'}"


def funnel_story(funnel: Funnel) -> tuple[str, ...]:
    """The sentences that stand beside a funnel."""
    judged = [c for c in funnel.centres if c.limits is not None]
    outside = [c for c in judged if c.is_outside]
    hidden = len(funnel.centres) - len(judged)
    said = [
        f"{period_in_words(funnel.period)}, all centres together: {tally_in_words(funnel.network)}.",
        f"{_count(len(judged) - len(outside))} of {len(judged)} centres lie where chance alone may put them.",
    ]
    if outside:
        said.append(f"Outside: {', '.join(_named(c) for c in outside)}.")
    said.append(
        f"With {len(judged)} centres, chance alone puts at least one outside in"
        f" {funnel.outside_by_chance * 100:.0f} of 100 such pictures."
    )
    if hidden:
        said.append(f"{hidden} centres are not shown: too few people.")
    return tuple(said)


def _count(number: int) -> str:
    return "None" if number == 0 else str(number)


def _named(centre: Centre) -> str:
    return f"{centre.reporter.partition('/')[2]} {tally_in_words(centre.tally)}"
