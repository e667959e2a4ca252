"""Makes ready what the whole suite needs beside Python: HAPI FHIR (Java, Maven) and redis-server.

Run before the tests as `python -m tests.provision`. What cannot be had is said in one line and left out.
"""

import os
import shutil
import subprocess
from pathlib import Path

HAPI = Path(__file__).parent.parent / "deploy" / "hapi"


def main() -> None:
    """Installs by apt where this process may, then builds the HAPI launcher."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing and not _installed(missing):
        print(f"left out what needs {', '.join(missing)}: not there, and not to be had by apt", flush=True)
    if (HAPI / "build").exists() and shutil.which("java") and shutil.which("mvn"):
        _build_hapi()


PROGRAMS = {"javac": "openjdk-17-jdk-headless", "mvn": "maven", "redis-server": "redis-server"}


def _installed(packages: list[str]) -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False, **quiet)  # type: ignore[call-overload]
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    return subprocess.run(command, env=environment, check=False, **quiet).returncode == 0  # type: ignore[call-overload,no-any-return]


def _build_hapi() -> None:
    built = subprocess.run([HAPI / "build"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        print(f"left out HAPI FHIR: its build failed: {built.stderr.strip()[-300:]}", flush=True)


if __name__ == "__main__":
    main()
