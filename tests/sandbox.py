"""The sandbox in a process of its own, and the lines that it prints, as a newcomer would use them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

COPLAN: Final = Path(sys.executable).with_name("coplan")
STEPS: Final = ("propose", "counter-propose", "accept", "progress", "plan view", "the FHIR server itself")
"""What the printed commands do, one after the other."""
TOLD: Final = '"event": "cds_token_refused"'
"""What tests that send a token twice make it say."""
_MARK: Final = "--- "


@contextmanager
def running(
    folder: Path, *arguments: str, command: Sequence[str] = (), stop: int = signal.SIGINT, **environment: str
) -> Iterator[str]:
    """The process, and what it said when it was ready. It ends well, however it is told to."""
    with subprocess.Popen(
        command or [str(COPLAN), "run", "--port", "0", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as process:
        try:
            yield _hello(process)
        finally:
            os.killpg(process.pid, stop)
            said, _ = process.communicate(timeout=30)
            lines = [line for line in said.split("\n") if line and TOLD not in line]
            assert command or (lines, process.returncode) == (["CoPlan has stopped."], 0), said


def _hello(process: subprocess.Popen[str]) -> str:
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if line.startswith("Stop with"):
            return said
    raise RuntimeError(f"the sandbox ended: {said}")


def commands(said: str) -> list[str]:
    """What is indented, without the addresses: variables first, then one command for each of STEPS."""
    indented = re.findall(r"(?m)^(?:   .*\n|\n)+", said.partition("Three things to try")[2])
    blocks = [b for run in indented for b in run.split("\n\n")]
    return [re.sub(r"(?m)^   ", "", b).strip() for b in blocks if b.strip()]


def in_shell(folder: Path, script: Sequence[str], shell: str = "sh") -> list[Any]:
    """What each command of one session printed, as JSON; None for one that printed nothing."""
    marked = "\n".join(f"{command}\necho; echo '{_MARK}'" for command in script)
    done = subprocess.run([shell, "-c", marked], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    # `tee /dev/stderr` shows what the variable swallows: `offer=$(... | tee /dev/stderr | ...)`
    shown = iter(re.findall(r"(?m)^\{.*\}$", done.stderr.replace("}{", "}\n{")))
    printed = [part.strip() for part in done.stdout.split(_MARK)][: len(script)]
    said = [next(shown) if "=$(" in c else p for c, p in zip(script, printed, strict=True)]
    return [json.loads(text) if text else None for text in said]


def timed(folder: Path, script: Sequence[str]) -> list[float]:
    """Milliseconds that each command of one bash session took, curl and all."""
    marked = "\n".join([f"echo '{_MARK}'$EPOCHREALTIME\n{command} 2>/dev/null >&2" for command in script])
    marked += f"\necho '{_MARK}'$EPOCHREALTIME"
    done = subprocess.run(["bash", "-c", marked], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    at = [float(time.replace(",", ".")) for time in re.findall(rf"(?m)^{_MARK}([\d.,]+)$", done.stdout)]
    return [(after - before) * 1000 for before, after in pairwise(at)]
