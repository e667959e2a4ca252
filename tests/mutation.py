"""Mutants of the modules that decide who gets in and what they may do: which of them do the tests notice?

    python -m tests.mutation tokens 120
    python -m tests.mutation access 120 --seed 7

mutmut makes the mutants. Each is tried in a process of its own on a copy of the sources: in forks of one process these
tests disturb each other, and mutants look killed or alive that are not.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import unified_diff
from functools import cached_property
from importlib.util import cache_from_source
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
COPIED: Final = ("fhir_mappings", "service", "tests", "pyproject.toml", "openapi.yaml")
CLEAN: Final = multiprocessing.get_context("forkserver")
CLEAN.set_forkserver_preload(["fastapi", "httpx", "hypothesis", "joserfc.jwk", "pydantic_settings", "pytest", "respx"])
"""Each mutant gets a process of its own, forked from one that has imported what is not ours, and run nothing."""
UNUSED: Final = ("benchmark", "cacheprovider", "cov", "faker", "schemathesis")
"""Plugins of pytest that cost each process their start."""
TIMEOUT_SECONDS: Final = 300
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
        ),
        (
            f"{DOMAIN}/test_access.py",
            f"{DOMAIN}/test_family.py",
            f"{DOMAIN}/test_standing.py",
            f"{DOMAIN}/test_edits.py",
            f"{DOMAIN}/test_scopes.py",
            f"{DOMAIN}/test_permissions.py",
            f"{DOMAIN}/test_confidentiality.py",
            f"{DOMAIN}/test_preference_rules.py",
        ),
    ),
    "guard": Area(
        ("service/guarded_fhir.py", "service/rights.py", "service/workflows/identify.py"),
        ("tests/service/test_guard_edges.py", "tests/service/test_guard.py", "tests/service/workflows/test_rights.py"),
    ),
    "tokens": Area(
        (
            "service/gateways/access_tokens.py",
            "service/gateways/introspection.py",
            "service/gateways/issuer_keys.py",
            "service/gateways/issuers.py",
            "service/gateways/smart_tokens.py",
        ),
        (f"{GATEWAYS}/test_token_edges.py", f"{GATEWAYS}/test_smart_tokens.py", f"{GATEWAYS}/test_token_table.py"),
    ),
}


@dataclass(frozen=True, eq=False)
class Mutant:
    """A module with one thing in it changed."""

    module: str
    original: str
    tree: Any
    mutation: Any

    @cached_property
    def code(self) -> str:
        """Made only for those that are tried."""
        from mutmut.mutation.file_mutation import deep_replace

        changed: Any = deep_replace(self.tree, self.mutation.original_node, self.mutation.mutated_node)
        return str(changed.code)

    def difference(self) -> str:
        before, after = self.original.splitlines(), self.code.splitlines()
        lines = unified_diff(before, after, self.module, self.module, n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith("---"))


def mutants_of(module: str) -> Iterator[Mutant]:
    """All that change a function, as mutmut itself does: tables and texts outside of functions stay."""
    from mutmut.mutation.file_mutation import create_mutations

    original = (ROOT / module).read_text()
    tree, mutations, _, _ = create_mutations(module, original)
    for mutation in (m for m in mutations if m.contained_by_top_level_function is not None):
        yield Mutant(module, original, tree, mutation)


def is_noticed(mutant: Mutant | None, tests: Sequence[str], folder: Path) -> bool:
    """True if a test fails on the copy in `folder` with this mutant in it; None: with nothing changed."""
    if mutant is not None:
        _write(folder, mutant.module, mutant.code)
    process = CLEAN.Process(target=_run, args=(str(folder), tuple(tests)), daemon=True)
    process.start()
    process.join(TIMEOUT_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
    if mutant is not None:
        _write(folder, mutant.module, mutant.original)
    return process.exitcode != 0


def _run(folder: str, tests: Sequence[str]) -> None:
    """In a process that has seen none of our code, and sees the copy alone."""
    for name in [n for n in sys.modules if n == "tests" or n.startswith("tests.")]:
        del sys.modules[name]
    os.environ.pop("COPLAN_TEST_HAPI", None)
    os.chdir(folder)
    sys.path[:] = [folder, *(p for p in sys.path if Path(p or ".").resolve() != ROOT)]
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    without = [option for plugin in UNUSED for option in ("-p", f"no:{plugin}")]
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of plugins that are there already
    sys.exit(pytest.main(["-x", "-q", "-m", "not hapi", *quiet, *without, *tests]))


def _write(folder: Path, module: str, code: str) -> None:
    """Without what was compiled of it before: a second is too coarse to tell two mutants apart by their times."""
    path = folder / module
    path.write_text(code)
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def a_copy(folder: Path) -> Path:
    """The sources, for one process at a time to change."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, folder / name)
    return folder


def survivors(chosen: Sequence[Mutant], tests: Sequence[str], workers: int) -> Iterator[Mutant]:
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
            for number, (mutant, noticed) in enumerate(zip(chosen, pool.map(tried, chosen), strict=True), 1):
                print(f"\r{number} of {len(chosen)} tried", end="", file=sys.stderr, flush=True)
                if not noticed:
                    yield mutant


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
    killed = len(chosen)
    for mutant in survivors(chosen, area.tests, given.workers):
        print(mutant.difference(), end="\n\n", flush=True)
        killed -= 1
    print(f"{killed} of {len(chosen)} noticed ({killed / len(chosen):.0%}), of {len(population)} mutants")


if __name__ == "__main__":
    main()
