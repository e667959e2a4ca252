"""Programmes to begin with: drafts, for patients and clinicians to change before they release them."""

from collections.abc import Iterator
from importlib.resources import files

from fhir_mappings.carrier import Json, decode
from service.ports import FhirGateway


def shipped_templates() -> Iterator[Json]:
    """The PlanDefinitions of the folder `templates`, by name."""
    folder = files(__package__).joinpath("templates")
    for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json")):
        yield decode(folder.joinpath(name).read_bytes())


async def install_templates(fhir: FhirGateway) -> list[tuple[str, bool]]:
    """Creates those that are not there, each by `url|version`; True where it was. However often: once each."""
    installed = []
    for template in shipped_templates():
        condition = f"url={template['url']}&version={template['version']}"
        written = await fhir.create(template, if_none_exist=condition)
        installed.append((f"{template['url']}|{template['version']}", written.created))
    return installed
