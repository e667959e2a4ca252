"""How `python -m tests.audit_under_kills` counts: it must see what is missing, doubled or of no write."""

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import OPERATION
from tests.audit_under_kills import Run, judged


def stamped(resource_type: str, operation: str) -> Json:
    return {"resourceType": resource_type, "meta": {"tag": [{"system": OPERATION, "code": operation}]}}


BOTH = [stamped("Provenance", "a"), stamped("AuditEvent", "a")]


@pytest.mark.parametrize(
    ("found", "failed"),
    [
        pytest.param(BOTH, 0, id="one of each"),
        pytest.param(BOTH[:1], 1, id="no AuditEvent"),
        pytest.param([*BOTH, stamped("Provenance", "a")], 1, id="two Provenances"),
        pytest.param([*BOTH, stamped("AuditEvent", "b")], 1, id="one of no write"),
    ],
)
def test_each_write_has_exactly_one_of_each(found: list[Json], failed: int) -> None:
    assert judged(Run(1, operations={"a": "/v1/goals/x/decline"}), found) == failed
