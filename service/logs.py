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


def configure_logs(level: str) -> None:
    """Sets the log format of this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )


def _only_allowed(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {k: v for k, v in event.items() if k in ALLOWED}
