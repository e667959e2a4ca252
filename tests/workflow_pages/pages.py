"""The pages, whose words are written by hand and whose blocks are recorded."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from service.gateways.embedded_fhir import create_embedded_store
from service.rights import Rights
from tests.conftest import FhirServer, open_world
from tests.workflow_pages.recording import Names, Recording
from tests.workflow_pages.stories import STORIES, Book

FOLDER: Final = Path(__file__).parents[2] / "docs" / "workflows"
BLOCK: Final = re.compile(r"(<!-- recorded: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(name: str) -> Path:
    """The file of a page."""
    return FOLDER / f"{name}.md"


def with_blocks(text: str, blocks: Mapping[str, str]) -> str:
    """The page with each block as it was recorded."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{blocks[found[2]]}\n\n{found[3]}", text)


async def recorded(name: str) -> dict[str, str]:
    """The blocks of a page, from a story that is told on an embedded store of its own."""
    store = create_embedded_store()
    recording = Recording(httpx.ASGITransport(store))
    try:
        server = FhirServer("embedded", store.base_url, recording)
        async with open_world(server, Rights(lambda: recording.now)) as world:
            book = Book(world, recording, Names(world.suffix))
            await STORIES[name](book)
            return book.blocks
    finally:
        store.close()
