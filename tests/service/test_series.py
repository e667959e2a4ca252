"""What of a long series is shown, and whether there is more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fhir_mappings.codes import ObservationStatus
from fhir_mappings.model import Concept, Observation
from service.series import Series
from tests.builders import NOW, PATIENT

OLD, SAME, NEXT, LAST = (
    Observation(PATIENT, ObservationStatus.FINAL, Concept("pain"), None, NOW + timedelta(days=day), id=name)
    for name, day in (("a", 0), ("b", 0), ("c", 1), ("d", 2))
)


@pytest.mark.parametrize(
    ("first", "latest", "more"),
    [
        pytest.param((), (), False, id="nothing at all"),
        pytest.param((OLD,), (), False, id="nothing in the window"),
        pytest.param((OLD, SAME, NEXT), (OLD, SAME, NEXT), False, id="all of it"),
        pytest.param((OLD, SAME, NEXT), (SAME, OLD, NEXT), False, id="two at the oldest moment, in the other order"),
        pytest.param((OLD, SAME, NEXT), (NEXT, LAST), True, id="two that are older"),
        pytest.param((OLD, SAME, NEXT), (SAME, NEXT, LAST), True, id="one of two at the oldest moment"),
        pytest.param((OLD, NEXT, LAST), (OLD,), False, id="later ones are not older"),
        pytest.param((replace(OLD, effective=None), NEXT), (NEXT,), True, id="one of no known time"),
    ],
)
def test_there_is_more_where_something_older_is_not_shown(
    first: tuple[Observation, ...], latest: tuple[Observation, ...], more: bool
) -> None:
    assert Series(first, latest).more == more
