"""Fsck against what lies outside the database: receipts, number maps, dates, outside checkpoints, an earlier run."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from whosaw.prove import Checkpoint, Policy, SigningKey, canonical, entry_leaf, sign_checkpoint
from whosaw.prove.cosign import CosigningKey, add_signatures
from whosaw.prove.note import Note
from whosaw.prove.receipt import encode_batch, sign_batch
from whosaw.record import Appender, Integrator, Journal, auditqueries, load_or_create
from whosaw.record.fsck import Extent, fsck
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class RealClock:
    """A clock that claims to be the world's, so that a trail under it is taken for real."""

    simulated = False

    def __init__(self):
        self.at = START

    def now(self):
        return self.at


@pytest.fixture
def clock():
    return RealClock()


@pytest.fixture
def keys(tmp_path, clock):
    return load_or_create(tmp_path / "keys", clock, "test")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "trail"


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "door.jsonl"


@pytest.fixture
async def trail(database, keys, folder, journal, clock):
    """300 entries in three rounds of a minute each, signed after each, every number in its map."""
    await assign(database, "actor", [f"staff:E-{number}" for number in range(5)])
    await assign(database, "subject", [f"customer:C-{number}" for number in range(20)])
    await assign(database, "purpose", [f"ticket:T-{number}" for number in range(3)])
    integrator = Integrator(database, keys, folder, clock)
    with Journal(journal) as kept:
        async with Appender(database, keys, clock, journal=kept) as appender:
            for _ in range(3):
                await appender.append_many(payload(number, clock) for number in range(100))
                await integrator.step()
                clock.at += timedelta(minutes=1)
    return database


def payload(number: int, clock: RealClock, **more):
    at = to_us(clock.now()) + number
    who = {"actor": number % 5 + 1, "subject": number % 20 + 1, "purpose": number % 3 + 1}
    return {"kind": "disclosure", "at": at, **who, **more}


@pytest.fixture
def check(trail, keys, folder):
    async def check(*, outside=(), **extent):
        return await fsck(trail, folder, keys.trail.verifier, outside=outside, extent=Extent(**extent))

    return check


def kinds(report):
    return [(finding.index, finding.kind) for finding in report.findings]


async def append(trail, keys, clock, *payloads):
    async with Appender(trail, keys, clock) as appender:
        await appender.append_many(payloads)


# ---- receipts


async def test_kept_promises_are_counted_and_nothing_is_found(check, keys, journal):
    report = await check(receipts=[journal], receipt_keys=[keys.receipt.verifier], delay_s=10)
    assert report.ok
    assert report.receipts == 300
    assert "300 receipts compared with the entries they promise" in report.lines()


async def test_a_promised_entry_that_is_gone_is_named_even_where_all_else_was_rolled_back(
    check, keys, journal, forge, folder
):
    note = forge.execute("select note from trail_checkpoint where size = 200").fetchone()[0]
    forge.execute("delete from trail_entry where index >= 200")
    forge.execute("delete from trail_checkpoint where size > 200")
    forge.execute("update trail_head set size = 200")
    (folder / "checkpoint").write_text(note)
    assert (await check()).ok
    report = await check(receipts=[journal], receipt_keys=[keys.receipt.verifier])
    assert kinds(report) == [(index, "receipt_missing") for index in range(200, 300)]
    assert "door.jsonl" in report.findings[0].line


async def test_what_a_door_is_promised_while_the_check_runs_is_not_held_against_the_trail(trail, keys, folder, journal):
    def door_goes_on(read, size):
        batch = sign_batch(keys.receipt, keys.origin, first=size, leaves=[entry_leaf(bytes(32), b"{}")], at_us=0)
        with journal.open("a") as file:
            file.write(json.dumps(encode_batch(batch)) + "\n")

    extent = Extent(receipts=[journal], receipt_keys=[keys.receipt.verifier])
    report = await fsck(trail, folder, keys.trail.verifier, door_goes_on, extent=extent)
    assert (report.ok, report.receipts) == (True, 300)
    report = await fsck(trail, folder, keys.trail.verifier, extent=extent)
    assert (300, "receipt_missing") in kinds(report)


