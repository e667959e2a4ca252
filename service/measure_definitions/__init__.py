"""The measures that CoPlan knows, as Measure resources. Another version is another file with another `version`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from fhir_mappings.carrier import Json, decode
from fhir_mappings.measure import measure_from_fhir
from fhir_mappings.measuring import MeasureDefinition

IN_ORDER: Final = (
    "remission-pga",
    "remission-pucai",
    "remission-spcdai",
    "remission-pcdai",
    "goals-authored-by-patients",
    "goals-mutually-agreed",
    "goals-followed-up",
    "days-to-decision",
    "proposals-unanswered",
    "asked-first",
)
"""As people read them: how the patients are, whose goals they are, how soon somebody answers, who was asked."""


@cache
def measures() -> Mapping[str, MeasureDefinition]:
    """By id, in the order in which they are read."""
    found = {m.id: m for m in map(measure_from_fhir, resources())}
    return {name: found[name] for name in sorted(found, key=IN_ORDER.index)}


def measures_in(folder: Path) -> Mapping[str, MeasureDefinition]:
    """Those of a network of its own, from `*.json` in a folder."""
    found = (measure_from_fhir(decode(path.read_bytes())) for path in sorted(folder.glob("*.json")))
    return {m.id: m for m in found}


def resources() -> tuple[Json, ...]:
    """The Measure resources themselves."""
    found = sorted((f for f in files(__package__).iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(decode(f.read_bytes()) for f in found)
