"""`coplan ehr`: a newcomer sees the card, asks the patient, and sees what becomes of it, in the sandbox as it is."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import KeySet
from starlette.responses import HTMLResponse
from typer.testing import CliRunner

from fhir_mappings.carrier import encode
from service.api import cds_examples, decision_examples
from service.app import open_services
from service.cli import app
from service.demo_app import demo_app
from service.domain.hooks import Hook
from service.ehr_command import launch_of
from service.errors import InvalidContent, NotAuthenticated
from service.gateways.cds_clients import CdsClient, CdsClientVerifier
from service.gateways.demo_ehr import DemoEhr
from service.gateways.demo_issuer import DemoIssuer
from service.gateways.issuer_keys import KnownKeys
from service.gateways.memory_store import MemoryNonces
from service.settings import Settings
from tests.sandbox import COPLAN, in_shell, running

DOCS = Path(__file__).parents[2] / "docs" / "cds-hooks.md"
Plays = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def coplan(folder: Path) -> Iterator[str]:
    """Where the service of a sandbox in this folder is reached."""
    with running(folder) as said:
        command = re.search(r"As an EHR +(\S+) ehr order-sign", said)
        assert command is not None and (folder / command[1]).samefile(COPLAN)
        yield said.partition("Documentation")[2].split()[0].removesuffix("/docs")


@pytest.fixture
def plays(coplan: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Plays:
    """What the command says in the folder of the sandbox."""
    monkeypatch.chdir(folder)

    def played(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["ehr", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    return played


def documented(mark: str, language: str = "json") -> str:
    """A block of docs/cds-hooks.md."""
    found = re.search(rf"{re.escape(mark)}\n```{language}\n(.*?)\n```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_documentation_shows_what_goes_over_the_wire(coplan: str, folder: Path, plays: Plays) -> None:
    """First of all: nobody has asked yet."""
    call = plays("order-sign", "--curl")
    sent = json.loads(call.partition("-d '")[2].rstrip("'\n"))
    (answer,) = in_shell(folder, [call])
    shown, shown_answer = json.loads(documented("<!-- call -->")), json.loads(documented("<!-- answer -->"))

    assert {**sent, "hookInstance": None, "fhirServer": None} == {**shown, "hookInstance": None, "fhirServer": None}
    assert json.loads(encode(answer).decode().replace(coplan, "http://127.0.0.1:8000")) == shown_answer


async def test_a_token_that_is_signed_as_the_documentation_says_is_taken() -> None:
    told: dict[str, Any] = {}
    exec(documented("its public half is published as a JWKS.\n", "python"), told)
    client = CdsClient(KnownKeys(KeySet.import_key_set(told["jwks"])))
    endpoint = "https://coplan.example/cds-services"
    verifier = CdsClientVerifier({"https://ehr.example/": client}, MemoryNonces())

    assert await verifier.verify(told["token"](endpoint), endpoint) == "https://ehr.example/"


def test_from_nobody_has_asked_to_asked_first(coplan: str, folder: Path, plays: Plays) -> None:
    started = plays("encounter-start")
    assert "Not asked yet: does the patient want to be admitted?" in started

    link = re.search(r"http\S+/demo/app\?\S+", started)
    assert link is not None
    opened = httpx.get(link[0], trust_env=False)
    assert "Do you want to stay in hospital?" in opened.text
    context = json.loads(re.findall(r"const context = (\{.*\})", opened.text)[0])
    assert (context["asked"], context["encounter"], context["user"]) == (True, "Encounter/ed-1", "Practitioner/bo")
    as_the_page_does = {"Authorization": f"Bearer {context['token']}", "Idempotency-Key": "from-the-page"}
    path = f"{coplan}/v1/patients/{context['patient']}/preferences"
    stated = httpx.post(path, json=decision_examples.STATE, headers=as_the_page_does, trust_env=False)
    assert stated.status_code == 201, stated.text
    assert stated.json()["statedBy"] == "Patient/ann"

    assert "Asked: the patient prefers care at home" in plays("encounter-start")
    (answer,) = in_shell(folder, [plays("order-sign", "--curl")])
    (card,), (example,) = answer["cards"], cds_examples.CARDS["cards"]
    example = {**example, "detail": str(example["detail"]).replace("December 3, 2025", "1 minute ago")}
    assert {k: card[k] for k in ("summary", "indicator", "source", "detail")} == {
        k: example[k] for k in ("summary", "indicator", "source", "detail")
    }
    signing = plays("order-sign", "--sign")
    assert "Admission that the patient does not want" in signing
    order = re.findall(r"Signed: (ServiceRequest/\S+),", signing)
    measured, counted = in_shell(
        folder,
        [
            f"curl -sK .data/demo/bo.curl {coplan}/v1/patients/ann/asked-first",
            f"curl -sK .data/demo/bo.curl {coplan}/v1/decision-support/feedback",
        ],
    )
    assert [a["order"]["reference"] for a in measured["admissions"]] == order
    assert (measured["askedFirst"], measured["orders"]) == (1, 1)
    assert counted["services"][0]["overridden"] == 1


@pytest.mark.parametrize("hook", Hook)
def test_each_hook_can_be_sent_and_its_printed_call_is_good_for_once(
    coplan: str, folder: Path, plays: Plays, hook: Hook
) -> None:
    plays(str(hook))
    call = plays(str(hook), "--curl")
    first, again = in_shell(folder, [call, call])

    assert f'"aud":"{coplan}/cds-services/' in call
    assert isinstance(first["cards"], list)
    assert again["issue"][0]["code"] == "login"


def test_the_example_of_a_hook_works_as_it_stands_in_the_documentation(folder: Path, plays: Plays) -> None:
    call = plays("order-sign", "--curl")
    pasted = re.sub(r"-d '.*'", f"-d '{encode(cds_examples.ORDER_SIGN).decode()}'", call)
    (answer,) = in_shell(folder, [pasted])

    (card,) = answer["cards"]
    assert (card["summary"], card["detail"]) == tuple(cds_examples.CARDS["cards"][0][k] for k in ("summary", "detail"))


def test_without_a_sandbox_the_newcomer_is_told_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["ehr", "order-sign"])

    assert (done.exit_code, done.stderr) == (2, "Start the sandbox first (coplan run), and come back to this folder.\n")


async def test_the_ehr_of_the_sandbox_is_a_stranger_everywhere_else() -> None:
    endpoint = "https://coplan.example/cds-services"
    settings = Settings(fhir_base_url="http://127.0.0.1:9/fhir", cds_base_url="https://coplan.example")
    async with open_services(settings) as services:
        with pytest.raises(NotAuthenticated):
            await services.decisions.clients.verify(DemoEhr().token(endpoint), endpoint)
    ehr = DemoEhr()
    async with open_services(settings, cds_clients=ehr.clients) as services:
        assert await services.decisions.clients.verify(ehr.token(endpoint), endpoint) == "urn:coplan:demo-ehr"
        with pytest.raises(NotAuthenticated):
            await services.decisions.clients.verify(DemoEhr().token(endpoint), endpoint)


APP = "http://coplan.test/demo/app"
EHR = DemoEhr()


async def opened(launch: str) -> HTMLResponse:
    (route,) = demo_app(DemoIssuer(), EHR, APP).routes
    page: HTMLResponse = await route.endpoint(launch)  # type: ignore[attr-defined]
    return page


@pytest.mark.parametrize(
    "launch",
    [
        "",
        "x",
        "é.x.y",
        "eyJ9",
        "e30=",
        "eyJwYXRpZW50IjoiYW5uIn0=",
        EHR.token(APP),
        EHR.launch({"patient": "ann"}, "http://elsewhere.test/demo/app"),
        DemoEhr().launch({"patient": "ann"}, APP),
        *(
            EHR.launch(context, APP)
            for context in (
                {},
                {"patient": "</script>"},
                {"patient": "ann/bo"},
                {"patient": "a" * 65},
                {"patient": 1},
                {"patient": "ann", "user": "Practitioner"},
                {"patient": "ann", "user": "Practitioner/bo/x"},
                {"patient": "ann", "appContext": 1},
                {"patient": "ann", "appContext": '{"encounter":"<"}'},
            )
        ),
    ],
)
async def test_what_is_no_launch_of_the_sandbox_opens_nothing(launch: str) -> None:
    """Only its EHR hands out a patient's identity: whoever knows the address alone gets none."""
    with pytest.raises(InvalidContent):
        await opened(launch)


