"""The folder of a network: what the counts are of, and what they may be shown as."""

import hashlib
import re
import shutil
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
    """What `counts.json` holds: which measures were looked for, as of which day, and what was counted, unmasked.

    `made_of` is the fingerprint of the files that were counted, `counted_by` the digest of each measure's definition.
    """

    measures: list[str]
    as_of: date
    counted: list[Counted]
    made_of: str
    counted_by: dict[str, str]


def read_counts(folder: Path) -> Counts:
    path = folder / COUNTS
    if not path.exists():
        raise typer.BadParameter(f"{path} is not there: coplan measures run {folder}")
    try:
        counts = msgspec.json.decode(path.read_bytes(), type=Counts)
    except msgspec.ValidationError as exc:
        raise typer.BadParameter(f"{path} is of another version: coplan measures run {folder}") from exc
    if counts.made_of != fingerprint(folder):
        raise typer.BadParameter(
            f"the data in {folder} are others than those that were counted: coplan measures run {folder}"
        )
    return counts


def fingerprint(folder: Path) -> str:
    """Of the content of the files that are counted. Organizations only give names: they may come later."""
    found = hashlib.sha256()
    for path in sorted(p for ending in ("ndjson", "parquet") for p in folder.glob(f"*.{ending}")):
        if not path.name.startswith("Organization"):
            with path.open("rb") as file:
                found.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def must_be_whole(folder: Path) -> None:
    """There is something to count, and of a bulk export all that was fetched: from a part, less would be counted."""
    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder {folder}")
    if not any(path.suffix in {".ndjson", ".parquet"} for path in folder.iterdir()):
        what = "has neither NDJSON nor Parquet" if any(folder.iterdir()) else "is empty"
        raise typer.BadParameter(f"{folder} {what}: coplan measures export {folder}")
    if not (folder / EXPORT).exists():
        return
    state = decode((folder / EXPORT).read_bytes())
    if not state.get("complete"):
        raise typer.BadParameter(f"the export into {folder} is not finished: say coplan measures export again")
    names = state.get("files") or [n for n in state.get("fetched", {}).values() if not n.startswith("Mixed-")]
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise typer.BadParameter(
            f"fetched by the export, but missing in {folder}: {', '.join(missing)}. Put them back, or remove {EXPORT}"
            " and export anew"
        )


def first_broken_line(folder: Path) -> str | None:
    """Where the first line is that is not JSON: its file, its number and the byte, all from 1 on."""
    for path in sorted(folder.glob("*.ndjson")):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if (byte := _broken_at(line.rstrip())) is not None:
                    return f"{path}: line {number} is not JSON, at byte {byte}"
    return None


def _broken_at(line: bytes) -> int | None:
    if not line:
        return None
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        found = re.search(r"\(byte (\d+)\)", str(exc))
        return (int(found[1]) if found else len(line)) + 1
    return None


def must_be_free(folder: Path, *, replace: bool) -> None:
    """The folder is empty, or not there yet; with `replace` what is in it is deleted, if it was made by `synth`."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not replace:
        raise typer.BadParameter(f"{folder} is not empty: name another folder, or say --replace", param_hint="--to")
    if not (folder / TRUTH).exists():
        raise typer.BadParameter(f"{folder} holds no synthetic network: empty it yourself", param_hint="--to")
    shutil.rmtree(folder)


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
