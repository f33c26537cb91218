"""``whosaw trail`` over a real trail: what it shows, what it writes, and that looking is recorded first."""

import asyncio
import json
import threading
from base64 import b64decode
from datetime import UTC, datetime

import psycopg
import pytest

from whosaw.app.commands import checking, trail
from whosaw.app.commands.who import BadTime
from whosaw.app.trustfile import NoTrailKey
from whosaw.prove import Policy, TlogProof, canonical, check_exposure, entry_leaf
from whosaw.record import Appender, CheckpointMissing, Integrator, Journal, load_or_create
from whosaw.record.exposure import Exposures
from whosaw.record.guard import Guard
from whosaw.record.serverfile import KnownServer
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import SystemClock, to_us

CLOCK = SystemClock()


@pytest.fixture
def state(tmp_path, database_url, monkeypatch):
    """A state folder with a signed trail of twelve entries in the test's own database."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "receipts").mkdir()
    monkeypatch.setenv("WHOSAW_STATE", str(folder))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    asyncio.run(filled(database_url, folder))
    return folder


async def filled(url, folder):
    keys = load_or_create(folder / "keys", CLOCK)
    async with Database(url) as db:
        await assign(db, "actor", ["staff:E-1"])
        await assign(db, "subject", [f"customer:C-{number}" for number in range(12)])
        guard = Guard(db, CLOCK, keys_folder=folder / "keys", trail_folder=folder / "trail")
        with Journal(folder / "receipts" / "door.jsonl") as journal:
            async with Appender(db, keys, CLOCK, journal=journal, guard=guard) as appender:
                await appender.append_many(payload(number) for number in range(12))
        await Integrator(db, keys, folder / "trail", CLOCK).step()


def payload(number):
    return {
        "kind": "disclosure",
        "at": to_us(CLOCK.now()),
        "actor": 1,
        "subject": number + 1,
        "door": "http",
        "decision": "allow",
        "reason": "größe\x1b[2J" if number == 3 else "purpose.verified",
    }


def erase(database_url, index):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        columns = "kind = null, at_us = null, actor = null, subject = null, purpose = null, beneficiary = null"
        connection.execute(f"update trail_entry set payload = null, salt = null, {columns} where index = %s", [index])


def stored(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute("select payload from trail_entry order by index").fetchall()
    return [json.loads(text) for (text,) in rows]


def test_show_says_how_the_trail_stands(state, capsys):
    assert trail.show() == 0
    said = capsys.readouterr().out
    assert "origin      whosaw.local/trail" in said
    assert "entries     12" in said
    assert "12 entries; signed" in said
    assert "unwitnessed: no witness is configured" in said
    assert trail.show(as_json=True) == 0
    standing = json.loads(capsys.readouterr().out)
    assert (standing["size"], standing["signed_size"]) == (12, 12)
    assert len(b64decode(standing["root"])) == 32
    assert 0 <= standing["age_s"] < 600


def test_show_of_an_entry_says_each_of_its_facts_and_is_a_look(state, database_url, capsys):
    assert trail.show(3) == 0
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (facts["index"], facts["kind"], facts["subject"], facts["decision"]) == ("3", "disclosure", "4", "allow")
    assert facts["reason"] == "größe?[2J"
    assert datetime.fromisoformat(facts["at"]).tzinfo is not None
    assert stored(database_url)[-1]["action"] == "look.entry"
    assert trail.show(3, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert entry_leaf(bytes.fromhex(said["salt"]), canonical(said["payload"])).hex() == said["leaf"]


@pytest.mark.parametrize("index", [-1, 99])
def test_show_of_no_entry_says_how_many_there_are(state, index):
    with pytest.raises(trail.EntryUnknown, match=rf"no entry {index} .* has 13"):
        trail.show(index)


def test_show_of_an_erased_entry_says_that_it_is(state, database_url, capsys):
    erase(database_url, 5)
    assert trail.show(5) == 0
    assert "erased; the leaf is left" in capsys.readouterr().out


def test_showing_how_it_stands_is_no_look(state, database_url, capsys):
    trail.show()
    assert len(stored(database_url)) == 12


@pytest.mark.parametrize("command", [trail.show, trail.tail, trail.export, lambda: trail.prove(1)])
def test_where_there_is_no_trail_nothing_is_made(tmp_path, monkeypatch, command):
    monkeypatch.setenv("WHOSAW_STATE", str(tmp_path / "state"))
    with pytest.raises(NoTrailKey):
        command()
    assert not (tmp_path / "state").exists()


def test_tail_prints_the_last_entries_and_its_own_look(state, capsys):
    assert trail.tail(lines=3, follow=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["10", "11", "12"]
    assert "actor 1 subject 11  allow purpose.verified" in lines[0]
    assert "look.trail trail" in lines[2]


def test_tail_prints_no_control_characters(state, capsys):
    trail.tail(lines=20, follow=False)
    assert "\x1b" not in capsys.readouterr().out


def test_tail_follows(state, database_url, monkeypatch, capsys):
    monkeypatch.setattr(trail, "_FOLLOW_S", 0.05)
    printed = threading.Event()
    seen = []

    class Screen:
        def write(self, text):
            seen.append(json.loads(text))
            if seen[-1].get("payload", {}).get("subject") == 7 and seen[-1]["index"] > 12:
                printed.set()

        def flush(self):
            if printed.is_set():
                raise KeyboardInterrupt
            if len(seen) == 1:  # what was there is printed: now something comes
                seen.append({"index": -1})
                thread = threading.Thread(target=lambda: asyncio.run(one_more(database_url, state)))
                thread.start()
                thread.join()

    monkeypatch.setattr(trail.sys, "stdout", Screen())
    with pytest.raises(KeyboardInterrupt):
        trail.tail(lines=1, as_json=True)
    assert [entry["index"] for entry in seen if entry["index"] >= 0] == [12, 13]


async def one_more(url, folder):
    keys = load_or_create(folder / "keys", CLOCK)
    async with Database(url) as db, Appender(db, keys, CLOCK) as appender:
        await appender.append(payload(6))


def test_prove_writes_an_entry_and_a_proof_that_anybody_can_check(state, tmp_path, database_url, capsys):
    out = tmp_path / "out"
    out.mkdir()
    assert trail.prove(3, out=out) == 0
    entry = json.loads((out / "3.json").read_text())
    leaf = entry_leaf(bytes.fromhex(entry["salt"]), canonical(entry["payload"]))
    assert entry["leaf"] == leaf.hex()
    keys = load_or_create(state / "keys", CLOCK)
    policy = Policy.parse(f"log {keys.trail.verifier}\nquorum none\n".encode())
    proof = TlogProof.parse((out / "3.tlog-proof").read_bytes())
    assert proof.index == 3
    assert proof.verify(leaf, policy).size == 12
    assert (out / "3.json").stat().st_mode & 0o777 == 0o600
    assert stored(database_url)[-1]["object"] == "entry:3"


def test_prove_writes_the_set_of_subjects_that_an_entry_names(state, tmp_path, database_url, capsys):
    async def add() -> None:
        keys = load_or_create(state / "keys", CLOCK)
        async with Database(database_url) as db:
            said = await Exposures(db).keep(range(1, 10))
            async with Appender(db, keys, CLOCK) as appender:
                await appender.append({"kind": "disclosure", "at": to_us(CLOCK.now()), "actor": 1} | said)
            await Integrator(db, keys, state / "trail", CLOCK).step()

    asyncio.run(add())
    assert trail.prove(12, out=tmp_path) == 0
    payload = json.loads((tmp_path / "12.json").read_text())["payload"]
    assert check_exposure(payload, (tmp_path / "12.exposure").read_bytes()) == list(range(1, 10))
    assert (tmp_path / "12.exposure").stat().st_mode & 0o777 == 0o600
    assert trail.prove(3, out=tmp_path) == 0
    assert not (tmp_path / "3.exposure").exists()


def test_prove_writes_over_nothing_and_leaves_nothing_half(state, tmp_path, capsys):
    (tmp_path / "3.tlog-proof").write_text("mine")
    with pytest.raises(trail.OutputRefused):
        trail.prove(3, out=tmp_path)
    assert not (tmp_path / "3.json").exists()
    assert (tmp_path / "3.tlog-proof").read_text() == "mine"
    with pytest.raises(CheckpointMissing):
        trail.prove(4_000, out=tmp_path)


def test_export_writes_every_entry_so_that_its_leaf_can_be_derived(state, tmp_path, database_url, capsys):
    assert trail.export(out=tmp_path / "all.jsonl", as_json=True) == 0
    entries = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [entry["index"] for entry in entries] == list(range(13))
    for entry in entries:
        assert entry["leaf"] == entry_leaf(bytes.fromhex(entry["salt"]), canonical(entry["payload"])).hex()
    assert json.loads(capsys.readouterr().err) == {"entries": 13}
    assert stored(database_url)[-1]["action"] == "look.export"


def test_export_keeps_to_the_times_and_says_what_was_erased(state, database_url, capsys):
    erase(database_url, 5)
    assert trail.export() == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[5]["erased"] is True
    assert "salt" not in lines[5]
    assert trail.export(until="2020-01-01") == 0
    assert capsys.readouterr().out == ""
    now = datetime.now(UTC).isoformat()
    assert trail.export(since=now) == 0
    assert [json.loads(line)["payload"]["action"] for line in capsys.readouterr().out.splitlines()] == ["look.export"]
    with pytest.raises(BadTime):
        trail.export(since="yesterday")


# ---- whosaw fsck with what lies outside


def test_fsck_takes_receipts_checkpoints_and_a_policy(state, tmp_path, capsys):
    keys = load_or_create(state / "keys", CLOCK)
    (tmp_path / "policy").write_text(f"log {keys.trail.verifier}\nquorum none\n")
    given = {
        "receipts": (state / "receipts" / "door.jsonl",),
        "checkpoint": (state / "trail" / "checkpoint",),
        "policy": tmp_path / "policy",
    }
    assert checking.fsck(**given) == 0
    said = capsys.readouterr().out
    assert "12 receipts compared" in said
    assert "roll-back before entry 12 is excluded" in said
    assert checking.fsck(**given, resume=True, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["resumed_at"] == 12


def test_fsck_names_a_lost_map_row_and_refuses_what_it_cannot_read(state, tmp_path, database_url, capsys):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from number_map where space = 'subject' and number = 3")
    assert checking.fsck() == 1
    assert "subject number 3 has lost its map row" in capsys.readouterr().out
    for given in ({"receipts": (tmp_path / "none",)}, {"checkpoint": (tmp_path / "none",)}, {"delay": 0.0}):
        with pytest.raises(checking.FsckRefused):
            checking.fsck(**given)


def test_fsck_accepts_a_server_only_where_nothing_was_found(state, database_url, capsys):
    path = state / "keys" / "server.json"
    path.write_text('{"system": "1", "timeline": 1, "entries": 0}')
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update trail_entry set leaf = sha256('x') where index = 4")
        assert checking.fsck(accept_server=True) == 1
        assert "the server is not accepted" in capsys.readouterr().out
        assert KnownServer.load(state / "keys").system == "1"
        connection.execute("delete from trail_entry")
        connection.execute("update trail_head set size = 0")
        connection.execute("delete from trail_checkpoint")
    for name in ("checkpoint", "tile"):
        (state / "trail" / name).rename(state / name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from number_map")
        connection.execute("update number_space set last = 0")
    assert checking.fsck(accept_server=True) == 0
    assert "the server is accepted" in capsys.readouterr().out
    assert KnownServer.load(state / "keys").system != "1"
