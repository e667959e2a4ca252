"""Who and what was only included: shown as long as something leads there that is shown itself."""

import pytest

from fhir_mappings.carrier import Json
from service.domain.confidentiality import WITHHELD, without_narrative, without_orphans


def a_resource(reference: str, *named: str) -> Json:
    resource_type, _, resource_id = reference.partition("/")
    return {"resourceType": resource_type, "id": resource_id, "participant": [{"reference": n} for n in named]}


BO, ROLE, CLINIC = (
    a_resource("Practitioner/bo"),
    a_resource("PractitionerRole/r", "Practitioner/bo", "Organization/clinic"),
    a_resource("Organization/clinic"),
)


@pytest.mark.parametrize(
    ("found", "matches", "shown"),
    [
        pytest.param([a_resource("Goal/g", "Practitioner/bo"), BO], "Goal", [0, 1], id="named by a match"),
        pytest.param([a_resource("Goal/g"), BO], "Goal", [0], id="named by what is hidden"),
        pytest.param([BO, CLINIC], "Goal", [], id="nothing found that is shown"),
        pytest.param([BO, CLINIC], "Practitioner", [0], id="searched for its own sake"),
        pytest.param(
            [CLINIC, BO, ROLE, a_resource("Goal/g", "PractitionerRole/r")], "Goal", [0, 1, 2, 3], id="by steps"
        ),
        pytest.param([a_resource("Goal/g", "Practitioner/bo/_history/3"), BO], "Goal", [0, 1], id="by version"),
        pytest.param(
            [a_resource("Goal/g", "https://fhir.example/r4/Practitioner/bo/_history/3"), BO], "Goal", [0, 1], id="URL"
        ),
        pytest.param([a_resource("Task/t"), a_resource("Goal/g")], "Goal", [0, 1], id="what is about a patient stays"),
    ],
)
def test_whoever_is_included_is_shown_with_what_leads_there(found: list[Json], matches: str, shown: list[int]) -> None:
    assert without_orphans(found, matches) == [found[i] for i in shown]


def test_a_narrative_that_is_not_shown_is_still_a_narrative() -> None:
    """R4 wants a status beside the words: https://hl7.org/fhir/R4/narrative.html."""
    plan = a_resource("CarePlan/p")

    assert without_narrative(plan) == plan
    assert without_narrative(plan | {"text": {"status": "additional", "div": "all"}})["text"] == {
        "status": "generated",
        "div": WITHHELD,
    }
