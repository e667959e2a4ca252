"""Only what R4 allows goes out, and the error names each element."""

from copy import deepcopy
from typing import Any

import pytest

from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.goal import goal_to_fhir
from fhir_mappings.r4 import InvalidResource, check
from fhir_mappings.task import task_to_fhir
from tests.builders import a_goal, a_task

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def a_narrative(div: str) -> Json:
    return {"text": {"status": "generated", "div": div}}


@pytest.mark.parametrize("resource", [goal_to_fhir(a_goal()), task_to_fhir(a_task())])
def test_what_we_write_is_allowed_and_goes_out_as_it_is(resource: Json) -> None:
    before = deepcopy(resource)

    assert check(resource) is resource
    assert resource == before
    check(goal_to_fhir(a_goal()) | a_narrative(DIV.format("<p>Walk &amp; <b>rest</b></p>")))


@pytest.mark.parametrize(
    ("parts", "path", "message"),
    [
        ({"lifecycleStatus": "bogus"}, "Goal.lifecycleStatus", "required value set"),
        ({"lifecycleStatus": 5}, "Goal.lifecycleStatus", ""),
        ({"startDate": "2026-12-01T10:00:00Z"}, "Goal.startDate", ""),
        ({"unknown": 1}, "Goal.unknown", ""),
        ({"description": {"text": 5}}, "Goal.description.text", ""),
        ({"target": [{"dueDate": "soon"}]}, "Goal.target[0].dueDate", ""),
        ({"expressedBy": {"reference": "Medication/1"}}, "Goal.expressedBy", "may refer to"),
        ({"expressedBy": {"reference": "http://x/fhir/Medication/1"}}, "Goal.expressedBy", "may refer to"),
        ({"addresses": [{"reference": "Goal/1/_history/2"}]}, "Goal.addresses", "may refer to"),
        ({"statusReason": "a\0b"}, "Goal.statusReason", "character"),
        ({"statusReason": "<script>x"}, "Goal.statusReason", "active content"),
        (a_narrative("<div>x</div>"), "Goal.text.div", "no div of XHTML"),
        (a_narrative("<div"), "Goal.text.div", "not well-formed"),
        (a_narrative("<!DOCTYPE x>" + DIV), "Goal.text.div", "declarations"),
        (a_narrative(DIV.format("<script>x</script>")), "Goal.text.div", "active content"),
        (a_narrative(DIV.format('<p onclick="x">y</p>')), "Goal.text.div", "active content"),
        (a_narrative(DIV.format('<a href="java script:x">y</a>')), "Goal.text.div", "active content"),
        ({"resourceType": "Bogus"}, "resourceType", "no resource type"),
    ],
)
def test_what_is_not_allowed_is_named(parts: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(InvalidResource) as raised:
        check(goal_to_fhir(a_goal()) | parts)
    found = {flaw.expression: flaw.message for flaw in raised.value.flaws}
    assert path in found
    assert message in found[path]


@pytest.mark.parametrize("reference", ["urn:uuid:1", "#contained", "Patient/x", "http://x/fhir/Patient/1/_history/2"])
def test_references_in_all_forms_of_others_are_left_to_them(reference: str) -> None:
    check(goal_to_fhir(a_goal()) | {"expressedBy": {"reference": reference}})
    check(goal_to_fhir(a_goal()) | {"expressedBy": {"identifier": {"value": "x"}}})


def test_numbers_are_checked_as_they_travel() -> None:
    goal = goal_to_fhir(a_goal()) | decode(b'{"target":[{"measure":{"text":"x"},"detailQuantity":{"value":72.50}}]}')

    assert b"72.50" in encode(check(goal))


def test_a_message_never_quotes_what_was_wrong() -> None:
    with pytest.raises(InvalidResource) as raised:
        check(goal_to_fhir(a_goal()) | {"startDate": "secret-value", "lifecycleStatus": "secret-value"})
    assert "secret-value" not in str(raised.value)