async def test_a_launch_that_is_old_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("service.gateways.demo_ehr.OPENED_WITHIN", -timedelta(hours=1))
        launch = EHR.launch({"patient": "ann"}, APP)
    with pytest.raises(InvalidContent):
        await opened(launch)
    assert (await opened(EHR.launch({"patient": "ann"}, APP))).status_code == 200


def test_the_sandbox_answers_to_no_foreign_name(coplan: str) -> None:
    answer = httpx.get(f"{coplan}/demo/app?launch=x", headers={"Host": "evil.example"}, trust_env=False)

    assert answer.status_code == 421


async def test_a_page_holds_nothing_that_could_end_its_script() -> None:
    context = '{"ask":"</script><script>alert(1)</script>"}'
    link = launch_of({"url": APP, "appContext": context}, "http://fhir.test", EHR)
    launch = httpx.QueryParams(urlsplit(link).query)["launch"]
    page = await opened(launch)

    assert isinstance(page.body, bytes)
    assert page.body.count(b"<script") == page.body.count(b"</script>") == 1
    assert b"'unsafe-inline'" not in page.headers["content-security-policy"].encode()


def test_what_the_command_says_itself_is_in_the_clinicians_language_too(plays: Plays) -> None:
    """Whatever was answered so far: an admission is ordered that is not wanted, or about which nobody has asked."""
    assert "Para seguir de todos modos:" in plays("order-sign", "--language", "es")


def test_what_cannot_be_signed_is_said(plays: Plays) -> None:
    assert "--sign is for order-sign: patient-view has nothing to sign." in plays("patient-view", "--sign")
