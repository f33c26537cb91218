"""The plain files of a bundle: the case, its verdicts and steps, letters, and the README that says what is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whosaw.answer.bundletexts import as_json
from whosaw.answer.case import Case, Snapshot
from whosaw.answer.facts import Facts, Person
from whosaw.answer.ladder import RULES
from whosaw.answer.letters import write_notice
from whosaw.answer.notices import Wording
from whosaw.answer.numbered import UNNUMBERED, by_number
from whosaw.answer.redaction import Redaction
from whosaw.answer.sightings import Sighting
from whosaw.answer.step import Step
from whosaw.record import ProvedEntries

_SAMPLE_NAME = "[name]"


def case_file(
    file: Case, named: Sequence[str], numbers: Mapping[str, int | str], sightings: Sequence[Sighting]
) -> dict[str, Any]:
    """Return the case and its complaints; people as numbers."""
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
                "arrived": dict(each.arrived),
                "language": each.language,
                "marks": list(each.marks),
                "form": each.form,
                "mail": f"mails/{each.raw_sha256}.{'eml' if each.form == 'mail' else 'json'}",
            }
            for each in sightings
        ],
    }


def verdict_file(snapshot: Snapshot, numbers: Mapping[str, int | str]) -> dict[str, Any]:
    """Return what may leave of a snapshot: numbers for actors, counts for subjects, figures and known words."""
    said = by_number(snapshot.verdict, numbers)
    return {"seq": snapshot.seq, "at": snapshot.at.isoformat(), "complaints": snapshot.complaints, **said}


def step_file(step: Step, numbers: Mapping[str, int | str]) -> dict[str, Any]:
    """Return one step; people as numbers."""
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
        "outcome": step.told,
        "entry": step.entry,
        "undo_entry": step.undo_entry,
        "undo_reason": step.undo_reason,
    }


def letter_files(facts: Facts, sent: Mapping[Wording, Person]) -> dict[str, bytes]:
    """Return the facts, and one letter of each wording that went out, in English, under a name that is nobody's."""
    files = {"facts.json": as_json(facts.as_json())}
    for wording, person in sent.items():
        letter = write_notice(facts, person, name=_SAMPLE_NAME, required=wording.required, place=wording.place)
        files[f"letters/{wording.name}.txt"] = letter.text.encode()
        files[f"letters/{wording.name}.html"] = letter.html.encode()
    return files


def readme(file: Case, proved: ProvedEntries, mails: int, redact: Redaction) -> str:
    """Return the README of a bundle."""
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

BUNDLE is this folder or zip. VERIFIER-KEY is the operator's key, written NAME+HEX+BASE64, and FILE names the keys you
trust. Take them from the operator's publication or from a witness, not from whoever gave you the bundle. Without them
the bundle is checked for consistency alone.

Ask the operator whenever you like whether the same history still stands: `whosaw evidence extend BUNDLE` makes him a
small file, and either command above checks it with --later and its name.

What is in it
    entries.jsonl          {len(proved.entries)} entries of the trail, each proved against the signed checkpoint
                           over {proved.size} entries: what the named actors were shown of affected people and did,
                           every step of this case, and what files/history.json names. An entry that files/
                           name and that is not here was erased, or ended by the trail's retention, as the
                           operator says: its announcement lies in his trail; ask him for a proof of it.
    exposure/HASH          the affected people and others who were shown together, as a set of numbers, where an entry
                           names one by HASH.
    files/case.json        the case, who is named (as a number), and the {mails} complaints with the DKIM key record
                           as it stood in DNS when each arrived.
    files/verdicts.json    what attribution said after each complaint: its figures, staff as numbers, customers as
                           counts; free words of whoever asked stay with the operator.
    files/steps.json       what was done, on whose approval, and under which entry of the trail.
    files/gate.json        whether the gate was open or closed at each look, and by which access policies.
    files/facts.json       what the letters were written from (absent where nobody was told).
    files/letters/         one letter of each wording that went out, in English, with "[name]" for the name: to
                           people whose data certainly or probably got out, or to a business; of -required a law
                           asked for the letter, of -voluntary none did, and else it says neither; of -us-ca that
                           law adds sentences. Whether letters were sent at all, files/steps.json says.
    files/mails/           the complaints as they arrived.
    files/method.json      the method, its settings, its measured rates of error and its limits.
    files/exculpatory.json what speaks for the named actors, and what nobody asked.
    files/history.json     states of the case, who knew what when, terms of law.
    files/policies/        the access policies that decided the entries, by version.
    files/exhibits/        files that people found, as they are; history.json says what each shows.
    files/stamps/          time stamps (RFC 3161) of checkpoints, each with a proof that the tree only grew since:
                           openssl ts -verify -in ID.tsr -data checkpoint -CAfile ROOTS.pem
    files/case.jsonld      the same as CASE 1.5 / UCO for other programs.
    files/report.pdf       the report (PDF/A-3b).
    files/certificate.txt  the form of the custodian's certificate, to be signed.
    files/custody.json     who had the evidence in hand, and every file's SHA-256.
    (What is not there was not part of the case, or was not asked for when the bundle was built.)

Personal data: people stand here as numbers; the table that leads from number to person is not part of the bundle.
A member of staff who was erased since stands as "{UNNUMBERED}".
The raw mails are the exception: they hold names and addresses as written, because only unchanged bytes keep their
signatures. Treat the bundle accordingly.

Limits: an entry shows what an account was shown or did. It does not show who sat at it, nor that what was seen was
passed on; that is what files/verdicts.json weighs, with its probability of having come from outside, and that of duties
or questions in one go explaining it (`duties`).
"""
