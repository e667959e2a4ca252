"""Measures what a newcomer waits for, and writes docs/first-steps.md: `python -m tests.first_steps`.

The sandbox is started some times and its printed lines are sent; then a clone of what is committed is installed.
"""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.sandbox import STEPS, commands, running, timed

ROOT: Final = Path(__file__).parents[1]
ROUNDS: Final = 7

PAGE: Final = """# The first steps, measured

`python -m tests.first_steps` measures and writes this page. Python {python}, {cores} cores, {rounds} starts;
each command as it is printed, with its curl and the little Python that finds the id or lays out the answer.

| | median | longest |
|---|---|---|
{lines}

From `make run` in a fresh clone, Python and make being there:

| | seconds |
|---|---|
| environment and pinned packages | {install:.1f} |
| from there to the printed lines, for the first time | {first:.1f} |
"""


@contextmanager
def fresh_clone() -> Iterator[Path]:
    """What is committed, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "coplan"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        yield clone


def first_run() -> tuple[float, float]:
    """Seconds for the installation, and from its end to the printed lines."""
    with fresh_clone() as clone:
        started = time.time()
        with running(clone, command=["make", "--silent", "run"]):
            printed = time.time()
        installed = (clone / ".venv" / ".run").stat().st_mtime
        return installed - started, printed - installed


def one_round() -> dict[str, float]:
    """Milliseconds: the start, then each printed command."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with running(Path(folder)) as said:
            taken = {"start, to the printed lines": (time.monotonic() - started) * 1000}
            _, *steps = timed(Path(folder), commands(said))
            return taken | dict(zip(STEPS, steps, strict=True))


def main() -> None:
    rounds = [one_round() for _ in range(ROUNDS)]
    taken = {name: [r[name] for r in rounds] for name in rounds[0]}
    lines = [f"| {name} | {statistics.median(ms):,.0f} ms | {max(ms):,.0f} ms |" for name, ms in taken.items()]
    install, first = first_run()
    text = PAGE.format(
        python=platform.python_version(),
        cores=os.cpu_count(),
        rounds=ROUNDS,
        lines="\n".join(lines),
        install=install,
        first=first,
    )
    (ROOT / "docs" / "first-steps.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
