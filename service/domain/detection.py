"""How well a known change is found: for a synthetic network, whose truth is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from fhir_mappings.measuring import Tally
from service.domain.control_charts import BASELINE, Share, p_chart


@dataclass(frozen=True, slots=True)
class Change:
    """What is true of one centre: `changed` is the month of the change, `months` what was counted, from month 0 on."""

    centre: str
    changed: int
    months: Mapping[int, Tally]


@dataclass(frozen=True, slots=True)
class Detection:
    """`found` of `judged` centres signalled within `within` months of their change, after `delay` months (median).

    `false` centres had signalled before it, in so many months watched all in all.
    """

    judged: int
    found: int
    within: int
    delay: float | None
    false: int
    months_watched: int


def detection(changes: Iterable[Change], *, people_a_month: int = 30, within: int = 12) -> Detection:
    """Judges the centres that saw at least so many people a month on average."""
    delays, false, watched, judged = [], 0, 0, 0
    for change in changes:
        shares = [Share(t.numerator or 0, t.denominator or 0) for _, t in sorted(change.months.items())]
        if not shares or sum(s.of for s in shares) / len(shares) < people_a_month:
            continue
        judged += 1
        alerts = [sorted(change.months)[at] for at in p_chart(shares).alerts]
        watched += change.changed - BASELINE
        false += any(month < change.changed for month in alerts)
        delays += [month - change.changed + 1 for month in alerts if change.changed <= month][:1]
    found = [delay for delay in delays if delay <= within]
    return Detection(judged, len(found), within, median(found) if found else None, false, watched)
