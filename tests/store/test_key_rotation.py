"""Rotation: another key signs from here on, and what was trusted before leads to it."""

import asyncio
import stat
from datetime import UTC, datetime

import psycopg
import pytest

from whosaw.__main__ import main
from whosaw.prove import (
    BundleInvalid,
    NoteInvalid,
    Policy,
    check_consistency,
    check_receipt,
    open_checkpoint,
    verify_bundle,
    write_bundle,
)
from whosaw.prove.handover import follow, follow_policy
from whosaw.prove.merkle import consistency_proof
from whosaw.record import (
    Appender,
    Integrator,
    KeyRefused,
    TrailDamaged,
    entries_from,
    fsck,
    load_or_create,
    prove_entries,
    rotation,
)
from whosaw.record.handovers import accepted_keys, read_handovers
from whosaw.record.rotation import Place, TrailInUse, rotate_receipt, rotate_trail
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.terms import SimulatedClock, to_us

CLOCK = SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def place(database, tmp_path):
    return Place(database, tmp_path / "keys", tmp_path / "trail", CLOCK, "test")


@pytest.fixture
async def keys(place):
    """The first keys, with fifty entries under a signed checkpoint."""
    made = load_or_create(place.keys_folder, CLOCK, "test")
    await grow(place, 50)
    return made


async def grow(place, entries: int):
    made = load_or_create(place.keys_folder, CLOCK, "test")
    async with Appender(place.db, made, CLOCK) as appender:
        receipts = await appender.append_many(
            [{"kind": "disclosure", "at": to_us(CLOCK.now()), "actor": 1, "subject": 1} for _ in range(entries)]
        )
    await Integrator(place.db, made, place.trail_folder, CLOCK).step()
    return receipts


def policy(*keys) -> Policy:
    return Policy.parse(("".join(f"log {key}\n" for key in keys) + "quorum none\n").encode())


