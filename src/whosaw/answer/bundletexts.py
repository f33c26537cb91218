"""What a bundle says besides its entries: method and error rates, what clears, custody, the custodian's certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from whosaw import __version__
from whosaw.answer.alternatives import Alternative
from whosaw.answer.case import Case, Snapshot
from whosaw.answer.clocks import CaseClock
from whosaw.answer.desk import Knowledge, Move
from whosaw.answer.exculpatory import ITEMS, Answer
from whosaw.answer.facts import Facts, Person
from whosaw.answer.notices import Wording
from whosaw.answer.numbered import by_number
from whosaw.answer.origin import origin_lines
from whosaw.answer.step import Step
from whosaw.trace.explained import explained_chance, rows_of

LIMITS = (
    "An entry shows what an account was shown or did. It does not show who sat at it.",
    "It does not show that what was seen was passed on; verdicts.json weighs that beside the chance of another source.",
    "Whoever saw a colleague's screen, a paper, or a database that whosaw does not stand before has no entry.",
    "The times of contact are those that senders signed, or the arrival of a complaint where nothing was signed.",
    "A benefit to a seller does not prove that the seller ordered it.",
    "Rates of error were measured on made worlds and, where the verdict says so, on leaks planted into the operator's "
    "log; they are no rates of this case.",
)
"""Known limits of the method, as they stand in every bundle."""

DEFECTS = (
    "The trail proves that nothing was altered or removed after it was signed, not that everything was recorded: a way "
    "around every door leaves no entry.",
    "Between two cosignatures of witnesses the operator alone holds the head of the trail.",
    "The staff numbers lead to people by a table that the operator keeps.",
)
"""Known defects of the system, for the certificate."""


@dataclass(frozen=True, slots=True)
class Story:
    """A case as its bundle tells it: the case, its verdicts, its steps, and what the letters were written from."""

    case: Case
    history: Sequence[Snapshot]
    steps: Sequence[Step]
    facts: Facts | None


@dataclass(frozen=True, slots=True)
class Background:
    """What a case holds beside its entries, as the bundle takes it.

    Attributes:
        moves, knowledge, clocks: how the case went.
        cleared: answers to what may clear each named actor, by the actor's number.
        alternatives: what else may explain a sighting.
        policies: texts of the access policies that decided the bundle's entries, by file name.
        stamps: files of time stamps under ``stamps/``.
        exhibits: files that people found, by their name under ``exhibits/``.
        shown: of each exhibit what it shows, by the same name.
        letters: each wording of the letters that went out, with one person whom it was sent to.
        custody: who had the evidence in hand before, oldest first.
        built_by: who builds the bundle, as a number.
        built_at: when.
    """

    moves: Sequence[Move] = ()
    knowledge: Sequence[Knowledge] = ()
    clocks: Sequence[CaseClock] = ()
    cleared: Mapping[int, Sequence[Answer]] = field(default_factory=dict)
    alternatives: Sequence[Alternative] = ()
    policies: Mapping[str, bytes] = field(default_factory=dict)
    stamps: Mapping[str, bytes] = field(default_factory=dict)
    exhibits: Mapping[str, bytes] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[Wording, Person] = field(default_factory=dict)
    custody: Sequence[Mapping[str, Any]] = ()
    built_by: int = 0
    built_at: datetime | None = None


def method_file(history: Sequence[Snapshot], numbers: Mapping[str, int | str]) -> bytes:
    """Return the method, its settings, its measured rates of error, and its known limits."""
    last = by_number(history[-1].verdict, numbers) if history else {}
    return as_json(
        {
            "method": "matched-control betting scores (docs/trace.md)" if history else None,
            "settings": last.get("method"),
            "measured": last.get("measured"),
            "completeness": last.get("completeness"),
            "not_known": last.get("missing"),
            "origin": origin_lines(last),
            "looks": len(history),
            "limits": list(LIMITS),
        }
    )


def exculpatory_file(background: Background, history: Sequence[Snapshot], numbers: Mapping[str, int | str]) -> bytes:
    """Return everything that speaks for the named actors, and which questions nobody answered."""
    last: Mapping[str, Any] = history[-1].verdict if history else {}
    rivals = [
        {"actors": [numbers[actor] for actor in each["actors"]], "probability": each["probability"]}
        for each in last.get("candidates", ())
    ]
    cleared = background.cleared
    duties = rows_of(by_number(last, numbers))
    return as_json(
        {
            "outside_probability": last.get("outside_probability"),
            "explained_probability": explained_chance(duties),
            "explained_by": duties,
            "every_candidate": rivals,
            "questions": {
                str(actor): {
                    item: next(
                        (
                            {"finding": each.finding, "how": each.text, "at": each.at.isoformat()}
                            for each in answers
                            if each.item == item
                        ),
                        None,
                    )
                    for item in ITEMS
                }
                for actor, answers in cleared.items()
            },
            "alternatives": [asdict(each) for each in background.alternatives],
        }
    )


def history_file(background: Background, numbers: Mapping[str, int | str]) -> bytes:
    """Return how the case went: states, who knew what when, terms of law; people as numbers, free text as hashes."""
    return as_json(
        {
            "moves": [
                {
                    "at": each.at.isoformat(),
                    "from": each.before,
                    "to": each.after,
                    "by": numbers[each.by],
                    "entry": each.entry,
                }
                for each in background.moves
            ],
            "knowledge": [
                {
                    "kind": each.kind,
                    "known_at": each.known_at.isoformat(),
                    "person": numbers[each.person],
                    "noted_at": each.noted_at.isoformat(),
                    "noted_by": numbers[each.noted_by],
                    "text_sha256": sha256(each.what.encode()).hexdigest(),
                    "entry": each.entry,
                }
                for each in background.knowledge
            ],
            "terms": [
                {
                    "rule": each.rule,
                    "source": each.law.source,
                    "law_from": each.law_from.isoformat(),
                    "started_at": each.started_at.isoformat(),
                    "due_at": each.due_at.isoformat(),
                    "zone": each.zone,
                    "met_at": each.met_at.isoformat() if each.met_at else None,
                }
                for each in background.clocks
            ],
            "exhibits": [{"file": name, "shows": what} for name, what in sorted(background.shown.items())],
        }
    )


def custody_file(background: Background, files: Mapping[str, bytes]) -> bytes:
    """Return the chain of custody: who had the evidence in hand, and the hash of every file as it was handed on."""
    now = background.built_at.isoformat() if background.built_at else None
    step = {"action": "built", "by": background.built_by, "at": now, "with": f"whosaw {__version__}"}
    return as_json(
        {
            "chain": [*background.custody, step],
            "files": {name: sha256(body).hexdigest() for name, body in sorted(files.items())},
            "next": "note here, on paper or in your own file, who received the bundle, when, and its SHA-256",
        }
    )


def certificate(case: str, origin: str, files: Mapping[str, bytes], at: datetime | None) -> bytes:
    """Return the form of the custodian's certificate (FRE 902(13) and (14), in the form of 902(11)), to be signed.

    It describes the process, which is what the rule asks for; it asserts nothing that the reader cannot check.
    """
    listed = "\n".join(f"    {sha256(body).hexdigest()}  {name}" for name, body in sorted(files.items()))
    defects = "\n".join(f"    - {each}" for each in DEFECTS)
    day = at.date().isoformat() if at else "________"
    return f"""CERTIFICATE OF A CUSTODIAN OF ELECTRONIC RECORDS
Federal Rules of Evidence 902(13) and 902(14); a form, to be completed and signed by a qualified person

1. My name is ____________________. My position is ____________________. I am qualified to make this certificate because
   ____________________.

2. The records of {case} were generated by whosaw {__version__}, a system that stands between employees and customers'
   data. Before it shows a value it appends an entry of who asked, about whom, for which reason, and which fields; the
   entry is on disk before the value leaves. Entries form a Merkle tree (RFC 6962) named `{origin}`; its head is
   signed, and cosigned by witnesses where the operator has any. A copy of an entry is identified by its hash and its
   path to that head.

3. The process is shown to be accurate by verification: files/verify.py, or any program written from docs/format.md,
   recomputes every hash from the entries themselves. I ran ____________________ on ____________________ with this
   result: ____________________.

4. Known defects and limits of the system:
{defects}

5. The files of this bundle are identified by these SHA-256 digests:
{listed}

6. The records were made at or near the time of what they record, in the regular course of business, and kept so.

I declare under penalty of perjury that the foregoing is true and correct.

Prepared {day}.      Signed ____________________      Date ____________________
""".encode()


def as_json(value: object) -> bytes:
    """Return a value as readable JSON in one spelling."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
