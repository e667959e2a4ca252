"""What the engine counts is what is there: by the truth beside the data, and by counting in plain Python."""

import json
import os
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.measure import PARAMETERS, SCORED
from fhir_mappings.measuring import Counted, Every, Scoring, Tally
from service.measure_definitions import measures
from service.networks.counting import count, periods_between
from service.networks.engines import DuckDB, Engine, flatten, local_spark
from service.networks.measures import RULES
from service.networks.synthetic import Truth, synthesise
from tests.service.networks import reference
from tests.service.networks.conftest import AS_OF

QUICK: dict[str, Any] = {
    "spark__sql__shuffle__partitions": "1",
    "spark__sql__adaptive__enabled": "false",
    "spark__sql__codegen__wholeStage": "false",
    "spark__sql__codegen__factoryMode": "NO_CODEGEN",
    "spark__sql__catalogImplementation": "in-memory",
    "spark__driver__extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""For a few rows, compiling each query, and what runs it, costs Spark more than running it."""


def test_a_definition_may_name_the_rules_that_there_are() -> None:
    assert set(PARAMETERS) == set(RULES)
    assert {SCORED.get(m.rule, Scoring.PROPORTION) is m.scoring for m in measures().values()} == {True}


def counted(engine: Engine, flat: Path, *names: str, every: Every = Every.MONTH) -> list[Counted]:
    chosen = [measures()[name] for name in names or measures()]
    return list(count(engine, flat, chosen, as_of=AS_OF, every=every))


def test_every_centres_counts_are_the_truth_to_the_last_one(network: tuple[Path, Truth], flat: Path) -> None:
    _, truth = network
    found = {(c.measure, c.period.start, k): t for c in counted(DuckDB(), flat) for k, t in c.centres.items()}
    expected = {
        (f"remission-{index}", date(2024 + month // 12, month % 12 + 1, 1), centre.centre): Tally(d, n)
        for centre in truth.centres
        for index, rows in centre.counts.items()
        for month, (n, d) in enumerate(rows)
        if d
    }

    assert {key: tally for key, tally in found.items() if key[0].startswith("remission")} == expected


@pytest.mark.parametrize("measure", reference.RULES)
def test_each_measure_is_what_plain_python_counts(network: tuple[Path, Truth], flat: Path, measure: str) -> None:
    found: dict[tuple[date, str, str], Any] = {}
    for c in counted(DuckDB(), flat, measure):
        margins = {"network": {"": c.network}, "centre": c.centres, **c.strata}
        for name, tallies in margins.items():
            for value, tally in tallies.items():
                found[c.period.start, name, value] = _plain(tally)
    expected = reference.tallies(reference.resources(network[0]), measure, AS_OF)

    assert expected
    assert found == {key: (_rounded(n), d) for key, (n, d) in expected.items()}


def _plain(tally: Tally) -> tuple[Any, int | None]:
    return (tally.median if tally.numerator is None else tally.numerator), tally.denominator


def _rounded(value: Any) -> Any:
    return Decimal(str(value)).quantize(Decimal("0.0001")) if isinstance(value, float) else value


@pytest.mark.parametrize("every", [Every.QUARTER, Every.YEAR])
def test_a_longer_period_counts_each_patient_once_by_the_latest_visit(flat: Path, every: Every) -> None:
    monthly = counted(DuckDB(), flat, "remission-pga")
    longer = counted(DuckDB(), flat, "remission-pga", every=every)

    assert len(longer) == {Every.QUARTER: 8, Every.YEAR: 2}[every]
    within = [c.network.denominator or 0 for c in monthly if c.period.end <= longer[0].period.end]
    assert max(within) < (longer[0].network.denominator or 0) < sum(within)


@pytest.mark.filterwarnings("ignore::Warning")  # pandas, Ibis and Spark each of another's next release
def test_spark_counts_the_same_to_the_last_count(tmp_path: Path) -> None:
    """All measures, of few patients: what Spark costs here is its start and each query, whatever the rows."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("there is no Java for Spark")
    synthesise(tmp_path / "made", network="net", centres=2, patients=80, years=2, seed=7)
    _joined(tmp_path / "made", tmp_path / "source")
    duckdb = DuckDB()
    flatten(duckdb, tmp_path / "source", tmp_path / "flat-duckdb")
    with local_spark(cores=1, memory="1g", **QUICK) as spark:
        flatten(spark, tmp_path / "source", tmp_path / "flat")
        found = counted(spark, tmp_path / "flat", every=Every.YEAR)

    assert found == counted(duckdb, tmp_path / "flat-duckdb", every=Every.YEAR)
    assert {measures()[c.measure].scoring for c in found} == set(Scoring)
    assert {c.measure for c in found} == measures().keys() - {"remission-pcdai"}


def _joined(source: Path, target: Path) -> None:
    """One file for each type: Spark takes its time for each file."""
    target.mkdir()
    for path in sorted(source.glob("*.ndjson")):
        with (target / f"{path.name.partition('-')[0]}.ndjson").open("ab") as file:
            file.write(path.read_bytes())


def test_parquet_in_fhir_shape_counts_as_ndjson_does(flat: Path, tmp_path: Path) -> None:
    synthesise(tmp_path / "source", network="net", centres=6, patients=240, years=2, seed=7, form="parquet")
    flatten(DuckDB(), tmp_path / "source", tmp_path / "flat")

    assert counted(DuckDB(), tmp_path / "flat") == counted(DuckDB(), flat)


def test_equal_seeds_make_equal_networks(network: tuple[Path, Truth], tmp_path: Path) -> None:
    again = synthesise(tmp_path, network="net", centres=6, patients=240, years=2, seed=7)

    assert again == network[1]
    for path in network[0].iterdir():
        assert sorted((tmp_path / path.name).read_bytes().splitlines()) == sorted(path.read_bytes().splitlines())


def test_no_element_of_a_synthetic_resource_is_null(network: tuple[Path, Truth]) -> None:
    assert all("null" not in path.read_text() for path in network[0].glob("*.ndjson"))


PATIENT = {
    "resourceType": "Patient",
    "id": "ann",
    "birthDate": "2012-05-01",
    "managingOrganization": {"reference": "https://ehr.example/fhir/Organization/c1/_history/2"},
    "communication": [
        {"language": {"coding": [{"code": "en-US"}]}},
        {"language": {"coding": [{"code": "es"}]}, "preferred": True},
    ],
}


def an_index(
    value: float | None, at: str, *, status: str = "final", name: str = "pucai", **parts: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{at}{value}",
        "status": status,
        "code": {"coding": [{"system": "urn:coplan:ibd-index", "code": name}]},
        "subject": {"reference": "Patient/ann"},
        "effectiveDateTime": at,
        **({} if value is None else {"valueQuantity": {"value": value}}),
        **parts,
    }


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        pytest.param(
            [an_index(5, "2025-03-02"), an_index(40, "2025-03-20")], {"2025-03": (0, 1)}, id="the latest counts"
        ),
        pytest.param([an_index(9.99, "2025-03-02")], {"2025-03": (1, 1)}, id="below ten is remission"),
        pytest.param([an_index(10, "2025-03-02")], {"2025-03": (0, 1)}, id="ten is not"),
        pytest.param(
            [an_index(5, "2025-03-02T10:00:00Z"), an_index(40, "2025-03-02T10:00:00Z")],
            {"2025-03": (0, 1)},
            id="of two at once the worse one",
        ),
        pytest.param(
            [an_index(5, "2025-03-31T23:30:00-05:00"), an_index(40, "2025-03-31T23:00:00Z")],
            {"2025-03": (1, 1)},
            id="by the clock of the clinic, in order of the instants",
        ),
        pytest.param([an_index(5, "2025-03", name="pucai")], {}, id="a month alone is no day"),
        pytest.param([an_index(5, "2025-03-02", status="entered-in-error")], {}, id="an error does not count"),
        pytest.param([an_index(5, "2025-03-02", name="pcdai")], {}, id="another index is another series"),
        pytest.param([an_index(None, "2025-03-02")], {}, id="without a value there is nothing to judge"),
        pytest.param([an_index(None, "2025-03-02", valueInteger=5)], {"2025-03": (1, 1)}, id="an integer is a value"),
        pytest.param([an_index(5, "2026-01-02")], {}, id="a month that is not over is not counted"),
    ],
)
def test_which_measurement_counts(
    observations: list[dict[str, Any]], expected: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    lines = (json.dumps(r) for r in (PATIENT, an_index(5, "2025-02-01", status="final", name="pga"), *observations))
    for line in lines:
        with (tmp_path / f"{json.loads(line)['resourceType']}.ndjson").open("a") as file:
            file.write(line + "\n")
    engine = DuckDB()
    flatten(engine, tmp_path, tmp_path / "flat")
    found = counted(engine, tmp_path / "flat", "remission-pucai")

    assert {c.period.start.isoformat()[:7]: _plain(c.centres["c1"]) for c in found} == expected
    assert all(c.strata["language"].keys() == {"es"} and c.strata["proxy"].keys() == {"no"} for c in found)


def a_judgement(code: str, at: str) -> dict[str, Any]:
    return an_index(None, at, name="pga", valueCodeableConcept={"coding": [{"system": "urn:x", "code": code}]})


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        pytest.param([a_judgement("quiescent", "2025-03-02")], (1, 1), id="as a code"),
        pytest.param([an_index(0, "2025-03-02", name="pga")], (1, 1), id="as a number"),
        pytest.param([a_judgement("mild", "2025-03-02")], (0, 1), id="another code"),
        pytest.param([an_index(1, "2025-03-02", name="pga")], (0, 1), id="another number"),
        pytest.param(
            [a_judgement("quiescent", "2025-03-02"), an_index(2, "2025-03-09", name="pga")],
            (0, 1),
            id="one, then another",
        ),
        pytest.param([an_index(None, "2025-03-02", name="pga")], None, id="neither"),
    ],
)
def test_a_global_assessment_counts_however_it_was_recorded(
    observations: list[dict[str, Any]], expected: tuple[int, int] | None, tmp_path: Path
) -> None:
    (tmp_path / "Patient.ndjson").write_text(json.dumps(PATIENT) + "\n")
    (tmp_path / "Observation.ndjson").write_text("".join(json.dumps(o) + "\n" for o in observations))
    engine = DuckDB()
    flatten(engine, tmp_path, tmp_path / "flat")
    found = [_plain(c.centres["c1"]) for c in counted(engine, tmp_path / "flat", "remission-pga")]

    assert found == ([expected] if expected else [])


def test_nothing_at_all_is_nothing_counted(tmp_path: Path) -> None:
    engine = DuckDB()
    flatten(engine, tmp_path, tmp_path / "flat")

    assert counted(engine, tmp_path / "flat") == []


def test_periods_are_those_that_were_over() -> None:
    found = periods_between(date(2024, 11, 17), date(2025, 3, 1), Every.MONTH)
    assert [p.start.isoformat()[:7] for p in found] == ["2024-11", "2024-12", "2025-01", "2025-02"]
    quarters = periods_between(date(2024, 11, 17), date(2025, 3, 31), Every.QUARTER)
    assert [(p.start, p.end) for p in quarters] == [(date(2024, 10, 1), date(2024, 12, 31))]
