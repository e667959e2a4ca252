"""`coplan measures` and `coplan synth`: from the FHIR server to counts, charts, a page, and published reports.

What needs the extras is imported by the command that uses it, so that `coplan` starts without them.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fhir_mappings.carrier import decode, encode
from fhir_mappings.measure_report import measure_report_to_fhir
from fhir_mappings.measuring import Every, MeasureDefinition, MeasureReport, Tally
from fhir_mappings.wording import ENGLISH, SHIPPED, Language
from service.domain.control_charts import BASELINE
from service.domain.detection import Change, detection
from service.domain.network_measures import Funnel, Judgement, Series, funnel, reports_of_run, series
from service.domain.small_cells import SMALLEST_CELL
from service.gateways.demo_record import put_organizations
from service.network_charts.control_chart import control_chart
from service.network_charts.funnel import funnel_chart
from service.network_charts.page import Across, page
from service.network_charts.words import day_in_words
from service.network_definitions import chosen, counted_by, digest, must_be_told_apart
from service.network_folder import (
    COUNTS,
    FLAT,
    TRUTH,
    Counts,
    exported_on,
    fingerprint,
    first_broken_line,
    must_be_free,
    must_be_known,
    must_be_whole,
    organizations_in,
    read_counts,
)
from service.network_terminal import extras, progress, refusals, said, settings_of, step, unreadable

if TYPE_CHECKING:
    from service.networks.engines import Engine

measures = typer.Typer(no_args_is_help=True, help="Measures of a network of centres.")
synth = typer.Typer(no_args_is_help=True, help="Synthetic data with known truth.")
Folder = Annotated[Path, typer.Argument(help="Folder of the network's data")]
NetworkId = Annotated[str, typer.Option("--network", help="Id of the network's Organization")]
Definitions = Annotated[Path | None, typer.Option(help="Folder of Measure resources, in place of CoPlan's own")]
Names = Annotated[
    list[str] | None, typer.Option("--measure", help="Only these measures: more than once, or with commas between")
]
Fhir = Annotated[str | None, typer.Option(help="Base of the FHIR server; without it COPLAN_FHIR_BASE_URL")]


@measures.command(name="list")
def list_measures(definitions: Definitions = None) -> None:
    """Lists the measures that there are."""
    table = Table("Measure", "Version", "What it counts", box=None)
    for measure in chosen(definitions):
        table.add_row(measure.id, measure.version, measure.title)
    Console().print(table)


@measures.command()
def export(
    folder: Folder,
    group: Annotated[str | None, typer.Option(help="Id of the Group of the network's patients; without it all")] = None,
    fhir: Fhir = None,
    origin: Annotated[list[str] | None, typer.Option(help="Another origin that files may be fetched from")] = None,
) -> None:
    """Fetches what the measures read, by one Bulk Data export. Say it again after an interruption: it goes on."""
    with extras():
        from service.networks.bulk_export import Progress as Said
        from service.networks.bulk_export import open_bulk_export
        from service.networks.tables import ELEMENTS

    settings = settings_of(fhir)
    token = settings.fhir_authorization.get_secret_value() if settings.fhir_authorization else None

    async def fetch(told: Callable[[Said], object]) -> int:
        base = str(settings.fhir_base_url)
        async with open_bulk_export(base, folder, authorization=token, origins=origin or (), told=told) as bulk:
            state = await bulk.export(group, tuple(ELEMENTS))
        if state.issues:
            said.print(f"The server reports {state.issues} files of issues: not all may have been exported.")
        return len(state.fetched)

    with progress() as bar, refusals():
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
    with extras():
        from service.networks.counting import count
        from service.networks.engines import flatten
        from service.networks.tables import FLAT as TABLES

    wanted = chosen(definitions, measure)
    must_be_whole(folder)
    made_of = fingerprint(folder)
    day = as_of.date() if as_of else exported_on(folder)
    broken = partial(first_broken_line, folder)
    with unreadable(broken), extras(), _engine(engine, folder) as chosen_engine, progress() as bar:
        reading = bar.add_task("reading", total=len(TABLES))
        flatten(chosen_engine, folder, folder / FLAT, told=step(bar, reading, "reading"))
        counting = bar.add_task("counting", total=len(wanted))
        told = step(bar, counting, "counting")
        found = list(count(chosen_engine, folder / FLAT, wanted, as_of=day, every=every, told=told))
        bar.update(reading, description="read", completed=len(TABLES))
        bar.update(counting, description="counted", completed=len(wanted))
    counts = Counts([m.id for m in wanted], day, found, made_of, {m.id: digest(m) for m in wanted})
    (folder / COUNTS).write_bytes(encode(counts))
    counted = {c.measure for c in found}
    said.print(f"{len(found)} counts of {len(counted)} measures in {folder / COUNTS}.")
    if nothing := [m.id for m in wanted if m.id not in counted]:
        said.print(f"Nothing to count for {', '.join(nothing)}.")


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
    language: Annotated[str, typer.Option(help="Language of the page and the pictures: en or es")] = ENGLISH.tag,
    definitions: Definitions = None,
) -> None:
    """Draws the charts and the page, and writes the MeasureReports, all of it masked."""
    if smallest < SMALLEST_CELL and centre is None:
        raise typer.BadParameter(f"less than {SMALLEST_CELL} is for a centre's own eyes: name it with --centre")
    if language not in SHIPPED:
        raise typer.BadParameter(f"the page is written in {' or '.join(SHIPPED)}")
    counts, words = read_counts(folder), Language(language)
    must_be_known(folder, counts, network, centre)
    known = counted_by(definitions, counts, folder)
    to.mkdir(parents=True, exist_ok=True)
    shown: list[tuple[Series, Across]] = []
    with (to / "reports.ndjson").open("wb") as file, extras(), progress() as bar:
        by_measure = _reports(counts, network, smallest, known)
        task = bar.add_task("drawing", total=len(by_measure))
        for measure, found in by_measure.items():
            bar.update(task, description=measure.id)
            file.writelines(encode(measure_report_to_fhir(r)) + b"\n" for r in found)
            by_reporter = {s.reporter: s for s in series(measure, found, baseline=baseline)}
            own = by_reporter.get(f"Organization/{centre or network}")
            if own is not None:
                shown.append((own, None if centre else funnel(measure, found)))
                _draw(to, *shown[-1], language=words, baseline=baseline, png=png)
            bar.advance(task)
    _write_page(
        to,
        shown,
        folder,
        counts,
        known,
        centre=centre,
        language=words,
        baseline=baseline,
        is_masked=smallest >= SMALLEST_CELL,
    )
    said.print(f"{to / 'index.html'} has {len(shown)} measures.")
    _tell_what_is_not_judged([own for own, _ in shown], folder)


@measures.command()
def publish(
    folder: Folder,
    network: NetworkId,
    fhir: Fhir = None,
    definitions: Definitions = None,
) -> None:
    """Writes the MeasureReports to the FHIR server, masked. What is there already is not written again."""
    from service.gateways.fhir_client import open_fhir_client
    from service.workflows import measures as workflow

    counts = read_counts(folder)
    must_be_known(folder, counts, network, None)
    known = counted_by(definitions, counts, folder)
    must_be_told_apart(m for m in known if m.id in counts.measures)
    settings = settings_of(fhir)
    found = [r for of_one in _reports(counts, network, SMALLEST_CELL, known).values() for r in of_one]
    token = settings.fhir_authorization.get_secret_value() if settings.fhir_authorization else None

    async def write(bar: Progress) -> int:
        task, new = bar.add_task("publishing", total=len(found)), 0
        deadline = settings.fhir_deadline * 6
        async with open_fhir_client(str(settings.fhir_base_url), deadline=deadline, authorization=token) as client:
            await workflow.must_be_publishable(found, fhir=client)
            for together in _by_period(found):
                request_id = str(uuid4())
                new += await workflow.publish(together, fhir=client, clock=_now, request_id=request_id)
                bar.advance(task, len(together))
        return new

    with progress() as bar, refusals():
        new = asyncio.run(write(bar))
    said.print(f"{new} new reports of {len(found)}.")


@measures.command()
def score(folder: Folder) -> None:
    """For a synthetic network: are the counts the truth, and is the change found?"""
    truth = decode((folder / TRUTH).read_bytes())
    found = {
        (c.measure, c.period.start, centre): t for c in read_counts(folder).counted for centre, t in c.centres.items()
    }
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
    centres: Annotated[int, typer.Option(min=1, max=99, help="Some are three times as large as others")] = 71,
    patients: Annotated[int, typer.Option(min=1, max=9_999_999, help="Of all centres together")] = 10_000,
    years: Annotated[int, typer.Option(min=2, max=20, help="Of visits, up to the last of December 2025")] = 5,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal networks")] = 1,
    form: Annotated[str, typer.Option("--format", help="ndjson or parquet, both in FHIR shape")] = "ndjson",
    network: NetworkId = "network",
    replace: Annotated[
        bool, typer.Option("--replace", help="Empty the folder first: all that is in it is deleted")
    ] = False,
) -> None:
    """Makes a network whose remission rises from 60 % to 79 % after a change at each centre's own date."""
    with extras():
        from service.networks.synthetic import synthesise

    if patients < centres:
        raise typer.BadParameter(f"fewer than the {centres} centres", param_hint="--patients")
    if form not in {"ndjson", "parquet"}:
        raise typer.BadParameter("ndjson or parquet", param_hint="--format")
    must_be_free(to, replace=replace)
    with progress() as bar:
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


