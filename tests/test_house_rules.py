"""What is true of the whole repository."""

import ast
import re
import statistics
import subprocess
import tomllib
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
    text = (ROOT / "docs" / "settings.md").read_text()
    documented, rows = set(re.findall(r"`COPLAN_([A-Z_]+)`", text)), re.findall(r"(?m)^\| `COPLAN_(\w+)`", text)

    assert documented == {name.upper() for name in Settings.model_fields}
    assert sorted(rows) == sorted(documented), "each has one row"


def test_pins_have_hashes_and_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_no_path_of_a_machine_and_no_key_stands_in_the_repository() -> None:
    for path, text in texts():
        assert not re.search(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\w", text), path
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


def test_no_host_of_a_registry_is_named() -> None:
    """Whoever installs may use their own."""
    hosts = r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|repo1?\.maven|docker\.io|(ghcr|gcr|quay)\.io|mvnrepository"
    for path, text in texts():
        assert not re.search(hosts, text), path


def test_nothing_is_left_for_later() -> None:
    for path, text in texts():
        assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text), path


def test_what_documents_call_by_its_path_is_there() -> None:
    for path, text in texts():
        if path.suffix == ".md":
            for named in re.findall(r"`((?:service|fhir_mappings|tests|deploy|docs)/[\w/.-]+)`", text):
                assert (ROOT / named).exists(), f"{path.name}: {named}"


ARCHITECTURE = ROOT / "docs" / "architecture.md"


def test_the_architecture_page_has_the_layers_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    shown = [" ".join(block.split()) for block in re.findall(r"```text\n(.*?)```", ARCHITECTURE.read_text(), re.DOTALL)]

    assert shown == [" > ".join(c["layers"]) for c in contracts if c["type"] == "layers"]


def test_each_rule_of_the_architecture_page_has_the_home_that_it_names() -> None:
    """A bare name stands in the folder of the name before it."""
    rows = re.findall(
        r"(?m)^\|[^|]+\|(.*)\|$", ARCHITECTURE.read_text().split("## Where each rule lives")[1].split("##")[0]
    )
    homes = [re.findall(r"`([\w./*\-]+)`", re.sub(r"\]\(.*?\)", "]", row)) for row in rows]
    assert len(homes) > 30
    for named in homes:
        folder = ROOT
        for name in named:
            if re.search(r"\.(py|json)$|/", name):
                found = list(ROOT.glob(name)) or list(folder.glob(name))
                assert found, name
                folder = found[0].parent


Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> list[tuple[Path, ast.Module]]:
    ours = (p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in {"service", "fhir_mappings"})
    return [(path, ast.parse(path.read_text())) for path in ours]


def functions() -> list[tuple[str, Function]]:
    found = ((p, n) for p, module in sources() for n in ast.walk(module) if isinstance(n, Function))
    return [(f"{path.name}: {node.name}", node) for path, node in found]


def lines(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_route(node: Function) -> bool:
    called = (d.func for d in node.decorator_list if isinstance(d, ast.Call))
    return any(isinstance(f, ast.Attribute) and getattr(f.value, "id", "").endswith("router") for f in called)


def statements(node: Function) -> int:
    """Those that do something; not the docstring, and `if` or `try` by what is in them."""
    compound = (ast.If, ast.Try, ast.With, ast.AsyncWith, ast.For, ast.AsyncFor, Function)
    body = (s for s in ast.walk(node) if isinstance(s, ast.stmt) and not isinstance(s, compound))
    return sum(1 for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)))


def test_modules_have_at_most_400_lines_and_a_name_that_says_something() -> None:
    for path, _ in sources():
        assert path.read_text().count("\n") <= 400, path
        assert not re.search(r"util|helper|common|misc|manager", path.stem), path


def test_functions_are_short() -> None:
    lengths = {name: lines(node) for name, node in functions()}

    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert statistics.median(lengths.values()) <= 10


def test_routes_read_call_and_shape_and_no_more() -> None:
    routes = {name: statements(node) for name, node in functions() if is_route(node)}

    assert len(routes) >= 20
    assert {name: count for name, count in routes.items() if count > 5} == {}


def test_nothing_is_called_a_manager() -> None:
    classes = (n.name for _, module in sources() for n in ast.walk(module) if isinstance(n, ast.ClassDef))

    assert [name for name in classes if re.search("Manager|Helper|Util", name)] == []
