"""What a copy of a bundle leaves out, so that every proof in it still holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whosaw.answer.sightings import RawMails, Sighting
from whosaw.prove import BundleEntry, entry_leaf
from whosaw.record import ProvedEntries


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


NOTHING = Redaction()
"""A whole copy."""


def redact_entries(proved: ProvedEntries, redact: Redaction) -> tuple[list[BundleEntry], bytes]:
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


def sets_of(kept: Sequence[BundleEntry], sets: Mapping[str, bytes], redact: Redaction) -> Mapping[str, bytes]:
    """Return the sets of subjects that stay: those that an entry names, and none where a subject is left out."""
    named = {str(json.loads(entry.payload).get("exposure")) for entry in kept}
    # a set holds its members' numbers in clear, and cannot be opened in part
    return {} if redact.subjects else {name: body for name, body in sets.items() if name in named}


def raw_files(sightings: Sequence[Sighting], mails: RawMails, redact: Redaction) -> dict[str, bytes]:
    """Return the raw complaints that stay, by file name."""
    found = {}
    for each in sightings:
        if each.raw_sha256 not in redact.mails and each.subject not in redact.subjects:
            ending = "eml" if each.form == "mail" else "json"
            found[f"mails/{each.raw_sha256}.{ending}"] = mails.read(each.raw_sha256)
    return found
