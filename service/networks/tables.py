"""FHIR resources as tables: what is read of them, and the flat rows that the measures are written on.

Written once, as Ibis expressions: DuckDB and Spark run the same. Only the elements named here are read.
A day is the day as it was written, in the zone of the clinic; an instant is in seconds since 1970.

Source: https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import ibis
from ibis import Table, _
from ibis.expr.schema import Schema

from fhir_mappings.codes import (
    ADMISSION_PREFERENCE,
    ENCLOSED_PRECONDITION,
    GOAL_ACCEPTANCE,
    LOINC,
    OBSERVATION_REPLACES,
    PREFERENCE_TOPIC,
)

Column: TypeAlias = Any
"""A column expression. Ibis finds out its kind only when it is asked."""

REFERENCE: Final = "struct<reference: string>"
CONCEPT: Final = "struct<coding: array<struct<system: string, code: string>>>"
WORDED: Final = "struct<text: string, coding: array<struct<code: string, display: string>>>"
PERIOD: Final = "struct<start: string, end: string>"

ELEMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Patient": {
        "id": "string",
        "birthDate": "string",
        "managingOrganization": REFERENCE,
        "communication": f"array<struct<language: {CONCEPT}, preferred: boolean>>",
    },
    "RelatedPerson": {"id": "string", "active": "boolean", "patient": REFERENCE},
    "Observation": {
        "id": "string",
        "status": "string",
        "code": CONCEPT,
        "subject": REFERENCE,
        "effectiveDateTime": "string",
        "effectiveInstant": "string",
        "effectivePeriod": PERIOD,
        "issued": "string",
        "extension": f"array<struct<url: string, valueCodeableConcept: {WORDED}, valueReference: {REFERENCE}>>",
        "valueQuantity": "struct<value: float64>",
        "valueInteger": "int64",
        "valueCodeableConcept": CONCEPT,
        "focus": f"array<{REFERENCE}>",
    },
    "Goal": {
        "id": "string",
        "lifecycleStatus": "string",
        "subject": REFERENCE,
        "startDate": "string",
        "statusDate": "string",
        "expressedBy": REFERENCE,
        "extension": "array<struct<url: string, extension: array<struct<url: string, valueCode: string,"
        f" valueReference: {REFERENCE}>>>>",
    },
    "Task": {
        "id": "string",
        "status": "string",
        "code": CONCEPT,
        "for": REFERENCE,
        "authoredOn": "string",
        "lastModified": "string",
    },
    "Encounter": {
        "id": "string",
        "status": "string",
        "class": "struct<system: string, code: string>",
        "type": f"array<{CONCEPT}>",
        "subject": REFERENCE,
        "period": PERIOD,
        "basedOn": f"array<{REFERENCE}>",
    },
    "ServiceRequest": {
        "id": "string",
        "status": "string",
        "doNotPerform": "boolean",
        "code": CONCEPT,
        "category": f"array<{CONCEPT}>",
        "subject": REFERENCE,
        "authoredOn": "string",
    },
}
"""The elements that are read, by type of resource, with their Ibis types."""

PREFERENCE: Final = f"{LOINC}|75773-2"
"""Goals, preferences and priorities for treatment and care that the person has stated."""
NO_CODES: Final = ibis.literal([], type="array<string>")
UNKNOWN: Final = "unknown"
DECIDED: Final = ("completed", "rejected")
VALID: Final = ("final", "amended", "corrected")
SIGNED: Final = ("active", "completed", "on-hold")
BEGUN: Final = ("arrived", "finished", "in-progress", "on-hold", "triaged")


def schema(resource_type: str) -> Schema:
    """The elements of this type that are read."""
    return ibis.schema(dict(ELEMENTS[resource_type]))


def patients(resources: Table) -> Table:
    """patient, centre, birth date, language: one row for each patient."""
    spoken = resources.communication.filter(lambda c: c.language.coding.length() > 0)
    preferred = spoken.filter(lambda c: c.preferred)
    # `preferred` first; without one the first language that is named.
    language = ibis.coalesce(preferred[0].language.coding[0].code, spoken[0].language.coding[0].code)
    return resources.select(
        patient=_.id,
        centre=_id_in(_.managingOrganization.reference, "Organization"),
        born=_day(_.birthDate),
        language=ibis.coalesce(language.re_extract("^([A-Za-z]{2,3})", 1).lower().nullif(""), UNKNOWN),
    )


def proxies(resources: Table) -> Table:
    """patient: those for whom a related person may act."""
    return resources.filter(_.active.fill_null(True)).select(patient=_id_in(_.patient.reference, "Patient")).distinct()


def observations(resources: Table) -> Table:
    """patient, day, at, codes, value, answers: the valid ones with a day. `codes` are `system|code`."""
    return (
        resources.filter(_.status.isin(VALID))
        .select(
            id=_.id,
            patient=_id_in(_.subject.reference, "Patient"),
            day=_day(_.effectiveDateTime),
            at=_seconds(_.effectiveDateTime),
            codes=_codes(_.code),
            value=ibis.coalesce(_.valueQuantity.value, _.valueInteger.cast("float64")),
            answers=_.valueCodeableConcept.coding.map(lambda c: c.code),
        )
        .filter(_.day.notnull())
    )


def follow_ups(resources: Table) -> Table:
    """goal, day: each valid Observation once for each goal that it is about."""
    about = resources.filter(_.status.isin(VALID)).select(day=_day(_.effectiveDateTime), focus=_.focus)
    each = about.filter(_.day.notnull(), _.focus.length() > 0).unnest("focus")
    goals = each.select(goal=_id_in(_.focus.reference, "Goal"), day=_.day)
    return goals.filter(_.goal.notnull())


def goals(resources: Table) -> Table:
    """goal, patient, status, start, end, author: those that were ever in force. `end` is null while they are."""
    over = ("completed", "cancelled")
    started = resources.filter(_.lifecycleStatus.isin(("active", "on-hold", *over)), _.startDate.notnull())
    return started.select(
        goal=_.id,
        patient=_id_in(_.subject.reference, "Patient"),
        start=_day(_.startDate),
        end=ibis.ifelse(_.lifecycleStatus.isin(over), _day(_.statusDate), ibis.null("date")),
        author=_.expressedBy.reference.re_extract("(Patient|RelatedPerson|Practitioner|PractitionerRole)/", 1),
    ).filter(_.start.notnull())


def acceptances(resources: Table) -> Table:
    """goal, kind, status: one row for each party of a goal. `kind` is the type of resource of the party."""
    each = resources.select(goal=_.id, extension=_.extension).unnest("extension")
    parties = each.filter(_.extension.url == GOAL_ACCEPTANCE)
    individual = _.extension.extension.filter(lambda e: e.url == "individual")[0].valueReference.reference
    status = _.extension.extension.filter(lambda e: e.url == "status")[0].valueCode
    return parties.select(goal=_.goal, kind=individual.re_extract("([A-Za-z]+)/", 1), status=status)


def proposals(resources: Table) -> Table:
    """patient, asked, closed, decided (days), asked_at, decided_at: each Task that asks to approve a goal.

    `closed` is null while it waits, `decided` also where it was withdrawn: a closed Task is touched no more, so it was
    closed when it was last modified.
    """
    asking = resources.filter(_.code.coding.filter(lambda c: c.code == "approve").length() > 0, _.authoredOn.notnull())
    decided = _.status.isin(DECIDED)
    return asking.select(
        patient=_id_in(_["for"].reference, "Patient"),
        asked=_day(_.authoredOn),
        asked_at=_seconds(_.authoredOn),
        closed=ibis.ifelse(_is_open(_.status), ibis.null("date"), _day(_.lastModified)),
        decided=ibis.ifelse(decided, _day(_.lastModified), ibis.null("date")),
        decided_at=ibis.ifelse(decided, _seconds(_.lastModified), ibis.null("int64")),
    ).filter(_.asked.notnull())


def preferences(resources: Table) -> Table:
    """patient, id, since, recorded, until (seconds), code, about_admission, condition, replaces: each preference for
    treatment. `code` is what was answered to admission, null for any other answer; `replaces` are ids.
    """
    treatment = resources.filter(_.status.isin(VALID), _codes(_.code).contains(PREFERENCE))
    begin = ibis.coalesce(_.effectiveDateTime, _.effectiveInstant, _.effectivePeriod.start)
    answered = _.valueCodeableConcept.coding.filter(lambda c: c.system == ADMISSION_PREFERENCE)
    condition = _.extension.filter(lambda e: e.url == ENCLOSED_PRECONDITION)[0].valueCodeableConcept
    replaced = _.extension.filter(lambda e: e.url == OBSERVATION_REPLACES)
    read = treatment.select(
        id=_.id,
        patient=_id_in(_.subject.reference, "Patient"),
        begun=_seconds(begin),
        issued=_seconds(_.issued),
        until=_seconds(_.effectivePeriod.end),
        code=answered[0].code,
        is_topic=_codes(_.code).contains(f"{PREFERENCE_TOPIC}|admission"),
        condition=ibis.coalesce(condition.text, condition.coding[0].display, condition.coding[0].code, ""),
        replaces=replaced.map(lambda e: _id_in(e.valueReference.reference, "Observation")),
    )
    known = read.mutate(since=ibis.coalesce(_.begun, _.issued), recorded=ibis.coalesce(_.issued, _.begun))
    about = _.is_topic.fill_null(False) | _.code.notnull()
    return known.filter(_.since.notnull()).mutate(about_admission=about).drop("begun", "issued", "is_topic")


def stays(resources: Table) -> Table:
    """patient, id, day, at, codes, based_on: each Encounter that has begun, with its class and types."""
    kind = ibis.array([ibis.coalesce(_["class"].system, "") + "|" + ibis.coalesce(_["class"].code, "")])
    return (
        resources.filter(_.status.isin(BEGUN))
        .select(
            id=_.id,
            patient=_id_in(_.subject.reference, "Patient"),
            day=_day(_.period.start),
            at=_instant(_.period.start),
            codes=kind.concat(_listed(_.type)),
            based_on=_.basedOn.map(lambda r: _id_in(r.reference, "ServiceRequest")),
        )
        .filter(_["at"].notnull())
    )


def orders(resources: Table) -> Table:
    """patient, id, day, at, codes: each ServiceRequest that was signed, with its code and categories."""
    signed = resources.filter(_.status.isin(SIGNED), ~_.doNotPerform.fill_null(False))
    return signed.select(
        id=_.id,
        patient=_id_in(_.subject.reference, "Patient"),
        day=_day(_.authoredOn),
        at=_instant(_.authoredOn),
        codes=ibis.coalesce(_codes(_.code), NO_CODES).concat(_listed(_.category)),
    ).filter(_["at"].notnull())


FLAT: Final[Mapping[str, tuple[str, Callable[[Table], Table]]]] = {
    "patients": ("Patient", patients),
    "proxies": ("RelatedPerson", proxies),
    "observations": ("Observation", observations),
    "follow_ups": ("Observation", follow_ups),
    "goals": ("Goal", goals),
    "acceptances": ("Goal", acceptances),
    "proposals": ("Task", proposals),
    "preferences": ("Observation", preferences),
    "stays": ("Encounter", stays),
    "orders": ("ServiceRequest", orders),
}
"""Each flat table: the type of resource that it is made of, and how."""


def _id_in(reference: Column, resource_type: str) -> Column:
    """The id in a relative, absolute or versioned reference to this type; null for any other."""
    return reference.re_extract(rf"(^|/){resource_type}/([A-Za-z0-9.\-]{{1,64}})", 2).nullif("")


def _day(when: Column) -> Column:
    """The day as it was written; null for a month or a year alone."""
    return ibis.ifelse(when.length() >= 10, when.substr(0, 10).cast("date"), ibis.null("date"))


def _seconds(when: Column) -> Column:
    """Seconds since 1970; midnight UTC for a day without a time."""
    full = ibis.ifelse(when.length() > 10, when, when + "T00:00:00Z")
    return ibis.ifelse(
        when.length() >= 10, full.cast("timestamp('UTC')").truncate("s").epoch_seconds(), ibis.null("int64")
    )


def _instant(when: Column) -> Column:
    """Seconds since 1970; null for what has no time of day."""
    return ibis.ifelse(when.length() > 10, _seconds(when), ibis.null("int64"))


def _codes(concept: Column) -> Column:
    return concept.coding.map(lambda c: ibis.coalesce(c.system, "") + "|" + ibis.coalesce(c.code, ""))


def _listed(concepts: Column) -> Column:
    """The codes of several concepts, as one list; empty where there are none."""
    return ibis.coalesce(concepts.map(_codes).flatten(), NO_CODES)


def _is_open(status: Column) -> Column:
    return status.isin(("requested", "received", "ready", "in-progress", "on-hold"))
