"""`python -m tests.workflow_pages`: writes the recorded blocks of docs/workflows anew."""

import asyncio

from tests.workflow_pages.pages import page, recorded, with_blocks
from tests.workflow_pages.stories import STORIES


async def main() -> None:
    for name in STORIES:
        path = page(name)
        path.write_text(with_blocks(path.read_text(), await recorded(name)))


if __name__ == "__main__":
    asyncio.run(main())
