"""A small part of `tests.cross_patient`, so that no change opens what was closed."""

from service.logs import configure_logs
from tests.cross_patient import Outcome, arena, compare, run


async def test_nobody_reaches_another_patient_while_redis_is_down() -> None:
    async with arena(redis_is_down=True) as at:
        outcome = await run(at, 400, seed=7, look_every=200)
    configure_logs("ERROR")

    assert (outcome.disclosures, outcome.writes) == ([], [])
    assert outcome.attempts == 400
    assert {404, 403} <= outcome.statuses.keys()


async def test_a_foreign_and_an_absent_id_are_answered_byte_by_byte_alike() -> None:
    outcome = Outcome()
    async with arena() as at:
        at.attackers = [at.attackers[0], at.attackers[4], at.attackers[7]]
        await compare(at, outcome)
    configure_logs("ERROR")

    assert outcome.differing == []
    assert outcome.pairs > 400
