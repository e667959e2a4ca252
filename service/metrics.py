"""Counts and times for those who run the service: route templates, resource types and codes; never an id or a value.

`/metrics` is served on a port of its own, for it is nobody's but the operator's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

REGISTRY: Final = CollectorRegistry()
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS: Final = Counter(
    "coplan_requests", "Requests by route template and status", ["method", "route", "status"], registry=REGISTRY
)
REQUEST_SECONDS: Final = Histogram(
    "coplan_request_seconds", "How long they took", ["method", "route"], buckets=BUCKETS, registry=REGISTRY
)
FHIR_CALLS: Final = Counter(
    "coplan_fhir_calls", "Calls of the FHIR server by type and outcome", ["interaction", "outcome"], registry=REGISTRY
)
FHIR_SECONDS: Final = Histogram(
    "coplan_fhir_seconds", "How long they took", ["interaction"], buckets=BUCKETS, registry=REGISTRY
)
AUDIT_WAITING: Final = Gauge("coplan_audit_events_waiting", "AuditEvents that wait to be written", registry=REGISTRY)
AUDIT_LOST: Final = Counter("coplan_audit_events_lost", "AuditEvents of reads that were lost", registry=REGISTRY)
REDIS_FAILURES: Final = Counter("coplan_redis_failures", "Commands that Redis did not answer", registry=REGISTRY)


@contextmanager
def served_at(host: str, port: int) -> Iterator[None]:
    """Serves `/metrics` in a thread while it is open."""
    server, thread = start_http_server(port, host, REGISTRY)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
