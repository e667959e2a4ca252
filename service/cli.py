"""`coplan`: run it, try it, describe it."""

import asyncio
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
import yaml
from fastapi import FastAPI
from pydantic import ValidationError
from pydantic_settings import SettingsError

from fhir_mappings.carrier import encode
from service.api.edge import Edge
from service.api.flaws import flaw_of
from service.app import create_app, open_services, unusable
from service.demo_app import PATH as DEMO_APP
from service.demo_app import demo_app
from service.ehr_command import DEMO_FOLDER, KEPT, Sandbox, play
from service.gateways.client_keys import ClientKeys
from service.gateways.demo_ehr import DemoEhr
from service.gateways.demo_issuer import AUDIENCE, DemoIssuer
from service.gateways.demo_record import DEMO_ORGANIZATION, DEMO_PEOPLE, seed
from service.gateways.fhir_client import open_fhir_client
from service.gateways.smart_tokens import SmartTokenVerifier
from service.gateways.template_library import install_templates
from service.logs import configure_logs, log
from service.network_commands import measures, synth
from service.production import UnfitForProduction, must_be_fit
from service.setting_names import unknown_settings
from service.settings import Settings
from service.terminal import stopped_in_peace

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
templates = typer.Typer(no_args_is_help=True, help="Programmes that patients and clinicians design together.")
app.add_typer(templates, name="templates")
app.add_typer(measures, name="measures")
app.add_typer(synth, name="synth")
app.command(name="ehr")(play)
LOOPBACK: Final = "127.0.0.1"
STOPPED: Final = "CoPlan has stopped."
BACKLOG: Final = 2048
UNUSABLE: Final = "COPLAN_… settings that cannot be used:"

TRY_IT: Final = """
CoPlan is running. This is a sandbox with synthetic patients: nothing here is for production.

  Documentation   {service}/docs
  FHIR server     {fhir}
  As an EHR       {coplan} {ehr} order-sign   (the card that Dr Bo sees before he admits Ann: docs/cds-hooks.md)

Three things to try, in another terminal, in the folder where you started it (curl -K reads who you are from a file):

1. Ann, who has an injured knee, proposes a goal in her own words. Dr Bo Berg offers something else.

   coplan={service} fhir={fhir} id='import json, sys; print(json.load(sys.stdin)["id"])'

   offer=$(curl -sK {folder}/ann.curl $coplan/v1/patients/ann/goals -H 'Idempotency-Key: ann-1' -d '{{
     "description": "I want to walk to the shops again without my knee hurting"
   }}' | tee /dev/stderr | python3 -c "$id")

   counter=$(curl -sK {folder}/bo.curl $coplan/v1/goals/$offer/counter-proposals -H 'Idempotency-Key: bo-1' \\
     -H 'If-Match: W/"1"' -d '{{
     "description": "Walk a little every day, up to the shops by spring",
     "targets": [{{"measure": {{"text": "steps"}},
       "value": {{"quantity": {{"value": 4000, "code": "{{steps}}/d", "unit": "steps a day", "comparator": ">="}}}}}}],
     "reason": "The X-ray shows that the knee needs strength first"
   }}' | tee /dev/stderr | python3 -c "$id")

2. Ann agrees to it, so it is in her care plan. In the evening she says how far she came.

   curl -sK {folder}/ann.curl $coplan/v1/goals/$counter/accept -H 'Idempotency-Key: ann-2' \\
     -H 'If-Match: W/"1"' -d '{{"comment": "That is doable"}}'

   curl -sK {folder}/ann.curl $coplan/v1/goals/$counter/progress -H 'Idempotency-Key: ann-3' -d '{{
     "value": {{"quantity": {{"value": 2600, "code": "{{steps}}/d", "unit": "steps a day"}}}}, "effective": "{now}"
   }}'

3. The plan in one call; and what an EHR that knows nothing of CoPlan reads from the FHIR server.

   curl -sK {folder}/bo.curl $coplan/v1/patients/ann/plan | python3 -m json.tool

   curl -s "$fhir/CarePlan?subject=Patient/ann&_include=CarePlan:goal" | python3 -m json.tool

Send a line again: it happens once, for its Idempotency-Key is the same. Change the words and the key for another goal.
You can be {people}: -K {folder}/NAME.curl
Stop with Ctrl+C.
"""

