"""What is true of the whole repository."""

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).parents[1]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    return [(p, p.read_text(errors="replace")) for p in tracked() if p.name != Path(__file__).name]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`COPLAN_{name.upper()}`" in (ROOT / "docs" / "settings.md").read_text()


def test_no_setting_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"`COPLAN_([A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text()))

    assert documented == {name.upper() for name in Settings.model_fields}


def test_pins_have_hashes_and_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_no_path_of_a_machine_and_no_key_stands_in_the_repository() -> None:
    for path, text in texts():
        assert not re.search(r"(?<![\w.])/(?:home|root|work)/\w", text), path
        assert "PRIVATE KEY" not in text, path


def test_links_between_documents_lead_somewhere() -> None:
    for path, text in texts():
        if path.suffix == ".md":
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize(
    ("library", "floor", "why"),
    [
        ("starlette", (1, 3, 1), "CVE-2025-62727, CVE-2026-48710"),
        ("redis", (5, 2, 1), "CVE-2025-21605 side effects on clients"),
        ("h11", (0, 16), "CVE-2025-43859"),
        ("joserfc", (1, 4), "CVE-2025-65015"),
        ("aiohttp", (3, 13, 3), "CVE-2025-69223"),
    ],
)
def test_libraries_are_not_older_than_their_last_hole(library: str, floor: tuple[int, ...], why: str) -> None:
    installed = tuple(int(part) for part in re.findall(r"\d+", version(library))[:3])

    assert installed >= floor, why


def test_modules_and_functions_stay_short() -> None:
    import ast

    for path in (
        p for p in tracked() if p.suffix == ".py" and p.parts[len(ROOT.parts)] in {"service", "fhir_mappings"}
    ):
        text = path.read_text()
        assert text.count("\n") <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"
