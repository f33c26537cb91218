"""Building a case's evidence on the server: everything that the bundle holds beside the trail's entries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from whosaw.answer import FactsContradict
from whosaw.answer.alternatives import Alternative
from whosaw.answer.bundletexts import Background, as_json
from whosaw.answer.errors import EvidenceMissing
from whosaw.answer.evidence import Sources, build_evidence
from whosaw.answer.facts import Facts, Person
from whosaw.answer.notices import Wording
from whosaw.answer.redaction import Redaction
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.casenotices import CaseNotices, FactsMissing
from whosaw.app.services import Services
from whosaw.prove import (
    BundleInvalid,
    BundleReport,
    Checkpoint,
    Note,
    check_consistency,
    open_checkpoint,
    verify_bundle,
    write_later,
)
from whosaw.prove.archive import read_files
from whosaw.prove.merkle import consistency_proof
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.stamps import STAMPS
from whosaw.record.witness import WitnessState, read_state
from whosaw.store.numbers import assign, find_all

_COSIGNED_WITHIN_S = 10.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: where it lies, what it holds, and what could not be part of it."""

    path: Path
    report: BundleReport
    missing: tuple[str, ...]


async def build_case_evidence(
    services: Services, case: str, path: Path, *, by: str, redact: Redaction, report: bool
) -> Built:
    """Write the bundle of a case; recorded before it is built.

    Args:
        services: the parts of a running whosaw.
        case: the case's id.
        path: where to; nothing may stand there.
        by: who builds it.
        redact: what this copy leaves out.
        report: whether to set the report as PDF/A.

    Raises:
        UnknownCase: there is no such case.
        EvidenceMissing: no checkpoint covers the case's entries.
        ReportImpossible: typst is missing.
    """
    work, missing = case_work(services), []
    await work.notes.add(case, "case.evidence", by=by, more={"change": "redacted" if redact.subjects else "built"})
    standing = await _cosigned(services.settings.trail_folder, (await services.integrator.step()).size)
    notices, letters = CaseNotices(services), dict[Wording, Person]()
    facts: Facts | None = None
    try:
        facts = stated = await notices.facts(case)
        letters |= await notices.wordings(case, stated)
    except (FactsMissing, FactsContradict) as why:
        missing.append(f"facts and letters: {why}")
    stamps, other_key = await _stamps(services)
    if other_key:
        missing.append(
            f"time stamps: {other_key} of checkpoints that an earlier key signed (they lie in the trail's folder)"
        )
    elif not stamps:
        missing.append("time stamps: no authority has stamped this trail (WHOSAW_STAMPS)")
    background = replace(await _background(work, case, by, stamps), letters=letters)
    settings = services.settings
    sources = Sources(
        services.db, settings.trail_folder, services.keys.trail, work.cases, work.steps, work.book, work.raws
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = await build_evidence(sources, case, path, facts=facts, background=background, redact=redact, report=report)
    return Built(path, made, (*missing, *await asyncio.to_thread(_lacking, path, made, standing)))


async def _cosigned(folder: Path, size: int) -> WitnessState:
    """Return how the witnessing stands once a size is cosigned, nobody is about to cosign it, or it took too long."""
    state, waited_s = await asyncio.to_thread(read_state, folder), 0.0
    while state.status == "waiting" and (state.quorum_size or 0) < size and waited_s < _COSIGNED_WITHIN_S:
        await asyncio.sleep(_POLL_S)
        state, waited_s = await asyncio.to_thread(read_state, folder), waited_s + _POLL_S
    return state


def _lacking(path: Path, made: BundleReport, standing: WitnessState) -> list[str]:
    """Return what a bundle lacks that whoever is handed it may ask for, each in a sentence."""
    files, lacks = read_files(path), []
    if standing.status == "none":
        lacks.append("cosignatures: no witness watches this trail (WHOSAW_WITNESSES)")
    elif len(Note.parse(files["checkpoint"]).signatures) == 1:
        lacks.append(
            "cosignatures: no witness cosigned its newest entries yet; see `whosaw trail show`, and build again"
        )
    named = _entries_named(json.loads(files["files/steps.json"])) | _entries_named(
        json.loads(files.get("files/history.json", b"{}"))
    )
    if gone := named - set(made.indices):
        lacks.append(f"entries of the case's work: {len(gone)} were erased, or ended by the trail's retention")
    versions = json.loads(files["files/gate.json"])["policies"]
    if unkept := [each["version"] for each in versions if not each["in_bundle"]]:
        lacks.append(f"access policies: no server here kept the text of version {', '.join(unkept)}")
    return lacks


def _entries_named(told: object) -> set[int]:
    """Return every number that stands as an ``entry`` or ``undo_entry`` in a file of a bundle."""
    if isinstance(told, list):
        return {number for each in told for number in _entries_named(each)}
    if not isinstance(told, dict):
        return set()
    own = {told[name] for name in ("entry", "undo_entry") if isinstance(told.get(name), int)}
    return own | _entries_named([*told.values()])


async def _background(work: CaseWork, case: str, by: str, stamps: Mapping[str, bytes]) -> Background:
    services = work.services
    history = await work.cases.verdicts(case)
    named = await find_all(services.db, "actor", sorted(history[-1].named()) if history else [])
    (builder,) = (await assign(services.db, "actor", [by])).values()
    folder = services.settings.policy_folder
    policies = {each.name: each.read_bytes() for each in sorted(folder.glob("*.cedar"))} if folder.is_dir() else {}
    return Background(
        moves=await work.desk.moves(case),
        knowledge=await work.desk.who_knew(case),
        clocks=await work.clocks.list(case),
        cleared={number: await work.exculpatory.list(case, actor) for actor, number in named.items()},
        alternatives=[_unplaced(each) for each in await work.alternatives.list(case)],
        policies=policies,
        stamps=stamps,
        exhibits=await work.exhibits.files(case),
        shown={each.file: each.what for each in await work.exhibits.list(case)},
        custody=[{"action": "collected", "by": builder, "at": services.clock.now().isoformat(), "with": "the server"}],
        built_by=builder,
        built_at=services.clock.now().replace(microsecond=0),
    )


async def _stamps(services: Services) -> tuple[Mapping[str, bytes], int]:
    """Return stamps whose checkpoint the bundle's continues, each with its checkpoint and the proof of growth.

    And how many are left out: an earlier key signed these, and whoever verifies a bundle alone has one key.
    """
    folder, key = services.settings.trail_folder, services.keys.trail.verifier
    shelf = Shelf(folder)
    note = shelf.cosigned() or shelf.checkpoint()
    if note is None:
        return {}, 0
    head, _ = open_checkpoint(note, [key])
    found, other_key = dict[str, bytes](), 0
    for stamped in sorted((folder / STAMPS).glob("*/checkpoint")):
        older, signer = open_checkpoint(stamped.read_bytes(), services.keys.verifiers)
        if signer != key:
            other_key += 1
            continue
        if not 0 < older.size <= head.size:
            continue
        proof = consistency_proof(older.size, head.size, TileNodes(shelf, head.size))
        place = f"stamps/{older.size}"
        found[f"{place}/checkpoint"] = stamped.read_bytes()
        found[f"{place}/consistency.json"] = as_json({"proof": [each.hex() for each in proof]})
        found |= {f"{place}/{each.name}": each.read_bytes() for each in sorted(stamped.parent.glob("*.tsr"))}
    return found, other_key


async def extend_evidence(services: Services, bundle: Path, out: Path | None = None) -> tuple[Path, Checkpoint]:
    """Write what leads from a bundle's checkpoint to the newest one that is cosigned; return where, and that one.

    It holds tree heads and hashes alone, which are public.

    Args:
        services: the parts of a running whosaw.
        bundle: as it was handed out.
        out: where to; beside the bundle where left out. Nothing may stand there.

    Raises:
        BundleInvalid: it is no bundle of this trail, or something stands at `out`.
        EvidenceMissing: nothing later is cosigned yet (without witnesses: signed).
        ProofMismatch: this trail does not continue the bundle's checkpoint.
    """
    verify_bundle(bundle)
    head, _ = open_checkpoint(read_files(bundle)["checkpoint"], services.keys.verifiers)
    standing = await _cosigned(services.settings.trail_folder, (await services.integrator.step()).size)
    shelf = Shelf(services.settings.trail_folder)
    note = shelf.cosigned() or shelf.checkpoint()
    later, _ = open_checkpoint(note, [services.keys.trail.verifier]) if note else (head, None)
    if note is None or later.size <= head.size:
        if standing.status == "none" or standing.size <= head.size:
            raise EvidenceMissing(
                "nothing joined the trail since the bundle was built", hint="try again when something has"
            )
        raise EvidenceMissing(
            "no checkpoint later than the bundle's is cosigned yet",
            hint="a running server asks the witnesses: let it run, see `whosaw trail show`, and try again",
        )
    proof = consistency_proof(head.size, later.size, TileNodes(shelf, later.size))
    check_consistency((head.size, head.root), (later.size, later.root), proof)
    path = out or bundle.with_name(f"{bundle.stem}.later-{later.size}")
    try:
        with path.open("xb") as file:
            file.write(write_later(head, note, proof, services.keys.trail))
    except FileExistsError as cause:
        raise BundleInvalid(f"`{path}` exists already", hint="choose another name") from cause
    return path, later


def _unplaced(found: Alternative) -> Alternative:
    """Return an alternative without the number of another case: a bundle is handed to people who may not know of it."""
    return replace(found, source="an earlier case") if found.kind == "earlier_case" else found
