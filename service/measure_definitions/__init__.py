"""The measures that CoPlan knows, as Measure resources. Another version is another file with another `version`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from fhir_mappings.carrier import Json, decode
from fhir_mappings.measure import measure_from_fhir
from fhir_mappings.measuring import MeasureDefinition


@cache
def measures() -> Mapping[str, MeasureDefinition]:
    """By id, in order of the ids."""
    return {m.id: m for m in map(measure_from_fhir, resources())}


def measures_in(folder: Path) -> Mapping[str, MeasureDefinition]:
    """Those of a network of its own, from `*.json` in a folder."""
    found = (measure_from_fhir(decode(path.read_bytes())) for path in sorted(folder.glob("*.json")))
    return {m.id: m for m in found}


def resources() -> tuple[Json, ...]:
    """The Measure resources themselves."""
    found = sorted((f for f in files(__package__).iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(decode(f.read_bytes()) for f in found)
