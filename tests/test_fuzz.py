"""A small part of `python -m tests.fuzz`, which sends 50,000."""

from tests.fuzz import fuzz


async def test_nothing_that_nobody_should_send_breaks_the_service() -> None:
    found = await fuzz(1_200, seed=11)

    assert found.findings == []
    assert found.statuses[200] + found.statuses[201] > 20, "some of it must get through"
    assert len(found.statuses) >= 8
