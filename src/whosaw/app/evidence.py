"""Building a case's evidence on the server: everything that the bundle holds beside the trail's entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from whosaw.answer import FactsContradict
from whosaw.answer.bundletexts import Background, as_json
from whosaw.answer.evidence import Sources, build_evidence
from whosaw.answer.facts import Facts, Person
from whosaw.answer.notices import Wording
from whosaw.answer.redaction import Redaction
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.casenotices import CaseNotices, FactsMissing
from whosaw.app.services import Services
from whosaw.prove import BundleReport, open_checkpoint
from whosaw.prove.merkle import consistency_proof
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.stamps import STAMPS
from whosaw.store.numbers import assign, find_all


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: where it lies, what it holds, and what could not be part of it."""

    path: Path
    report: BundleReport
    missing: tuple[str, ...]


async def build_case_evidence(
    services: Services, case: str, path: Path, *, by: str, redact: Redaction, report: bool
) -> Built:
    """Write the bundle of a case; recorded before it is built, and the entry is in it.

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
    await services.integrator.step()
    notices, letters = CaseNotices(services), dict[Wording, Person]()
    facts: Facts | None = None
    try:
        facts = stated = await notices.facts(case)
        letters |= await notices.wordings(case, stated)
    except (FactsMissing, FactsContradict) as why:
        missing.append(f"facts and letters: {why}")
    stamps = await _stamps(services)
    if not stamps:
        missing.append("time stamps: no authority has stamped this trail (WHOSAW_STAMPS)")
    background = replace(await _background(work, case, by, stamps), letters=letters)
    settings = services.settings
    sources = Sources(
        services.db, settings.trail_folder, services.keys.trail, work.cases, work.steps, work.book, work.raws
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = await build_evidence(sources, case, path, facts=facts, background=background, redact=redact, report=report)
    return Built(path, made, tuple(missing))


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
        alternatives=await work.alternatives.list(case),
        policies=policies,
        stamps=stamps,
        exhibits=await work.exhibits.files(case),
        shown={each.file: each.what for each in await work.exhibits.list(case)},
        custody=[{"action": "collected", "by": builder, "at": services.clock.now().isoformat(), "with": "the server"}],
        built_by=builder,
        built_at=services.clock.now().replace(microsecond=0),
    )


async def _stamps(services: Services) -> Mapping[str, bytes]:
    """Return stamps whose checkpoint the bundle's continues, each with its checkpoint and the proof of growth."""
    folder, key = services.settings.trail_folder, services.keys.trail.verifier
    shelf = Shelf(folder)
    note = shelf.cosigned() or shelf.checkpoint()
    if note is None:
        return {}
    head, _ = open_checkpoint(note, [key])
    found: dict[str, bytes] = {}
    for stamped in sorted((folder / STAMPS).glob("*/checkpoint")):
        older, _ = open_checkpoint(stamped.read_bytes(), services.keys.verifiers)
        if not 0 < older.size <= head.size:
            continue
        proof = consistency_proof(older.size, head.size, TileNodes(shelf, head.size))
        place = f"stamps/{older.size}"
        found[f"{place}/checkpoint"] = stamped.read_bytes()
        found[f"{place}/consistency.json"] = as_json({"proof": [each.hex() for each in proof]})
        found |= {f"{place}/{each.name}": each.read_bytes() for each in sorted(stamped.parent.glob("*.tsr"))}
    return found


def numbers_of(text: str) -> frozenset[int]:
    """Return the numbers of a list that is separated by commas; what is no number is left out."""
    return frozenset(int(word) for word in text.replace(" ", "").split(",") if word.isdecimal())
