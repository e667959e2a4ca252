"""Synthetic patients for development and tests: knee injury, diabetes, cystic fibrosis, IBD, heart failure.

Lee is fourteen and has offered two goals: one to his father and his doctor, one that is between him and his doctor.
Luz prefers Spanish.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import httpx

from fhir_mappings.carrier import Json, encode
from service.errors import UpstreamRefused, UpstreamUnavailable
from service.gateways.template_library import templates_transaction

DEMO_PEOPLE: Final = {
    "ann": ("Patient/ann", "Ann Ahl"),
    "dev": ("Patient/dev", "Dev Das"),
    "lee": ("Patient/lee", "Lee Lund"),
    "luz": ("Patient/luz", "Luz Lara"),
    "olaf": ("RelatedPerson/olaf", "Olaf Lund"),
    "rosa": ("RelatedPerson/rosa", "Rosa Moss"),
    "bo": ("Practitioner/bo", "Dr Bo Berg"),
    "nora": ("Practitioner/nora", "Nora Nyby"),
}
"""Who can be impersonated in the demo: `fhirUser` and name."""
DEMO_ORGANIZATION: Final = "Organization/clinic"


def demo_record() -> bytes:
    """A transaction of updates: the same resources however often it is sent."""
    return files(__package__).joinpath("demo_record.json").read_bytes()


async def seed(base_url: str) -> None:
    """Puts the synthetic patients, and the programmes that come with CoPlan, onto a FHIR server of one's own."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        for content in (demo_record(), encode(templates_transaction())):
            answer = await http.post(base_url, content=content, headers={"Content-Type": "application/fhir+json"})
            answer.raise_for_status()


async def put_organizations(base_url: str, organizations: Sequence[Json]) -> None:
    """Puts Organizations under their own ids onto a FHIR server of one's own.

    Raises:
        UpstreamUnavailable: the server cannot be reached.
        UpstreamRefused: it will not have them.
    """
    entries = [{"resource": o, "request": {"method": "PUT", "url": f"Organization/{o['id']}"}} for o in organizations]
    content = encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        try:
            answer = await http.post(base_url, content=content, headers={"Content-Type": "application/fhir+json"})
        except httpx.TransportError as exc:
            raise UpstreamUnavailable("the FHIR server cannot be reached") from exc
    if not answer.is_success:
        raise UpstreamRefused(f"the FHIR server answered {answer.status_code} to the Organizations")
