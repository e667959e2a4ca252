"""HAPI FHIR in a process of its own, for the tests that need a real server."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import httpx

from tests.processes import free_port

HAPI: Final = Path(__file__).parent.parent / "deploy" / "hapi"
START_LIMIT: Final = 600.0
STOP_LIMIT: Final = 20.0


class HapiServer:
    """Started on a free port of 127.0.0.1, and stopped by itself only.

    Its data is in memory, or in `folder` if that is given: there each commit is on disk before it is acknowledged,
    which H2 by itself does only half a second later. It inherits FHIR_JAVA_OPTIONS and no other setting.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._port = free_port()
        self.base_url = f"http://127.0.0.1:{self._port}/fhir"
        self._database = {"FHIR_DB_URL": f"jdbc:h2:file:{folder.resolve() / 'fhir'};WRITE_DELAY=0"} if folder else {}
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = ExitStack()

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    @staticmethod
    def is_available() -> str | None:
        """Why it cannot run here; None where it can."""
        if not (HAPI / "out" / "stamp").exists():
            return "deploy/hapi is not built"
        own_java = (HAPI / "out" / "java").exists()
        return None if own_java or shutil.which("java") else "there is no Java"

    def __enter__(self) -> Self:
        log = self._closing.enter_context(tempfile.TemporaryFile())
        process = self._process = subprocess.Popen([HAPI / "run"], env=self._environment(), stdout=log, stderr=log)
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit and process.poll() is None:
            if self._answers():
                return self
            time.sleep(0.3)
        said = _last_of(log)
        self.stop()
        raise RuntimeError(f"HAPI FHIR did not start: {said}")

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("FHIR_") or k == "FHIR_JAVA_OPTIONS"}
        return kept | self._database | {"FHIR_HOST": "127.0.0.1", "FHIR_PORT": str(self._port)}

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/metadata", timeout=30, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Asks it to, and ends it if it has not within STOP_LIMIT."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self._closing.close()

    def kill(self) -> None:
        """At once, as a machine that loses its power; enter it again to start it on the same data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._closing.close()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def _last_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")[-2000:]
