"""`coplan synth` and `coplan measures`, as a data manager types them."""

import re
import shutil
from pathlib import Path
from uuid import uuid4

import httpx
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
    drawn = coplan("measures", "report", folder, "--to", tmp_path, "--network", "net", "--png")

    assert drawn.exit_code == 0, drawn.output
    page = (tmp_path / "index.html").read_text()
    assert "How the network is doing" in page
    assert "Made of data exported on 1 January 2026." in page
    assert (tmp_path / "remission-pga.png").read_bytes().startswith(b"\x89PNG")
    reports = [decode(line) for line in (tmp_path / "reports.ndjson").read_bytes().splitlines()]
    assert len(reports) > 100
    assert all(map(only_counts, reports))
    assert {r["reporter"]["reference"] for r in reports} == {"Organization/net"} | {
        f"Organization/centre-0{i}" for i in range(1, 5)
    }


def test_a_centre_has_a_page_of_its_own(folder: Path, tmp_path: Path) -> None:
    own = ("measures", "report", folder, "--to", tmp_path, "--centre", "centre-02", "--smallest-cell", 0)

    assert coplan(*own).exit_code == 0
    page = (tmp_path / "index.html").read_text()
    assert "Centre centre-02" in page
    assert "too few people" not in page.partition("</details>")[2]
    assert not list(tmp_path.glob("*funnel*"))


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
        pytest.param(("measures", "run", "."), "--as-of", id="nothing says when it was exported"),
        pytest.param(
            ("measures", "run", ".", "--as-of", "2026-01-01", "--engine", "x"), "duckdb or spark", id="unknown engine"
        ),
        pytest.param(("measures", "report", ".", "--to", "out"), "coplan measures run", id="nothing counted"),
        pytest.param(
            ("measures", "report", ".", "--to", "out", "--smallest-cell", "0"), "--centre", id="unmasked for everybody"
        ),
        pytest.param(("measures", "run", ".", "--definitions", "none"), "no measure in none", id="no definitions"),
        pytest.param(
            ("synth", "network", "--to", "x", "--centres", "9", "--patients", "8"), "for each centre", id="too few"
        ),
        pytest.param(
            ("measures", "export", ".", "--fhir", "http://127.0.0.1:9/fhir"), "cannot be reached", id="no server"
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("service.networks.bulk_export.ATTEMPTS", 1)
    result = coplan(*arguments)

    assert result.exit_code != 0
    assert message in words(result)
    assert "Traceback" not in result.output


@pytest.mark.hapi
def test_reports_are_published_once(hapi_server: FhirServer, folder: Path, tmp_path: Path) -> None:
    """Of one measure, so that it is quick."""
    network, folder = f"net-{uuid4().hex[:10]}", shutil.copytree(folder, tmp_path / "data")
    one = next(r for r in resources() if r["id"] == "remission-pga")
    (tmp_path / "one.json").write_bytes(encode(one))
    run = coplan("measures", "run", folder, "--every", "year", "--definitions", tmp_path)
    assert run.exit_code == 0, run.output
    with httpx.Client(base_url=f"{hapi_server.base_url}/", trust_env=False, timeout=60) as http:
        for name in (network, *(f"centre-0{i}" for i in range(1, 5))):
            body = encode({"resourceType": "Organization", "id": name, "active": True, "name": name})
            put = http.put(f"Organization/{name}", content=body, headers={"Content-Type": "application/fhir+json"})
            assert put.is_success, put.text
    publish = ("measures", "publish", folder, "--network", network, "--fhir", hapi_server.base_url)

    assert "10 new reports of 10." in words(coplan(*publish, "--definitions", tmp_path))
    assert "0 new reports of 10." in words(coplan(*publish, "--definitions", tmp_path))
    refused = coplan("measures", "publish", folder, "--network", "none-such", "--fhir", hapi_server.base_url)
    assert refused.exit_code == 1
    assert "It did not work" in words(refused)


def test_the_base_service_starts_without_an_engine() -> None:
    import subprocess
    import sys

    heavy = "{'duckdb', 'ibis', 'numpy', 'pyarrow', 'pandas', 'pyspark', 'vl_convert'}"
    script = f"import sys, service.cli; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
