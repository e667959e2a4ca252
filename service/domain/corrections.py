"""What a measurement said before it was corrected, who corrected it and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from fhir_mappings.codes import Act, ObservationStatus
from fhir_mappings.model import Observation, Stamp

CORRECTED: Final = frozenset({ObservationStatus.AMENDED, ObservationStatus.ENTERED_IN_ERROR})
CORRECTING: Final = frozenset({Act.AMEND_OBSERVATION, Act.ENTER_IN_ERROR})


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction; `before` and `after` are None where the history does not tell which versions are meant."""

    stamp: Stamp
    before: Observation | None = None
    after: Observation | None = None


def corrections(versions: Sequence[Observation], stamps: Iterable[Stamp]) -> tuple[Correction, ...]:
    """Oldest first. What is not told apart by its words is not guessed.

    Args:
        versions: those that can be read, oldest first.
        stamps: the acts on it.
    """
    made = sorted((s for s in stamps if s.act in CORRECTING), key=lambda s: s.recorded)
    moved = [(old, new) for old, new in pairwise(versions) if _said(old) != _said(new)]
    if len(moved) != len(made):
        return tuple(map(Correction, made))
    return tuple(Correction(stamp, old, new) for stamp, (old, new) in zip(made, moved, strict=True))


def _said(observation: Observation) -> tuple[object, ...]:
    """What a correction may change of it; a label, or a goal that it is for, is none."""
    o = observation
    return o.status, o.value, o.components, o.effective, o.note
