"""`coplan measures` and `coplan synth`: from the FHIR server to counts, charts, a page, and published reports.

What needs the extras is imported by the command that uses it, so that `coplan` starts without them.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from fhir_mappings.carrier import decode, encode
from fhir_mappings.measure_report import measure_report_to_fhir
from fhir_mappings.measuring import Counted, Every, MeasureDefinition, MeasureReport, Tally
from service.domain.control_charts import BASELINE
from service.domain.detection import Change, detection
from service.domain.network_measures import Series, funnel, reports, series
from service.domain.small_cells import SMALLEST_CELL
from service.errors import CoPlanError
from service.measure_definitions import measures as known_measures
from service.measure_definitions import measures_in
from service.network_charts.control_chart import control_chart
from service.network_charts.funnel import funnel_chart
from service.network_charts.page import page
from service.settings import Settings

if TYPE_CHECKING:
    from service.networks.engines import Engine

measures = typer.Typer(no_args_is_help=True, help="Measures of a network of centres.")
synth = typer.Typer(no_args_is_help=True, help="Synthetic data with known truth.")
said: Final = Console(stderr=True, highlight=False)

COUNTS, FLAT, EXPORT, TRUTH = "counts.json", "flat", "export.json", "truth.json"
Folder = Annotated[Path, typer.Argument(help="Folder of the network's data")]
NetworkId = Annotated[str, typer.Option("--network", help="Id of the network's Organization")]
Definitions = Annotated[Path | None, typer.Option(help="Folder of Measure resources, in place of CoPlan's own")]
Names = Annotated[list[str] | None, typer.Option("--measure", help="Only this measure; may come more than once")]


@measures.command(name="list")
def list_measures(definitions: Definitions = None) -> None:
    """Lists the measures that there are."""
    table = Table("Measure", "Version", "What it counts", box=None)
    for measure in _chosen(definitions, None):
        table.add_row(measure.id, measure.version, measure.title)
    Console().print(table)


@measures.command()
def export(
    folder: Folder,
    group: Annotated[str | None, typer.Option(help="Id of the Group of the network's patients; without it all")] = None,
    fhir: Annotated[str | None, typer.Option(help="Base of the FHIR server; without it that of the settings")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="Another origin that files may be fetched from")] = None,
) -> None:
    """Fetches what the measures read, by one Bulk Data export. Say it again after an interruption: it goes on."""
    from service.networks.bulk_export import Progress as Said
    from service.networks.bulk_export import open_bulk_export
    from service.networks.tables import ELEMENTS

    settings = _settings(fhir)
    token = settings.fhir_authorization.get_secret_value() if settings.fhir_authorization else None

    async def fetch(told: Callable[[Said], object]) -> int:
        base = str(settings.fhir_base_url)
        async with open_bulk_export(base, folder, authorization=token, origins=origin or (), told=told) as bulk:
            state = await bulk.export(group, tuple(ELEMENTS))
        if state.issues:
            said.print(f"The server reports {state.issues} files of issues: not all may have been exported.")
        return len(state.fetched)

    with _progress() as bar, _refusals():
        task = bar.add_task("asking for the export", total=None)
        files = asyncio.run(
            fetch(lambda p: bar.update(task, description=p.words, completed=p.files, total=p.of or None))
        )
    said.print(f"{files} files in {folder}. Next: coplan measures run {folder}")


@measures.command()
def run(
    folder: Folder,
    every: Annotated[Every, typer.Option(help="How long a period is")] = Every.MONTH,
    engine: Annotated[str, typer.Option(help="duckdb, or spark where one machine is outgrown")] = "duckdb",
    measure: Names = None,
    definitions: Definitions = None,
    as_of: Annotated[
        datetime | None, typer.Option(help="Day of the export, if no manifest says it", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Counts. The counts are not masked: they stay in the folder, and `report` and `publish` mask them."""
    from service.networks.counting import count
    from service.networks.engines import flatten
    from service.networks.tables import FLAT as TABLES

    chosen = _chosen(definitions, measure)
    day = as_of.date() if as_of else _exported_on(folder)
    with _engine(engine, folder) as chosen_engine, _progress() as bar:
        reading = bar.add_task("reading", total=len(TABLES))
        flatten(chosen_engine, folder, folder / FLAT, told=_step(bar, reading, "reading"))
        counting = bar.add_task("counting", total=len(chosen))
        told = _step(bar, counting, "counting")
        found = list(count(chosen_engine, folder / FLAT, chosen, as_of=day, every=every, told=told))
        bar.update(reading, description="read", completed=len(TABLES))
        bar.update(counting, description="counted", completed=len(chosen))
    (folder / COUNTS).write_bytes(encode(found))
    said.print(f"{len(found)} counts of {len({c.measure for c in found})} measures in {folder / COUNTS}.")


