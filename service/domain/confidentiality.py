"""What an adolescent keeps from the family: resources with a confidentiality label, and all that tells of them.

Source: https://hl7.org/fhir/R4/security-labels.html
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import SHARED_PLAN
from fhir_mappings.compartment import is_patient_free, local, references_in
from fhir_mappings.elements import identifier, is_restricted
from fhir_mappings.model import Reference

KEPT: Final = frozenset({"Goal", "ServiceRequest"})
"""Types whose label keeps from the family what refers to them, too."""
WITHHELD: Final = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Not shown: it may tell of more than is shown.</p></div>'
"""The same words whatever it is that is not shown, and why."""


def restricted_in(resources: Iterable[Json]) -> frozenset[Reference]:
    """The goals and activities among these that the family is not to see."""
    return frozenset(
        f"{r['resourceType']}/{r['id']}" for r in resources if r["resourceType"] in KEPT and is_restricted(r)
    )


def tells_of(resource: Json, private: Collection[Reference]) -> bool:
    """True if the resource refers to something private. A plan does so by its links, which are left out one by one."""
    return resource["resourceType"] != "CarePlan" and any(
        local(reference) in private for _, reference in references_in(resource, "")
    )


def without_orphans(shown: Sequence[Json], matches: str) -> list[Json]:
    """Without included people and places to which nothing leads that is shown: they would tell of what is not.

    Args:
        matches: the type that was searched for; what is of it was found for its own sake.
    """
    kept = {_key(r): r for r in shown if r["resourceType"] == matches or not is_patient_free(r)}
    included = {_key(r): r for r in shown if _key(r) not in kept}
    ahead = list(kept.values())
    while ahead:
        named = {local(reference) for _, reference in references_in(ahead.pop(), "")}
        reached = {key: included.pop(key) for key in named & included.keys()}
        kept |= reached
        ahead += reached.values()
    return [r for r in shown if _key(r) in kept]


def without_private(plan: Json, private: Collection[Reference]) -> Json:
    """A CarePlan without links to what is private; and without its narrative, if that may tell of it.

    A shared plan that CoPlan keeps tells of nothing private, unless it still links such a goal. What another system has
    written may tell of anything: once the patient keeps something private, nobody here knows of what.
    """
    if not private:
        return plan
    goals, activities = _links(plan, private)
    shown = without_narrative(plan) if goals or identifier(plan, SHARED_PLAN) is None else plan
    if not goals and not activities:
        return shown
    return _with(
        shown,
        [g for g in plan.get("goal", []) if g not in goals],
        [a for a in plan.get("activity", []) if a not in activities],
    )


def without_narrative(plan: Json) -> Json:
    """The plan with a word in its place that something is not shown."""
    return plan | {"text": {"status": "generated", "div": WITHHELD}} if "text" in plan else plan


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
    return (local(reference) for _, reference in references_in(element, ""))


def _key(resource: Json) -> Reference:
    return f"{resource['resourceType']}/{resource['id']}"


def _named(link: Any) -> Reference:
    return local(str(link.get("reference", "")))
