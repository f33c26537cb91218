"""Fsck: every way of altering the stored trail is found and located, and nothing else is."""

import shutil
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from whosaw.prove import Checkpoint, SigningKey, canonical, entry_leaf, sign_checkpoint
from whosaw.record import Appender, Integrator, fsck, load_or_create
from whosaw.terms import SimulatedClock

CLOCK = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))
SIZE = 600


def payload(number: int, **more):
    return {"kind": "disclosure", "at": 1_000 + number, "actor": 5, "subject": number, "purpose": 3, **more}


@pytest.fixture
def keys(tmp_path):
    return load_or_create(tmp_path / "keys", CLOCK, "test")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "trail"


@pytest.fixture
async def trail(database, keys, folder):
    """A database with 600 entries, signed at 250 and at 600."""
    integrator = Integrator(database, keys, folder, CLOCK)
    async with Appender(database, keys, CLOCK) as appender:
        await appender.append_many([payload(number) for number in range(250)])
        await integrator.step()
        await appender.append_many([payload(number) for number in range(250, SIZE)])
        await integrator.step()
    return database


@pytest.fixture
def check(trail, keys, folder):
    async def check(**more):
        return await fsck(trail, folder, keys.trail.verifier, **more)

    return check


def kinds(report) -> list[tuple[int | None, str]]:
    return [(finding.index, finding.kind) for finding in report.findings]


def rewrite(forge, index: int, **more) -> None:
    """Another payload with a leaf that fits it."""
    raw, salt = canonical(payload(index, **more)), sha256(b"forged %d" % index).digest()
    forge.execute(
        "update trail_entry set payload = %s, salt = %s, leaf = %s where index = %s",
        [raw.decode(), salt, entry_leaf(salt, raw), index],
    )


async def test_an_untouched_trail_has_no_findings_and_says_what_it_cannot_exclude(check):
    seen = []
    report = await check(progress=lambda done, total: seen.append((done, total)))
    assert report.ok
    assert (report.entries, report.size, report.signed_size) == (SIZE, SIZE, SIZE)
    assert seen[-1] == (SIZE, SIZE)
    assert report.lines()[-1].startswith("roll-back cannot be excluded")


async def test_an_outside_checkpoint_excludes_a_roll_back_up_to_its_size(check, folder):
    report = await check(outside=[(folder / "checkpoint").read_bytes()])
    assert report.ok
    assert report.roll_back == "roll-back before entry 600 is excluded by an outside checkpoint"


async def test_entries_newer_than_the_checkpoint_are_no_finding(check, trail, keys):
    async with Appender(trail, keys, CLOCK) as appender:
        await appender.append_many([payload(number) for number in range(5)])
    report = await check()
    assert report.ok
    assert (report.entries, report.signed_size) == (SIZE + 5, SIZE)


async def test_an_altered_payload_is_located(check, forge):
    forge.execute(
        "update trail_entry set payload = replace(payload, '\"actor\":5', '\"actor\":6') where index in (3, 599)"
    )
    forge.execute("update trail_entry set salt = sha256('x') where index = 77")
    report = await check()
    # the columns still say what the payload said
    assert sorted(kinds(report)) == [
        (3, "altered"), (3, "column_mismatch"), (77, "altered"), (599, "altered"), (599, "column_mismatch"),
    ]  # fmt: skip
    assert report.indices == (3, 77, 599)
    assert all("payload or salt" in finding.line for finding in report.findings if finding.kind == "altered")


async def test_an_altered_leaf_is_located(check, forge):
    forge.execute("update trail_entry set leaf = sha256('x') where index = 8")
    report = await check()
    assert kinds(report) == [(8, "altered")]
    assert "leaf hash" in report.findings[0].line


async def test_a_payload_rewritten_together_with_its_leaf_is_located(check, forge):
    rewrite(forge, 300, reason="purpose.verified")
    assert kinds(await check()) == [(300, "rewritten")]


async def test_a_removed_row_is_located(check, forge):
    forge.execute("delete from trail_entry where index in (0, 400, 599)")
    assert kinds(await check()) == [(0, "missing"), (400, "missing"), (599, "missing")]


async def test_swapped_rows_are_located(check, forge):
    for old, new in ((10, -1), (20, 10), (-1, 20)):
        forge.execute("alter table trail_entry drop constraint if exists trail_entry_index_check")
        forge.execute("update trail_entry set index = %s where index = %s", [new, old])
    report = await check()
    assert kinds(report) == [(10, "reordered"), (20, "reordered")]
    assert "signed as entry 20" in report.findings[0].line


async def test_an_added_row_is_located(check, forge):
    raw, salt = canonical(payload(1)), b"s" * 32
    forge.execute("alter table trail_entry drop constraint trail_entry_index_check")
    for index in (SIZE, 10**15, -5):
        forge.execute(
            "insert into trail_entry (index, leaf, salt, payload, kind, at_us, actor, subject, purpose)"
            " select %s, %s, %s, %s, kind, at_us, actor, subject, purpose from trail_entry where index = 1",
            [index, entry_leaf(salt, raw), salt, raw.decode()],
        )
    assert kinds(await check()) == [(-5, "added"), (SIZE, "added"), (10**15, "added")]


