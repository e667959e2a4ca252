"""CarePlan by US Core 6.1.0: links the goals, and says in its narrative who agreed to what.

Source: https://hl7.org/fhir/R4/careplan.html
    https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-careplan.html
"""

from collections.abc import Sequence

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    ASSESS_PLAN,
    CARE_PLAN_CATEGORY,
    OPERATION,
    SHARED_PLAN,
    US_CORE_CARE_PLAN,
    CarePlanStatus,
)
from fhir_mappings.elements import (
    code,
    identifier,
    instant,
    instant_text,
    is_restricted,
    items,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    references,
    text,
    with_identifier,
    with_restriction,
)
from fhir_mappings.model import CarePlan, PartialDate, Reference


def care_plan_from_fhir(resource: Json) -> CarePlan:
    """The elements of a CarePlan that CoPlan reads.

    Raises:
        MappingError: subject or status is missing, or the status is outside the required value set.
    """
    activities = items(resource, "activity", "CarePlan.activity")
    actions = (optional_reference(a, "reference", "CarePlan.activity.reference") for a in activities)
    return CarePlan(
        id=text(resource, "id", "CarePlan.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "CarePlan.subject"),
        status=code(CarePlanStatus, resource, "status", "CarePlan.status"),
        title=text(resource, "title", "CarePlan.title"),
        created=instant(resource, "created", "CarePlan.created"),
        goals=references(resource, "goal", "CarePlan.goal"),
        addresses=references(resource, "addresses", "CarePlan.addresses"),
        care_teams=references(resource, "careTeam", "CarePlan.careTeam"),
        contributors=references(resource, "contributor", "CarePlan.contributor"),
        activities=tuple(a for a in actions if a),
        period_start=_period_start(resource),
        instantiates=next(iter(resource.get("instantiatesCanonical", ())), None),
        shared=identifier(resource, SHARED_PLAN),
        operation=identifier(resource, OPERATION),
        private=is_restricted(resource),
    )


def care_plan_to_fhir(plan: CarePlan, *, onto: Json | None = None, narrative: str) -> Json:
    """A copy of `onto` with the links of `plan` and this narrative; without `onto` a new CarePlan.

    Links keep what else their reference says (display, type); a link by identifier only is never dropped.

    Args:
        narrative: an XHTML `div`, see `fhir_mappings.narrative`.

    Raises:
        MappingError: `onto` has a modifierExtension.
    """
    resource = dict(onto) if onto is not None else _new(plan)
    must_be_understood(resource)
    before = care_plan_from_fhir(resource)
    put(resource, "text", {"status": "generated", "div": narrative})
    for name, now, then in (
        ("goal", plan.goals, before.goals),
        ("addresses", plan.addresses, before.addresses),
        ("careTeam", plan.care_teams, before.care_teams),
        ("contributor", plan.contributors, before.contributors),
    ):
        if now != then:
            put(resource, name, _links(resource, name, now))
    if plan.activities != before.activities:
        put(resource, "activity", _activities(resource, plan.activities))
    if plan.status is not before.status:
        put(resource, "status", str(plan.status))
    if plan.title != before.title:
        put(resource, "title", plan.title)
    return resource


def _new(plan: CarePlan) -> Json:
    resource: Json = {
        "resourceType": "CarePlan",
        "meta": {"profile": [US_CORE_CARE_PLAN]},
        "status": str(plan.status),
        "intent": "plan",
        **({"instantiatesCanonical": [plan.instantiates]} if plan.instantiates else {}),
        "category": [{"coding": [{"system": CARE_PLAN_CATEGORY, "code": ASSESS_PLAN}]}],
        "subject": reference_json(plan.subject),
    }
    put(resource, "period", {"start": plan.period_start.text} if plan.period_start else None)
    put(resource, "created", instant_text(plan.created) if plan.created else None)
    with_identifier(resource, SHARED_PLAN, plan.shared)
    with_identifier(resource, OPERATION, plan.operation)
    return with_restriction(resource, plan.private)


def _links(resource: Json, name: str, wanted: Sequence[Reference]) -> list[Json]:
    present = items(resource, name, f"CarePlan.{name}")
    literal = [next(iter(references({name: [p]}, name, f"CarePlan.{name}")), None) for p in present]
    kept = [p for p, r in zip(present, literal, strict=True) if r is None or r in wanted]
    return [*kept, *(reference_json(w) for w in wanted if w not in literal)]


def _activities(resource: Json, wanted: Sequence[Reference]) -> list[Json]:
    """Entries with a detail, or a logical reference, are somebody else's and stay."""
    present = items(resource, "activity", "CarePlan.activity")
    literal = [optional_reference(a, "reference", "CarePlan.activity.reference") for a in present]
    kept = [p for p, r in zip(present, literal, strict=True) if r is None or r in wanted]
    return [*kept, *({"reference": reference_json(w)} for w in wanted if w not in literal)]


def _period_start(resource: Json) -> PartialDate | None:
    """The day; CarePlan.period is of dateTimes."""
    start = text(resource.get("period") or {}, "start", "CarePlan.period.start")
    return PartialDate(start.partition("T")[0]) if start else None
