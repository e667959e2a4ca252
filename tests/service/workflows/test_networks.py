"""A network publishes what it counted, and everybody sees the same chart."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from fhir_mappings.carrier import Json, encode
from fhir_mappings.measuring import Counted, Every, MeasureReport, Period, Tally
from service.api.dependencies import Services
from service.domain.network_measures import reports
from service.measure_definitions import measures
from service.workflows.measures import publish
from tests.conftest import FhirServer, open_test_services
from tests.people import FHIR, World, said

REMISSION = measures()["remission-pga"]
MONTHS = 14
CHANGE = 12


@pytest.fixture
async def services(fhir_server: FhirServer) -> AsyncIterator[Services]:
    async with open_test_services(fhir_server) as opened:
        yield opened


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def counted(world: World) -> list[MeasureReport]:
    """Five centres, the last one too small to be shown."""
    found: list[MeasureReport] = []
    for month in range(MONTHS):
        share = 0.6 if month < CHANGE else 0.9
        sizes = {f"c{i}-{world.suffix}": size for i, size in enumerate((300, 200, 150, 120, 9))}
        centres = {name: Tally(size, round(size * share)) for name, size in sizes.items()}
        total = Tally(sum(sizes.values()), sum(t.numerator or 0 for t in centres.values()))
        period = Period.of(date(2024 + month // 12, month % 12 + 1, 1), Every.MONTH)
        one = Counted(REMISSION.id, period, total, centres, {"proxy": {"yes": total}})
        found += reports(one, REMISSION, network=network(world), at=at(1))
    return found


def network(world: World) -> str:
    return f"clinic-{world.suffix}"


async def seed_centres(world: World) -> None:
    for i in range(5):
        centre = {"resourceType": "Organization", "id": f"c{i}-{world.suffix}", "active": True, "name": f"Centre {i}"}
        put = await world.fhir.put(f"Organization/{centre['id']}", content=encode(centre))
        assert put.status_code == 201, put.text


async def published(world: World, services: Services, found: list[MeasureReport]) -> int:
    return await publish(found, fhir=services.fhir, clock=lambda: at(2), request_id="r1")


async def seen(world: World, query: str = "") -> Json:
    return await world.ann.sees(f"/v1/networks/{network(world)}/measures/remission-pga{query}")


async def test_everybody_sees_what_was_published(world: World, services: Services) -> None:
    await seed_centres(world)
    assert await published(world, services, counted(world)) == MONTHS * 6
    path = f"/v1/networks/{network(world)}/measures/remission-pga"
    told = await seen(world)

    assert told == await world.bo.sees(path) == await world.rosa.sees(path)
    assert told["reporter"] == f"Organization/{network(world)}"
    assert [p["start"] for p in told["periods"]][:2] == ["2024-01-01", "2024-02-01"]
    assert told["periods"][-1]["counted"] == {"denominator": 779, "numerator": 701, "score": Decimal("0.899872")}
    assert [p.get("moreThanChance", False) for p in told["periods"]] == [False] * CHANGE + [True] * (MONTHS - CHANGE)
    assert told["story"][2] == "It was first to be seen in January 2025."
    by_centre = {c["centre"].split("/")[1][:2]: c["counted"] for c in told["funnel"]["centres"]}
    # The smallest is hidden, and with it the next one, or it could be told from the total.
    assert [by_centre[c] == {"masked": True} for c in ("c0", "c1", "c2", "c3", "c4")] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert encode(told).count(b"Patient/") == 0

    await forms(world, path)
    own = await seen(world, f"?centre=c0-{world.suffix}")
    assert own["periods"][0]["counted"]["denominator"] == 300
    assert "funnel" not in own
    hidden = await seen(world, f"?centre=c4-{world.suffix}")
    assert all(p["counted"] == {"masked": True} for p in hidden["periods"])
    assert "chart" not in hidden
    await published_again(world, services)


async def forms(world: World, path: str) -> None:
    """The same as FHIR, as a chart and as a page."""
    bundle = said(await world.ann.get(path, **FHIR), 200)
    assert bundle["total"] == MONTHS + 5
    assert {e["resource"]["type"] for e in bundle["entry"]} == {"summary"}
    drawn = await world.ann.get(path, Accept="image/svg+xml")
    assert drawn.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(drawn.text).get("role") == "img"
    page = await world.ann.get(path, Accept="text/html")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script" not in page.headers["Content-Security-Policy"]
    assert "How to read these pictures" in page.text


async def published_again(world: World, services: Services) -> None:
    """The same counts are the same reports; corrected ones are new reports, and the latest count."""
    same = [replace(r, date=at(3)) for r in counted(world)]
    assert await published(world, services, same) == 0
    first = same[0]
    corrected = replace(first, date=at(4), tally=Tally(779, 500))
    assert await published(world, services, [corrected]) == 1
    told = await seen(world)

    assert told["periods"][0]["counted"]["numerator"] == 500
    assert len(told["periods"]) == MONTHS


async def test_everybody_reads_it_in_their_language(world: World, services: Services) -> None:
    """By what the reader asks for, else by the patient's own record."""
    await seed_centres(world)
    await published(world, services, counted(world))
    path = f"/v1/networks/{network(world)}/measures/remission-pga"
    asked = await world.bo.get(path, **{"Accept": "text/html", "Accept-Language": "es-MX, en;q=0.5"})
    assert '<html lang="es-MX">' in asked.text
    assert "Cómo leer estos gráficos" in asked.text

    person = await world.on_server(f"Patient/{world.patient}")
    spanish = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}
    content = encode({**person, "communication": [spanish]})
    assert (await world.fhir.put(f"Patient/{world.patient}", content=content)).status_code == 200
    assert (await seen(world))["title"] == "Proporción de pacientes en remisión (PGA)"
    assert "Se pudo ver por primera vez en enero de 2025." in (await seen(world))["story"]
    assert (await world.bo.sees(path))["title"] == "Share of patients in remission (PGA)"


@pytest.mark.parametrize(
    "path", ["networks/none/measures/remission-pga", "networks/clinic/measures/none", "networks/a%2Fb/measures/x"]
)
async def test_what_was_never_published_is_not_there(world: World, path: str) -> None:
    assert (await world.ann.get(f"/v1/{path}")).status_code == 404


async def test_a_measure_needs_a_token(world: World) -> None:
    answer = await world.ann.http.get(f"/v1/networks/{network(world)}/measures/remission-pga")
    assert answer.status_code == 401


async def test_another_version_of_a_measure_is_another_series(world: World, services: Services) -> None:
    await seed_centres(world)
    older = [replace(r, measure=f"{REMISSION.url}|0.9.0") for r in counted(world)[:6]]
    assert await published(world, services, older) == 6
    assert (await world.ann.get(f"/v1/networks/{network(world)}/measures/remission-pga")).status_code == 404


async def test_publishing_is_recorded(world: World, services: Services) -> None:
    await seed_centres(world)
    await published(world, services, counted(world)[:6])
    (report,) = await world.found(f"MeasureReport?reporter=Organization/c0-{world.suffix}")
    (stamp,) = await world.found(f"Provenance?target=MeasureReport/{report['id']}")

    assert stamp["activity"]["coding"][1]["code"] == "publish-measure-reports"
    assert len(stamp["target"]) == 6
    assert "security" not in stamp["meta"]
    assert stamp["agent"][0]["who"] == {"reference": f"Organization/{network(world)}"}
