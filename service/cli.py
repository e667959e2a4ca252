"""`coplan`: run it, try it, describe it."""

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
import yaml

from fhir_mappings.carrier import encode
from service.app import create_app, open_services
from service.gateways.demo_issuer import AUDIENCE, DemoIssuer
from service.gateways.demo_record import DEMO_ORGANIZATION, DEMO_PEOPLE, seed
from service.gateways.smart_tokens import SmartTokenVerifier
from service.logs import configure_logs
from service.network_commands import measures, synth
from service.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
app.add_typer(measures, name="measures")
app.add_typer(synth, name="synth")
LOOPBACK: Final = "127.0.0.1"
DEMO_FOLDER: Final = Path(".data/demo")

TRY_IT: Final = """
CoPlan is running. This is a sandbox with synthetic patients: nothing here is for production.

  Documentation   {service}/docs
  FHIR server     {fhir}

Try it (in the folder where you started it):

1. Ann, who has an injured knee, proposes a goal in her own words.

   curl -s {service}/v1/patients/ann/goals -H "Authorization: Bearer $(cat {folder}/ann.token)" \\
     -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -H "Content-Type: application/json" \\
     -d '{{"description": "I want to walk to the shops again without my knee hurting"}}'

2. Dr Bo Berg sees it among the questions that wait for the care team.

   curl -s {service}/v1/patients/ann/plan -H "Authorization: Bearer $(cat {folder}/bo.token)"

3. Dr Bo Berg agrees to it; as agreed it stands in Ann's care plan on the FHIR server.

   id=$(curl -s {service}/v1/patients/ann/goals -H "Authorization: Bearer $(cat {folder}/bo.token)" \\
     | python3 -c 'import json,sys; print(json.load(sys.stdin)["goals"][-1]["id"])')
   curl -s {service}/v1/goals/$id/accept -H "Authorization: Bearer $(cat {folder}/bo.token)" -H 'If-Match: W/"1"' \\
     -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -H "Content-Type: application/json" -d '{{}}'
   curl -s '{fhir}/CarePlan?subject=Patient/ann&_include=CarePlan:goal'

Tokens for {people} are in {folder}/. Stop with Ctrl+C.
"""


@app.command()
def run(
    port: Annotated[int, typer.Option(help="Port of the service on 127.0.0.1; another free one if it is taken")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Folder that keeps the FHIR data; without it they are gone")] = None,
    fhir: Annotated[str | None, typer.Option(help="Base of a FHIR server of your own, to be seeded and used")] = None,
) -> None:
    """Starts a sandbox: the service, an embedded FHIR store, demo identities, synthetic patients."""
    configure_logs("WARNING")
    issuer = DemoIssuer()
    with _embedded_store(data) if fhir is None else _given(fhir) as base:
        asyncio.run(seed(base))
        _write_tokens(issuer)
        settings = Settings(fhir_base_url=base, audience=AUDIENCE, organization=DEMO_ORGANIZATION)
        verifier = SmartTokenVerifier(issuer.issuers, audience=AUDIENCE, fhir_base_url=base)
        port = _free_port(port)
        hello = TRY_IT.format(
            service=f"http://{LOOPBACK}:{port}", fhir=base, folder=DEMO_FOLDER, people=", ".join(DEMO_PEOPLE)
        )
        service = create_app(lambda: open_services(settings, verifier=verifier))
        _Server(service, port, hello).run()


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen at")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="Port to listen at")] = 8000,
) -> None:
    """Starts the service for a FHIR server and token issuers named by COPLAN_… settings."""
    settings = Settings()
    configure_logs(settings.log_level)
    _Server(create_app(lambda: open_services(settings)), port, "", host=host).run()


@app.command()
def openapi() -> None:
    """Prints openapi.yaml."""
    document = json.loads(encode(create_app(lambda: open_services(Settings())).openapi()))
    yaml.dump(document, sys.stdout, _Readable, sort_keys=False, allow_unicode=True, width=120)


class _Readable(yaml.SafeDumper):
    """Text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)


class _Server(uvicorn.Server):
    """A server that says hello once it listens."""

    def __init__(self, application: Any, port: int, hello: str = "", *, host: str = LOOPBACK) -> None:
        config = uvicorn.Config(
            application, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=20
        )
        super().__init__(config)
        self._hello = hello

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._hello, flush=True)


@contextmanager
def _embedded_store(data: Path | None) -> Iterator[str]:
    """Serves the embedded store on a port of its own, so that any FHIR client can look at it."""
    from service.gateways.embedded_fhir import create_embedded_store  # not installed where it is not wanted

    if data:
        data.mkdir(parents=True, exist_ok=True)
    port = _free_port(0)
    store = create_embedded_store(data, origin=f"http://{LOOPBACK}:{port}")
    server = _Server(store, port)
    thread = threading.Thread(target=server.run, name="embedded-fhir")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.02)
        yield store.base_url
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _given(base: str) -> Iterator[str]:
    yield base


def _write_tokens(issuer: DemoIssuer) -> None:
    DEMO_FOLDER.mkdir(parents=True, exist_ok=True)
    for short_name, (fhir_user, name) in DEMO_PEOPLE.items():
        path = DEMO_FOLDER / f"{short_name}.token"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(issuer.token(fhir_user, name=name))


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    app()
