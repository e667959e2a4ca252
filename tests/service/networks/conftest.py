"""A small network with known truth, and its flat tables, made once for all tests of networks."""

from pathlib import Path

import pytest

pytest.importorskip("ibis", reason="the extra `network` is not installed")
pytest.importorskip("duckdb", reason="the extra `network` is not installed")

from service.networks.engines import DuckDB, flatten
from service.networks.synthetic import LAST_DAY, Truth, synthesise

AS_OF = LAST_DAY
__all__ = ["AS_OF"]


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """6 centres, 240 patients, 2 years, as NDJSON."""
    folder = tmp_path_factory.mktemp("network")
    return folder, synthesise(folder, network="net", centres=6, patients=240, years=2, seed=7)


@pytest.fixture(scope="session")
def flat(network: tuple[Path, Truth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("flat")
    flatten(DuckDB(), network[0], target)
    return target
