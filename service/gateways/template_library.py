"""Programmes to begin with: drafts, for patients and clinicians to change before they release them."""

from collections.abc import Iterator
from importlib.resources import files
from uuid import uuid4

from fhir_mappings.bundle import Create, transaction
from fhir_mappings.carrier import Json, decode
from service.ports import FhirGateway


def shipped_templates() -> Iterator[Json]:
    """The PlanDefinitions of the folder `templates`, by name."""
    folder = files(__package__).joinpath("templates")
    for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json")):
        yield decode(folder.joinpath(name).read_bytes())


def templates_transaction() -> Json:
    """All of them as one transaction that creates those that are not there."""
    return transaction([Create(t, f"urn:uuid:{uuid4()}", condition_of(t)) for t in shipped_templates()])


def condition_of(template: Json) -> str:
    """The search that finds this version of this programme."""
    return f"url={template['url']}&version={template['version']}"


async def install_templates(fhir: FhirGateway) -> list[tuple[str, bool]]:
    """Creates those that are not there, each by `url|version`; True where it was. However often: once each."""
    installed = []
    for template in shipped_templates():
        written = await fhir.create(template, if_none_exist=condition_of(template))
        installed.append((f"{template['url']}|{template['version']}", written.created))
    return installed
