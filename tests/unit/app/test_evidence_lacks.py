"""What a bundle says that it lacks, and how long the building of one waits for witnesses."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from whosaw.app import evidence
from whosaw.app.evidence import _cosigned, _lacking
from whosaw.prove import BundleReport, Checkpoint, SigningKey, sign_checkpoint
from whosaw.prove.cosign import CosigningKey
from whosaw.prove.note import Note
from whosaw.record.witness.state import Standing, WitnessState

KEY, WITNESS = SigningKey.generate("example.com/trail"), CosigningKey(SigningKey.generate("witness.example"))
SIZE = 9
MADE = BundleReport(2, (3, 5), (), KEY.name, SIZE, str(KEY.verifier), trusted=False, simulated=False)


def bundle(folder: Path, *, cosigned: bool = True, entries: tuple[int, ...] = (3, 5), kept: bool = True) -> Path:
    note = Note.parse(sign_checkpoint(Checkpoint(KEY.name, SIZE, bytes(32)), KEY))
    lines = note.signatures + ((WITNESS.cosign(note.text, 1_775_000_000),) if cosigned else ())
    (folder / "files").mkdir()
    (folder / "checkpoint").write_bytes(Note(note.text, lines).format())
    first, *rest = entries
    said = {
        "steps": [{"id": "CASE-1/1", "entry": first, "undo_entry": None}],
        "history": {"states": [{"entry": each} for each in rest], "entry": "none"},
        "gate": {"policies": [{"version": "abc", "in_bundle": True}, {"version": "old", "in_bundle": kept}]},
    }
    for name, told in said.items():
        (folder / "files" / f"{name}.json").write_text(json.dumps(told))
    return folder


def test_a_whole_bundle_lacks_nothing(tmp_path: Path) -> None:
    assert _lacking(bundle(tmp_path), MADE, WitnessState("witnessed", SIZE, SIZE)) == []


@pytest.mark.parametrize(
    ("made", "status", "says"),
    [
        ({"cosigned": False}, "none", "cosignatures: no witness watches this trail (WHOSAW_WITNESSES)"),
        ({"cosigned": False}, "waiting", "cosignatures: no witness cosigned its newest entries yet"),
        ({"entries": (3, 5, 7, 8)}, "witnessed", "entries of the case's work: 2 were erased"),
        ({"kept": False}, "witnessed", "access policies: no server here kept the text of version old"),
    ],
)
def test_what_a_bundle_lacks_is_said_in_a_sentence(
    tmp_path: Path, made: dict[str, object], status: str, says: str
) -> None:
    (line,) = _lacking(bundle(tmp_path, **made), MADE, WitnessState(status, SIZE))  # type: ignore[arg-type]
    assert line.startswith(says)


def witnessed(folder: Path, quorum_size: int | None, grace_s: float = 60.0) -> None:
    Standing(grace_s, quorum_size, None, time.time(), ()).write(folder, time.time())


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    (tmp_path / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(KEY.name, SIZE, bytes(32)), KEY))
    return tmp_path


async def test_what_witnesses_are_about_to_cosign_is_waited_for(trail: Path) -> None:
    witnessed(trail, SIZE - 1)
    waiting = asyncio.create_task(_cosigned(trail, SIZE))
    await asyncio.sleep(0.15)
    assert not waiting.done()
    witnessed(trail, SIZE)
    assert (await asyncio.wait_for(waiting, 5)).status == "witnessed"


async def test_nobody_waits_where_no_witness_watches_or_none_answers(trail: Path) -> None:
    assert (await asyncio.wait_for(_cosigned(trail, SIZE), 5)).status == "none"
    witnessed(trail, SIZE - 1, grace_s=-1.0)
    assert (await asyncio.wait_for(_cosigned(trail, SIZE), 5)).status == "unwitnessed"


async def test_the_wait_for_witnesses_ends(trail: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_COSIGNED_WITHIN_S", 0.15)
    witnessed(trail, SIZE - 1)
    assert (await asyncio.wait_for(_cosigned(trail, SIZE), 5)).status == "waiting"
