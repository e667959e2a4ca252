"""What is logged at which level."""

import json
from collections.abc import Iterator

import pytest
import structlog

from service.logs import configure_logs


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def told(capsys: pytest.CaptureFixture[str], *events: str) -> list[str]:
    """Of these, logged as information, and of a warning, what is printed."""
    log = structlog.get_logger("of its own")
    for event in events:
        log.info(event)
    log.debug("detail")
    log.warning("trouble")
    return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]


def test_events_that_are_wanted_are_told_below_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("WARNING", told=frozenset({"cds_token_refused", "detail"}))

    assert told(capsys, "cds_token_refused", "other") == ["cds_token_refused", "trouble"]


def test_below_the_level_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("WARNING")
    assert told(capsys, "cds_token_refused") == ["trouble"]
    configure_logs("INFO")
    assert told(capsys, "cds_token_refused") == ["cds_token_refused", "trouble"]
