"""Requests that nobody should send, many of them: `python -m tests.fuzz [count] [seed]`.

A twentieth comes from schemathesis with openapi.yaml as it is; the rest from a grammar of hostile queries, headers,
paths and bodies that are examples of openapi.yaml gone wrong. The service and its FHIR store are in this process. A 5xx
is a finding, and so is an answer that takes five seconds or shows a word of another patient.
"""

import asyncio
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx
import yaml

from fhir_mappings.carrier import Json, encode
from service.gateways.embedded_fhir import create_embedded_store
from service.logs import configure_logs
from tests.conftest import ISSUER, FhirServer, app_with, fhir_http, open_test_services
from tests.people import Person, record

ROOT: Final = Path(__file__).parents[1]
CANARY: Final = "Canary-of-Zoe-5309"
SLOW: Final = 5.0
"""Seconds: of a request alone in its process, whatever else the machine does."""

SCALARS: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "\0",
    "x" * 3_000,
    "\u202e",
    "\ud800",
    "😀" * 50,
    "<script>",
    "&#x41;",
    "javascript:alert(1)",
    "' OR 1=1 --",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "2026-02-30",
    "9999-12-31",
    "0000-00-00",
    "2026-11-01T10:00:00Z",
    "NaN",
    "Patient/zoe",
    "http://127.0.0.1:1/Patient/1",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"__class__": "x"},
)
QUERIES: Final = (
    "status={}",
    "status={}&status={}",
    "{}={}",
    "patient={}",
    "_has:{}:{}:{}={}",
    "_include={}:{}",
    "status:{}={}",
    "{}[]={}",
    "{}%00={}",
    "status={};{}={}",
    "%{}={}",
    "&{}&&={}",
    "?{}",
    "_filter=({} eq {})",
    "_id={},{}",
    "_count=99999999{}",
    "_sort=-{}",
)
WORDS: Final = (
    "active",
    "proposed",
    "Patient/zoe",
    "zoe",
    "*",
    "",
    "%26",
    "%0d%0aX: y",
    "%FF",
    "%u0041",
    "'",
    '"',
    "<x>",
    "\\",
    "(",
    "a" * 500,
    "日本",
    "null",
    "-1",
    "1e9",
)
HEADERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("If-Match", ('W/"1"', '"1"', "*", "1", 'W/"9', "", "W/", 'W/"' + "9" * 80 + '"', 'W/"1", W/"2"', 'W/"\\""')),
    ("Idempotency-Key", ("k", '"k"', "", " ", "a b", "x" * 300, '"', "\x7f")),
    ("Accept", ("*/*", "application/fhir+json", "application/fhir+xml", "text/html;q=x", ",,;;", "a/b;q=" + "9" * 50)),
    (
        "Content-Type",
        ("application/json", "application/json; charset=utf-16", "text/xml", "x", "", "multipart/form-data"),
    ),
    ("Content-Encoding", ("gzip", "deflate", "identity", "br")),
    ("X-HTTP-Method-Override", ("DELETE",)),
    ("X-Request-Id", ("ok-1", "<script>", "x" * 400)),
    ("Cache-Control", ("no-cache", "max-age=x")),
    ("Authorization", ("Bearer ", "Bearer x", "Basic eDp5", "bearer a.b.c", "Bearer " + "x" * 20_000, "DPoP x")),
    ("Origin", ("https://evil.test", "null")),
    ("Range", ("bytes=0-", "bytes=-1")),
    ("Expect", ("100-continue",)),
    ("Content-Length", ("-1", "99999999999")),
    ("Transfer-Encoding", ("chunked", "gzip, chunked")),
)


NO_BODIES: Final = (b"", b"{", b"[" * 50, b"null", b"\xff\xfe{", b'{"a":1,"a":2}', b"{}" * 9, b'"x"', b"1e400")
OTHER_METHODS: Final = ["get", "post", "put", "delete", "patch", "options", "head"]
ADDED: Final = ("extra", "id", "meta", "resourceType", "_id", "")


