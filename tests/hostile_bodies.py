"""Bodies that are meant to hurt, and what each costs: `python -m tests.hostile_bodies` measures it.

One process serves (`coplan run`), another sends; peak memory is the kernel's (VmHWM, reset before each body).
"""

import gzip
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx

LIMIT_SECONDS: Final = 1.0
LIMIT_BYTES: Final = 50 * 2**20
FULL: Final = 1_000_000
"""COPLAN_MAX_BODY_BYTES by default: what is larger is refused unread."""


@dataclass(frozen=True, slots=True)
class HostileBody:
    """A body, the headers that go with it, and the statuses that may answer it."""

    name: str
    content: bytes
    statuses: frozenset[int]
    headers: dict[str, str] = field(default_factory=dict)


def _of(name: str, content: bytes | str, *statuses: int, **headers: str) -> HostileBody:
    data = content if isinstance(content, bytes) else content.encode()
    return HostileBody(name, data, frozenset(statuses), {k.replace("_", "-"): v for k, v in headers.items()})


def _filled(item: str, wrap: str = '{{"ask":[{}]}}') -> str:
    """As many of the item as a body may hold."""
    room = FULL - len(wrap)
    return wrap.format(",".join([item] * (room // (len(item) + 1))))


def hostile_bodies() -> Iterator[HostileBody]:
    """Shapes that have hurt parsers, validators and error reports."""
    yield _of("nothing", b"", 400)
    yield _of("no JSON", "{", 400)
    yield _of("20 MB of text", '{"description":"' + "x" * 20_000_000 + '"}', 413)
    yield _of("1 MB of one word", '{"description":"' + "x" * (FULL - 40) + '"}', 422)
    yield _of("1 MB of spaces", " " * (FULL - 2) + "{}", 422)
    yield _of("1 MB of NUL", b"\0" * (FULL - 1), 400)
    yield _of("1 MB of escaped NUL", '{"description":"' + "\\u0000" * 160_000 + '"}', 422)
    yield _of("nested lists", '{"ask":' + "[" * 400_000 + "]" * 400_000 + "}", 400)
    yield _of("nested lists that never close", "[" * (FULL - 1), 400)
    yield _of("nested objects", '{"a":' * 150_000 + "1" + "}" * 150_000, 400)
    yield _of("brackets within text", '{"description":"' + "[{" * 400_000 + '"}', 422)
    yield _of("many empty lists", _filled("[]"), 400)
    yield _of("many empty objects", _filled("{}"), 400)
    yield _of("many numbers", _filled("1"), 400)
    yield _of("many nulls", _filled("null"), 400)
    yield _of("many references", _filled('"Practitioner/bo"'), 400, 422)
    yield _of("many targets", _filled('{"measure":{"text":"x"}}', '{{"description":"x","targets":[{}]}}'), 400, 422)
    yield _of("19,000 members that are wrong", '{"description":"x","ask":[' + ",".join(["1"] * 19_000) + "]}", 422)
    yield _of("19,000 unknown fields", "{" + ",".join(f'"f{n}":1' for n in range(19_000)) + "}", 422)
    yield _of("19,000 targets that are empty", '{"description":"x","targets":[' + ",".join(["{}"] * 19_000) + "]}", 422)
    yield _of("many unknown fields", "{" + ",".join(f'"f{n}":1' for n in range(80_000)) + "}", 400)
    yield _of("a field with a long name", '{"' + "x" * (FULL - 10) + '":1}', 422)
    yield _of("a key twice", '{"description":"Walk","description":"Run"}', 400)
    yield _of("a key 60,000 times", "{" + ",".join(['"description":"x"'] * 60_000)[: FULL - 100] + "}", 400)
    yield _of("a number of 900,000 digits", '{"description":' + "9" * 900_000 + "}", 400)
    yield _of("a fraction of 900,000 digits", '{"description":0.' + "9" * 900_000 + "}", 400)
    yield _of("an exponent beyond all", '{"description":1e999999999}', 400)
    yield _of("NaN", '{"description":NaN}', 400)
    yield _of("UTF-16", '{"description":"Walk"}'.encode("utf-16"), 400)
    yield _of("UTF-32", '{"description":"Walk"}'.encode("utf-32"), 400)
    yield _of("UTF-8 with a mark", b"\xef\xbb\xbf" + b'{"description":"Walk"}', 400)
    yield _of("UTF-8 that is too long", b'{"description":"\xc0\xaf"}', 400)
    yield _of("half a surrogate", '{"description":"\\ud800"}', 422)
    yield _of("a gzip bomb of 1 GB", gzip.compress(b"0" * 10**8) * 10, 413, 415, Content_Encoding="gzip")
    yield _of("brotli, it says", b"{}", 415, Content_Encoding="br")
    yield _of("XML", "<Goal/>", 415, Content_Type="application/fhir+xml")
    yield _of("XML that laughs", _LAUGHS, 415, Content_Type="application/xml")
    yield _of("a form", "description=Walk", 415, Content_Type="application/x-www-form-urlencoded")
    yield _of("parts", "--x\r\n\r\n" * 100_000, 415, Content_Type="multipart/form-data; boundary=x")
    yield _of("no media type", "{}", 415, Content_Type="")
    yield _of("script", '{"description":"<script>alert(1)</script>"}', 422)
    yield _of("an image that calls home", '{"description":"<img src=x onerror=alert(1)>"}', 422)
    yield _of("text that runs backwards", '{"description":"pay \\u202e001 euros"}', 422)
    yield _of("many words for a pattern", '{"startDate":"' + "2026-01-01" * 90_000 + '"}', 422)
    yield _of("a unit of 900,000 brackets", _unit("[" * 900_000), 422)
    yield _of("a unit of 900,000 braces", _unit("{a}" * 300_000), 422)
    yield _of("a reference of 900,000 slashes", '{"description":"x","ask":["' + "a/" * 450_000 + '"]}', 422)


def _unit(code: str) -> str:
    return (
        '{"description":"x","targets":[{"measure":{"text":"x"},"value":{"quantity":{"value":1,"code":"'
        + code
        + '"}}}]}'
    )


_LAUGHS: Final = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><Goal>&j;</Goal>"
)


def main() -> None:
    """Prints a table; ends with 1 where a body costs more than it may, or is answered otherwise."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".cache/hostile")
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("coplan").absolute()), "run", "--port", "0"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        base = _base(process)
        token = (folder / ".data/demo/ann.token").read_text()
        failed = [row for body in hostile_bodies() if (row := _row(process.pid, base, token, body))]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    sys.exit(1 if failed else 0)


def _base(process: subprocess.Popen[str]) -> str:
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if line.startswith("Tokens for"):
            break
    found = re.search(r"Documentation +(http://\S+)/docs", said)
    assert found is not None
    return found[1]


def _row(pid: int, base: str, token: str, body: HostileBody) -> str | None:
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": str(uuid4()),
        "Content-Type": "application/json",
        **body.headers,
    }
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = _memory(pid, "VmRSS")
    with httpx.Client(trust_env=False, timeout=60) as http:
        started = time.perf_counter()
        answer = http.post(f"{base}/v1/patients/ann/goals", content=body.content, headers=headers)
        took = time.perf_counter() - started
    grown = max(0, _memory(pid, "VmHWM") - before)
    fits = answer.status_code in body.statuses and took <= LIMIT_SECONDS and grown <= LIMIT_BYTES
    size = f"{len(body.content):,}"
    print(
        f"| {body.name} | {size} | {answer.status_code} | {took * 1000:.0f} ms | {grown / 2**20:.1f} MB |", flush=True
    )
    if not fits:
        print(f"  ^ wanted {sorted(body.statuses)} within {LIMIT_SECONDS} s and 50 MB: {answer.text[:300]}", flush=True)
    return None if fits else body.name


def _memory(pid: int, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