@synth.command()
def organizations(
    folder: Annotated[Path, typer.Argument(help="Folder of a synthetic network, as NDJSON")], fhir: Fhir = None
) -> None:
    """Puts the network and its centres onto a FHIR server for development, so that reports can be published there."""
    found = organizations_in(folder)
    if not found:
        raise typer.BadParameter(f"{folder} has no Organizations: coplan synth network --to {folder}")
    settings = settings_of(fhir)
    with refusals():
        asyncio.run(put_organizations(str(settings.fhir_base_url), found))
    said.print(f"{len(found)} Organizations. Next: coplan measures publish {folder} --network {found[0]['id']}")


def _draw(to: Path, own: Series, across: Across, *, language: Language, baseline: int, png: bool) -> None:
    pictures = {f"{own.measure.id}.svg": control_chart(own, baseline=baseline, language=language)}
    if isinstance(across, Funnel):
        pictures[f"{own.measure.id}-funnel.svg"] = funnel_chart(across, language=language)
    for name, picture in pictures.items():
        (to / name).write_text(picture)
        if png:
            from vl_convert import svg_to_png

            (to / name).with_suffix(".png").write_bytes(svg_to_png(picture, scale=2))


def _write_page(
    to: Path,
    shown: list[tuple[Series, Across]],
    folder: Path,
    counts: Counts,
    known: list[MeasureDefinition],
    *,
    centre: str | None,
    language: Language,
    baseline: int,
    is_masked: bool,
) -> None:
    """The page; what was looked for and not found is named on it."""
    title = (
        language.say("How centre {name} is doing", name=centre) if centre else language.say("How the network is doing")
    )
    made_of = language.say("Made of data exported on {day}.", day=day_in_words(exported_on(folder, counts), language))
    there = {own.measure.id for own, _ in shown}
    without = [m for m in known if m.id in counts.measures and m.id not in there]
    text = page(
        title, shown, made_of=made_of, language=language, baseline=baseline, without=without, is_masked=is_masked
    )
    (to / "index.html").write_text(text)
    if not is_masked:
        said.print("Small numbers are NOT hidden on this page: it is for the centre's own team alone.")


