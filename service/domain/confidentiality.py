"""What an adolescent keeps from the family: resources with a confidentiality label, and all that tells of them.

Source: https://hl7.org/fhir/R4/security-labels.html
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import SHARED_PLAN
from fhir_mappings.compartment import references_in
from fhir_mappings.elements import identifier, is_restricted
from fhir_mappings.model import Reference

KEPT: Final = frozenset({"Goal", "ServiceRequest"})
"""Types whose label keeps from the family what refers to them, too."""
WITHHELD: Final = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Not shown: it may tell of something private.</p></div>'


def restricted_in(resources: Iterable[Json]) -> frozenset[Reference]:
    """The goals and activities among these that the family is not to see."""
    return frozenset(
        f"{r['resourceType']}/{r['id']}" for r in resources if r["resourceType"] in KEPT and is_restricted(r)
    )


def tells_of(resource: Json, private: Collection[Reference]) -> bool:
    """True if the resource refers to something private. A plan does so by its links, which are left out one by one."""
    return resource["resourceType"] != "CarePlan" and any(
        reference.partition("/_history/")[0] in private for _, reference in references_in(resource, "")
    )


def without_private(plan: Json, private: Collection[Reference]) -> Json:
    """A CarePlan without links to what is private; without its narrative, too, for it tells of what is linked.

    The shared plan that CoPlan keeps may link private activities, but tells of nothing private: its narrative stays.
    """
    goals, activities = _links(plan, private)
    if not goals and not activities:
        return plan
    told = "text" in plan and (bool(goals) or identifier(plan, SHARED_PLAN) is None)
    shown = plan | {"text": {"status": "generated", "div": WITHHELD}} if told else plan
    return _with(
        shown,
        [g for g in plan.get("goal", []) if g not in goals],
        [a for a in plan.get("activity", []) if a not in activities],
    )


def with_private(plan: Json, original: Json, private: Collection[Reference]) -> Json:
    """The plan that somebody changed who does not see everything, with the links that they do not see."""
    goals, activities = _links(original, private)
    return _with(plan, [*plan.get("goal", []), *goals], [*plan.get("activity", []), *activities])


def _links(plan: Json, private: Collection[Reference]) -> tuple[list[Any], list[Any]]:
    """The entries of `goal` and `activity` that lead to something private."""
    goals = [g for g in plan.get("goal", []) if _named(g) in private]
    return goals, [a for a in plan.get("activity", []) if any(r in private for r in _anywhere(a))]


def _with(plan: Json, goals: list[Any], activities: list[Any]) -> Json:
    rest = {k: v for k, v in plan.items() if k not in {"activity", "goal"}}
    return rest | ({"goal": goals} if goals else {}) | ({"activity": activities} if activities else {})


def _anywhere(element: Any) -> Iterator[Reference]:
    return (reference.partition("/_history/")[0] for _, reference in references_in(element, ""))


def _named(link: Any) -> Reference:
    return str(link.get("reference", "")).partition("/_history/")[0]
