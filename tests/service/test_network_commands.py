"""`coplan synth` and `coplan measures`, as a data manager types them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("ibis", reason="the extra `network` is not installed")

from fhir_mappings.carrier import decode, encode
from fhir_mappings.measure import only_counts
from service.cli import app
from service.measure_definitions import resources
from tests.conftest import FhirServer


def coplan(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def words(result: Result) -> str:
    """What was said, without the lines that a narrow terminal breaks."""
    return re.sub(r"\s+", " ", re.sub(r"[│╭╮╰╯─]|\x1b\[[0-9;]*m", " ", result.output))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("cli") / "data"
    made = coplan("synth", "network", "--to", target, "--centres", 4, "--patients", 400, "--years", 2, "--seed", 5)
    assert made.exit_code == 0, made.output
    run = coplan("measures", "run", target, "--every", "quarter")
    assert run.exit_code == 0, run.output
    return target


def test_from_data_to_a_page_that_families_can_read(folder: Path, tmp_path: Path) -> None:
    drawn = coplan("measures", "report", folder, "--to", tmp_path, "--network", "network", "--png")

    assert drawn.exit_code == 0, drawn.output
    page = (tmp_path / "index.html").read_text()
    assert "How the network is doing" in page
    assert "Made of data exported on January 1, 2026." in page
    assert (tmp_path / "remission-pga.png").read_bytes().startswith(b"\x89PNG")
    reports = [decode(line) for line in (tmp_path / "reports.ndjson").read_bytes().splitlines()]
    assert len(reports) > 100
    assert all(map(only_counts, reports))
    assert {r["reporter"]["reference"] for r in reports} == {"Organization/network"} | {
        f"Organization/centre-0{i}" for i in range(1, 5)
    }


def test_a_centre_has_a_page_of_its_own(folder: Path, tmp_path: Path) -> None:
    own = ("measures", "report", folder, "--to", tmp_path, "--centre", "centre-02", "--smallest-cell", 0)

    drawn = coplan(*own)
    assert drawn.exit_code == 0, drawn.output
    page = (tmp_path / "index.html").read_text()
    assert "Centre centre-02" in page
    assert "not shown" not in page
    assert "Small numbers are NOT hidden on this page" in page
    assert "too many points are missing" not in page
    assert "Too much is hidden" not in words(drawn) and "NOT hidden" in words(drawn)
    assert not list(tmp_path.glob("*funnel*"))


def test_a_masked_page_does_not_say_that_it_is_not(folder: Path, tmp_path: Path) -> None:
    assert coplan("measures", "report", folder, "--to", tmp_path).exit_code == 0
    page = (tmp_path / "index.html").read_text()

    assert "NOT hidden" not in page
    ages = [page.find(f"Age: {band}") for band in ("0 to 5", "6 to 11", "12 to 17")]
    assert [a for a in ages if a > 0] == sorted(a for a in ages if a > 0)


def test_a_folder_in_use_is_not_written_into(folder: Path, tmp_path: Path) -> None:
    data = shutil.copytree(folder, tmp_path / "data")
    make = ("synth", "network", "--to", data, "--centres", 2, "--patients", 50, "--years", 2)
    (mine := tmp_path / "mine").mkdir()
    (mine / "thesis.txt").write_text("x")

    refused = coplan(*make)
    assert refused.exit_code == 2
    assert "is not empty: name another folder, or say --replace" in words(refused)
    foreign = coplan("synth", "network", "--to", mine, "--replace")
    assert foreign.exit_code == 2 and (mine / "thesis.txt").exists()
    assert coplan(*make, "--replace").exit_code == 0
    assert not (data / "counts.json").exists()


@pytest.mark.parametrize("act", [("report", "--to", "out"), ("score",), ("publish", "--network", "network")])
def test_counts_of_other_data_are_refused(
    folder: Path, tmp_path: Path, act: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = shutil.copytree(folder, tmp_path / "data")
    patients = next(data.glob("Patient*"))
    patients.write_bytes(patients.read_bytes() + b"\n")
    refused = coplan("measures", act[0], data, *act[1:])

    assert refused.exit_code == 2
    assert "are others than those that were counted" in words(refused)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        pytest.param({"fetched": {"u": "Goal-0007.ndjson"}}, "but missing in data: Goal-0007.ndjson", id="a file"),
        pytest.param(
            {"fetched": {"u": "Mixed-0000.ndjson"}, "files": ["Task-0000.ndjson"]}, "Task-0000.ndjson", id="a part"
        ),
        pytest.param({"complete": False}, "is not finished", id="not finished"),
        pytest.param({"fetched": {"u": "Mixed-0000.ndjson"}}, None, id="parted by type"),
        pytest.param({"fetched": {"u": "Patient-0000.ndjson"}, "files": ["Patient-0000.ndjson"]}, None, id="all"),
    ],
)
def test_a_part_of_an_export_is_not_counted_as_the_whole(
    state: dict[str, object], message: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/Patient-0000.ndjson").write_bytes(b'{"resourceType":"Patient","id":"ann"}\n')
    whole = {"request": {}, "transaction_time": "2026-01-01T00:00:00Z", "complete": True}
    Path("data/export.json").write_bytes(encode(whole | state))
    ran = coplan("measures", "run", "data", "--measure", "remission-pga")

    assert ran.exit_code == (2 if message else 0), ran.output
    assert (message or "0 counts") in words(ran)
    assert Path("data/counts.json").exists() is (message is None)


@pytest.mark.parametrize(
    ("observation", "said"),
    [
        (b'{"resourceType":"Observation",\n', "data/Observation.ndjson: line 2 is not JSON, at byte 31"),
        (b'{"resourceType" "Observation"}\n', "data/Observation.ndjson: line 2 is not JSON, at byte 17"),
        (b'{"resourceType":"Observation","valueInteger":"x"}\n', "Observation.ndjson"),
        (
            b'{"resourceType":"Observation","status":"final","effectiveDateTime":"2025-13-45T10:00:00Z"}\n',
            "out of range",
        ),
    ],
)
def test_data_that_cannot_be_read_are_one_line(
    observation: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/Observation.ndjson").write_bytes(b'{"resourceType":"Observation"}\n' + observation + b"{}\n")
    ran = coplan("measures", "run", "data", "--as-of", "2026-01-01")

    assert ran.exit_code == 1
    (line,) = [line for line in ran.output.splitlines() if "cannot be counted" in line]
    assert said in line
    assert isinstance(ran.exception, SystemExit)


def test_the_truth_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = coplan(
        "synth", "network", "--to", "d", "--centres", 2, "--patients", 300, "--years", 3, "--format", "parquet"
    )
    assert made.exit_code == 0, made.output
    assert coplan("measures", "run", "d", "--measure", "remission-pga").exit_code == 0
    told = words(coplan("measures", "score", "d"))

    assert re.search(r"remission-pga 72 0 2 [012] \d", told), told


def test_the_measures_are_listed() -> None:
    told = words(coplan("measures", "list"))

    assert "asked-first 1.0.0 Share of admissions before which the patient was asked" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("measures", "run", ".", "--measure", "none"), "no such measure: none", id="unknown measure"),
        pytest.param(
            ("measures", "run", ".", "--measure", "remission-pga,none"), "no such measure: none", id="one of a list"
        ),
        pytest.param(("measures", "run", "data"), "--as-of", id="nothing says when it was exported"),
        pytest.param(("measures", "run", "nowhere"), "there is no folder nowhere", id="no folder"),
        pytest.param(("measures", "run", "empty"), "empty is empty: coplan measures export empty", id="empty"),
        pytest.param(("measures", "run", "."), "has neither NDJSON nor Parquet", id="no data"),
        pytest.param(
            ("measures", "run", "data", "--as-of", "2026-01-01", "--engine", "x"), "duckdb or spark", id="engine"
        ),
        pytest.param(("measures", "report", ".", "--to", "out"), "coplan measures run", id="nothing counted"),
        pytest.param(
            ("measures", "report", ".", "--to", "out", "--smallest-cell", "0"), "--centre", id="unmasked for everybody"
        ),
        pytest.param(("measures", "run", ".", "--definitions", "none"), "no measure in none", id="no definitions"),
        pytest.param(
            ("synth", "network", "--to", "x", "--centres", "9", "--patients", "8"),
            "fewer than the 9 centres",
            id="too few",
        ),
        pytest.param(("synth", "network", "--to", "x", "--format", "csv"), "ndjson or parquet", id="no such format"),
        pytest.param(
            ("measures", "export", ".", "--fhir", "http://127.0.0.1:9/fhir"), "cannot be reached", id="no server"
        ),
        pytest.param(("measures", "export", "."), "COPLAN_FHIR_BASE_URL", id="export from where"),
        pytest.param(("measures", "export", ".", "--fhir", "ehr"), "--fhir is no http", id="no URL"),
        pytest.param(("measures", "report", ".", "--to", "out", "--language", "xx"), "en or es", id="no such language"),
        pytest.param(("synth", "organizations", "."), "has no Organizations", id="no organizations"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("service.networks.bulk_export.ATTEMPTS", 1)
    monkeypatch.delenv("COPLAN_FHIR_BASE_URL", raising=False)
    for name in ("data", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "Patient.ndjson").touch()
    result = coplan(*arguments)

    assert result.exit_code != 0
    assert message in words(result)
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("report", "--to", "out", "--centre", "centre-99"), "There are: centre-01, centre-02", id="centre"
        ),
        pytest.param(("report", "--to", "out", "--network", "other"), "There is: network", id="network"),
        pytest.param(("publish", "--network", "centre-01"), "is not the network", id="a centre as network"),
        pytest.param(("publish", "--network", "network"), "COPLAN_FHIR_BASE_URL", id="published where"),
    ],
)
def test_what_is_not_in_the_data_is_said(
    folder: Path, arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COPLAN_FHIR_BASE_URL", raising=False)
    result = coplan("measures", arguments[0], folder, *arguments[1:])

    assert result.exit_code == 2
    assert message in words(result)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        pytest.param(("synth", "network", "--to", "x"), "numpy", "network", id="synth"),
        pytest.param(("measures", "run", ".", "--as-of", "2026-01-01"), "ibis", "network", id="run"),
        pytest.param(("measures", "export", ".", "--fhir", "http://127.0.0.1:9"), "ibis", "network", id="export"),
        pytest.param(
            ("measures", "run", ".", "--as-of", "2026-01-01", "--engine", "spark"), "pyspark", "spark", id="spark"
        ),
        pytest.param(("measures", "run", ".", "--as-of", "2026-01-01"), "duckdb", "network", id="duckdb"),
    ],
)
def test_a_missing_extra_is_one_line_that_says_what_to_install(
    arguments: tuple[str, ...], missing: str, extra: str, tmp_path: Path
) -> None:
    """In a process of its own, in which the package cannot be imported."""
    (tmp_path / "Patient.ndjson").touch()
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from service.cli import app; app({list(arguments)!r}, standalone_mode=True)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 2, done.stderr
    said = re.sub(r"\s+", " ", done.stderr)
    assert f"{missing} is not installed" in said
    assert f"'coplan[{extra}]'" in said and f"in a clone pip install -e '.[{extra}]'" in said
    assert "Traceback" not in said


def test_the_page_can_be_had_in_spanish_and_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    drawn = coplan("measures", "report", folder, "--to", tmp_path, "--language", "es")

    assert drawn.exit_code == 0, drawn.output
    page = (tmp_path / "index.html").read_text()
    assert "Cómo va la red" in page
    assert "Hecho con datos exportados el 1 de enero de 2026." in page
    assert (
        "Se buscó, pero no se encontró nada que contar</h2><ul><li>Proporción de pacientes en remisión (PCDAI)" in page
    )
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert sections[:2] == ["remission-pga", "remission-pucai"]
    assert sections[-1] == "asked-first"
    assert "Too much is hidden to judge" in words(drawn)


def own_definitions(folder: Path, rule: str) -> Path:
    """A folder with the measure of PUCAI by another rule, under the same id and version."""
    one = next(r for r in resources() if r["id"] == "remission-pucai")
    folder.mkdir(exist_ok=True)
    (folder / "own.json").write_bytes(encode(one).replace(b"below=10", rule.encode()))
    return folder


@pytest.mark.parametrize("act", [("list",), ("run", "data"), ("report", "data", "--to", "out")])
def test_a_definition_that_cannot_be_counted_by_is_named(
    act: tuple[str, ...], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "data")
    own_definitions(Path("defs"), "belw=10")
    refused = coplan("measures", *act, "--definitions", "defs")

    assert refused.exit_code == 2
    assert "defs/own.json: measure remission-pucai: Measure.group.population.criteria has belw" in words(refused)
    assert "Traceback" not in refused.output and not Path("out").exists()


def test_counts_are_told_by_the_definition_that_they_were_counted_by(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "data")
    own, other = own_definitions(Path("defs"), "below=11"), own_definitions(Path("other"), "below=12")
    ran = coplan("measures", "run", "data", "--every", "quarter", "--definitions", own)
    report, publish = ("report", "data", "--to", "out"), ("publish", "data", "--network", "network")

    assert ran.exit_code == 0, ran.output
    for act in (report, publish, (*report, "--definitions", other)):
        refused = coplan("measures", *act)
        assert refused.exit_code == 2
        assert "remission-pucai: counted by another definition than this one" in words(refused)
        assert "coplan measures run data" in words(refused)
    assert not Path("out").exists()
    assert coplan("measures", *report, "--definitions", own).exit_code == 0


def test_nothing_is_published_as_a_measure_of_coplan_that_is_another(folder: Path, tmp_path: Path) -> None:
    data, own = shutil.copytree(folder, tmp_path / "data"), own_definitions(tmp_path / "defs", "below=11")
    assert coplan("measures", "run", data, "--every", "year", "--definitions", own).exit_code == 0
    publish = ("measures", "publish", data, "--network", "network", "--fhir", "http://127.0.0.1:9/fhir")
    refused = coplan(*publish, "--definitions", own)

    assert refused.exit_code == 2
    assert "the same url and version. Give it another url or version" in words(refused)


@pytest.mark.hapi
def test_reports_are_published_once(hapi_server: FhirServer, folder: Path, tmp_path: Path) -> None:
    """Of one measure, so that it is quick."""
    network, folder = f"net-{uuid4().hex[:10]}", shutil.copytree(folder, tmp_path / "data")
    one = next(r for r in resources() if r["id"] == "remission-pga")
    (tmp_path / "one.json").write_bytes(encode(one))
    run = coplan("measures", "run", folder, "--every", "year", "--definitions", tmp_path)
    assert run.exit_code == 0, run.output
    for file in folder.glob("Organization*.ndjson"):
        text = file.read_text().replace('"id":"network"', f'"id":"{network}"')
        file.write_text(text.replace("Organization/network", f"Organization/{network}"))
    publish = ("measures", "publish", folder, "--network", network, "--fhir", hapi_server.base_url)
    one_measure = ("--definitions", tmp_path)

    missing = coplan(*publish, *one_measure)
    assert missing.exit_code == 1
    assert f"Organization/{network}. Put them there first" in words(missing)
    seeded = coplan("synth", "organizations", folder, "--fhir", hapi_server.base_url)
    assert "5 Organizations" in words(seeded), seeded.output
    assert "10 new reports of 10." in words(coplan(*publish, *one_measure))
    assert "0 new reports of 10." in words(coplan(*publish, *one_measure))

    assert coplan("measures", "run", folder, "--every", "quarter", *one_measure).exit_code == 0
    both = coplan(*publish, *one_measure)
    assert both.exit_code == 1
    assert "is published by year already" in words(both)


def test_the_base_service_starts_without_an_engine() -> None:
    heavy = "{'duckdb', 'ibis', 'numpy', 'pyarrow', 'pandas', 'pyspark', 'vl_convert'}"
    script = f"import sys, service.cli; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
