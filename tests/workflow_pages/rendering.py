"""An exchange as a reader wants to see it."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fhir_mappings.carrier import Json, encode
from fhir_mappings.elements import is_restricted
from tests.workflow_pages.recording import Exchange, Names, Recording

Facts = Iterable[str | None]


def block(who: str, asked: tuple[str, str, Any, str | None], status: int, recording: Recording, names: Names) -> str:
    """One call of our API with everything that it asks of the FHIR server."""
    transactions = [e for e in recording.exchanges if e.entries]
    for transaction in transactions:
        names.learn(transaction)
    parts = [_request(who, asked, names), *_answered(status, recording.exchanges, names)]
    parts += [_transaction(t, recording, names) for t in transactions]
    return "\n\n".join(parts)


def _request(who: str, asked: tuple[str, str, Any, str | None], names: Names) -> str:
    method, path, body, version = asked
    lines = [f"{method} {names(path)}"]
    lines += [f'If-Match: W/"{version}"'] if version else []
    lines += ["", names(json.dumps(json.loads(encode(body)), ensure_ascii=False))] if body is not None else []
    return f"{who} sends\n\n```http\n" + "\n".join(lines) + "\n```"


def _answered(status: int, exchanges: list[Exchange], names: Names) -> list[str]:
    if not exchanges:
        return [f"and is answered {status}. The FHIR server is not asked."]
    return [
        f"and is answered {status}, after these interactions with the FHIR server:",
        _interactions(exchanges, names),
    ]


def _interactions(exchanges: list[Exchange], names: Names) -> str:
    lines = ["| Step | Interaction | Parameters |", "|---|---|---|"]
    for exchange in exchanges:
        parameters = " ".join(f"`{n}={v}`" for n, v in exchange.parameters if n != "_count")
        what = "transaction, see below" if exchange.entries else parameters
        lines.append(f"| {exchange.step} | `{exchange.method} /{names(exchange.path)}` | {_cell(names(what))} |")
    return "\n".join(lines)


def _transaction(transaction: Exchange, recording: Recording, names: Names) -> str:
    lines = [
        f"The transaction of step {transaction.step}:",
        "",
        "| Entry | Condition | What it says |",
        "|---|---|---|",
    ]
    for entry in transaction.entries:
        request, resource = entry["request"], entry["resource"]
        condition = next((f"`{k}` `{request[k]}`" for k in ("ifMatch", "ifNoneExist") if k in request), "")
        says = "; ".join(fact for fact in _facts(resource, recording) if fact)
        shown = f"`{request['method']} {request['url']}`"
        lines.append(f"| {names(shown)} | {_cell(names(condition))} | {_cell(names(says))} |")
    return "\n".join(lines)


def _facts(resource: Json, recording: Recording) -> Facts:
    yield from SAYS[resource["resourceType"]](resource)
    yield "labelled `R`" if is_restricted(resource) else None
    if earlier := recording.seen.get(f"{resource['resourceType']}/{resource.get('id')}"):
        changed = sorted(n for n in resource.keys() | earlier.keys() if resource.get(n) != earlier.get(n))
        yield "changes " + ", ".join(f"`{n}`" for n in changed if n != "meta")


def _goal(goal: Json) -> Facts:
    yield f"“{goal['description']['text']}”"
    yield _code("lifecycleStatus", goal["lifecycleStatus"])
    yield _code("achievementStatus", _coded(goal.get("achievementStatus")))
    yield _code("priority", _coded(goal.get("priority")))
    for extension in goal.get("extension", []):
        parts = {e["url"]: e for e in extension.get("extension", [])}
        if "individual" in parts:
            yield f"{parts['individual']['valueReference']['reference']} {parts['status']['valueCode']}"
        if "target" in parts:
            yield f"*replacement* {parts['target']['valueReference']['reference']}"


def _task(task: Json) -> Facts:
    yield _code("code", _coded(task["code"]))
    yield _code("status", task["status"])
    yield _code("businessStatus", _coded(task.get("businessStatus")))
    yield _links("focus", [task["focus"]])
    yield _links("owner", [task["owner"]] if "owner" in task else [])
    yield _links("partOf", task.get("partOf", []))


def _care_plan(plan: Json) -> Facts:
    yield f"“{plan['title']}”"
    yield _code("status", plan["status"])
    yield _links("goal", plan.get("goal", []))


def _communication(message: Json) -> Facts:
    yield f"“{message['payload'][0]['contentString']}”"
    yield _links("sender", [message["sender"]])
    yield _links("about", message.get("about", []))
    yield _links("inResponseTo", message.get("inResponseTo", []))


def _observation(observation: Json) -> Facts:
    if quantity := observation.get("valueQuantity"):
        yield f"{quantity.get('value')} {quantity.get('code')}"
    else:
        yield _code("code", _coded(observation["code"]))
        yield _code("value", _coded(observation.get("valueCodeableConcept")))
        yield f"“{observation['valueString']}”" if "valueString" in observation else None
    yield _code("status", observation["status"]) if observation["status"] != "final" else None
    yield _links("focus", observation.get("focus", []))
    yield _links("hasMember", observation.get("hasMember", []))


def _list(priorities: Json) -> Facts:
    yield _code("code", _coded(priorities["code"]))
    yield _code("orderedBy", _coded(priorities["orderedBy"]))
    yield _links("entry", [entry["item"] for entry in priorities.get("entry", [])])


def _communication_request(item: Json) -> Facts:
    yield f"“{item['payload'][0]['contentString']}”"
    yield _code("status", item["status"])
    yield _links("about", item.get("about", []))
    yield _code("occurrenceDateTime", item.get("occurrenceDateTime"))
    yield from (f"note “{note['text']}”" for note in item.get("note", []))


def _provenance(provenance: Json) -> Facts:
    yield _code("activity", provenance["activity"]["coding"][-1]["code"])
    yield _links("target", provenance["target"])
    yield _links("agent", [a["who"] for a in provenance["agent"]])
    yield _links("onBehalfOf", [a["onBehalfOf"] for a in provenance["agent"] if "onBehalfOf" in a])
    yield _links("revision of", [e["what"] for e in provenance.get("entity", [])])


def _audit_event(event: Json) -> Facts:
    yield _code("action", event["action"])
    yield _links("entity", [e["what"] for e in event["entity"] if "reference" in e["what"]])


SAYS: Final[Mapping[str, Callable[[Json], Facts]]] = {
    "AuditEvent": _audit_event,
    "CarePlan": _care_plan,
    "Communication": _communication,
    "CommunicationRequest": _communication_request,
    "Goal": _goal,
    "List": _list,
    "Observation": _observation,
    "Provenance": _provenance,
    "Task": _task,
}


def _coded(concept: Json | None) -> str | None:
    return concept["coding"][0]["code"] if concept else None


def _code(name: str, code: str | None) -> str | None:
    return f"{name} `{code}`" if code else None


def _links(name: str, references: list[Json]) -> str | None:
    return f"{name} " + ", ".join(r["reference"] for r in references) if references else None


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
