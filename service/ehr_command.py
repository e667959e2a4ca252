"""`coplan ehr`: plays the EHR of the sandbox, so that whoever tries CoPlan sees the card that a clinician would see."""

import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import typer
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.wording import Language
from service.api.cds_examples import CONTEXT, DRAFT
from service.domain.hooks import SERVICES, Hook
from service.gateways.demo_ehr import DemoEhr

DEMO_FOLDER: Final = Path(".data/demo")
KEPT: Final = "ehr.json"
APPOINTMENT: Final = {
    "resourceType": "Appointment",
    "status": "proposed",
    "participant": [{"actor": {"reference": "Patient/ann"}, "status": "needs-action"}],
}
COLOURS: Final = {"info": "blue", "warning": "yellow", "critical": "red"}
said: Final = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where it listens, and the key by which its service knows this EHR."""

    service: str
    fhir: str
    ehr: DemoEhr

    def kept(self) -> bytes:
        """A secret, for another process of this user."""
        return encode({"service": self.service, "fhir": self.fhir, "key": self.ehr.private_key})

    @classmethod
    def found(cls, folder: Path) -> "Sandbox":
        """The one that was started with this folder for its identities."""
        try:
            kept = decode((folder / KEPT).read_bytes())
        except FileNotFoundError:
            print("Start the sandbox first (coplan run), and come back to this folder.", file=sys.stderr)
            raise typer.Exit(2) from None
        return cls(kept["service"], kept["fhir"], DemoEhr.of(kept["key"]))


def play(
    hook: Annotated[Hook, typer.Argument(help="What has just happened in the EHR")],
    language: Annotated[str, typer.Option(help="In which language the clinician works")] = "en",
    curl: Annotated[
        bool, typer.Option("--curl", help="Print the signed call, good for once, and send nothing")
    ] = False,
    demo: Annotated[Path, typer.Option(help="Where the sandbox keeps its identities")] = DEMO_FOLDER,
    sign: Annotated[bool, typer.Option("--sign", help="With order-sign: sign it all the same, and say why")] = False,
) -> None:
    """Plays the EHR of Dr Bo, who has Ann before him: sends the hook as an EHR does, shows the card that comes back."""
    sandbox = Sandbox.found(demo)
    path, body = call_of(hook, sandbox.fhir)
    if curl:
        print(_as_curl(sandbox, path, body, language))
        return
    cards = _shown(sandbox, path, body, language)
    if sign and hook is Hook.ORDER_SIGN:
        _signed(sandbox, path, cards)
    elif sign:
        print(f"--sign is for order-sign: {hook} has nothing to sign.", file=sys.stderr)


def call_of(hook: Hook, fhir: str) -> tuple[str, Json]:
    """The path and the body: Ann has come to the emergency department."""
    orders = {"draftOrders": _bundle(DRAFT)}
    more: Mapping[Hook, Json] = {
        Hook.ORDER_SELECT: {"selections": [f"ServiceRequest/{DRAFT['id']}"], **orders},
        Hook.ORDER_SIGN: orders,
        Hook.APPOINTMENT_BOOK: {"appointments": _bundle(APPOINTMENT)},
    }
    context = {**CONTEXT, **more.get(hook, {})}
    service = next(s.id for s in SERVICES if hook in s.answers)
    return f"/cds-services/{service}", {
        "hook": str(hook),
        "hookInstance": str(uuid4()),
        "fhirServer": fhir,
        "context": context,
    }


def launch_of(link: Json, fhir: str, ehr: DemoEhr) -> str:
    """A SMART link as an EHR opens it. What a token would say of the launch is in `launch`, signed: the sandbox has no
    server for tokens.

    Source: https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch
    """
    context = {"patient": CONTEXT["patientId"], "user": CONTEXT["userId"], "appContext": link.get("appContext")}
    return f"{link['url']}?{urlencode({'iss': fhir, 'launch': ehr.launch(context, link['url'])})}"


def _bundle(resource: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}


def _as_curl(sandbox: Sandbox, path: str, body: Json, language: str) -> str:
    """With what the token says, for whoever has to sign such tokens."""
    endpoint = sandbox.service + path
    claims = sandbox.ehr.claims(endpoint)
    headers = (
        f"Authorization: Bearer {sandbox.ehr.signed(claims)}",
        "Content-Type: application/json",
        f"Accept-Language: {language}",
    )
    return "\n".join(
        (
            f"# header of the token: {encode(sandbox.ehr.header).decode()}",
            f"# its claims: {encode(claims).decode()}",
            f"curl -s {endpoint} \\",
            *(f"  -H {shlex.quote(header)} \\" for header in headers),
            f"  -d {shlex.quote(encode(body).decode())}",
        )
    )


def _sent(sandbox: Sandbox, path: str, body: Json, language: str = "en") -> Any:
    endpoint = sandbox.service + path
    headers = {
        "Authorization": f"Bearer {sandbox.ehr.token(endpoint)}",
        "Content-Type": "application/json",
        "Accept-Language": language,
    }
    try:
        answer = httpx.post(endpoint, content=encode(body), headers=headers, trust_env=False, timeout=10)
    except httpx.ConnectError:
        print(f"Nothing answers at {sandbox.service}: is the sandbox still running?", file=sys.stderr)
        raise typer.Exit(2) from None
    if answer.is_error:
        print(f"{answer.status_code} {answer.text}", file=sys.stderr)
        raise typer.Exit(1)
    return decode(answer.content)


def _shown(sandbox: Sandbox, path: str, body: Json, language: str) -> list[Json]:
    started = time.perf_counter()
    cards: list[Json] = _sent(sandbox, path, body, language)["cards"]
    took = (time.perf_counter() - started) * 1000
    for card in cards:
        said.print(_panel(card, Language(language)))
        for link in card.get("links", ()):
            said.print(f"{link['label']}:\n{launch_of(link, sandbox.fhir, sandbox.ehr)}\n", soft_wrap=True)
    if not cards:
        said.print("No card: there is nothing to say.")
    said.print(f"{body['hook']}, answered in {took:.0f} ms", style="dim")
    return cards


def _panel(card: Json, language: Language) -> Panel:
    parts: list[Any] = [Text(card["summary"], style="bold")]
    if "detail" in card:
        parts += [Text(""), Markdown(card["detail"])]
    if reasons := card.get("overrideReasons"):
        listed = "\n".join(f"( ) {reason['display']}" for reason in reasons)
        heading = language.say("To go on all the same:")
        parts.append(Text(f"\n{heading}\n{listed}", style="dim"))
    colour = COLOURS[card["indicator"]]
    source = card["source"]["label"]
    return Panel(Group(*parts), title=card["indicator"], subtitle=source, border_style=colour, width=100)


def _signed(sandbox: Sandbox, path: str, cards: list[Json]) -> None:
    """The order goes to the FHIR server, and the reason to the service, as an EHR sends both."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    draft = {k: v for k, v in DRAFT.items() if k != "id"}
    signed = {**draft, "status": "active", "authoredOn": now, "requester": {"reference": CONTEXT["userId"]}}
    written = httpx.post(f"{sandbox.fhir}/ServiceRequest", json=signed, trust_env=False, timeout=10)
    written.raise_for_status()
    said.print(f"Signed: ServiceRequest/{written.json()['id']}, authoredOn {now}")
    for card in cards:
        reason = {k: card["overrideReasons"][0][k] for k in ("code", "system")}
        overridden = {"card": card["uuid"], "outcome": "overridden", "overrideReason": {"reason": reason}}
        _sent(sandbox, f"{path}/feedback", {"feedback": [{**overridden, "outcomeTimestamp": now}]})
        said.print(f"Told why: {card['overrideReasons'][0]['display']}")