async def test_a_row_added_in_the_middle_shows_from_there_on(check, forge):
    forge.execute("update trail_entry set index = index + 10000 where index >= 590")
    forge.execute("update trail_entry set index = index - 9999 where index >= 10000")
    raw, salt = canonical(payload(1)), b"s" * 32
    forge.execute(
        "insert into trail_entry (index, leaf, salt, payload, kind, at_us, actor, subject, purpose)"
        " select 590, %s, %s, %s, kind, at_us, actor, subject, purpose from trail_entry where index = 1",
        [entry_leaf(salt, raw), salt, raw.decode()],
    )
    forge.execute("update trail_head set size = size + 1")
    assert kinds(await check()) == [(590, "rewritten"), *((index, "reordered") for index in range(591, 600))]


async def test_a_doubled_row_is_located(check, forge):
    forge.execute("alter table trail_entry drop constraint trail_entry_pkey cascade")
    forge.execute(
        "insert into trail_entry (index, leaf, salt, payload, kind, at_us, actor, subject, purpose)"
        " select index, leaf, salt, payload, kind, at_us, actor, subject, purpose from trail_entry where index = 40"
    )
    assert kinds(await check()) == [(40, "doubled")]


async def test_a_rolled_back_database_is_found(check, forge):
    forge.execute("delete from trail_entry where index >= 250")
    forge.execute("delete from trail_checkpoint where size > 250")
    forge.execute("update trail_head set size = 250")
    report = await check()
    assert kinds(report) == [(None, "rolled_back")]
    assert "250 to 599 are gone" in report.findings[0].line


async def test_folder_and_database_rolled_back_together_are_found_only_from_outside(check, forge, folder, keys):
    outside = (folder / "checkpoint").read_bytes()
    note = forge.execute("select note from trail_checkpoint where size = 250").fetchone()[0]
    forge.execute("delete from trail_entry where index >= 250")
    forge.execute("delete from trail_checkpoint where size > 250")
    forge.execute("update trail_head set size = 250")
    (folder / "checkpoint").write_text(note)
    assert (await check()).ok
    assert (None, "rolled_back") in kinds(await check(outside=[outside]))


async def test_a_head_that_counts_otherwise_is_found(check, forge):
    forge.execute("update trail_head set size = 700")
    assert kinds(await check()) == [(None, "head_mismatch")]


async def test_a_checkpoint_of_another_key_is_found(check, forge, folder, keys):
    stranger = sign_checkpoint(Checkpoint(keys.origin, 250, b"r" * 32), SigningKey.generate(keys.origin))
    forge.execute("update trail_checkpoint set note = %s where size = 250", [stranger.decode()])
    assert kinds(await check()) == [(None, "checkpoint_invalid")]


async def test_a_checkpoint_kept_with_other_columns_is_found(check, forge):
    forge.execute("update trail_checkpoint set root = sha256('x') where size = 250")
    assert kinds(await check()) == [(None, "checkpoint_invalid")]


async def test_a_checkpoint_signed_over_other_entries_is_found(check, keys):
    forked = sign_checkpoint(Checkpoint(keys.origin, 300, b"r" * 32), keys.trail)
    assert kinds(await check(outside=[forked])) == [(None, "checkpoint_mismatch")]


async def test_everything_rewritten_with_the_tiles_is_found_by_the_checkpoint(check, forge, folder, trail, tmp_path):
    rewrite(forge, 5)
    leaf = forge.execute("select leaf from trail_entry where index = 5").fetchone()[0]
    tile = folder / "tile/0/000"
    body = tile.read_bytes()
    tile.write_bytes(body[: 5 * 32] + leaf + body[6 * 32 :])
    found = {kind for _, kind in kinds(await check())}
    assert {"tile_damaged", "checkpoint_mismatch"} <= found


@pytest.mark.parametrize("change", [lambda body: bytes([body[0] ^ 1]) + body[1:], lambda body: body[:-1]])
@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"])
async def test_a_damaged_tile_is_found_and_no_entry_is_blamed(check, folder, name, change):
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    report = await check()
    assert {kind for _, kind in kinds(report)} == {"tile_damaged"}
    assert report.indices == ()


async def test_a_folder_that_is_gone_is_found(check, folder, forge):
    shutil.rmtree(folder)
    report = await check()  # the database still keeps its checkpoints
    assert kinds(report) == [(None, "checkpoint_missing")]
    assert report.signed_size == 0


async def test_a_broken_checkpoint_in_the_folder_is_found(check, folder):
    (folder / "checkpoint").write_bytes(b"nonsense")
    assert (None, "checkpoint_invalid") in kinds(await check())


async def test_columns_that_contradict_the_payload_are_located(check, forge):
    forge.execute("update trail_entry set actor = 99 where index = 12")
    forge.execute("update trail_entry set subject = null where index = 13")
    forge.execute("update trail_entry set beneficiary = 'seller:S-1' where index = 14")
    forge.execute("update trail_entry set at_us = at_us + 1, kind = 'denial', purpose = 0 where index = 15")
    assert kinds(await check()) == [(index, "column_mismatch") for index in (12, 13, 14, 15)]


async def test_a_payload_in_another_spelling_is_located(check, forge):
    raw, salt = b'{"kind": "disclosure"}', b"s" * 32
    forge.execute(
        "update trail_entry set payload = %s, salt = %s, leaf = %s where index = 4",
        [raw.decode(), salt, entry_leaf(salt, raw)],
    )
    assert set(kinds(await check())) == {(4, "malformed"), (4, "rewritten")}


async def test_an_empty_trail_is_in_order(database, keys, folder):
    report = await fsck(database, folder, keys.trail.verifier)
    assert report.ok
    await Integrator(database, keys, folder, CLOCK).step()
    assert (await fsck(database, folder, keys.trail.verifier)).ok
