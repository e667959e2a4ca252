"""Which measures the commands count, and that what is shown is told by the definition that it was counted by."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import typer

from fhir_mappings.measuring import MeasureDefinition
from service.measure_definitions import NoMeasure, measures, measures_in
from service.network_folder import Counts


def chosen(definitions: Path | None, names: list[str] | None = None) -> list[MeasureDefinition]:
    """Those of these names, or all: of the folder, or of CoPlan itself."""
    try:
        known = measures() if definitions is None else measures_in(definitions)
    except NoMeasure as exc:
        raise typer.BadParameter(str(exc), param_hint="--definitions") from exc
    if not known:
        raise typer.BadParameter(f"there is no measure in {definitions}")
    wanted = [name.strip() for listed in names or () for name in listed.split(",")]
    if unknown := set(wanted) - known.keys():
        raise typer.BadParameter(f"no such measure: {', '.join(sorted(unknown))}. See: coplan measures list")
    return [m for m in known.values() if not wanted or m.id in wanted]


def counted_by(definitions: Path | None, counts: Counts, folder: Path) -> list[MeasureDefinition]:
    """All measures that there are; those that were counted are the very ones that were counted by."""
    known = {m.id: m for m in chosen(definitions)}
    if unknown := {c.measure for c in counts.counted} - known.keys():
        raise typer.BadParameter(f"counted, but not defined: {', '.join(sorted(unknown))}. --definitions FOLDER")
    if other := [name for name, was in counts.counted_by.items() if name in known and digest(known[name]) != was]:
        raise typer.BadParameter(
            f"{', '.join(other)}: counted by another definition than this one. Name that one as for `run`"
            f" (--definitions FOLDER, or without it CoPlan's own), or count anew: coplan measures run {folder}"
        )
    return list(known.values())


def must_be_told_apart(found: Iterable[MeasureDefinition]) -> None:
    """What is published as `url|version` of a measure of CoPlan is that measure: readers go by its words."""
    own = {m.canonical: m for m in measures().values()}
    if same := [m.id for m in found if m != own.get(m.canonical, m)]:
        raise typer.BadParameter(
            f"{', '.join(same)}: another definition than CoPlan's own, but the same url and version. Give it another"
            " url or version, and count by it"
        )


def digest(measure: MeasureDefinition) -> str:
    """Of all that the definition says."""
    return hashlib.sha256(msgspec.json.encode(measure, order="deterministic")).hexdigest()
