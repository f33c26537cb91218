"""The evidence of a case as one bundle that anyone can verify alone.

It holds the facts, how the verdict sharpened, the steps, the raw complaint mails, a sample of each letter, and the
trail's entries that matter with their proofs: what the named actors did to affected subjects, and the case work. People
stand in it as numbers, except in the raw mails, which are evidence as they are; its README says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from whosaw import __version__
from whosaw.answer.bundletexts import (
    Background,
    Story,
    certificate,
    custody_file,
    exculpatory_file,
    history_file,
    method_file,
)
from whosaw.answer.case import Case, Cases, Snapshot
from whosaw.answer.errors import EvidenceMissing
from whosaw.answer.facts import Facts
from whosaw.answer.ladder import RULES
from whosaw.answer.letters import write_notice
from whosaw.answer.ontology import case_ontology
from whosaw.answer.reportpdf import write_report
from whosaw.answer.sightings import RawMails, Sighting, SightingBook
from whosaw.answer.step import Step
from whosaw.answer.steps import Steps
from whosaw.prove import BundleEntry, BundleReport, SigningKey, entry_leaf, write_bundle
from whosaw.record import CheckpointMissing, ProvedEntries, entries_by_actor, entries_exposing, prove_entries
from whosaw.store import Database
from whosaw.store.numbers import assign

_POLL_S = 0.1
_SAMPLE_NAME = "[name]"


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


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a copy of a bundle leaves out, with every proof still valid.

    Attributes:
        subjects: numbers of subjects; of entries about them the leaf stays, and a set that holds one is left out.
        mails: SHA-256 of raw mails; the hash stays.
        ground: why, for the README.
    """

    subjects: frozenset[int] = frozenset()
    mails: frozenset[str] = frozenset()
    ground: str = ""


_NOTHING = Redaction()


async def build_evidence(  # noqa: PLR0913 - one bundle, said whole
    sources: Sources,
    case: str,
    path: Path,
    *,
    facts: Facts | None,
    background: Background | None = None,
    redact: Redaction = _NOTHING,
    report: bool = True,
    wait_s: float = 10.0,
) -> BundleReport:
    """Write the bundle of a case and return what it holds, verified.

    Args:
        sources: where everything is.
        case: the case's id.
        path: where to; a name ending in ``.zip`` makes a zip. Nothing may stand there.
        facts: what the letters were written from; None where nobody was told.
        background: how the case went, policies, stamps, custody; without it the bundle holds entries, facts and mails.
        redact: what this copy leaves out.
        report: whether to set the report as PDF/A, which needs typst.
        wait_s: seconds to wait for a checkpoint that covers the newest entry needed.

    Raises:
        UnknownCase: there is no such case.
        RawMailMissing: a complaint's mail is gone or altered.
        EvidenceMissing: no checkpoint covers the case's entries in time.
        BundleInvalid: something stands at `path`.
    """
    file = await sources.cases.get(case)
    history = await sources.cases.verdicts(case)
    steps = await sources.steps.list(case)
    sightings = await sources.book.list(case=case)
    named = sorted(history[-1].named()) if history else []
    numbers = await assign(sources.db, "actor", _actors(history, steps, file))
    subjects = {each.subject for each in sightings} | ({each.subject for each in facts.persons} if facts else set())
    indices = await _indices(sources.db, [numbers[actor] for actor in named], subjects, steps)
    proved = await _proved(sources, indices, wait_s)
    kept, left_out = _redact(proved, redact)
    files = {
        "README.txt": _readme(file, proved, len(sightings), redact).encode(),
        "verify.py": verifier_source(),
        "case.json": _json(_case(file, named, numbers, sightings)),
        "verdicts.json": _json([_verdict(each, numbers) for each in history]),
        "steps.json": _json([_step(each, numbers) for each in steps]),
        **_raw(sightings, sources.mails, redact),
        **(_letters(facts) if facts else {}),
        **({"redacted.jsonl": left_out} if left_out else {}),
    }
    if background is not None:
        people = await assign(sources.db, "actor", _background_people(background))
        story = Story(file, history, steps, facts)
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
        sets=_sets_of(kept, proved.sets, redact),
    )


def verifier_source() -> bytes:
    """Return the one-file verifier that lies in every bundle; it needs nothing but Python."""
    return resources.files("whosaw.answer").joinpath("templates/verify.py.txt").read_bytes()


