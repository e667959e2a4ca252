"""A second evaluator of SMART scopes, written apart from the service's: by splitting, not by a pattern. The oracle."""

from typing import Any
from urllib.parse import unquote_plus

LETTERS = "cruds"
V1 = {"read": "rs", "write": "cud", "*": "cruds"}


def allows(scopes: list[str], resource: dict[str, Any], letter: str, levels: set[str]) -> bool:
    return any(_allows(scope, resource, letter, levels) for scope in scopes)


def _allows(scope: str, resource: dict[str, Any], letter: str, levels: set[str]) -> bool:
    level, slash, rest = scope.partition("/")
    kind, dot, how = rest.partition(".")
    if not slash or not dot or level not in levels or kind not in ("*", resource["resourceType"]):
        return False
    letters, question, query = how.partition("?")
    if letters in V1 and not question:
        letters = V1[letters]
    elif not letters or letters != "".join(x for x in LETTERS if x in letters):
        return False
    if question and not query:
        return False
    pairs = [pair.partition("=") for pair in query.split("&")] if question else []
    return letter in letters and all(eq and _holds(unquote_plus(n), unquote_plus(v), resource) for n, eq, v in pairs)


def _holds(name: str, value: str, resource: dict[str, Any]) -> bool:
    if name not in ("category", "code", "status", "_tag", "_security") or "\\" in value:
        return False
    wanted = value.split(",")
    if any(w.strip() != w or not w.replace("|", "") or w.count("|") > 1 for w in wanted):
        return False
    if name == "status":
        return resource.get("status") in [w.removeprefix("|") for w in wanted if w.rpartition("|")[0] == ""]
    if name in ("_tag", "_security"):
        codings = resource.get("meta", {}).get(name[1:], [])
    else:
        element = resource.get(name, [])
        codings = [c for x in (element if isinstance(element, list) else [element]) for c in x.get("coding", [])]
    return any(_same(w, c) for w in wanted for c in codings)


def _same(wanted: str, coding: dict[str, str]) -> bool:
    if "|" not in wanted:
        return coding.get("code") == wanted
    system, _, code = wanted.partition("|")
    return coding.get("system", "") == system and code in ("", coding.get("code"))
