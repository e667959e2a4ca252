"""Mutants of the modules that decide who gets in and what they may do: which of them do the tests notice?

    python -m tests.mutation tokens 120
    python -m tests.mutation access 120 --seed 7

mutmut makes the mutants. Each is tried in a process of its own on a copy of the sources: in forks of one process these
tests disturb each other, and mutants look killed or alive that are not.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from queue import SimpleQueue
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COPIED: Final = ("fhir_mappings", "service", "tests", "pyproject.toml", "openapi.yaml")
TIMEOUT_SECONDS: Final = 180
"""A mutant that runs for ever is noticed, too."""
DOMAIN: Final = "tests/service/domain"
GATEWAYS: Final = "tests/service/gateways"


@dataclass(frozen=True, slots=True)
class Area:
    """Modules, and the tests that have to notice; the quick ones first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS: Final = {
    "access": Area(
        (
            "service/domain/access.py",
            "service/domain/actors.py",
            "service/domain/care_teams.py",
            "service/domain/confidentiality.py",
            "service/domain/edits.py",
            "service/domain/periods.py",
            "service/domain/permissions.py",
            "service/domain/proxies.py",
            "service/domain/scopes.py",
            "service/guarded_fhir.py",
            "service/rights.py",
            "service/workflows/identify.py",
        ),
        (
            f"{DOMAIN}/test_access.py",
            f"{DOMAIN}/test_family.py",
            f"{DOMAIN}/test_standing.py",
            f"{DOMAIN}/test_edits.py",
            "tests/service/test_guard.py",
            f"{DOMAIN}/test_scopes.py",
            "tests/service/workflows/test_rights.py",
        ),
    ),
    "tokens": Area(
        (
            "service/gateways/access_tokens.py",
            "service/gateways/introspection.py",
            "service/gateways/issuer_keys.py",
            "service/gateways/issuers.py",
            "service/gateways/smart_tokens.py",
            "service/issuer_settings.py",
        ),
        (f"{GATEWAYS}/test_smart_tokens.py", f"{GATEWAYS}/test_token_table.py"),
    ),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one thing in it changed."""

    module: str
    original: str
    code: str

    def difference(self) -> str:
        before, after = self.original.splitlines(), self.code.splitlines()
        lines = unified_diff(before, after, self.module, self.module, n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith("---"))


def mutants_of(module: str) -> Iterator[Mutant]:
    """All that change a function, as mutmut itself does: tables and texts outside of functions stay."""
    from mutmut.mutation.file_mutation import create_mutations, deep_replace

    original = (ROOT / module).read_text()
    tree, mutations, _, _ = create_mutations(module, original)
    for mutation in (m for m in mutations if m.contained_by_top_level_function is not None):
        changed = deep_replace(tree, mutation.original_node, mutation.mutated_node)
        yield Mutant(module, original, changed.code)  # type: ignore[union-attr]


def is_noticed(mutant: Mutant | None, tests: Sequence[str], folder: Path) -> bool:
    """True if a test fails on the copy in `folder` with this mutant in it; None: with nothing changed."""
    if mutant is not None:
        (folder / mutant.module).write_text(mutant.code)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not hapi", "-p", "no:cacheprovider", *tests]
    without_hapi = {name: value for name, value in os.environ.items() if name != "COPLAN_TEST_HAPI"}
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env=without_hapi | {"PYTHONDONTWRITEBYTECODE": "1"},
            timeout=TIMEOUT_SECONDS,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        if mutant is not None:
            (folder / mutant.module).write_text(mutant.original)
    return result.returncode != 0


def a_copy(folder: Path) -> Path:
    """The sources, for one process at a time to change."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, folder / name)
    return folder


def survivors(chosen: Sequence[Mutant], tests: Sequence[str], workers: int) -> list[Mutant]:
    """Those that no test noticed, in the order of `chosen`."""
    with ExitStack() as stack:
        free: SimpleQueue[Path] = SimpleQueue()
        for _ in range(workers):
            free.put(a_copy(Path(stack.enter_context(tempfile.TemporaryDirectory()))))

        def tried(mutant: Mutant | None) -> bool:
            folder = free.get()
            try:
                return is_noticed(mutant, tests, folder)
            finally:
                free.put(folder)

        if tried(None):
            sys.exit("the tests fail without any mutant")
        with ThreadPoolExecutor(workers) as pool:
            return [m for m, noticed in zip(chosen, pool.map(tried, chosen), strict=True) if not noticed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("area", choices=sorted(AREAS))
    parser.add_argument("sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    area = AREAS[given.area]
    population = [mutant for module in area.modules for mutant in mutants_of(module)]
    chosen = random.Random(given.seed).sample(population, min(given.sample, len(population)))
    alive = survivors(chosen, area.tests, given.workers)
    for mutant in alive:
        print(mutant.difference(), end="\n\n")
    killed = len(chosen) - len(alive)
    print(f"{killed} of {len(chosen)} noticed ({killed / len(chosen):.0%}), of {len(population)} mutants")


if __name__ == "__main__":
    main()