async def test_the_new_key_signs_and_the_rotation_stands_in_the_trail(place, keys):
    done = await rotate_trail(place, by=7, ground="planned")
    now = load_or_create(place.keys_folder, CLOCK, "test")
    assert (done.old, done.new) == (keys.trail.verifier, now.trail.verifier)
    assert now.trail.verifier != keys.trail.verifier
    assert now.trail_former == (keys.trail.verifier,)
    assert now.origin == keys.origin
    said = [entry.payload async for entry in entries_from(place.db, 50)]
    assert [(each["kind"], each["step"], each["actor"], each["ground"]) for each in said] == [
        ("key_rotation", "announced", 7, "planned"),
        ("key_rotation", "begun", 7, "planned"),
    ]
    assert all((each["old"], each["new"]) == (str(done.old), str(done.new)) for each in said)
    standing, _ = open_checkpoint(Shelf(place.trail_folder).checkpoint(), [done.new])
    assert (done.last.size, standing.size) == (51, 52)
    assert stat.S_IMODE((place.keys_folder / "trail.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in place.keys_folder.iterdir()) == ["keyring", "receipt.key", "trail.key"]


async def test_the_last_checkpoint_of_the_old_key_and_the_first_of_the_new_are_kept(place, keys, database_url):
    done = await rotate_trail(place, by=1, ground="planned")
    with psycopg.connect(database_url) as connection:
        notes = dict(connection.execute("select size, note from trail_checkpoint").fetchall())
    assert open_checkpoint(notes[51].encode(), [done.old])[0] == done.last
    assert open_checkpoint(notes[52].encode(), [done.new])[0].size == 52
    assert done.path.with_suffix(".checkpoint").read_text() == notes[51]


async def test_a_verifier_with_the_old_key_follows_to_the_new_one(place, keys):
    await rotate_trail(place, by=1, ground="planned")
    await rotate_trail(place, by=1, ground="planned")
    await grow(place, 10)
    standing = Shelf(place.trail_folder).checkpoint()
    with pytest.raises(NoteInvalid):
        policy(keys.trail.verifier).check(standing)
    followed = follow_policy(policy(keys.trail.verifier), read_handovers(place.trail_folder))
    assert followed.check(standing)[0].size == 64
    assert len(followed.logs) == 3
    now = load_or_create(place.keys_folder, CLOCK, "test")
    assert set(accepted_keys(place.trail_folder, now.trail.verifier)) == set(now.verifiers)


async def test_bundles_of_the_old_key_and_of_the_new_verify_under_both(place, keys, tmp_path):
    async def bundle(name: str, made):
        proved = await prove_entries(place.db, place.trail_folder, made.trail.verifier, [3, 4])
        write_bundle(tmp_path / name, checkpoint=proved.checkpoint, entries=proved.entries, files={}, seal=made.trail)
        return tmp_path / name

    before = await bundle("before.zip", keys)
    done = await rotate_trail(place, by=1, ground="planned")
    after = await bundle("after.zip", load_or_create(place.keys_folder, CLOCK, "test"))
    both = policy(done.old, done.new)
    assert [verify_bundle(each, both).entries for each in (before, after)] == [2, 2]
    assert verify_bundle(before, policy(done.old)).entries == 2
    with pytest.raises(BundleInvalid):
        verify_bundle(after, policy(done.old))
    (tmp_path / "policy").write_text(f"log {done.old}\nquorum none\n")
    trusted = ["verify", str(after), "--policy", str(tmp_path / "policy")]
    assert main(trusted) == 1
    assert main([*trusted, "--handover", str(done.path)]) == 0


async def test_fsck_knows_every_key_of_the_trail(place, keys):
    await rotate_trail(place, by=1, ground="planned")
    await grow(place, 300)
    await rotate_trail(place, by=1, ground="planned")
    now = load_or_create(place.keys_folder, CLOCK, "test")
    report = await fsck(place.db, place.trail_folder, now.trail.verifier)
    assert (report.findings, report.size) == ((), 354)


async def test_receipts_of_the_old_key_still_check(place, keys):
    (before,) = await grow(place, 1)
    done = await rotate_receipt(place, by=1, ground="planned")
    (after,) = await grow(place, 1)
    now = load_or_create(place.keys_folder, CLOCK, "test")
    assert now.receipt_verifiers == (done.new, keys.receipt.verifier)
    check_receipt(before, keys.receipt.verifier, before.leaf_hash)
    check_receipt(after, now.receipt.verifier, after.leaf_hash)
    assert now.trail.verifier == keys.trail.verifier
    trusted = follow([keys.receipt.verifier], read_handovers(place.trail_folder), role="receipt")
    assert set(trusted.keys) == set(now.receipt_verifiers)
    said = [entry.payload async for entry in entries_from(place.db, 51)]
    assert (said[0]["key"], said[0]["new"]) == ("receipt", str(done.new))


@pytest.mark.parametrize("ground", ["lost", "stolen"])
async def test_after_loss_or_theft_nobody_is_led_on_by_the_old_key(place, keys, ground):
    if ground == "lost":
        (place.keys_folder / "trail.key").unlink()
        with pytest.raises(KeyRefused, match="is gone"):
            load_or_create(place.keys_folder, CLOCK, "test")
    done = await rotate_trail(place, by=1, ground=ground)
    assert done.last.size == 50  # the old key signed nothing for this
    notes = read_handovers(place.trail_folder)
    assert follow([done.old], notes).keys == (done.old,)
    back = follow([done.new], notes)
    assert back.last[done.old] == done.last
    await grow(place, 5)
    now = load_or_create(place.keys_folder, CLOCK, "test")
    assert (await fsck(place.db, place.trail_folder, now.trail.verifier)).findings == ()
    assert (place.keys_folder / "keyring").read_text().splitlines()[0] == f"trail {done.old} {ground}"


async def test_a_lost_receipt_key_can_be_followed_by_another(place, keys):
    (place.keys_folder / "receipt.key").unlink()
    done = await rotate_receipt(place, by=1, ground="lost")
    assert load_or_create(place.keys_folder, CLOCK, "test").receipt.verifier == done.new


async def test_a_stale_process_with_the_old_key_signs_nothing_more(place, keys):
    stale = Integrator(place.db, keys, place.trail_folder, CLOCK)
    await stale.step()
    await rotate_trail(place, by=1, ground="planned")
    await grow(place, 3)
    with pytest.raises(TrailDamaged):
        await stale.step()


async def test_no_rotation_while_another_process_signs(place, keys):
    running = asyncio.create_task(Integrator(place.db, keys, place.trail_folder, CLOCK).run(0.05))
    await asyncio.sleep(0.3)
    with pytest.raises(TrailInUse):
        await rotate_trail(place, by=1, ground="planned")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await rotate_trail(place, by=1, ground="planned")


class Cut(Exception):
    """Where a test lets the work stop."""


@pytest.mark.parametrize("where", ["_announce", "_publish", "_switch", "write_keyring", "rename", "begun"])
async def test_an_interrupted_rotation_goes_on_when_it_is_ordered_again(place, keys, where, monkeypatch):
    real_announce, real_keyring = rotation._announce, rotation.write_keyring

    def cut(*_args, **_more):
        raise Cut

    async def cut_begun(conn, appender, clock, said, which):
        if said[1] == "begun":
            raise Cut
        await real_announce(conn, appender, clock, said, which)

    def keyring_then_cut(folder, ring):
        real_keyring(folder, ring)
        raise Cut

    with monkeypatch.context() as patched:
        if where == "begun":
            patched.setattr(rotation, "_announce", cut_begun)
        elif where == "rename":
            patched.setattr(rotation, "write_keyring", keyring_then_cut)
        else:
            patched.setattr(rotation, where, cut)
        with pytest.raises(Cut):
            await rotate_trail(place, by=1, ground="planned")
    await grow(place, 2)  # in between the trail can be used, whoever signs it
    done = await rotate_trail(place, by=1, ground="planned")
    now = load_or_create(place.keys_folder, CLOCK, "test")
    assert (done.old, done.new) == (keys.trail.verifier, now.trail.verifier)
    assert now.trail_former == (keys.trail.verifier,)
    steps = [e.payload["step"] async for e in entries_from(place.db) if e.payload["kind"] == "key_rotation"]
    assert steps == ["announced", "begun"]
    await grow(place, 2)
    assert (await fsck(place.db, place.trail_folder, now.trail.verifier)).findings == ()
    followed = follow_policy(policy(keys.trail.verifier), read_handovers(place.trail_folder))
    assert followed.check(Shelf(place.trail_folder).checkpoint())[1] == now.trail.verifier


async def test_the_trees_of_both_keys_are_one_tree(place, keys):
    done = await rotate_trail(place, by=1, ground="planned")
    await grow(place, 700)
    head, _ = open_checkpoint(Shelf(place.trail_folder).checkpoint(), [done.new])
    proof = consistency_proof(done.last.size, head.size, TileNodes(Shelf(place.trail_folder), head.size))
    check_consistency((done.last.size, done.last.root), (head.size, head.root), proof)
