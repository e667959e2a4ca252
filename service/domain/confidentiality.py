"""What an adolescent keeps from the family: resources with a confidentiality label, and all that tells of them.

Source: https://hl7.org/fhir/R4/security-labels.html
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.compartment import references_in
from fhir_mappings.elements import is_restricted
from fhir_mappings.model import Reference

WITHHELD: Final = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Not shown: it may tell of something private.</p></div>'


def restricted_goals(resources: Iterable[Json]) -> frozenset[Reference]:
    """The goals among these that the family is not to see."""
    return frozenset(f"Goal/{r['id']}" for r in resources if r["resourceType"] == "Goal" and is_restricted(r))


def tells_of(resource: Json, private: Collection[Reference]) -> bool:
    """True if the resource refers to something private. A plan does so by its links, which are left out one by one."""
    return resource["resourceType"] != "CarePlan" and any(
        reference.partition("/_history/")[0] in private for _, reference in references_in(resource, "")
    )


def without_private(plan: Json, private: Collection[Reference]) -> Json:
    """A CarePlan without links to private goals; without its narrative, too, for it tells of what is linked.

    The shared plan that CoPlan keeps links nothing private and tells of nothing private, so it is shown as it is.
    """
    if not any(_named(g) in private for g in plan.get("goal", [])):
        return plan
    shown = plan | {"text": {"status": "generated", "div": WITHHELD}} if "text" in plan else dict(plan)
    return _with_goals(shown, [g for g in plan.get("goal", []) if _named(g) not in private])


def with_private(plan: Json, original: Json, private: Collection[Reference]) -> Json:
    """The plan that somebody changed who does not see everything, with the links that they do not see."""
    kept = [g for g in original.get("goal", []) if _named(g) in private]
    return _with_goals(plan, [*plan.get("goal", []), *kept])


def _with_goals(plan: Json, goals: list[Any]) -> Json:
    return {k: v for k, v in plan.items() if k != "goal"} | ({"goal": goals} if goals else {})


def _named(link: Any) -> Reference:
    return str(link.get("reference", "")).partition("/_history/")[0]
