"""Log lines as JSON: ids, codes and times; never a resource, a name or a person's words.

What may be logged is a list, so that nothing slips out that nobody thought of.
"""

import logging
from typing import Any, Final

import structlog
from structlog.types import EventDict, FilteringBoundLogger

ALLOWED: Final = frozenset(
    {
        "attempt",
        "duration_ms",
        "error",
        "event",
        "interaction",
        "issues",
        "issuer",
        "level",
        "lost",
        "method",
        "operation_id",
        "reason",
        "request_id",
        "route",
        "status",
        "timestamp",
        "version",
        "waiting",
        "where",
    }
)
"""Keys of a log line. A value is a code, a number, an id or a route template."""

log: Final[FilteringBoundLogger] = structlog.get_logger("coplan")


def configure_logs(level: str, *, told: frozenset[str] = frozenset()) -> None:
    """Sets the log format of this process.

    Args:
        told: events that are logged although they are below the level, as long as they are information.
    """
    least = logging.getLevelNamesMapping()[level]

    def _wanted(_logger: Any, method: str, event: EventDict) -> EventDict:
        if logging.getLevelNamesMapping().get(method.upper(), least) < least and event.get("event") not in told:
            raise structlog.DropEvent
        return event

    structlog.configure(
        processors=[
            _wanted,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(min(least, logging.INFO) if told else least),
        cache_logger_on_first_use=True,
    )


def _only_allowed(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {k: v for k, v in event.items() if k in ALLOWED}
