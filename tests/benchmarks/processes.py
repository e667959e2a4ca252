"""The processes that are compared, each on a port of its own on 127.0.0.1, and the CPU time that they have used."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.processes import free_port

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is reached, and its process."""

    base: str
    pid: int

    def cpu(self) -> float:
        """Milliseconds of CPU that the process has used so far, all threads.

        Source: clock_getcpuclockid(3) of Linux, whose clock id is made of the process id
        """
        return time.clock_gettime((~self.pid << 3) | 2) * 1000


@contextmanager
def sandbox(fhir: str, folder: Path) -> Iterator[Server]:
    """CoPlan over this FHIR server; the tokens of its people are in `.data/demo` of the folder."""
    command = [str(Path(sys.executable).with_name("coplan")), "run", "--port", "0", "--fhir", fhir]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = None
        while found is None:
            found = re.search(r"(http://\S+)/docs", process.stdout.readline())
        yield Server(found[1], process.pid)
        process.terminate()


@contextmanager
def pass_through(fhir: str) -> Iterator[Server]:
    """A bare FastAPI with httpx before this FHIR server."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.pass_through:app", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "FHIR_BASE": fhir}) as process:
        _wait_for(f"http://127.0.0.1:{port}/none")
        yield Server(f"http://127.0.0.1:{port}", process.pid)
        process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody answers at {url}")
