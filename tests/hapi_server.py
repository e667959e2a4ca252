"""HAPI FHIR in a process of its own, for the tests that need a real server."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

HAPI: Final = Path(__file__).parent.parent / "deploy" / "hapi"
START_LIMIT: Final = 240.0


class HapiServer:
    """Started on a free port of 127.0.0.1 with H2 in memory, and stopped by itself only."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self._port}/fhir"
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = ExitStack()

    @staticmethod
    def is_available() -> str | None:
        """Why it cannot run here; None where it can."""
        if shutil.which("java") is None:
            return "there is no Java"
        return None if (HAPI / "out" / "stamp").exists() else "deploy/hapi is not built"

    def __enter__(self) -> Self:
        environment = {**os.environ, "FHIR_PORT": str(self._port), "FHIR_DB_URL": "", "FHIR_HOST": "127.0.0.1"}
        log = self._closing.enter_context(tempfile.TemporaryFile())
        self._process = subprocess.Popen([HAPI / "run"], env=environment, stdout=log, stderr=log)
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.base_url}/Goal?_count=1", timeout=5).close()
                return self
            except OSError:
                time.sleep(0.5)
        self.__exit__(None, None, None)
        raise RuntimeError("HAPI FHIR did not start")

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._closing.close()
