"""The receipt journal: durable lines, one writer, and a torn end that is only a torn end."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from whosaw.prove import ReceiptInvalid, SigningKey, check_receipt, sign_batch
from whosaw.prove.merkle import leaf_hash
from whosaw.record import Journal, JournalRefused, read_journal

KEY = SigningKey.generate("example.com/receipt")


def batch(first: int, count: int = 3):
    return sign_batch(KEY, "example.com/trail", first, [leaf_hash(b"%d" % at) for at in range(count)], 1_000)


def test_what_was_written_is_read_back_as_receipts_that_check(tmp_path):
    with Journal(tmp_path / "door" / "receipts.jsonl") as journal:
        journal.write(batch(0))
        journal.write(batch(3))
    receipts = list(read_journal(tmp_path / "door" / "receipts.jsonl"))
    assert [receipt.index for receipt in receipts] == [0, 1, 2, 3, 4, 5]
    for receipt in receipts:
        check_receipt(receipt, KEY.verifier)
    assert (tmp_path / "door" / "receipts.jsonl").stat().st_mode & 0o077 == 0


async def test_what_is_ordered_at_once_is_written_in_order_by_one_thread_and_refusals_reach_who_asked(tmp_path):
    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "whosaw-journal"}

    path, others = tmp_path / "receipts.jsonl", threads()  # a server of other tests may have one
    with Journal(path) as journal:
        await asyncio.gather(*(journal.order(batch(3 * at)) for at in range(20)))
        journal.order(batch(60)).cancel()  # written all the same
        await journal.order(batch(63))
        assert len(threads() - others) == 1
    assert [receipt.index for receipt in read_journal(path)] == list(range(66))
    assert threads() <= others
    with pytest.raises(JournalRefused):
        await journal.order(batch(66))
    assert [receipt.index for receipt in read_journal(path)] == list(range(66))


def test_a_torn_last_line_is_passed_over_and_cut_by_the_next_writer(tmp_path):
    path = tmp_path / "receipts.jsonl"
    with Journal(path) as journal:
        journal.write(batch(0, 2_000))
        journal.write(batch(2_000, 2_000))
    path.write_bytes(path.read_bytes()[:-10])
    assert len(list(read_journal(path))) == 2_000
    with Journal(path) as journal:
        journal.write(batch(2_000))
    assert len(list(read_journal(path))) == 2_003


def test_a_finished_line_that_is_no_batch_is_named(tmp_path):
    path = tmp_path / "receipts.jsonl"
    for line in (b"nonsense\n", b"[]\n", b'{"first":1}\n', b"\xff\n", b"[" * 100_000 + b"\n"):
        path.write_bytes(line)
        with pytest.raises(ReceiptInvalid, match="line 1"):
            list(read_journal(path))


def test_a_second_writer_is_refused(tmp_path):
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(JournalRefused, match="in use"):
            Journal(tmp_path / "j")
        journal.write(batch(0))
    Journal(tmp_path / "j").close()


def test_a_place_that_cannot_be_written_is_a_clear_error():
    with pytest.raises(JournalRefused, match="cannot open"):
        Journal(Path("/proc/nowhere/receipts.jsonl"))


def test_a_disk_that_refuses_fails_the_write_and_leaves_whole_lines(tmp_path, monkeypatch):
    with Journal(tmp_path / "j") as journal:
        journal.write(batch(0))
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", _refuse)
            with pytest.raises(JournalRefused):
                journal.write(batch(3))
        journal.write(batch(3))
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", _refuse)
            disk.setattr(os, "ftruncate", _refuse)
            with pytest.raises(JournalRefused):
                journal.write(batch(6))
        with pytest.raises(JournalRefused, match="unknown"):
            journal.write(batch(6))


def _refuse(*_):
    raise OSError(5, "input/output error")


async def test_where_no_thread_can_start_the_order_is_refused_and_the_next_one_is_written(tmp_path, monkeypatch):
    path = tmp_path / "receipts.jsonl"
    with Journal(path) as journal:

        def none_left(_thread):
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", none_left)
            for _ in range(2):
                with pytest.raises(JournalRefused):
                    await asyncio.wait_for(journal.order(batch(0)), 10)
        await asyncio.wait_for(journal.order(batch(0)), 10)
    assert [receipt.index for receipt in read_journal(path)] == [0, 1, 2]
    with Journal(tmp_path / "other") as never, monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(JournalRefused):
            never.order(batch(0))
