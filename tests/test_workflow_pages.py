"""The pages in docs/workflows say what the service does."""

import re

import pytest

from tests.workflow_pages.pages import BLOCK, FOLDER, page, recorded, with_blocks
from tests.workflow_pages.stories import STORIES


@pytest.mark.parametrize("name", STORIES)
async def test_a_page_shows_what_is_sent(name: str) -> None:
    text = page(name).read_text()

    assert in_any_order(with_blocks(text, await recorded(name))) == in_any_order(text), "write it anew: make docs"


def in_any_order(text: str) -> list[str]:
    """The lines without the step that an interaction belongs to: what is under way together depends on the machine."""
    return sorted(
        re.sub(r"^\| \d+ \|", "| |", line) for line in text.splitlines() if not line.startswith("The transaction of")
    )


def test_each_page_is_in_the_index() -> None:
    listed = re.findall(r"\]\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text())

    assert sorted(listed) == sorted(pages())


def test_each_page_with_recorded_blocks_has_a_story_and_each_story_a_page() -> None:
    assert sorted(STORIES) == sorted(name for name in pages() if BLOCK.search(page(name).read_text()))


def pages() -> list[str]:
    return [p.stem for p in FOLDER.glob("*.md") if p.stem != "README"]