def _tell_what_is_not_judged(found: list[Series], folder: Path) -> None:
    hidden = (Judgement.TOO_MANY_HIDDEN, Judgement.NOTHING_SHOWN)
    without = [own for own in found if own.judgement in hidden]
    names = [own.measure.id for own in without if any(r.tally.is_masked for r in own.reports)]
    if empty := [own.measure.id for own in without if own.measure.id not in names]:
        said.print(f"Too few people to judge {', '.join(empty)}: in too many periods there was nobody to count.")
    if not names:
        return
    every = found[0].reports[-1].period.every
    longer = {Every.MONTH: Every.QUARTER, Every.QUARTER: Every.YEAR}.get(every)
    more = f" More could be shown by {longer}: coplan measures run {folder} --every {longer}" if longer else ""
    said.print(f"Too much is hidden to judge {', '.join(names)}.{more}")


def _reports(
    counts: Counts, network: str, smallest: int, defined: list[MeasureDefinition]
) -> dict[MeasureDefinition, list[MeasureReport]]:
    """The masked reports by measure, in the order in which they are read; one computed at the same moment for all."""
    known = {m.id: m for m in defined}
    found: dict[str, list[MeasureReport]] = {m.canonical: [] for m in known.values()}
    for r in reports_of_run(counts.counted, known, network=network, at=_now(), smallest=smallest):
        found[r.measure].append(r)
    return {m: found[m.canonical] for m in known.values() if found[m.canonical]}


def _by_period(found: list[MeasureReport]) -> Iterator[list[MeasureReport]]:
    parts: dict[object, list[MeasureReport]] = {}
    for r in found:
        parts.setdefault((r.measure, r.period), []).append(r)
    yield from parts.values()


def _engine(name: str, folder: Path) -> AbstractContextManager["Engine"]:
    from service.networks.engines import DuckDB, local_spark

    if name == "duckdb":
        return nullcontext(DuckDB(folder / "spill"))
    if name != "spark":
        raise typer.BadParameter("the engine is duckdb or spark")
    if find_spec("pyspark") and not (which("java") or "JAVA_HOME" in os.environ):
        raise typer.BadParameter("Spark needs Java 17 or later: neither java nor JAVA_HOME is there")
    return local_spark()


def _now() -> datetime:
    return datetime.now(UTC)
