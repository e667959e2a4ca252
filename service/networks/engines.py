"""DuckDB in this process, or Spark where one machine is outgrown: the same expressions on either.

Resources come as NDJSON or as Parquet in FHIR shape, in files `Type*.ndjson` or `Type*.parquet` of one folder.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import ibis
from ibis import Table, _
from ibis.backends.sql.datatypes import DuckDBType
from ibis.expr.datatypes import DataType

from service.networks.tables import ELEMENTS, FLAT, Column, schema

if TYPE_CHECKING:
    from ibis.backends import BaseBackend

Rows: TypeAlias = list[dict[str, Any]]
Told: TypeAlias = Callable[[str], object]
"""Is told the name of each step as it begins."""

MEMORY: Final = "3GB"
PARTITIONS_OF_A_CORE: Final = 2
LARGEST_RESOURCE: Final = 64 * 2**20


class Engine(Protocol):
    """Where expressions run."""

    name: str
    backend: "BaseBackend"

    def read(self, resource_type: str, folder: Path) -> Table:
        """The elements of `tables.ELEMENTS` of all resources of this type; an empty table where there is no file."""
        ...

    def flat(self, name: str, folder: Path) -> Table:
        """A flat table that was written before."""
        ...

    def write(self, table: Table, folder: Path, name: str) -> None:
        """Writes a flat table as Parquet."""
        ...


class DuckDB:
    """Embedded in this process; spills to `spill` beyond its share of memory."""

    name = "duckdb"

    def __init__(self, spill: Path | None = None, *, memory: str = MEMORY) -> None:
        self.backend = ibis.duckdb.connect()
        settings = {"TimeZone": "UTC", "memory_limit": memory, "preserve_insertion_order": False}
        if spill is not None:
            settings["temp_directory"] = str(spill)
        for setting, value in settings.items():
            self.backend.raw_sql(f"SET {setting} = '{value}'")

    def read(self, resource_type: str, folder: Path) -> Table:
        found = []
        if paths := _files(resource_type, folder, "ndjson"):
            columns = {name: DuckDBType.to_string(kind) for name, kind in schema(resource_type).items()}
            found.append(
                self.backend.read_json(
                    paths, columns=columns, format="newline_delimited", maximum_object_size=LARGEST_RESOURCE
                )
            )
        if paths := _files(resource_type, folder, "parquet"):
            table = self.backend.read_parquet(paths, union_by_name=True)
            whole = schema(resource_type)
            found.append(table.select(**{n: _as(table, n, whole[n]) for n in whole}))
        return reduce(Table.union, found) if found else _empty(resource_type)

    def flat(self, name: str, folder: Path) -> Table:
        return self.backend.read_parquet(folder / f"{name}.parquet")

    def write(self, table: Table, folder: Path, name: str) -> None:
        self.backend.to_parquet(table, folder / f"{name}.parquet", compression="zstd")


class Spark:
    """A Spark session, such as `local_spark` opens."""

    name = "spark"

    def __init__(self, session: Any) -> None:
        session.conf.set("spark.sql.session.timeZone", "UTC")
        self._session = session
        self.backend = ibis.pyspark.connect(session)

    def read(self, resource_type: str, folder: Path) -> Table:
        from ibis.backends.pyspark.datatypes import PySparkSchema  # not installed where it is not wanted

        elements = PySparkSchema.from_ibis(schema(resource_type))
        reader = self._session.read.schema(elements).option("mode", "FAILFAST")
        found = []
        if not any(_files(resource_type, folder, ending) for ending in ("ndjson", "parquet")):
            self._session.createDataFrame([], elements).createOrReplaceTempView(f"{resource_type}_none")
            return self.backend.table(f"{resource_type}_none")
        for ending, read in (("ndjson", reader.json), ("parquet", lambda paths: reader.parquet(*paths))):
            if paths := _files(resource_type, folder, ending):
                view = f"{resource_type}_{ending}"
                read(paths).createOrReplaceTempView(view)
                found.append(self.backend.table(view))
        return reduce(Table.union, found)

    def flat(self, name: str, folder: Path) -> Table:
        return self.backend.read_parquet(folder / f"{name}.parquet")

    def write(self, table: Table, folder: Path, name: str) -> None:
        self.backend.to_parquet(table, folder / f"{name}.parquet", mode="overwrite")


@contextmanager
def local_spark(*, cores: int = 2, memory: str = "2g", **more: str) -> Iterator[Spark]:
    """Spark on this machine alone, at 127.0.0.1 without its web pages.

    Args:
        more: settings of Spark, with `__` for the dots.
    """
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": memory,
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": str(cores * PARTITIONS_OF_A_CORE),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    builder = SparkSession.builder.master(f"local[{cores}]").appName("coplan")
    session = reduce(lambda b, setting: b.config(*setting), settings.items(), builder).getOrCreate()
    try:
        yield Spark(session)
    finally:
        session.stop()


def flatten(engine: Engine, source: Path, target: Path, *, told: Told = lambda _: None) -> None:
    """Reads the resources of a folder once and writes the flat tables as Parquet."""
    target.mkdir(parents=True, exist_ok=True)
    read = {resource_type: engine.read(resource_type, source) for resource_type in ELEMENTS}
    for name, (resource_type, table) in FLAT.items():
        told(name)
        engine.write(table(read[resource_type]), target, name)


def flat_tables(engine: Engine, folder: Path) -> Mapping[str, Table]:
    """The flat tables that `flatten` has written."""
    return {name: engine.flat(name, folder) for name in FLAT}


def rows(engine: Engine, table: Table) -> Rows:
    """The rows, in this process."""
    return engine.backend.to_pyarrow(table).to_pylist()  # type: ignore[no-any-return]


def first_day(engine: Engine, tables: Mapping[str, Table]) -> date | None:
    """The day of the earliest measurement, goal or proposal."""
    days = (("observations", "day"), ("goals", "start"), ("proposals", "asked"), ("stays", "day"), ("orders", "day"))
    firsts = reduce(Table.union, [tables[name].agg(first=_[day].min()) for name, day in days])
    found: date | None = rows(engine, firsts.agg(first=_.first.min()))[0]["first"]
    return found


def _files(resource_type: str, folder: Path, ending: str) -> list[str]:
    """`Patient.ndjson`, `Patient.0.ndjson`, `Patient-1.ndjson`; never `PatientX.ndjson`."""
    found = sorted(folder.glob(f"{resource_type}*.{ending}"))
    return [str(p) for p in found if not p.name[len(resource_type)].isalnum()]


def _as(table: Table, name: str, kind: DataType) -> Column:
    """The column with all members that are read; null where no file has them."""
    return table[name].cast(kind) if name in table.columns else ibis.null(kind)


def _empty(resource_type: str) -> Table:
    return ibis.memtable(schema(resource_type).to_pyarrow().empty_table())