ROLES: Final = {
    "ann": "patient, knee",
    "dev": "patient, diabetes",
    "lee": "patient of 14 years, with a goal that only his doctor sees",
    "luz": "patient, knee, speaks Spanish",
    "olaf": "father of lee",
    "rosa": "mother of mia, cystic fibrosis",
    "bo": "care team of ann, lee, luz and mia",
    "nora": "care team of dev and lee",
}
"""Who can be impersonated in the sandbox."""
REFUSED_CALLS: Final = frozenset({"cds_token_refused", "cds_user_not_verified"})
"""What an EHR developer who tries it looks for after a 401, or where no card comes: a line each."""


@app.command()
def run(
    port: Annotated[int, typer.Option(help="Port of the service on 127.0.0.1; another free one if it is taken")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Folder that keeps the FHIR data; without it they are gone")] = None,
    fhir: Annotated[str | None, typer.Option(help="Base of a FHIR server of your own, to be seeded and used")] = None,
) -> None:
    """Starts a sandbox: the service, an embedded FHIR store, demo identities, synthetic patients."""
    configure_logs("WARNING", told=REFUSED_CALLS)
    with stopped_in_peace(STOPPED), _embedded_store(data) if fhir is None else _given(fhir) as base:
        asyncio.run(seed(base))
        _run_sandbox(base, port)


def _run_sandbox(base: str, wanted: int) -> None:
    """A second one beside it has a port and identities of its own: what the first has printed goes on."""
    issuer, listener = DemoIssuer(), _listener(LOOPBACK, wanted, otherwise=True)
    port = listener.getsockname()[1]
    sandbox = Sandbox(f"http://{LOOPBACK}:{port}", base, DemoEhr())
    folder = DEMO_FOLDER if wanted in {0, port} else DEMO_FOLDER.with_name(f"{DEMO_FOLDER.name}-{port}")
    _write_identities(issuer, sandbox, folder)
    taken = (
        "" if wanted in {0, port} else f"\nPort {wanted} is taken, perhaps by another sandbox: this one has {port}.\n"
    )
    _Server(_sandbox_service(issuer, sandbox), taken + _hello(sandbox, folder)).run([listener])


def _sandbox_service(issuer: DemoIssuer, sandbox: Sandbox) -> FastAPI:
    """The service with identities and an EHR that nobody else knows, and with the app that its cards link to."""
    settings = Settings(
        fhir_base_url=sandbox.fhir,
        audience=AUDIENCE,
        organization=DEMO_ORGANIZATION,
        cds_base_url=sandbox.service,
        cds_fhir_servers=[sandbox.fhir],
        cds_app_url=sandbox.service + DEMO_APP,
        cds_budget=timedelta(seconds=5),  # the first call of a laptop may take its time: whoever tries sees the card
    )
    verifier = SmartTokenVerifier(issuer.issuers, audience=AUDIENCE, fhir_base_url=sandbox.fhir)
    keys, ehrs = ClientKeys.generated(), sandbox.ehr.clients
    edge = Edge(hosts=frozenset({LOOPBACK, "localhost"}))  # a page of elsewhere that has our address reads nothing here
    service = create_app(lambda: open_services(settings, verifier=verifier, keys=keys, cds_clients=ehrs), edge)
    service.include_router(demo_app(issuer, sandbox.ehr, sandbox.service + DEMO_APP))
    return service


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen at")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="Port to listen at")] = 8000,
) -> None:
    """Starts the service for a FHIR server and token issuers named by COPLAN_… settings."""
    settings, unknown = _settings()
    configure_logs(settings.log_level)
    if unknown:
        log.warning("unknown_settings", issues=unknown)
    service = create_app(lambda: open_services(settings), Edge.of(settings), cds_origins=settings.cds_origins)
    with suppress(KeyboardInterrupt):
        _Server(service).run([_listener(host, port)])


def _settings() -> tuple[Settings, tuple[str, ...]]:
    """Those of the environment, and what looks like one and is none; what is wrong is said without values, which may be
    secrets.
    """
    try:
        settings = Settings()
        unknown = unknown_settings(os.environ, settings.secrets_dir)
        must_be_fit(settings, unknown)
        if not (flaws := tuple(unusable(settings))):
            return settings, unknown
        print(UNUSABLE, *flaws, sep="\n- ", file=sys.stderr)
    except ValidationError as exc:
        found = (flaw_of(e, ("body", *e["loc"])) for e in exc.errors(include_input=False))
        told = (f"{_setting(f.expression)}{f.said()}" for f in found)
        print(UNUSABLE, *told, sep="\n- ", file=sys.stderr)
    except SettingsError as exc:
        named = re.findall(r'field "(\w+)"', str(exc))
        print(UNUSABLE, *(f"{_setting(name)}must be JSON" for name in named), sep="\n- ", file=sys.stderr)
    except UnfitForProduction as exc:
        print(exc, file=sys.stderr)
    raise typer.Exit(2)


