"""How the commands of networks speak at the terminal: one line where something cannot be done, and bars meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from service.errors import CoPlanError
from service.settings import Settings

said: Final = Console(stderr=True, highlight=False)
OF_EXTRA: Final = {"pyspark": "spark"}
"""Which extra brings what; all else that is not always installed comes with `network`."""
OF_ENGINES: Final = frozenset({"_duckdb", "duckdb", "ibis", "py4j", "pyspark"})


@contextmanager
def extras() -> Iterator[None]:
    """What is not installed is said in one line, with what installs it."""
    try:
        yield
    except ImportError as exc:
        missing = _missing(exc)
        if missing is None:
            raise
        extra = OF_EXTRA.get(missing, "network")
        said.print(
            f"{missing} is not installed: it comes with the extra `{extra}`: pip install 'coplan[{extra}]',"
            f" or in a clone pip install -e '.[{extra}]'",
            markup=False,
        )
        raise typer.Exit(2) from exc


def _missing(exc: BaseException | None) -> str | None:
    """The package that is not there, also where who needed it said so in words of its own; never one of ours."""
    while exc is not None:
        if isinstance(exc, ModuleNotFoundError) and exc.name:
            package = exc.name.partition(".")[0]
            return package if package not in {"service", "fhir_mappings"} else None
        exc = exc.__cause__ or exc.__context__
    return None


def settings_of(fhir: str | None) -> Settings:
    try:
        return Settings(fhir_base_url=fhir) if fhir else Settings()
    except ValidationError as exc:
        names = {str(error["loc"][0]) for error in exc.errors() if error["loc"]}
        if names == {"fhir_base_url"}:
            wrong = "--fhir is no http or https URL" if fhir else "which FHIR server? --fhir https://… names it"
            raise typer.BadParameter(f"{wrong} (or COPLAN_FHIR_BASE_URL)") from exc
        listed = ", ".join(f"COPLAN_{name.upper()}" for name in sorted(names))
        raise typer.BadParameter(f"wrong or missing: {listed}. See docs/settings.md") from exc


def step(bar: Progress, task: int, verb: str) -> Callable[[str], None]:
    """The task goes on by one each time the next thing begins."""
    begun = False

    def told(what: str) -> None:
        nonlocal begun
        bar.update(task, description=f"{verb} {what.replace('_', ' ')}", advance=int(begun))  # type: ignore[arg-type]
        begun = True

    return told


@contextmanager
def refusals() -> Iterator[None]:
    """What the server refuses is said in one line."""
    try:
        yield
    except CoPlanError as exc:
        said.print(f"[bold]It did not work:[/bold] {exc}")
        raise typer.Exit(1) from exc


@contextmanager
def unreadable(broken: Callable[[], str | None]) -> Iterator[None]:
    """Data that an engine cannot read are one line: where they are broken, else the first of what it says.

    Args:
        broken: finds the place; asked only once an engine has given up.
    """
    try:
        yield
    except ImportError:
        raise
    except Exception as exc:
        if type(exc).__module__.partition(".")[0] not in OF_ENGINES:
            raise
        why = broken() or str(exc).strip().partition("\n")[0]
        said.print(f"The data cannot be counted: {why}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from exc


def progress() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=said)