async def test_a_receipt_for_another_entry_at_the_index_is_found(check, keys, journal, forge):
    forge.execute("update trail_entry set leaf = sha256('x') where index = 42")
    report = await check(receipts=[journal], receipt_keys=[keys.receipt.verifier])
    assert (42, "receipt_mismatch") in kinds(report)


async def test_a_journal_of_another_key_trail_or_spelling_is_named_by_line(check, keys, journal):
    lines = journal.read_text().splitlines()
    other = json.loads(lines[1])
    journal.write_text("\n".join([lines[0], json.dumps(other | {"origin": "else/trail"}), "{}", "nonsense", ""]))
    report = await check(receipts=[journal], receipt_keys=[keys.receipt.verifier])
    assert [finding.line.split(":")[0] for finding in report.findings] == [
        f"line {number} of `door.jsonl`" for number in (2, 3, 4)
    ]
    assert {finding.kind for finding in report.findings} == {"receipt_invalid"}
    stranger = SigningKey.generate("test/receipt").verifier
    journal.write_text(lines[0] + "\n")
    assert kinds(await check(receipts=[journal], receipt_keys=[stranger])) == [(None, "receipt_invalid")]
    assert (await check(receipts=[journal], receipt_keys=[stranger, keys.receipt.verifier])).ok


async def test_an_entry_dated_far_from_its_receipt_is_found(trail, check, keys, clock, tmp_path):
    with Journal(tmp_path / "late.jsonl") as kept:
        async with Appender(trail, keys, clock, journal=kept) as appender:
            await appender.append(payload(0, clock) | {"at": to_us(clock.now() - timedelta(seconds=50))})
            await appender.append(payload(0, clock) | {"at": to_us(clock.now() + timedelta(seconds=50))})
    report = await check(receipts=[tmp_path / "late.jsonl"], receipt_keys=[keys.receipt.verifier], delay_s=20)
    assert kinds(report) == [(300, "back_dated"), (301, "post_dated")]


# ---- the number map


async def test_a_whole_number_map_has_no_findings(check):
    assert (await check(numbers=True)).ok


async def test_a_lost_map_row_is_named_with_the_first_entry_that_uses_it(check, forge):
    forge.execute("delete from number_map where (space, number) in (('subject', 7), ('actor', 2), ('purpose', 3))")
    report = await check(numbers=True)
    assert kinds(report) == [(1, "number_lost"), (6, "number_lost"), (2, "number_lost")]
    assert "subject number 7 has lost its map row" in report.findings[1].line


async def test_a_lost_row_that_no_entry_uses_is_a_gap(trail, check, forge):
    await assign(trail, "subject", [f"customer:D-{number}" for number in range(3)])
    forge.execute("delete from number_map where space = 'subject' and number = 22")
    assert kinds(await check(numbers=True)) == [(None, "number_lost")]


async def test_a_number_that_was_never_given_is_named(trail, check, keys, clock):
    await append(trail, keys, clock, payload(0, clock, subject=900), payload(0, clock, actor=0))
    assert kinds(await check(numbers=True)) == [(301, "number_unknown"), (300, "number_unknown")]


async def test_an_erased_row_is_not_a_lost_one(check, forge):
    forge.execute("delete from number_map where space = 'subject' and number = 7")
    forge.execute("insert into number_erased (space, number) values ('subject', 7)")
    assert (await check(numbers=True)).ok


# ---- dates


async def test_entries_dated_within_the_bound_have_no_findings(check):
    assert (await check(delay_s=10)).ok


async def test_a_back_dated_and_a_post_dated_entry_are_located(trail, check, keys, clock, folder):
    hour = 3_600_000_000
    wrong = [payload(0, clock), payload(1, clock), payload(2, clock), payload(3, clock)]
    wrong[1]["at"] -= hour
    wrong[2]["at"] += hour
    await append(trail, keys, clock, *wrong)
    await Integrator(trail, keys, folder, clock).step()
    assert kinds(await check(delay_s=60)) == [(301, "back_dated"), (302, "post_dated")]
    assert (await check()).ok


