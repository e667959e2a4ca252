"""achievementStatus from target and series. docs/progress.md says it in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.codes import ObservationStatus, QuantityComparator
from fhir_mappings.model import Coding, Concept, Observation, Quantity, Range, Target, TargetDetail
from service.domain.progress import moved, progress_of
from tests.builders import NOW, PATIENT, an_agreed_goal

STEPS = Concept("steps", (Coding("http://loinc.org", "41950-7"),))
KG = "kg"


def kg(value: str | int, comparator: QuantityComparator | None = None) -> Quantity:
    return Quantity(Decimal(value), KG, comparator=comparator)


AT_LEAST_10, AT_MOST_10 = kg(10, QuantityComparator.AT_LEAST), kg(10, QuantityComparator.AT_MOST)
MORE_THAN_10, LESS_THAN_10 = kg(10, QuantityComparator.GREATER), kg(10, QuantityComparator.LESS)
FIVE_TO_TEN = Range(kg(5), kg(10))


def measured(*values: str | int, **parts: Any) -> list[Observation]:
    given: dict[str, Any] = {"subject": PATIENT, "status": ObservationStatus.FINAL, "code": STEPS}
    return [
        Observation(**{**given, "value": kg(v), "effective": NOW + timedelta(days=day)} | parts)
        for day, v in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("detail", "values", "status", "on_target"),
    [
        pytest.param(AT_LEAST_10, [], "in-progress", None, id="nothing measured"),
        pytest.param(AT_LEAST_10, [4], "in-progress", False, id="the first value"),
        pytest.param(AT_LEAST_10, [12], "in-progress", True, id="met at once"),
        pytest.param(AT_LEAST_10, [4, 6], "improving", False, id="nearer"),
        pytest.param(AT_LEAST_10, [6, 4], "worsening", False, id="farther"),
        pytest.param(AT_LEAST_10, [4, "4.1"], "no-change", False, id="hardly nearer"),
        pytest.param(AT_LEAST_10, [4, 11], "improving", True, id="met"),
        pytest.param(AT_LEAST_10, [11, 4], "worsening", False, id="lost again"),
        pytest.param(AT_LEAST_10, [4, 4, 4, 9, 4], "no-change", False, id="one odd day is no trend"),
        pytest.param(AT_MOST_10, [14, 12], "improving", False, id="down towards a limit"),
        pytest.param(AT_MOST_10, [12, 14], "worsening", False, id="up from a limit"),
        pytest.param(MORE_THAN_10, [4, 6], "improving", False, id="more than"),
        pytest.param(LESS_THAN_10, [14, 16], "worsening", False, id="less than"),
        pytest.param(MORE_THAN_10, [4, 10], "improving", False, id="more than, at its very end"),
        pytest.param(LESS_THAN_10, [12, 10], "improving", False, id="less than, at its very end"),
        pytest.param(LESS_THAN_10, [12, 10, 10, 10], "no-change", False, id="and staying there"),
        pytest.param(FIVE_TO_TEN, [2, 4], "improving", False, id="towards a range from below"),
        pytest.param(FIVE_TO_TEN, [14, 12], "improving", False, id="towards a range from above"),
        pytest.param(FIVE_TO_TEN, [2, 7], "improving", True, id="within a range"),
        pytest.param(Range(low=kg(5)), [2, 6], "improving", True, id="open above"),
        pytest.param(Range(high=kg(5)), [9, 7], "improving", False, id="open below"),
        pytest.param(Range(), [9, 7], "in-progress", None, id="a range without ends"),
        pytest.param(kg(10), [4, 11], "improving", True, id="bare, from below: reach it"),
        pytest.param(kg(10), [14, 9], "improving", True, id="bare, from above: come down to it"),
        pytest.param("walk", [4, 6], "in-progress", None, id="no number to meet"),
    ],
)
def test_the_trend_follows_from_the_gap_to_the_target(
    detail: TargetDetail, values: list[str | int], status: str, on_target: bool | None
) -> None:
    progress = progress_of(an_agreed_goal(targets=(Target(STEPS, detail),)), measured(*values))

    assert (str(progress.status), progress.on_target) == (status, on_target)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"status": ObservationStatus.ENTERED_IN_ERROR}, id="void"),
        pytest.param({"effective": None}, id="without a time"),
        pytest.param({"value": "ten"}, id="without a number"),
        pytest.param({"value": Quantity(Decimal(10), "m")}, id="in a unit of something else"),
        pytest.param({"code": Concept("pain", (Coding("http://loinc.org", "72514-3"),))}, id="of something else"),
    ],
)
def test_what_is_no_such_measurement_does_not_count(parts: dict[str, Any]) -> None:
    progress = progress_of(an_agreed_goal(targets=(Target(STEPS, AT_LEAST_10),)), measured(4, **parts))

    assert (progress.points, progress.baseline, progress.latest) == ((), None, None)


def test_a_measure_without_codes_takes_any_value_in_its_unit_by_time() -> None:
    goal = an_agreed_goal(targets=(Target(Concept("weight"), AT_MOST_10),))
    progress = progress_of(goal, reversed(measured(14, 12)))

    assert progress.baseline is not None
    assert progress.latest is not None
    assert [progress.baseline.value, progress.latest.value] == [Decimal(14), Decimal(12)]
    assert progress_of(an_agreed_goal(targets=(Target(None, AT_MOST_10),)), measured(14)).points


def entered(*minutes: tuple[int, int], hour: int = 8) -> list[Observation]:
    """Amounts by day: the days before today are below zero."""
    return [
        replace(measured(amount)[0], effective=NOW.replace(hour=hour) + timedelta(days=day, minutes=n))
        for n, (day, amount) in enumerate(minutes)
    ]


@pytest.mark.parametrize(
    ("detail", "minutes", "status", "on_target", "latest"),
    [
        pytest.param(AT_LEAST_10, [(-2, 4), (-1, 6), (-1, 6)], "improving", True, 12, id="two that add up to enough"),
        pytest.param(AT_LEAST_10, [(-2, 6), (-2, 6), (-1, 9)], "worsening", False, 9, id="more at once, less in all"),
        pytest.param(AT_LEAST_10, [(-2, 12), (-1, 12), (0, 3)], "improving", True, 12, id="a day that is not over"),
        pytest.param(AT_LEAST_10, [(-1, 3), (0, 5), (0, 6)], "improving", True, 11, id="today, enough already"),
        pytest.param(MORE_THAN_10, [(-1, 3), (0, 5), (0, 5)], "in-progress", False, 3, id="today, not quite enough"),
        pytest.param(AT_MOST_10, [(-1, 12), (0, 4)], "in-progress", False, 12, id="today may still be too much"),
        pytest.param(AT_MOST_10, [(-1, 12), (0, 4), (0, 11)], "worsening", False, 15, id="today, too much already"),
        pytest.param(LESS_THAN_10, [(-1, 12), (0, 10)], "improving", False, 10, id="today, no longer less"),
        pytest.param(FIVE_TO_TEN, [(-1, 12), (0, 3)], "in-progress", False, 12, id="today, may reach the range"),
        pytest.param(FIVE_TO_TEN, [(-1, 12), (0, 7)], "in-progress", False, 12, id="today, may leave the range"),
        pytest.param(AT_LEAST_10, [(0, 3)], "in-progress", None, 3, id="the first day, as far as it goes"),
    ],
)
def test_what_adds_up_is_judged_by_whole_days(
    detail: TargetDetail, minutes: list[tuple[int, int]], status: str, on_target: bool | None, latest: int
) -> None:
    goal = an_agreed_goal(targets=(Target(STEPS, detail),))
    progress = progress_of(goal, entered(*minutes), adding_up=NOW)

    assert progress.latest is not None
    assert (str(progress.status), progress.on_target, int(progress.latest.value)) == (status, on_target, latest)
    assert len(progress.points) == len(minutes)
    assert moved(goal, entered(*minutes), adding_up=NOW).achievement_status == status


def test_a_day_is_over_where_it_was_entered() -> None:
    """At 9:30 in Greenwich it is tomorrow in Auckland: what was entered there on 1 December is a whole day."""
    goal, auckland = an_agreed_goal(targets=(Target(STEPS, AT_LEAST_10),)), timezone(timedelta(hours=13))
    late = datetime(2026, 12, 1, 23, 30, tzinfo=auckland)
    observations = [replace(measured(4)[0], effective=late)]

    for now, judged in ((late + timedelta(minutes=20), None), (late + timedelta(hours=1), False)):
        assert progress_of(goal, observations, adding_up=now.astimezone(UTC)).on_target is judged


def test_a_goal_without_target_is_in_progress() -> None:
    assert progress_of(an_agreed_goal(), measured(4)).status == "in-progress"


@pytest.mark.parametrize(
    ("lifecycle", "targets", "status"),
    [
        pytest.param("active", (Target(STEPS, AT_LEAST_10),), "improving", id="in force"),
        pytest.param("completed", (Target(STEPS, AT_LEAST_10),), None, id="what was said at the end stands"),
        pytest.param("active", (), None, id="no number to meet"),
    ],
)
def test_only_a_goal_in_force_moves(lifecycle: str, targets: tuple[Target, ...], status: str | None) -> None:
    assert moved(an_agreed_goal(lifecycle, targets=targets), measured(4, 6)).achievement_status == status