@measures.command()
def report(
    folder: Folder,
    to: Annotated[Path, typer.Option(help="Folder for the page, the charts and the reports")],
    network: NetworkId = "network",
    centre: Annotated[str | None, typer.Option(help="One centre's own page in place of the network's")] = None,
    smallest: Annotated[
        int, typer.Option("--smallest-cell", help="Least count to show; less than 11 only within the centre itself")
    ] = SMALLEST_CELL,
    baseline: Annotated[int, typer.Option(help="Periods that the usual level is taken from")] = BASELINE,
    png: Annotated[bool, typer.Option(help="Pictures as PNG, too")] = False,
    definitions: Definitions = None,
) -> None:
    """Draws the charts and the page, and writes the MeasureReports, all of it masked."""
    if smallest < SMALLEST_CELL and centre is None:
        raise typer.BadParameter(f"less than {SMALLEST_CELL} is for a centre's own eyes: name it with --centre")
    to.mkdir(parents=True, exist_ok=True)
    shown = []
    with (to / "reports.ndjson").open("wb") as file, _progress() as bar:
        by_measure = _reports(folder, network, smallest, definitions)
        task = bar.add_task("drawing", total=len(by_measure))
        for measure, found in by_measure.items():
            bar.update(task, description=measure.id)
            file.writelines(encode(measure_report_to_fhir(r)) + b"\n" for r in found)
            by_reporter = {s.reporter: s for s in series(measure, found, baseline=baseline)}
            own = by_reporter.get(f"Organization/{centre or network}")
            if own is not None:
                across = None if centre else funnel(measure, found)
                shown.append((own, across))
                _draw(to, own, funnel_chart(across) if across else None, png=png)
            bar.advance(task)
    exported = _exported_on(folder)
    title = f"How centre {centre} is doing" if centre else "How the network is doing"
    (to / "index.html").write_text(
        page(title, shown, made_of=f"Made of data exported on {exported.day} {exported:%B %Y}.")
    )
    said.print(f"{to / 'index.html'} has {len(shown)} measures.")


@measures.command()
def publish(
    folder: Folder,
    network: NetworkId,
    fhir: Annotated[str | None, typer.Option(help="Base of the FHIR server; without it that of the settings")] = None,
    definitions: Definitions = None,
) -> None:
    """Writes the MeasureReports to the FHIR server, masked. What is there already is not written again."""
    from service.gateways.fhir_client import open_fhir_client
    from service.workflows import measures as workflow

    settings = _settings(fhir)
    found = [r for of_one in _reports(folder, network, SMALLEST_CELL, definitions).values() for r in of_one]
    token = settings.fhir_authorization.get_secret_value() if settings.fhir_authorization else None

    async def write(bar: Progress) -> int:
        task, new = bar.add_task("publishing", total=len(found)), 0
        deadline = settings.fhir_deadline * 6
        async with open_fhir_client(str(settings.fhir_base_url), deadline=deadline, authorization=token) as client:
            for together in _by_period(found):
                request_id = str(uuid4())
                new += await workflow.publish(together, fhir=client, clock=_now, request_id=request_id)
                bar.advance(task, len(together))
        return new

    with _progress() as bar, _refusals():
        new = asyncio.run(write(bar))
    said.print(f"{new} new reports of {len(found)}.")


