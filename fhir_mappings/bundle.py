"""Bundles: transactions that we send, pages that we read, collections that we answer.

Source: https://hl7.org/fhir/R4/bundle.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_mappings.carrier import Json
from fhir_mappings.elements import MappingError
from fhir_mappings.model import Reference

CREATED: Final = "201"


@dataclass(frozen=True, slots=True)
class Create:
    """POST. `full_url` is the `urn:uuid:…` by which other entries refer to it; `if_none_exist` a search without `?`."""

    resource: Json
    full_url: str
    if_none_exist: str | None = None

    @property
    def reference(self) -> Reference:
        return self.full_url


@dataclass(frozen=True, slots=True)
class Update:
    """PUT. `if_match` is the version id that the resource was read at."""

    resource: Json
    if_match: str

    @property
    def reference(self) -> Reference:
        return f"{self.resource['resourceType']}/{self.resource['id']}"


Entry: TypeAlias = Create | Update


@dataclass(frozen=True, slots=True)
class Written:
    """A resource as it stands on the server. `created` False for an update, and for a create that found its like there.

    In the latter case the resource is only its type, id and version, unless the server returned it whole.
    """

    resource: Json
    created: bool

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def version(self) -> str | None:
        version = self.resource.get("meta", {}).get("versionId")
        return None if version is None else str(version)

    @property
    def reference(self) -> Reference:
        return f"{self.resource['resourceType']}/{self.id}"


def transaction(entries: Sequence[Entry]) -> Json:
    """A transaction Bundle: all of the entries or none."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_request(e) for e in entries]}


def written(entries: Sequence[Entry], answer: Json) -> tuple[Written, ...]:
    """What a transaction left on the server, in the order of the entries; URNs are replaced by what they became.

    Raises:
        MappingError: the answer does not say for each entry what it became.
    """
    answers = answer.get("entry")
    if not isinstance(answers, list) or len(answers) != len(entries):
        raise MappingError("Bundle.entry", "does not answer each entry of the transaction")
    placed = [_place(e, a) for e, a in zip(entries, answers, strict=True)]
    became = {e.reference: f"{e.resource['resourceType']}/{p[0]}" for e, p in zip(entries, placed, strict=True)}
    return tuple(
        _written(e, a, resource_id, version, became)
        for e, a, (resource_id, version) in zip(entries, answers, placed, strict=True)
    )


def as_written(resource: Json, resource_id: str, version: str | None, last_updated: str | None = None) -> Json:
    """What we sent, with the id and the version that the server gave it."""
    meta = {k: v for k, v in (("versionId", version), ("lastUpdated", last_updated)) if v}
    return {**resource, "id": resource_id, "meta": {**resource.get("meta", {}), **meta}}


def resources(bundle: Json) -> list[Json]:
    """The resources of a page: matches and what they include, not the server's remarks on the search."""
    found = []
    for entry in bundle.get("entry", []):
        resource = entry.get("resource")
        if isinstance(resource, dict) and entry.get("search", {}).get("mode") != "outcome":
            found.append(resource)
    return found


def next_link(bundle: Json) -> str | None:
    """Where the next page is."""
    links = bundle.get("link", [])
    return next((link.get("url") for link in links if link.get("relation") == "next"), None)


def searchset(found: Iterable[Json]) -> Json:
    """Matches as a searchset; `total` is what this actor may see, for it is counted after that was decided."""
    entries = [{"resource": r, "search": {"mode": "match"}} for r in found]
    return _with_entries({"resourceType": "Bundle", "type": "searchset", "total": len(entries)}, entries)


def collection(found: Iterable[Json]) -> Json:
    """Resources that belong together."""
    return _with_entries({"resourceType": "Bundle", "type": "collection"}, [{"resource": r} for r in found])


def _with_entries(bundle: Json, entries: list[Json]) -> Json:
    return {**bundle, "entry": entries} if entries else bundle


def _request(entry: Entry) -> Json:
    if isinstance(entry, Update):
        request = {"method": "PUT", "url": entry.reference, "ifMatch": f'W/"{entry.if_match}"'}
        return {"fullUrl": entry.reference, "resource": entry.resource, "request": request}
    request = {"method": "POST", "url": entry.resource["resourceType"]}
    if entry.if_none_exist:
        request["ifNoneExist"] = entry.if_none_exist
    return {"fullUrl": entry.full_url, "resource": entry.resource, "request": request}


def _place(entry: Entry, answer: Json) -> tuple[str, str | None]:
    """Id and version from `Type/id/_history/version`, which may be absolute."""
    response = answer.get("response", {})
    path, _, version = str(response.get("location", "")).partition("/_history/")
    found = path.rpartition(f"{entry.resource['resourceType']}/")[2] or answer.get("resource", {}).get("id", "")
    if not found and isinstance(entry, Update):
        found = entry.resource["id"]
    if not found or "/" in found:
        raise MappingError("Bundle.entry.response.location", "does not say what was written")
    etag = str(response.get("etag", "")).removeprefix("W/").strip('"')
    return found, version or etag or None


def _written(entry: Entry, answer: Json, resource_id: str, version: str | None, became: Mapping[str, str]) -> Written:
    response = answer.get("response", {})
    created = isinstance(entry, Create) and str(response.get("status", "")).startswith(CREATED)
    sent = entry.resource
    if isinstance(entry, Create) and not created:
        sent = answer.get("resource") or {"resourceType": sent["resourceType"]}
    resolved: Json = _resolved(sent, became)
    return Written(as_written(resolved, resource_id, version, response.get("lastModified")), created)


def _resolved(value: Any, became: Mapping[str, str]) -> Any:
    """A copy in which each reference by URN is the reference that it became."""
    if isinstance(value, dict):
        return {
            k: became.get(v, v) if k == "reference" and isinstance(v, str) else _resolved(v, became)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_resolved(item, became) for item in value]
    return value
