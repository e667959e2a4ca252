"""Issues to and from OperationOutcome.

Source: https://hl7.org/fhir/R4/operationoutcome.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fhir_mappings.carrier import Json


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong. `code` is of https://hl7.org/fhir/R4/valueset-issue-type.html"""

    code: str
    text: str
    expression: str | None = None
    severity: str = "error"


def operation_outcome(issues: Iterable[Issue], request_id: str) -> Json:
    """An OperationOutcome whose `diagnostics` is the id under which the request stands in the log."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(i, request_id) for i in issues]}


def issue_codes(outcome: Json) -> tuple[str, ...]:
    """Codes and expressions of what another server said: all of it that may be logged."""
    found = []
    for issue in outcome.get("issue", []):
        where = ",".join(map(str, issue.get("expression", [])))
        found.append(f"{issue.get('code', 'unknown')}@{where}" if where else str(issue.get("code", "unknown")))
    return tuple(found)


def _issue(issue: Issue, request_id: str) -> Json:
    where = {"expression": [issue.expression]} if issue.expression else {}
    return {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": issue.text},
        "diagnostics": request_id,
        **where,
    }
