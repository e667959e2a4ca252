"""A FHIR R4 store inside this process, for development and tests. A sandbox, never a production server.

sekmet-fhir (FastAPI over SQLite) does the work. This adapter takes its store, its interactions, its subscriptions and
its export, and leaves out its console, its hospital simulator, its traffic log, its logging set-up and its CORS
headers. There is no authentication at all: serve it on 127.0.0.1 or call it in process.

Import this module only where the embedded store is wanted: sekmet-fhir is not needed otherwise.
"""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from sekmet.bulk import server as bulk
from sekmet.config import Settings
from sekmet.fhir import router, search, store
from sekmet.fhir.capability import capability_statement
from sekmet.fhir.common import FhirError
from sekmet.fhir.indexer import IndexRow, extract
from sekmet.fhir.search_params import PARAMS, SearchParam
from sekmet.fhir.service import FhirService, Result
from sekmet.fhir.store import Store
from sekmet.subscriptions import engine
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.gateways.embedded_search_parameters import ADDITIONAL_PARAMETERS

SEKMET_VERSION: Final = "0.1.1"
SOFTWARE_NAME: Final = "CoPlan embedded FHIR store (development sandbox, never production)"
IN_PROCESS_ORIGIN: Final = "http://embedded.invalid"
"""For calls without a socket: https://www.rfc-editor.org/rfc/rfc6761#section-6.4 says that nobody answers there."""

# sekmet takes these for known and then does nothing about them.
_IGNORED_PARAMETERS: Final = frozenset({"_at", "_contained", "_containedType", "_since", "_type"})
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def create_embedded_store(data: Path | None = None, *, origin: str = IN_PROCESS_ORIGIN) -> "EmbeddedStore":
    """An empty store in memory, or the one in the folder `data`, which only one process may use at a time.

    Args:
        data: holds `fhir.sqlite` with its write-ahead log, and `exports/` once `$export` was asked for. In memory
            there is no `$export`.
        origin: scheme, host and port by which callers reach it; `Location`, `fullUrl` and page links begin with it.

    Raises:
        RuntimeError: another version of sekmet-fhir is installed than the one that this adapter was measured with.
    """
    installed = version("sekmet-fhir")
    if installed != SEKMET_VERSION:
        raise RuntimeError(f"the embedded FHIR store needs sekmet-fhir {SEKMET_VERSION}; {installed} is installed")
    _adapt_sekmet()
    settings = Settings(
        base_url=f"{origin.rstrip('/')}/fhir",
        db_path=":memory:" if data is None else str(data / "fhir.sqlite"),
        data_dir=str((data or Path()) / "exports"),
    )
    return EmbeddedStore(settings, exports=data is not None)


class EmbeddedStore:
    """An ASGI application that serves FHIR R4 at `/fhir`.

    Close it: by `close`, or by the lifespan that an ASGI server runs (`httpx.ASGITransport` runs none).
    """

    def __init__(self, settings: Settings, *, exports: bool) -> None:
        self.base_url: Final = settings.base_url
        self._context = _Context(settings)
        self._app = FastAPI(lifespan=self._lifespan, openapi_url=None)
        if exports:
            self._context.bulk = bulk.BulkExports(self._context)  # type: ignore[no-untyped-call]
            bulk.register(self._context.service, self._context.bulk)
            self._app.include_router(bulk.build_router(lambda: self._context))
        self._app.include_router(router.build_router(lambda: self._context))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # sekmet opens the export `{job}/{name}` with the job as it comes: `..` would leave the folder of exports.
        climbs = ".." in scope.get("path", "").replace("\\", "/").split("/")
        await (Response(status_code=404) if climbs else self._app)(scope, receive, send)

    def close(self) -> None:
        """Ends the subscriptions and closes the database. What was acknowledged is on disk already."""
        self._context.subscriptions.pool.shutdown(wait=False, cancel_futures=True)
        self._context.store.close()

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        yield
        self.close()


