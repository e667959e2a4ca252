"""The measures once more, resource by resource in plain Python: slow, and nothing in common with the engine."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from fhir_mappings.order import order_from_fhir
from fhir_mappings.preference import is_preference, preference_from_fhir
from service.domain.asked_first import Verdict
from service.domain.asked_first import asked_first as measured
from service.gateways.definitions import conflict_rules

Resource = dict[str, Any]
Case = tuple[str, date, Any]
"""Patient, first day of the month, and what was found."""


def resources(folder: Path) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for path in sorted(folder.glob("*.ndjson")):
        for line in path.read_text().splitlines():
            resource = json.loads(line)
            found[resource["resourceType"]].append(resource)
    return found


def tallies(record: dict[str, list[Resource]], measure: str, as_of: date) -> dict[tuple[date, str, str], Any]:
    """(month, stratifier, value) to (numerator, denominator), or to (median, denominator)."""
    by: dict[tuple[date, str, str], list[Any]] = defaultdict(list)
    people = {p["id"]: p for p in record["Patient"]}
    proxied = {tail(r["patient"]) for r in record["RelatedPerson"] if r.get("active", True)}
    for patient, month, value in RULES[measure](record, as_of):
        person = people.get(patient)
        if person is None or "managingOrganization" not in person:
            continue
        for stratum in strata(person, month, "yes" if patient in proxied else "no"):
            by[month, *stratum].append(value)
    if measure == "days-to-decision":
        return {key: (round(median(values), 4), len(values)) for key, values in by.items()}
    return {key: (sum(values), len(values)) for key, values in by.items()}


def strata(person: Resource, month: date, proxy: str) -> Iterator[tuple[str, str]]:
    age = month.year - int(person["birthDate"][:4])
    spoken = person["communication"][0]["language"]["coding"][0]["code"]
    bands = ((6, "0-5"), (12, "6-11"), (18, "12-17"), (40, "18-39"), (65, "40-64"))
    yield "network", ""
    yield "centre", tail(person["managingOrganization"])
    yield "age-band", next((name for below, name in bands if age < below), "65+")
    yield "language", spoken.split("-")[0]
    yield "proxy", proxy


def remission(
    index: str, met: Callable[[Resource], bool]
) -> Callable[[dict[str, list[Resource]], date], Iterator[Case]]:
    def cases(record: dict[str, list[Resource]], as_of: date) -> Iterator[Case]:
        latest: dict[tuple[str, date], tuple[str, bool]] = {}
        for o in record["Observation"]:
            if code_of(o) == index and month_of(o["effectiveDateTime"]) < as_of:
                key = tail(o["subject"]), month_of(o["effectiveDateTime"])
                latest[key] = max(latest.get(key, ("", False)), (o["effectiveDateTime"], met(o)))
        for (patient, month), (_, value) in latest.items():
            yield patient, month, int(value)

    return cases


def in_force(record: dict[str, list[Resource]], as_of: date) -> Iterator[tuple[Resource, date]]:
    for goal in record["Goal"]:
        if goal["lifecycleStatus"] not in {"active", "on-hold", "completed", "cancelled"} or "startDate" not in goal:
            continue
        month = month_of(goal["startDate"])
        while (last := next_month(month) - timedelta(days=1)) < as_of:
            if "statusDate" in goal and date.fromisoformat(goal["statusDate"]) <= last:
                break
            yield goal, month
            month = next_month(month)


def authored(record: dict[str, list[Resource]], as_of: date) -> Iterator[Case]:
    for goal, month in in_force(record, as_of):
        yield tail(goal["subject"]), month, int(not goal["expressedBy"]["reference"].startswith("Practitioner"))


def agreed(record: dict[str, list[Resource]], as_of: date) -> Iterator[Case]:
    for goal, month in in_force(record, as_of):
        parts = [{e["url"]: e for e in x["extension"]} for x in goal["extension"]]
        given = {p["individual"]["valueReference"]["reference"].split("/")[0]: p["status"]["valueCode"] for p in parts}
        yield tail(goal["subject"]), month, int(given == {"Patient": "agree", "Practitioner": "agree"})


def days_to_decision(record: dict[str, list[Resource]], _: date) -> Iterator[Case]:
    for task in record["Task"]:
        if task["status"] in {"completed", "rejected"}:
            waited = instant(task["lastModified"]) - instant(task["authoredOn"])
            yield tail(task["for"]), month_of(task["lastModified"]), waited.total_seconds() / 86400


def unanswered(record: dict[str, list[Resource]], as_of: date) -> Iterator[Case]:
    for task in record["Task"]:
        month = month_of(task["authoredOn"])
        while (last := next_month(month) - timedelta(days=1)) < as_of:
            if task["status"] != "requested" and instant(task["lastModified"]).date() <= last:
                break
            yield tail(task["for"]), month, int((last - instant(task["authoredOn"]).date()).days > 14)
            month = next_month(month)


def followed_up(record: dict[str, list[Resource]], as_of: date) -> Iterator[Case]:
    seen: dict[str, list[date]] = defaultdict(list)
    for o in record["Observation"]:
        for focus in o.get("focus", []):
            seen[tail(focus)].append(instant(o["effectiveDateTime"]).date())
    for goal in record["Goal"]:
        if "startDate" in goal:
            start = date.fromisoformat(goal["startDate"])
            ripe = next_month(month_of(goal["startDate"])) - timedelta(days=1) + timedelta(days=182) <= as_of
            if ripe:
                met = any(14 <= (day - start).days <= 182 for day in seen[goal["id"]])
                yield tail(goal["subject"]), month_of(goal["startDate"]), int(met)


def asked_first(record: dict[str, list[Resource]], _: date) -> Iterator[Case]:
    """By the rule of the service itself: for one patient or for a network it is the same measure."""
    preferences = [preference_from_fhir(o) for o in record["Observation"] if is_preference(o)]
    orders = [order_from_fhir(r) for r in (*record["ServiceRequest"], *record["Encounter"])]
    days = {
        f"{r['resourceType']}/{r['id']}": r.get("authoredOn") or r["period"]["start"]
        for r in (*record["ServiceRequest"], *record["Encounter"])
    }
    for judged in measured(orders, preferences, conflict_rules().admission).judged:
        if judged.verdict is not Verdict.COULD_NOT_BE_ASKED:
            day = days[str(judged.order.reference)]
            yield str(judged.order.subject).partition("/")[2], month_of(day), int(judged.verdict is Verdict.ASKED_FIRST)


RULES: dict[str, Callable[[dict[str, list[Resource]], date], Iterator[Case]]] = {
    "asked-first": asked_first,
    "days-to-decision": days_to_decision,
    "goals-authored-by-patients": authored,
    "goals-followed-up": followed_up,
    "goals-mutually-agreed": agreed,
    "proposals-unanswered": unanswered,
    "remission-pga": remission("pga", lambda o: o["valueCodeableConcept"]["coding"][0]["code"] == "quiescent"),
    "remission-pucai": remission("pucai", lambda o: o["valueQuantity"]["value"] < 10),
    "remission-spcdai": remission("spcdai", lambda o: o["valueQuantity"]["value"] < 15),
}


def tail(reference: Resource) -> str:
    return str(reference["reference"]).rsplit("/", 1)[-1]


def code_of(resource: Resource) -> str | None:
    codings = resource["code"].get("coding", [{}])
    found: str | None = codings[0].get("code")
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def month_of(text: str) -> date:
    return date.fromisoformat(text[:10]).replace(day=1)


def next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
