"""Synthetic patients for development and tests: knee injury, diabetes, cystic fibrosis, IBD, heart failure.

Lee is fourteen and has offered two goals: one to his father and his doctor, one that is between him and his doctor.
Luz prefers Spanish.
"""

from importlib.resources import files
from typing import Final

import httpx

from fhir_mappings.carrier import encode
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