class _Store(Store):
    """The store with the index that `_sort` needs, and without a copy of all that went to subscribers."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.conn.execute("CREATE INDEX IF NOT EXISTS idx_sort ON idx(type, id, param, lo)")
        self._index_anew_if_parameters_changed()

    def log_traffic(self, **_exchange: Any) -> int:
        return 0

    def close(self) -> None:
        with self.lock:
            self.conn.close()

    def _index_anew_if_parameters_changed(self) -> None:
        tables = sorted((resource_type, sorted(table.items())) for resource_type, table in PARAMS.items())
        parameters = sha256(repr(tables).encode()).hexdigest()
        if self.kv_get("search_parameters") != parameters:
            self.reindex_all()
            self.kv_set("search_parameters", parameters)


class _Interactions(FhirService):
    """The interactions, each of them atomic, and a search that answers 400 rather than ignore part of the question.

    sekmet looks and then writes outside a transaction: of 64 equal conditional creates several got through.
    """

    def create(self, *args: Any, **kwargs: Any) -> Result:
        with self.store.transaction():
            return super().create(*args, **kwargs)

    def conditional_update(self, *args: Any, **kwargs: Any) -> Result:
        with self.store.transaction():
            return super().conditional_update(*args, **kwargs)

    def conditional_delete(self, *args: Any, **kwargs: Any) -> Result:
        with self.store.transaction():
            return super().conditional_delete(*args, **kwargs)

    def patch(self, *args: Any, **kwargs: Any) -> Result:
        with self.store.transaction():
            return super().patch(*args, **kwargs)

    def search(self, rtype: str, params: list[tuple[str, str]], *_: Any, **kwargs: Any) -> Result:
        """Strict whatever `Prefer` says: an ignored parameter is somebody else's data."""
        if ignored := _IGNORED_PARAMETERS.intersection(name for name, _ in params):
            raise FhirError(400, f"Search parameters not supported: {', '.join(sorted(ignored))}", "not-supported")
        found = super().search(rtype, params, **kwargs | {"strict": True})
        if found.issues:
            raise FhirError(400, "Include not supported", issues=[{**i, "severity": "error"} for i in found.issues])
        return found

    def history(self, *args: Any, **kwargs: Any) -> Result:
        """Each version as `vread` gives it: sekmet's own history decodes numbers as floats."""
        found = super().history(*args, **kwargs)
        for entry in (found.body or {}).get("entry", []):
            if it := entry.get("resource"):
                entry["resource"] = self.store.vread(it["resourceType"], it["id"], it["meta"]["versionId"])
        return found


@dataclass
class _Context:
    """What sekmet's routers and engines ask of their application."""

    settings: Settings
    store: _Store = field(init=False)
    service: _Interactions = field(init=False)
    subscriptions: engine.SubscriptionEngine = field(init=False)
    bulk: Any = None

    def __post_init__(self) -> None:
        self.store = _Store(self.settings.database)
        self.service = _Interactions(self.store, self.settings)
        self.subscriptions = engine.SubscriptionEngine(self)  # type: ignore[no-untyped-call]
        # No topics: sekmet's are a hospital's, and their heartbeats come from a thread that never ends.
        vars(self.subscriptions).update(topics=dict)
        self.store.on_write(self.subscriptions.on_write)


class _LosslessJson:
    """Stands in for the module `json` in sekmet, so that `72.50` comes back as `72.50`."""

    JSONDecodeError = json.JSONDecodeError
    loads: Final = staticmethod(partial(json.loads, parse_float=Decimal))

    @staticmethod
    def dumps(value: object, *, indent: int | None = None, **_layout: object) -> str:
        encoded = _encoder.encode(value)
        return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()


def _adapt_sekmet() -> None:
    """Changes sekmet's modules for the whole process; a second time changes nothing."""
    for resource_type, lines in ADDITIONAL_PARAMETERS.items():
        PARAMS.setdefault(resource_type, {}).update((p.name, p) for p in _search_parameters(lines))
    for module in (router, search, store, bulk, engine):
        vars(module).update(json=_LosslessJson)
    vars(store).update(extract=_index_rows)
    vars(router).update(capability_statement=_capability_statement)


def _search_parameters(lines: str) -> Iterable[SearchParam]:
    for line in lines.split():
        name, kind, paths, *target = line.split(":")
        yield SearchParam(name, kind, tuple(paths.split("|")), *target)


def _index_rows(resource: dict[str, Any]) -> list[IndexRow]:
    """sekmet indexes numbers only where they are floats."""
    return extract(json.loads(_encoder.encode(resource)))


def _capability_statement(service: FhirService) -> dict[str, Any]:
    """What is left of sekmet's own statement: no messaging, no CORS; and the name says what it is."""
    statement = capability_statement(service)
    del statement["messaging"], statement["rest"][0]["security"]["cors"]
    return statement | {
        "id": "embedded",
        "name": "CoPlanEmbeddedStore",
        "title": SOFTWARE_NAME,
        "publisher": "CoPlan",
        "software": {"name": SOFTWARE_NAME, "version": SEKMET_VERSION},
        "implementation": {"description": SOFTWARE_NAME, "url": service.base_url},
    }