async def test_an_entry_newer_than_every_checkpoint_can_still_be_back_dated(trail, check, keys, clock):
    await append(trail, keys, clock, payload(0, clock) | {"at": 5})
    assert kinds(await check(delay_s=60)) == [(300, "back_dated")]


async def test_a_witness_knows_the_time_where_the_database_lies_about_its_checkpoints(check, keys, forge, folder):
    witness = CosigningKey(SigningKey.generate("witness.example"))
    note = Note.parse((folder / "checkpoint").read_bytes())
    line = witness.cosign(note.text, int(START.timestamp()) - 3_600)
    policy = Policy.parse(f"log {keys.trail.verifier}\nwitness w {witness.verifier}\nquorum w\n".encode())
    outside = [add_signatures(note, [line]).format()]
    report = await check(outside=outside, policy=policy, delay_s=60)
    assert {kind for _, kind in kinds(report)} == {"post_dated"}
    assert len(report.findings) == 300
    assert report.roll_back.endswith("by an outside checkpoint, cosigned by witness.example")


# ---- outside checkpoints


async def test_an_outside_checkpoint_that_the_quorum_did_not_cosign_excludes_nothing(check, keys, folder):
    witness = CosigningKey(SigningKey.generate("witness.example"))
    policy = Policy.parse(f"log {keys.trail.verifier}\nwitness w {witness.verifier}\nquorum w\n".encode())
    report = await check(outside=[(folder / "checkpoint").read_bytes()], policy=policy)
    assert kinds(report) == [(None, "checkpoint_invalid")]
    assert report.roll_back.startswith("roll-back cannot be excluded")


async def test_two_outside_checkpoints_of_one_size_are_a_split_view(check, keys, folder):
    forked = sign_checkpoint(Checkpoint(keys.origin, 300, b"r" * 32), keys.trail)
    report = await check(outside=[forked, (folder / "checkpoint").read_bytes()])
    assert set(kinds(report)) == {(None, "forked"), (None, "checkpoint_mismatch")}


async def test_two_outside_checkpoints_of_different_trees_are_a_split_view(check, keys, folder):
    forked = sign_checkpoint(Checkpoint(keys.origin, 150, b"r" * 32), keys.trail)
    report = await check(outside=[(folder / "checkpoint").read_bytes(), forked])
    assert set(kinds(report)) == {(None, "forked"), (None, "checkpoint_mismatch")}
    assert any("two different trails" in finding.line for finding in report.findings)


async def test_what_a_witness_holds_against_the_trail_is_looked_at(check, keys, folder):
    forked = sign_checkpoint(Checkpoint(keys.origin, 300, b"r" * 32), keys.trail)
    (folder / "contradiction-0123abcd").write_bytes(forked)
    assert (None, "forked") in kinds(await check())


# ---- resuming


async def test_a_resumed_check_says_so_and_reads_only_what_is_new(trail, check, keys, clock, folder):
    assert (await check(state=True)).ok
    assert (folder / "fsck.state").stat().st_mode & 0o777 == 0o600
    await append(trail, keys, clock, *(payload(number, clock) for number in range(10)))
    report = await check(state=True, resume=True, numbers=True, delay_s=60)
    assert report.ok
    assert (report.entries, report.resumed_at) == (310, 300)
    assert "resumed: the payloads of entries 0 to 299 were checked by an earlier run" in report.lines()
    assert (await check(resume=True)).resumed_at == 310


async def test_a_resumed_check_still_knows_what_the_earlier_one_found(trail, check, keys, clock, forge):
    forge.execute("update trail_entry set payload = replace(payload, '\"actor\":1', '\"actor\":2') where index = 5")
    found = [(5, "column_mismatch"), (5, "altered")]
    assert kinds(await check(state=True)) == found
    await append(trail, keys, clock, payload(0, clock))
    report = await check(resume=True)
    assert report.resumed_at == 300
    assert kinds(report) == found


