"""An ASGI application on a port of this process, and the service as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import httpx
import uvicorn

START_LIMIT: Final = 60.0


def free_port() -> int:
    """One that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(application: Any, port: int) -> Iterator[str]:
    """The application at this port of 127.0.0.1, in a thread; its origin."""
    config = uvicorn.Config(application, port=port, log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="served")
    thread.start()
    try:
        limit = time.monotonic() + START_LIMIT
        while not server.started and time.monotonic() < limit and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True)
class Service:
    """`coplan serve` while it runs: where it is, and all that it has said."""

    origin: str
    pid: int
    log: IO[bytes]

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode()


@contextmanager
def coplan_serve(**settings: str) -> Iterator[Service]:
    """The service with these settings (`fhir_base_url="…"`) and no other."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COPLAN_")}
    environment |= {f"COPLAN_{name.upper()}": value for name, value in settings.items()}
    command = [str(Path(sys.executable).with_name("coplan").absolute()), "serve", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        service = Service(f"http://127.0.0.1:{port}", process.pid, log)
        try:
            _wait_for(service, process)
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait_for(service: Service, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and process.poll() is None:
        try:
            if httpx.get(f"{service.origin}/livez", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"the service did not start: {service.said()[-2000:]}")
