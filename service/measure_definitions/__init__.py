"""The measures that CoPlan knows, as Measure resources. Another version is another file with another `version`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from fhir_mappings.carrier import Json, MalformedJson, decode
from fhir_mappings.elements import MappingError
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


class NoMeasure(ValueError):
    """A file of a network's own measures that is none. Names it, the measure, and what is wrong."""


def measures_in(folder: Path) -> Mapping[str, MeasureDefinition]:
    """Those of a network of its own, from `*.json` in a folder.

    Raises:
        NoMeasure: a file is no measure that can be computed, or has the id of another one.
    """
    found: dict[str, MeasureDefinition] = {}
    for path in sorted(folder.glob("*.json")):
        measure = _measure_in(path)
        if measure.id in found:
            raise NoMeasure(f"{path}: measure {measure.id} is in another file, too")
        found[measure.id] = measure
    return found


def _measure_in(path: Path) -> MeasureDefinition:
    try:
        resource = decode(path.read_bytes())
    except MalformedJson as exc:
        raise NoMeasure(f"{path}: {exc}") from exc
    if not isinstance(resource, dict) or resource.get("resourceType") != "Measure":
        raise NoMeasure(f"{path}: is no Measure")
    name = resource.get("id", "without an id")
    try:
        return measure_from_fhir(resource)
    except MappingError as exc:
        raise NoMeasure(f"{path}: measure {name}: {exc}") from exc
    except (AttributeError, TypeError) as exc:
        raise NoMeasure(f"{path}: measure {name}: an element has not the form that R4 gives it") from exc


def resources() -> tuple[Json, ...]:
    """The Measure resources themselves."""
    found = sorted((f for f in files(__package__).iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(decode(f.read_bytes()) for f in found)
