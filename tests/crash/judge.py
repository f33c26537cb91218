"""The judgement: what clients and readers kept is set against the trail as it stands in the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from whosaw.prove import (
    Checkpoint,
    ProofMismatch,
    ReceiptInvalid,
    check_consistency,
    check_receipt,
    decode_receipt,
    entry_leaf,
    open_checkpoint,
)
from whosaw.prove.merkle import consistency_proof
from whosaw.record import Keys, fsck, read_journal
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.store import Database


@dataclass
class Verdict:
    """What was counted, and every contradiction (the lines say what; at most a few of each kind)."""

    answers: int = 0
    entries: int = 0
    checkpoints: int = 0
    unanswered: int = 0  # entries of which nobody was told: the allowed direction
    missing: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.missing or self.doubled or self.wrong)

    def add(self, other: Verdict) -> None:
        """Take in what was counted over another trail."""
        for name, counted in vars(other).items():
            setattr(self, name, getattr(self, name) + counted)


async def judge(db: Database, state: Path, keys: Keys, doors: list[Path]) -> Verdict:
    """Return the verdict over everything that clients and readers kept.

    Args:
        db: the trail's database.
        state: holds what was kept, and the trail's folder.
        keys: their public halves check.
        doors: the receipt journals of the doors.
    """
    verdict = Verdict()
    await _judge_answers(db, state / "seen.jsonl", keys, verdict)
    await _judge_journals(db, doors, keys, verdict)
    if (state / "checkpoints").exists():
        _judge_checkpoints(state, keys, verdict)
        report = await fsck(db, state / "trail", keys.trail.verifier)
        verdict.wrong += [finding.line for finding in report.findings][:10]
        if report.signed_size != report.size:
            verdict.wrong.append(f"{report.size} entries, but the checkpoint covers {report.signed_size}")
    return verdict


async def _judge_answers(db: Database, seen: Path, keys: Keys, verdict: Verdict) -> None:
    """Every answer has its entry at the index its receipt names, and no two have the same."""
    async with db.connection() as connection:
        rows = await (await connection.execute("select index, salt, payload from trail_entry")).fetchall()
    entries = {index: (salt, text) for index, salt, text in rows}
    verdict.entries = len(entries)
    if sorted(entries) != list(range(len(entries))):
        verdict.wrong.append("the indices of the entries have a gap")
    told: Counter[int] = Counter()
    with seen.open() as lines:
        for line in lines:
            answer = json.loads(line)
            receipt = decode_receipt(answer["receipt"])
            told[receipt.index] += 1
            salt, text = entries.get(receipt.index, (b"", ""))
            if not text or json.loads(text)["ask"] != answer["ask"]:
                verdict.missing += 1
                continue
            try:
                check_receipt(receipt, keys.receipt.verifier, entry_leaf(salt, text.encode()))
            except ReceiptInvalid as cause:
                verdict.wrong.append(str(cause))
    verdict.answers = told.total()
    verdict.doubled = told.total() - len(told)
    verdict.unanswered = len(entries) - len(told)


async def _judge_journals(db: Database, doors: list[Path], keys: Keys, verdict: Verdict) -> None:
    """What a door kept of its own promises stands in the trail."""
    async with db.connection() as connection:
        rows = await (await connection.execute("select index, leaf from trail_entry")).fetchall()
    leaves = dict(rows)
    for path in doors:
        lost = [receipt.index for receipt in read_journal(path) if leaves.get(receipt.index) != receipt.leaf_hash]
        if lost:
            verdict.wrong.append(f"{path.name} holds {len(lost)} receipts of entries that are not there")


def _judge_checkpoints(state: Path, keys: Keys, verdict: Verdict) -> None:
    """Whoever held an old checkpoint gets a proof that every later one continues it."""
    kept = (state / "checkpoints").read_text().split()
    heads: list[Checkpoint] = [open_checkpoint(bytes.fromhex(line), [keys.trail.verifier])[0] for line in kept]
    verdict.checkpoints = len(heads)
    if not heads:
        verdict.wrong.append("nobody ever saw a checkpoint")
        return
    last = heads[-1]
    nodes = TileNodes(Shelf(state / "trail"), last.size)
    for old, new in [*pairwise(heads), *((head, last) for head in heads)]:
        try:
            proof = consistency_proof(old.size, new.size, nodes)
            check_consistency((old.size, old.root), (new.size, new.root), proof)
        except (ProofMismatch, ValueError) as cause:
            verdict.wrong.append(f"no proof from {old.size} to {new.size}: {cause}")
