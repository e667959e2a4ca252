"""The folder of a network: what the counts are of, and what they may be shown as."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import typer

from fhir_mappings.carrier import Json, decode
from fhir_mappings.measuring import Counted

COUNTS, FLAT, EXPORT, TRUTH = "counts.json", "flat", "export.json", "truth.json"


@dataclass(frozen=True, slots=True)
class Counts:
    """What `counts.json` holds: which measures were looked for, as of which day, and what was counted, unmasked."""

    measures: list[str]
    as_of: date
    counted: list[Counted]


def read_counts(folder: Path) -> Counts:
    path = folder / COUNTS
    if not path.exists():
        raise typer.BadParameter(f"{path} is not there: coplan measures run {folder}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Counts)
    except msgspec.ValidationError as exc:
        raise typer.BadParameter(f"{path} is of another version: coplan measures run {folder}") from exc


def must_be_known(folder: Path, counts: Counts, network: str, centre: str | None) -> None:
    """The network and the centre are those of the data, as far as these say which there are."""
    centres = sorted({name for c in counts.counted for name in c.centres})
    if centre is not None and centre not in centres:
        raise typer.BadParameter(f"there is no centre {centre}. There are: {', '.join(centres)}")
    known = [o["id"] for o in organizations_in(folder) if o["id"] not in centres]
    if network in centres or (known and network not in known):
        named = f". There is: {', '.join(known)}" if known else ""
        raise typer.BadParameter(f"{network} is not the network{named}", param_hint="--network")


def organizations_in(folder: Path) -> list[Json]:
    """Those beside the data, if any: an export brings none."""
    lines = (line for path in sorted(folder.glob("Organization*.ndjson")) for line in path.read_bytes().splitlines())
    return [decode(line) for line in lines if line]


def exported_on(folder: Path, counts: Counts | None = None) -> date:
    """By the manifest of the export, or by the truth of a synthetic network; else as `run` was told."""
    for name, member in ((EXPORT, "transaction_time"), (TRUTH, "exported")):
        path = folder / name
        if path.exists() and (found := decode(path.read_bytes()).get(member)):
            return date.fromisoformat(found[:10])
    if counts is not None:
        return counts.as_of
    raise typer.BadParameter(
        f"nothing in {folder} says when the data were exported (are there any?): --as-of YYYY-MM-DD"
    )