@measures.command()
def score(folder: Folder) -> None:
    """For a synthetic network: are the counts the truth, and is the change found?"""
    truth = decode((folder / TRUTH).read_bytes())
    found = {(c.measure, c.period.start, centre): t for c in _counts(folder) for centre, t in c.centres.items()}
    first = date.fromisoformat(truth["first_month"])
    months = [date(first.year + m // 12, m % 12 + 1, 1) for m in range(truth["months"])]
    table = Table("Measure", "Counts", "Wrong", "Centres judged", "Found within a year", "False before", box=None)
    for index in truth["centres"][0]["counts"]:
        wrong, cells, changes = 0, 0, []
        for centre in truth["centres"]:
            of_one = {at: found.get((f"remission-{index}", month, centre["centre"])) for at, month in enumerate(months)}
            counted = {at: tally for at, tally in of_one.items() if tally}
            true = {at: Tally(d, n) for at, (n, d) in enumerate(centre["counts"][index]) if d}
            cells += len(true)
            wrong += sum(counted.get(at) != true.get(at) for at in range(len(months)))
            changes.append(Change(centre["centre"], centre["changed"], counted))
        seen = detection(changes)
        numbers = (cells, wrong, seen.judged, seen.found, seen.false)
        table.add_row(f"remission-{index}", *(f"{n:,}" for n in numbers))
    Console().print(table)


@synth.command(name="network")
def synthetic_network(
    to: Annotated[Path, typer.Option(help="Folder for the resources and the truth")],
    centres: Annotated[int, typer.Option(min=1, max=99)] = 71,
    patients: Annotated[int, typer.Option(min=1, max=9_999_999)] = 10_000,
    years: Annotated[int, typer.Option(min=2, max=20)] = 5,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal networks")] = 1,
    form: Annotated[str, typer.Option("--format", help="ndjson or parquet, both in FHIR shape")] = "ndjson",
    network: NetworkId = "network",
) -> None:
    """Makes a network whose remission rises from 60 % to 79 % after a change at each centre's own date."""
    from service.networks.synthetic import synthesise

    if patients < centres or form not in {"ndjson", "parquet"}:
        raise typer.BadParameter("there must be a patient for each centre, and the format be ndjson or parquet")
    with _progress() as bar:
        task = bar.add_task("making", total=centres)
        truth = synthesise(
            to,
            network=network,
            centres=centres,
            patients=patients,
            years=years,
            seed=seed,
            form=form,
            told=lambda centre: bar.update(task, advance=1, description=centre),
        )
    said.print(f"{patients:,} patients and {truth.observations:,} Observations in {to}. Next: coplan measures run {to}")


def _draw(to: Path, own: Series, across: str | None, *, png: bool) -> None:
    pictures = {f"{own.measure.id}.svg": control_chart(own), f"{own.measure.id}-funnel.svg": across}
    for name, picture in pictures.items():
        if picture is None:
            continue
        (to / name).write_text(picture)
        if png:
            from vl_convert import svg_to_png

            (to / name).with_suffix(".png").write_bytes(svg_to_png(picture, scale=2))


def _reports(
    folder: Path, network: str, smallest: int, definitions: Path | None
) -> dict[MeasureDefinition, list[MeasureReport]]:
    """The masked reports by measure; one computed at the same moment for all."""
    known = {m.id: m for m in _chosen(definitions, None)}
    found: dict[MeasureDefinition, list[MeasureReport]] = {}
    at = _now()
    for counted in _counts(folder):
        measure = known[counted.measure]
        found.setdefault(measure, []).extend(reports(counted, measure, network=network, at=at, smallest=smallest))
    return found


def _by_period(found: list[MeasureReport]) -> Iterator[list[MeasureReport]]:
    parts: dict[object, list[MeasureReport]] = {}
    for r in found:
        parts.setdefault((r.measure, r.period), []).append(r)
    yield from parts.values()


def _counts(folder: Path) -> list[Counted]:
    path = folder / COUNTS
    if not path.exists():
        raise typer.BadParameter(f"{path} is not there: coplan measures run {folder}")
    return msgspec.json.decode(path.read_bytes(), type=list[Counted])


def _chosen(definitions: Path | None, names: list[str] | None) -> list[MeasureDefinition]:
    known = known_measures() if definitions is None else measures_in(definitions)
    if not known:
        raise typer.BadParameter(f"there is no measure in {definitions}")
    if unknown := set(names or ()) - known.keys():
        raise typer.BadParameter(f"no such measure: {', '.join(sorted(unknown))}. See: coplan measures list")
    return [m for m in known.values() if not names or m.id in names]


def _exported_on(folder: Path) -> date:
    """By the manifest of the export, or by the truth of a synthetic network."""
    for name, member in ((EXPORT, "transaction_time"), (TRUTH, "exported")):
        path = folder / name
        if path.exists() and (found := decode(path.read_bytes()).get(member)):
            return date.fromisoformat(found[:10])
    raise typer.BadParameter(
        f"nothing in {folder} says when the data were exported (are there any?): --as-of YYYY-MM-DD"
    )


def _engine(name: str, folder: Path) -> AbstractContextManager["Engine"]:
    try:
        from service.networks.engines import DuckDB, local_spark

        if name == "duckdb":
            return nullcontext(DuckDB(folder / "spill"))
        if name == "spark":
            return local_spark()
    except ImportError as exc:
        raise typer.BadParameter(f"{exc.name} is not installed: it comes with the extra `network`, or `spark`") from exc
    raise typer.BadParameter("the engine is duckdb or spark")


def _settings(fhir: str | None) -> Settings:
    return Settings(fhir_base_url=fhir) if fhir else Settings()


def _step(bar: Progress, task: int, verb: str) -> Callable[[str], None]:
    """The task goes on by one each time the next thing begins."""
    begun = False

    def told(what: str) -> None:
        nonlocal begun
        bar.update(task, description=f"{verb} {what.replace('_', ' ')}", advance=int(begun))  # type: ignore[arg-type]
        begun = True

    return told


@contextmanager
def _refusals() -> Iterator[None]:
    """What the server refuses is said in one line."""
    try:
        yield
    except CoPlanError as exc:
        said.print(f"[bold]It did not work:[/bold] {exc}")
        raise typer.Exit(1) from exc


def _progress() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=said)


def _now() -> datetime:
    return datetime.now(UTC)
