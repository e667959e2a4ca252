"""A network at scale: makes it, reads it, counts all measures, compares with the truth, scores the detection.

    python -m tests.benchmarks.networks ENGINE PATIENTS [FOLDER]

Each run is a process of its own, so that its peak of memory is its own. FOLDER (in `.data/`) is made and removed;
a folder that holds a network already is used and left.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from fhir_mappings.carrier import decode
from fhir_mappings.measuring import Counted, Every, Tally
from service.domain.detection import Change, detection
from service.measure_definitions import measures
from service.networks.counting import count
from service.networks.engines import DuckDB, Engine, flatten, local_spark
from service.networks.synthetic import LAST_DAY, synthesise

CENTRES: Final = 71
YEARS: Final = 5
SEED: Final = 2026


def main(engine_name: str, patients: int, folder: Path) -> None:
    made_here = not folder.exists()
    figures: dict[str, object] = {"engine": engine_name, "patients": patients}
    if made_here:
        with timed(figures, "synthesise"):
            synthesise(folder, network="net", centres=CENTRES, patients=patients, years=YEARS, seed=SEED)
    truth = decode((folder / "truth.json").read_bytes())
    figures["observations"] = truth["observations"]
    figures["ndjson_gb"] = round(sum(p.stat().st_size for p in folder.glob("*.ndjson")) / 1e9, 2)
    flat = folder.with_name(f"{folder.name}-{engine_name}")
    with ExitStack() as stack:
        engine: Engine = DuckDB(flat / "spill") if engine_name == "duckdb" else stack.enter_context(local_spark())
        with timed(figures, "flatten"):
            flatten(engine, folder, flat)
        with timed(figures, "count"):
            found = list(count(engine, flat, list(measures().values()), as_of=LAST_DAY, every=Every.MONTH))
        figures["peak_gb"] = round(peak_gb(), 2)
    figures["cells"], figures["wrong"] = compared(found, truth["centres"])
    for index in ("pga", "pucai", "spcdai"):
        figures[f"detection_{index}"] = repr(detection(changes(found, truth["centres"], index)))
    print(json.dumps(figures, indent=1, default=str), flush=True)
    shutil.rmtree(flat, ignore_errors=True)
    if made_here:
        shutil.rmtree(folder)


@contextmanager
def timed(figures: dict[str, object], name: str) -> Iterator[None]:
    """Wall and CPU seconds, those of Spark's own process included."""
    wall, cpu = time.monotonic(), cpu_seconds()
    yield
    figures[f"{name}_wall_s"] = round(time.monotonic() - wall, 1)
    figures[f"{name}_cpu_s"] = round(cpu_seconds() - cpu, 1)


def cpu_seconds() -> float:
    total = time.process_time()
    for pid in children():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / 100
    return total


def peak_gb() -> float:
    """The most memory that this process and Spark's have held."""
    peaks = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]
    for pid in children():
        status = Path(f"/proc/{pid}/status").read_text()
        peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return sum(peaks) / 1e6


def children() -> list[str]:
    return (
        Path("/proc/self/task")
        .joinpath(sorted(p.name for p in Path("/proc/self/task").iterdir())[0], "children")
        .read_text()
        .split()
    )


def month(index: int) -> date:
    return date(LAST_DAY.year - YEARS + index // 12, index % 12 + 1, 1)


def compared(found: list[Counted], centres: list[dict[str, object]]) -> tuple[int, int]:
    """How many counts there are by the truth, and how many of them were counted otherwise."""
    got = {(c.measure, c.period.start, centre): tally for c in found for centre, tally in c.centres.items()}
    cells = wrong = 0
    for centre in centres:
        counts: dict[str, list[tuple[int, int]]] = centre["counts"]  # type: ignore[assignment]
        for index, rows in counts.items():
            for at, (n, d) in enumerate(rows):
                cells += 1
                wrong += got.get((f"remission-{index}", month(at), str(centre["centre"])), Tally(0, 0)) != Tally(d, n)
    return cells, wrong


def changes(found: list[Counted], centres: list[dict[str, object]], index: str) -> Iterator[Change]:
    months = {month(at): at for at in range(YEARS * 12)}
    for centre in centres:
        name, changed = str(centre["centre"]), int(str(centre["changed"]))
        mine = (c for c in found if c.measure == f"remission-{index}")
        yield Change(name, changed, {months[c.period.start]: c.centres[name] for c in mine if name in c.centres})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3] if len(sys.argv) > 3 else f".data/network-{sys.argv[2]}"))