def _setting(path: str) -> str:
    """As it is called in the environment; a rule about several settings names them itself."""
    return "" if path == "body" else f"COPLAN_{path.upper()} "


@app.command()
def openapi() -> None:
    """Prints openapi.yaml."""
    document = json.loads(encode(create_app(lambda: open_services(Settings())).openapi()))
    yaml.dump(document, sys.stdout, _Readable, sort_keys=False, allow_unicode=True, width=120)


@templates.command()
def install(
    fhir: Annotated[str | None, typer.Option(help="Base of a FHIR server; without it COPLAN_FHIR_BASE_URL")] = None,
) -> None:
    """Puts the shipped programmes onto the FHIR server, as drafts; those that are there already stay as they are."""
    settings = Settings(fhir_base_url=fhir) if fhir else Settings()
    for canonical, is_new in asyncio.run(_install(settings)):
        print(f"{'installed' if is_new else 'was there'}  {canonical}")


async def _install(settings: Settings) -> list[tuple[str, bool]]:
    authorization = settings.fhir_authorization
    async with open_fhir_client(
        str(settings.fhir_base_url),
        deadline=settings.fhir_deadline,
        authorization=authorization.get_secret_value() if authorization else None,
    ) as client:
        return await install_templates(client)


class _Readable(yaml.SafeDumper):
    """Text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)


def _hello(sandbox: Sandbox, folder: Path) -> str:
    now, people = (
        datetime.now(UTC).isoformat(timespec="seconds"),
        ", ".join(f"{short} ({whose})" for short, whose in ROLES.items()),
    )
    coplan = min(sys.argv[0], os.path.relpath(sys.argv[0]), key=len)
    ehr = "ehr" if folder == DEMO_FOLDER else f"ehr --demo {folder}"
    return TRY_IT.format(
        service=sandbox.service, fhir=sandbox.fhir, coplan=coplan, ehr=ehr, folder=folder, people=people, now=now
    )


class _Server(uvicorn.Server):
    """A server that says hello once it listens."""

    def __init__(self, application: Any, hello: str = "") -> None:
        config = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=20,
        )
        super().__init__(config)
        self._hello = hello

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._hello:
            print(self._hello, flush=True)


@contextmanager
def _embedded_store(data: Path | None) -> Iterator[str]:
    """Serves the embedded store on a port of its own, so that any FHIR client can look at it."""
    from service.gateways.embedded_fhir import create_embedded_store  # not installed where it is not wanted

    if data:
        data.mkdir(parents=True, exist_ok=True)
    listener = _listener(LOOPBACK, 0)
    store = create_embedded_store(data, origin=f"http://{LOOPBACK}:{listener.getsockname()[1]}")
    server = _Server(store)
    thread = threading.Thread(target=server.run, args=[[listener]], name="embedded-fhir")
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


def _write_identities(issuer: DemoIssuer, sandbox: Sandbox, folder: Path) -> None:
    """For each person the token, and a file for `curl -K` that sends it; for this user's eyes only."""
    folder.mkdir(parents=True, exist_ok=True)
    for short_name, (fhir_user, name) in DEMO_PEOPLE.items():
        token = issuer.token(fhir_user, name=name)
        _write_secret(folder / f"{short_name}.token", token)
        headers = (f"Authorization: Bearer {token}", "Content-Type: application/json")
        _write_secret(folder / f"{short_name}.curl", "".join(f'header = "{h}"\n' for h in headers))
    _write_secret(folder / KEPT, sandbox.kept().decode())


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _listener(host: str, port: int, *, otherwise: bool = False) -> socket.socket:
    """Listens at once, so that nobody else takes the port meanwhile; at another free one if that may be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as exc:
        if otherwise:
            return socket.create_server((host, 0), family=family, backlog=BACKLOG)
        why = os.strerror(exc.errno).lower() if exc.errno else str(exc)
        print(f"Cannot listen at {host}, port {port}: {why}. Choose another with --port or --host.", file=sys.stderr)
        raise typer.Exit(1) from exc


if __name__ == "__main__":
    app()
