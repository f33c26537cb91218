"""A trail key is rotated while witnesses watch: they follow once they are given the new key, and nothing is lost."""

import signal
from datetime import UTC, datetime

from whosaw.prove import Policy
from whosaw.record import Appender, Integrator, load_or_create, prove_entries
from whosaw.record.rotation import Place, rotate_trail
from whosaw.record.shelf import Shelf
from whosaw.terms import SimulatedClock


def payload(number: int):
    return {"kind": "disclosure", "at": number, "actor": number % 7, "subject": number % 10, "purpose": 3}


async def test_a_witness_follows_a_rotated_key_when_it_is_given_it(
    database, keys, folder, tmp_path, integrator, witnesses, circle, asking, reach
):
    (member,) = witnesses(1)
    chosen = circle([member])
    clock = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))
    async with Appender(database, keys, clock) as appender:
        await appender.append_many([payload(number) for number in range(10)])
    await integrator.step()
    async with asking(chosen):
        await reach(lambda state: state.quorum_size == 10)
    place = Place(database, tmp_path / "keys", folder, clock, "test")
    await rotate_trail(place, by=1, ground="planned")
    after = load_or_create(tmp_path / "keys", clock, "test")
    assert after.trail.verifier != keys.trail.verifier
    size = (await Integrator(database, after, folder, clock).step()).size
    async with asking(chosen, keys=after):
        refused = await reach(lambda state: state.witnesses[0].error)
        assert refused.witnesses[0].error == "refused_key"
        # what the witness cosigned under the old key stays proved until the new one's first is cosigned
        assert (await prove_entries(database, folder, after.trail.verifier, [3])).size == size
        member.stop(signal.SIGTERM)
        member.logs.append(str(after.trail.verifier))
        member.start()
        member.ready()
        await reach(lambda state: state.status == "witnessed" and state.quorum_size == size)
    policy = Policy.parse(f"log {after.trail.verifier}\n{chosen.lines}".encode())
    assert policy.check(Shelf(folder).cosigned())[0].size == size
