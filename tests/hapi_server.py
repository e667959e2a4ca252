"""HAPI FHIR in a process of its own, for the tests that need a real server."""

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

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
        self._log: IO[bytes] = tempfile.TemporaryFile()

    @staticmethod
    def is_available() -> str | None:
        """Why it cannot run here; None where it can."""
        if shutil.which("java") is None:
            return "there is no Java"
        return None if (HAPI / "out").is_dir() else "deploy/hapi is not built"

    def __enter__(self) -> Self:
        command = ["java", "-Xmx1500m", f"-Dport={self._port}", "-cp", "out:lib/*", "fhirserver.Main"]
        self._process = subprocess.Popen(command, cwd=HAPI, stdout=self._log, stderr=self._log)
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
        self._log.close()