def _redact(proved: ProvedEntries, redact: Redaction) -> tuple[list[BundleEntry], bytes]:
    """Return the entries that stay, and a line for each that does not: its leaf and the path to the same root."""
    kept, lines = [], []
    for entry in proved.entries:
        if json.loads(entry.payload).get("subject") not in redact.subjects:
            kept.append(entry)
            continue
        leaf = entry_leaf(entry.salt, entry.payload.encode()).hex()
        line = {"index": entry.index, "leaf": leaf, "proof": [each.hex() for each in entry.proof]}
        lines.append(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n")
    return kept, "".join(lines).encode()


def _sets_of(kept: Sequence[BundleEntry], sets: Mapping[str, bytes], redact: Redaction) -> Mapping[str, bytes]:
    named = {str(json.loads(entry.payload).get("exposure")) for entry in kept}
    # a set holds its members' numbers in clear, and cannot be opened in part
    return {} if redact.subjects else {name: body for name, body in sets.items() if name in named}


def _raw(sightings: Sequence[Sighting], mails: RawMails, redact: Redaction) -> dict[str, bytes]:
    found = {}
    for each in sightings:
        if each.raw_sha256 not in redact.mails and each.subject not in redact.subjects:
            ending = "eml" if each.form == "mail" else "json"
            found[f"mails/{each.raw_sha256}.{ending}"] = mails.read(each.raw_sha256)
    return found


def _background_people(background: Background) -> list[str]:
    moved = [each.by for each in background.moves]
    return [*moved, *[person for each in background.knowledge for person in (each.person, each.noted_by)]]


def _background(
    story: Story, background: Background, files: Mapping[str, bytes], numbers: Mapping[str, int], *, report: bool
) -> dict[str, bytes]:
    made = {
        "method.json": method_file(story.history),
        "exculpatory.json": exculpatory_file(background, story.history, numbers),
        "history.json": history_file(background, numbers),
        **{f"policies/{name}": body for name, body in background.policies.items()},
        **background.stamps,
    }
    if report:
        made["report.pdf"] = write_report(story, background, {**files, **made})
    at = background.built_at or story.case.opened_at
    everything = {**files, **made}
    made["case.jsonld"] = case_ontology(story.case.id, everything, story.steps, version=__version__, built_at=at)
    return made


async def _indices(db: Database, actors: Sequence[int], subjects: Collection[int], steps: Sequence[Step]) -> list[int]:
    found = [each for step in steps for each in (step.entry, step.undo_entry) if each is not None]
    in_sets = await entries_exposing(db, subjects)
    for actor in actors:
        async for entry in entries_by_actor(db, actor):
            about = entry.payload.get("subject") in subjects or entry.index in in_sets
            if about or entry.payload.get("kind") == "action":
                found.append(entry.index)
    return sorted(set(found))


async def _proved(sources: Sources, indices: Sequence[int], wait_s: float) -> ProvedEntries:
    waited_s = 0.0
    while True:
        try:
            return await prove_entries(sources.db, sources.trail, sources.trail_key.verifier, indices, sets=True)
        except CheckpointMissing as cause:
            if waited_s >= wait_s:
                raise EvidenceMissing(
                    "no checkpoint covers the case's entries", hint="start the integrator, then build the bundle again"
                ) from cause
        await asyncio.sleep(_POLL_S)
        waited_s += _POLL_S


def _actors(history: Sequence[Snapshot], steps: Sequence[Step], file: Case) -> list[str]:
    candidates = [actor for each in history for one in each.verdict.get("candidates", ()) for actor in one["actors"]]
    people = [person for step in steps for person in (step.planned_by, step.carried_by, *step.approved_by) if person]
    targets = [step.target for step in steps if RULES[step.kind].about == "actor"]
    return [*candidates, *people, *targets, file.opened_by]


def _case(
    file: Case, named: Sequence[str], numbers: Mapping[str, int], sightings: Sequence[Sighting]
) -> dict[str, Any]:
    return {
        "case": file.id,
        "beneficiary": file.beneficiary,
        "state": file.state,
        "opened_at": file.opened_at.isoformat(),
        "opened_by": numbers[file.opened_by],
        "named_actors": [numbers[actor] for actor in named],
        "sightings": [
            {
                "subject": each.subject,
                "channel": each.channel,
                "contacted_at": each.contacted_at.isoformat(),
                "contacted_exact": each.contacted_exact,
                "reported_at": each.reported_at.isoformat(),
                "sender_domain": each.sender_domain,
                "verified": each.verified,
                "dkim": dict(each.dkim),
                "marks": list(each.marks),
                "form": each.form,
                "mail": f"mails/{each.raw_sha256}.{'eml' if each.form == 'mail' else 'json'}",
            }
            for each in sightings
        ],
    }


def _verdict(snapshot: Snapshot, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return a snapshot with numbers for actors, and counts for the lists of subjects."""
    said = dict(snapshot.verdict)
    said["candidates"] = [
        {**each, "actors": [numbers[actor] for actor in each["actors"]]} for each in said.get("candidates", ())
    ]
    scope = said.get("scope")
    if isinstance(scope, Mapping):
        said["scope"] = {name: len(each) if isinstance(each, list) else each for name, each in scope.items()}
    return {"seq": snapshot.seq, "at": snapshot.at.isoformat(), "complaints": snapshot.complaints, **said}


def _step(step: Step, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "target": numbers[step.target] if RULES[step.kind].about == "actor" else step.target,
        "params": dict(step.params),
        "reason": step.reason,
        "state": step.state,
        "planned_by": numbers[step.planned_by],
        "approved_by": [numbers[person] for person in step.approved_by],
        "carried_by": numbers[step.carried_by] if step.carried_by else None,
        "outcome": step.outcome,
        "entry": step.entry,
        "undo_entry": step.undo_entry,
        "undo_reason": step.undo_reason,
    }


def _letters(facts: Facts) -> dict[str, bytes]:
    """Return the facts, and one letter of each wording under a name that is nobody's."""
    files = {"facts.json": _json(facts.as_json())}
    for certainty in ("certain", "probable"):
        person = next((each for each in facts.persons if each.certainty == certainty), None)
        if person is not None:
            letter = write_notice(facts, person, name=_SAMPLE_NAME)
            files[f"letters/{certainty}.txt"] = letter.text.encode()
            files[f"letters/{certainty}.html"] = letter.html.encode()
    return files


def _readme(file: Case, proved: ProvedEntries, mails: int, redact: Redaction) -> str:
    redacted = (
        f"This copy is redacted ({redact.ground}): of {len(redact.subjects)} subjects the entries stand as leaves in\n"
        "files/redacted.jsonl, each with its proof, and their mails as hashes in files/case.json.\n\n"
        if redact.subjects or redact.mails
        else ""
    )
    return f"""EVIDENCE OF {file.id}

{redacted}To verify this bundle, with nothing but Python (unpack the zip, or name it):

    python3 files/verify.py BUNDLE --key VERIFIER-KEY

or with whosaw installed, which also checks the quorum of witnesses:

    pip install whosaw
    whosaw verify BUNDLE --policy FILE

BUNDLE is this folder or zip. FILE names the keys you trust; take it from the operator's publication or from a
witness, not from whoever gave you the bundle. Without --policy the bundle is checked for consistency alone.

What is in it
    entries.jsonl          {len(proved.entries)} entries of the trail, each proved against the signed checkpoint
                           over {proved.size} entries: what the named actors were shown of affected people and did,
                           and every step of this case.
    exposure/HASH          the affected people and others who were shown together, as a set of numbers, where an entry
                           names one by HASH.
    files/case.json        the case, who is named (as a number), and the {mails} complaints with the DKIM key record
                           as it stood in DNS when each arrived.
    files/verdicts.json    what attribution said after each complaint.
    files/steps.json       what was done, on whose approval, and under which entry of the trail.
    files/facts.json       what the letters were written from (absent where nobody was told).
    files/letters/         one letter of each wording, with "[name]" for the name.
    files/mails/           the complaints as they arrived.
    files/method.json      the method, its settings, its measured rates of error and its limits.
    files/exculpatory.json what speaks for the named actors, and what nobody asked.
    files/history.json     states of the case, who knew what when, terms of law.
    files/policies/        the access policies that decided the entries, by version.
    files/stamps/          time stamps (RFC 3161) of checkpoints, each with a proof that the tree only grew since:
                           openssl ts -verify -in ID.tsr -data checkpoint -CAfile ROOTS.pem
    files/case.jsonld      the same as CASE 1.5 / UCO for other programs.
    files/report.pdf       the report (PDF/A-3b).
    files/certificate.txt  the form of the custodian's certificate, to be signed.
    files/custody.json     who had the evidence in hand, and every file's SHA-256.
    (What is not there was not part of the case, or was not asked for when the bundle was built.)

Personal data: people stand here as numbers; the table that leads from number to person is not part of the bundle.
The raw mails are the exception: they hold names and addresses as written, because only unchanged bytes keep their
signatures. Treat the bundle accordingly.

Limits: an entry shows what an account was shown or did. It does not show who sat at it, nor that what was seen was
passed on; that is what files/verdicts.json weighs, with its probability of having come from outside.
"""


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