async def test_a_check_interrupted_in_the_middle_is_resumed_there(trail, keys, folder, monkeypatch):
    module = sys.modules["whosaw.record.fsck"]  # the package has a function of this name
    monkeypatch.setattr(auditqueries, "_FETCHED_ROWS", 100)
    monkeypatch.setattr(auditqueries, "_CHUNK_ROWS", 50)
    monkeypatch.setattr(module, "_SAVED_EVERY_S", 0.0)

    def stop(done, total):
        if done == 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await fsck(trail, folder, keys.trail.verifier, stop, extent=Extent(state=True))
    report = await fsck(trail, folder, keys.trail.verifier, extent=Extent(resume=True))
    assert report.ok
    assert (report.entries, report.resumed_at) == (300, 150)


@pytest.mark.parametrize(
    "change", ["update trail_entry set leaf = sha256('x') where index = 9", "delete from trail_entry where index = 9"]
)
async def test_where_the_junction_does_not_hold_everything_is_checked_again(check, forge, change):
    assert (await check(state=True)).ok
    forge.execute(change)
    report = await check(resume=True)
    assert report.resumed_at == 0
    assert kinds(report)[0] == (None, "changed_since")
    assert {index for index, _ in kinds(report)} == {None, 9}


async def test_a_database_shorter_than_the_earlier_check_is_not_passed_over(check, forge):
    assert (await check(state=True)).ok
    forge.execute("delete from trail_entry where index >= 250")
    forge.execute("update trail_head set size = 250")
    report = await check(resume=True)
    assert {(None, "changed_since"), (None, "rolled_back")} <= set(kinds(report))


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'{"format":"whosaw/fsck/v1","origin":"else","size":1}'])
async def test_a_state_that_cannot_be_used_is_passed_over(check, folder, body):
    (folder / "fsck.state").write_bytes(body)
    report = await check(resume=True)
    assert report.ok
    assert report.resumed_at == 0


# ---- a simulated clock


@pytest.fixture
async def played(database, tmp_path):
    """Entries of ten simulated days, each day's in no order."""
    simulated = SimulatedClock(START)
    keys = load_or_create(tmp_path / "played", simulated, "test")

    def at(day: int, number: int) -> int:
        return to_us(START + timedelta(days=day, minutes=(number * 37) % 600))

    async with Appender(database, keys, simulated) as appender:
        for day in range(10):
            await appender.append_many({"kind": "denial", "at": at(day, number), "actor": 1} for number in range(20))
    return database, keys, tmp_path / "trail"


async def test_under_a_simulated_clock_a_day_may_be_played_in_any_order(played):
    db, keys, folder = played
    await Integrator(db, keys, folder, SimulatedClock(START)).step()
    assert (await fsck(db, folder, keys.trail.verifier, extent=Extent(delay_s=60))).ok


async def test_under_a_simulated_clock_dates_are_compared_with_their_neighbours(played, forge):
    db, keys, folder = played
    for index, days in ((150, -4), (151, -4), (60, 30), (199, -5)):
        text = forge.execute("select payload from trail_entry where index = %s", [index]).fetchone()[0]
        said = json.loads(text) | {"at": json.loads(text)["at"] + days * 86_400_000_000}
        raw, salt = canonical(said), bytes(32)
        forge.execute(
            "update trail_entry set payload = %s, salt = %s, leaf = %s, at_us = %s where index = %s",
            [raw.decode(), salt, entry_leaf(salt, raw), said["at"], index],
        )
    await Integrator(db, keys, folder, SimulatedClock(START)).step()
    report = await fsck(db, folder, keys.trail.verifier, extent=Extent(delay_s=60))
    assert sorted(kinds(report)) == [
        (60, "post_dated"),
        (150, "back_dated"),
        (151, "back_dated"),
        (199, "back_dated"),
    ]
