"""The evidence of a case as one bundle that anyone can verify alone.

It holds the facts, how the verdict sharpened, the steps, the raw complaint mails, a sample of each letter, and the
trail's entries that matter with their proofs: what the named actors did to affected subjects, and the case work. People
stand in it as numbers, except in the raw mails, which are evidence as they are; its README says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from whosaw import __version__
from whosaw.answer.bundlefiles import case_file, letter_files, readme, step_file, verdict_file
from whosaw.answer.bundletexts import (
    Background,
    Story,
    as_json,
    certificate,
    custody_file,
    exculpatory_file,
    history_file,
    method_file,
)
from whosaw.answer.case import Case, Cases, Snapshot
from whosaw.answer.errors import EvidenceMissing
from whosaw.answer.facts import Facts, Person
from whosaw.answer.gatefile import gate_file
from whosaw.answer.ladder import RULES
from whosaw.answer.notices import Wording
from whosaw.answer.numbered import numbers_in, staff_in, without_customers
from whosaw.answer.ontology import case_ontology
from whosaw.answer.redaction import NOTHING, Redaction, raw_files, redact_entries, sets_of
from whosaw.answer.reportpdf import write_report
from whosaw.answer.sightings import RawMails, SightingBook
from whosaw.answer.step import Step
from whosaw.answer.steps import Steps
from whosaw.prove import BundleReport, SigningKey, write_bundle
from whosaw.record import (
    CheckpointMissing,
    ProvedEntries,
    announced_erasures,
    entries_by_actor,
    entries_exposing,
    prove_entries,
)
from whosaw.store import Database

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Sources:
    """What a bundle is built from.

    Attributes:
        db: whosaw's own database.
        trail: the trail's folder, with checkpoint and tiles.
        trail_key: the key that signs checkpoints; it also seals the bundle.
        cases: the cases.
        steps: their steps.
        book: the sightings.
        mails: the raw mails.
    """

    db: Database
    trail: Path
    trail_key: SigningKey
    cases: Cases
    steps: Steps
    book: SightingBook
    mails: RawMails


async def build_evidence(  # noqa: PLR0913 - one bundle, said whole
    sources: Sources,
    case: str,
    path: Path,
    *,
    facts: Facts | None,
    background: Background | None = None,
    letters: Mapping[Wording, Person] | None = None,
    redact: Redaction = NOTHING,
    report: bool = True,
    wait_s: float = 10.0,
) -> BundleReport:
    """Write the bundle of a case and return what it holds, verified.

    Args:
        sources: where everything is.
        case: the case's id.
        path: where to; a name ending in ``.zip`` makes a zip. Nothing may stand there.
        facts: what the letters were written from; None where nobody was told.
        background: how the case went, with its entries, policies, stamps, custody; without it the bundle holds entries,
            facts and mails.
        letters: each wording that went out, with one person whom it was sent to; those of `background` where left out.
        redact: what this copy leaves out.
        report: whether to set the report as PDF/A, which needs typst.
        wait_s: seconds to wait for a checkpoint that covers the newest entry needed.

    Raises:
        UnknownCase: there is no such case.
        RawMailMissing: a complaint's mail is gone or altered.
        EvidenceMissing: no checkpoint covers the case's entries in time.
        TrailDamaged: an entry of the case's work is not there, or its payload is gone and no entry announced that.
        BundleInvalid: something stands at `path`.
    """
    file = await sources.cases.get(case)
    history = await sources.cases.verdicts(case)
    steps = await sources.steps.list(case)
    sightings = await sources.book.list(case=case)
    named = sorted(history[-1].named()) if history else []
    numbers = await numbers_in(sources.db, _actors(history, steps, file))
    known = [number for number in map(numbers.__getitem__, named) if isinstance(number, int)]
    subjects = {each.subject for each in sightings} | ({each.subject for each in facts.persons} if facts else set())
    work = {*_announced(steps), *_told(background)}
    erased = await announced_erasures(sources.db, work)
    indices = await _indices(sources.db, known, subjects, work - set(erased))
    proved = await _proved(sources, indices, set(erased.values()), wait_s)
    kept, left_out = redact_entries(proved, redact)
    sent = letters if letters is not None else background.letters if background else {}
    files = {
        "README.txt": readme(file, proved, len(sightings), redact).encode(),
        "verify.py": verifier_source(),
        "case.json": as_json(case_file(file, named, numbers, sightings)),
        "verdicts.json": as_json([verdict_file(each, numbers) for each in history]),
        "steps.json": as_json([step_file(each, numbers) for each in steps]),
        "gate.json": as_json(gate_file(kept, set(known), background.policies if background else ())),
        **raw_files(sightings, sources.mails, redact),
        **(letter_files(facts, sent) if facts else {}),
        **({"redacted.jsonl": left_out} if left_out else {}),
    }
    if background is not None:
        people = await numbers_in(sources.db, _background_people(background))
        story = Story(file, [replace(each, verdict=without_customers(each.verdict)) for each in history], steps, facts)
        files |= _background(story, background, files, {**numbers, **people}, report=report)
        files["certificate.txt"] = certificate(case, sources.trail_key.name, files, background.built_at)
        files["custody.json"] = custody_file(background, files)
    return await asyncio.to_thread(
        write_bundle,
        path,
        checkpoint=proved.checkpoint,
        entries=kept,
        files=files,
        seal=sources.trail_key,
        sets=sets_of(kept, proved.sets, redact),
    )


def verifier_source() -> bytes:
    """Return the one-file verifier that lies in every bundle; it needs nothing but Python."""
    return resources.files("whosaw.answer").joinpath("templates/verify.py.txt").read_bytes()


def _background_people(background: Background) -> list[str]:
    moved = [each.by for each in background.moves]
    return [*moved, *[person for each in background.knowledge for person in (each.person, each.noted_by)]]


def _background(
    story: Story, background: Background, files: Mapping[str, bytes], numbers: Mapping[str, int | str], *, report: bool
) -> dict[str, bytes]:
    made = {
        "method.json": method_file(story.history, numbers),
        "exculpatory.json": exculpatory_file(background, story.history, numbers),
        "history.json": history_file(background, numbers),
        **{f"policies/{name}": body for name, body in background.policies.items()},
        **background.stamps,
        **background.exhibits,
    }
    if report:
        made["report.pdf"] = write_report(story, background, {**files, **made}, numbers)
    at = background.built_at or story.case.opened_at
    everything = {**files, **made}
    made["case.jsonld"] = case_ontology(story.case.id, everything, story.steps, version=__version__, built_at=at)
    return made


def _announced(steps: Sequence[Step]) -> list[int]:
    return [each for step in steps for each in (step.entry, step.undo_entry) if each is not None]


def _told(background: Background | None) -> list[int]:
    """Return the entries that ``history.json`` names."""
    if background is None:
        return []
    return [*(each.entry for each in background.moves), *(each.entry for each in background.knowledge)]


async def _indices(
    db: Database, actors: Sequence[int], subjects: Collection[int], work: Collection[int]
) -> Sequence[int]:
    """Return the entries of a bundle: those of the case's work, there or not, and what the actors did."""
    found = set(work)
    in_sets = await entries_exposing(db, subjects)
    for actor in actors:
        async for entry in entries_by_actor(db, actor):
            about = entry.payload.get("subject") in subjects or entry.index in in_sets
            if about or entry.payload.get("kind") == "action":
                found.add(entry.index)
    return sorted(found)


async def _proved(
    sources: Sources, indices: Sequence[int], announcing: Collection[int], wait_s: float
) -> ProvedEntries:
    """Return the entries of a bundle proved; what announces the end of others is proved too, and not handed out."""
    waited_s, (db, trail, key) = 0.0, (sources.db, sources.trail, sources.trail_key.verifier)
    while True:
        try:
            await prove_entries(db, trail, key, announcing)
            return await prove_entries(db, trail, key, indices, sets=True)
        except CheckpointMissing as cause:
            if waited_s >= wait_s:
                raise EvidenceMissing(
                    "no checkpoint covers the case's entries", hint="start the integrator, then build the bundle again"
                ) from cause
        await asyncio.sleep(_POLL_S)
        waited_s += _POLL_S


def _actors(history: Sequence[Snapshot], steps: Sequence[Step], file: Case) -> list[str]:
    candidates = [actor for each in history for actor in sorted(staff_in(each.verdict))]
    people = [person for step in steps for person in (step.planned_by, step.carried_by, *step.approved_by) if person]
    targets = [step.target for step in steps if RULES[step.kind].about == "actor"]
    return [*candidates, *people, *targets, file.opened_by]