@dataclass(slots=True)
class Found:
    """What the answers were, and which of them should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    findings: list[str] = field(default_factory=list)

    def judge(self, request: httpx.Request, answer: httpx.Response, took: float) -> None:
        """Notes an answer."""
        self.statuses[answer.status_code] += 1
        self.slowest = max(self.slowest, took)
        wrong = answer.status_code >= 500 or took > SLOW or CANARY in answer.text + str(answer.headers)
        if wrong and len(self.findings) < 20:
            sent = request.content[:300] if isinstance(request.content, bytes) else b""
            self.findings.append(
                f"{answer.status_code} in {took:.2f} s to {request.method} {request.url} {sent!r}: {answer.text[:200]}"
            )


@dataclass(frozen=True, slots=True)
class Place:
    """The service, with ids that are there: Ann's, and those of Zoe, who has nothing to do with who asks."""

    http: httpx.AsyncClient
    ids: tuple[str, ...]
    tokens: tuple[str, ...]


async def fuzz(count: int, seed: int) -> Found:
    """So many requests, the same ones for the same seed."""
    chance, found = random.Random(seed), Found()
    async with AsyncExitStack() as stack:
        place = await _open(stack)
        openapi = document()
        for make in _from_schema(place, count // 20, seed):
            await _send(place, make, found)
        for number in range(count - found.statuses.total()):
            await _send(place, partial(_from_grammar, chance, place, openapi), found)
            if number % 5_000 == 4_999:
                print(f"{found.statuses.total()} made, {len(found.findings)} findings", flush=True)
    return found


def document() -> Json:
    """openapi.yaml."""
    loaded: Json = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return loaded


async def _open(stack: AsyncExitStack) -> Place:
    store = create_embedded_store()
    stack.callback(store.close)
    server = FhirServer("embedded", store.base_url, httpx.ASGITransport(store))
    fhir = await stack.enter_async_context(fhir_http(server))
    suffix = uuid4().hex[:8]
    (await fhir.post(store.base_url, content=encode(record(suffix)))).raise_for_status()
    services = await stack.enter_async_context(open_test_services(server, f"Organization/clinic-{suffix}"))
    transport = httpx.ASGITransport(app_with(services), raise_app_exceptions=False)
    http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://coplan.test"))
    people = {n: f"{t}/{n}-{suffix}" for n, t in (("ann", "Patient"), ("bo", "Practitioner"), ("zoe", "Patient"))}
    ann, bo, zoe = (Person(http, r, ISSUER.token(r, name=n)) for n, r in people.items())
    agreed = await bo.acts(await ann.proposes(f"ann-{suffix}", "Walk"), "accept")
    offered = await ann.proposes(f"ann-{suffix}", "Swim")
    hers = await zoe.proposes(f"zoe-{suffix}", CANARY)
    plan = (await ann.sees(f"/v1/patients/ann-{suffix}/care-plans"))["carePlans"][0]["id"]
    ids = (f"ann-{suffix}", f"zoe-{suffix}", agreed["id"], offered["id"], hers["id"], plan)
    scoped = ISSUER.token(bo.reference, patient=f"ann-{suffix}")
    return Place(http, ids, (ann.token, scoped))


def _from_schema(place: Place, count: int, seed: int) -> Iterator[Callable[[], httpx.Request]]:
    """Cases by schemathesis, right and wrong by the schema."""
    import schemathesis
    from schemathesis import GenerationMode

    schema: Any = schemathesis.openapi.from_path(str(ROOT / "openapi.yaml"))
    operations = [o.ok() for o in schema.get_all_operations()]
    each = max(1, count // (2 * len(operations)))
    for number, operation in enumerate(operations):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = _cases(operation.as_strategy(generation_mode=mode), each, seed + number)
            yield from (partial(_of_case, place, kwargs, n) for n, kwargs in enumerate(cases))


def _cases(strategy: Any, count: int, seed: int) -> list[Json]:
    from hypothesis import HealthCheck, Phase, Verbosity, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable

    cases: list[Json] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def collect(case: Any) -> None:
        cases.append(case.as_transport_kwargs(base_url="http://coplan.test"))

    with suppress(Unsatisfiable):  # what has no parameters cannot be asked wrongly
        collect()
    return cases


def _of_case(place: Place, kwargs: Json, number: int) -> httpx.Request:
    headers = {k: str(v) for k, v in dict(kwargs.get("headers") or {}).items() if k.lower() != "authorization"}
    headers["Authorization"] = f"Bearer {place.tokens[number % len(place.tokens)]}"
    url = str(kwargs["url"])
    for name in ("goalId", "patientId", "carePlanId"):
        url = url.replace(f"{{{name}}}", place.ids[number % len(place.ids)])
    content = encode(kwargs["json"]) if "json" in kwargs else kwargs.get("data")
    body = content if isinstance(content, bytes | str) else None
    return place.http.build_request(kwargs["method"], url, params=kwargs.get("params"), content=body, headers=headers)


def _from_grammar(chance: random.Random, place: Place, openapi: Json) -> httpx.Request:
    path = chance.choice(list(openapi["paths"]))
    methods = list(openapi["paths"][path]) if chance.random() < 0.9 else OTHER_METHODS
    method = chance.choice(methods)
    operation = openapi["paths"][path].get(method, {})
    example = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    headers = {"Authorization": f"Bearer {chance.choice(place.tokens)}", "Idempotency-Key": str(chance.random())}
    if example is not None or chance.random() < 0.1:
        headers |= {"Content-Type": "application/json", "If-Match": f'W/"{chance.randint(1, 3)}"'}
    for name, values in chance.sample(HEADERS, chance.choice((0, 0, 0, 1, 2))):
        headers[name] = chance.choice(values)
    content = _body(chance, example) if "Content-Type" in headers else None
    return place.http.build_request(method.upper(), _url(chance, place, path), content=content, headers=headers)


def _url(chance: random.Random, place: Place, path: str) -> str:
    while "{" in path:
        before, _, rest = path.partition("{")
        given = chance.choice(place.ids) if chance.random() < 0.8 else quote(chance.choice(WORDS), safe="%")
        path = before + given + rest.partition("}")[2]
    if chance.random() < 0.3:
        query = chance.choice(QUERIES)
        path += "?" + query.format(*(chance.choice(WORDS) for _ in range(query.count("{}"))))
    return path.replace(" ", "%20")


def _body(chance: random.Random, example: Any) -> bytes:
    kind = chance.random()
    if kind < 0.05:
        return chance.choice(
            (b"", b"{", b"[" * 50, b"null", b"\xff\xfe{", b'{"a":1,"a":2}', b"{}" * 9, b'"x"', b"1e400")
        )
    if kind < 0.08:
        return encode({"ask": [chance.choice(SCALARS[1:6])] * chance.choice((100, 3_000))})
    body = example
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        body = _gone_wrong(chance, body)
    try:
        return encode(body)
    except (UnicodeEncodeError, ValueError, TypeError, OverflowError):
        return b'{"description":"\\ud800"}'


def _gone_wrong(chance: random.Random, value: Any) -> Any:
    """A copy with one member changed, dropped, doubled or added."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        match chance.randrange(4):
            case 0:
                return {k: v for k, v in value.items() if k != name}
            case 1:
                return {
                    **value,
                    chance.choice(("extra", "id", "meta", "resourceType", "_id", "")): chance.choice(SCALARS),
                }
            case _:
                return {**value, name: _gone_wrong(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.7:
        position = chance.randrange(len(value))
        return [*value[:position], _gone_wrong(chance, value[position]), *value[position:]]
    return chance.choice(SCALARS)


async def _send(place: Place, make: Callable[[], httpx.Request], found: Found) -> None:
    try:
        request = make()
    except (httpx.InvalidURL, UnicodeEncodeError, ValueError, TypeError, IndexError):
        found.statuses[0] += 1  # what httpx cannot send at all
        return
    started = time.perf_counter()
    answer = await place.http.send(request)
    found.judge(request, answer, time.perf_counter() - started)


def main(count: int = 50_000, seed: int = 1) -> int:
    """Prints what was answered. 0 when nothing was found."""
    warnings.simplefilter("ignore")
    configure_logs("CRITICAL")
    started = time.monotonic()
    found = asyncio.run(fuzz(count, seed))
    sent = sum(n for status, n in found.statuses.items() if status)
    print(f"{sent} requests in {time.monotonic() - started:.0f} s, {found.statuses[0]} could not be sent")
    print(f"answers {dict(sorted(found.statuses.items()))}; the slowest took {found.slowest * 1000:.0f} ms")
    print("\n".join(found.findings) or "no finding")
    return 1 if found.findings else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
