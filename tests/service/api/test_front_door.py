"""Whoever finds only the address learns what this is and where to go on."""

from html.parser import HTMLParser
from importlib.metadata import version

import httpx
import pytest

from service.api.edge import Edge
from service.app import create_app
from tests.conftest import FhirServer, open_test_services
from tests.people import said

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CLOSED = {"documentation", "openapi"}


class Links(HTMLParser):
    """The addresses that a page leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value]


@pytest.mark.parametrize("docs", [True, False])
async def test_each_address_that_the_front_door_names_leads_somewhere(embedded_server: FhirServer, docs: bool) -> None:
    async with open_test_services(embedded_server) as services:
        app = create_app(lambda: pytest.fail("the lifespan does not run here"), Edge(docs=docs))
        app.state.services = services
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test") as http:
            told = said(await http.get("/"), 200)
            page = await http.get("/", headers={"Accept": BROWSER})
            links = {name: to for name, to in told.items() if str(to).startswith("http")}
            statuses = {name: (await http.get(to)).status_code for name, to in links.items()}
            unwanted = await http.get("/", headers={"Accept": "application/xml"})

    assert (told["product"], told["version"], told["fhirVersion"]) == ("CoPlan", version("coplan"), "4.0.1")
    assert {name for name, status in statuses.items() if status == 401} == {"me", "decisionSupport"}
    assert set(statuses.values()) == {200, 401}
    assert links.keys() & CLOSED == (CLOSED if docs else set())
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert sorted(Links(page.text).found) == sorted(links.values())
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert unwanted.status_code == 406


async def test_the_front_door_names_the_addresses_as_callers_know_them(embedded_server: FhirServer) -> None:
    async with open_test_services(embedded_server, public_url="https://care.example/coplan/") as services:
        app = create_app(lambda: pytest.fail("the lifespan does not run here"))
        app.state.services = services
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7") as http:
            told = said(await http.get("/"), 200)

    assert told["documentation"] == "https://care.example/coplan/docs"
