"""Whether what is erased was announced: an entry of the trail must have said how many entries die, and which.

An operator who lets a payload disappear cannot pass it off as an erasure: the announcement commits to the exact
indices, and it is an entry like any other, under the signed tree.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whosaw.record.erasure import digest_of
from whosaw.record.findings import Finding

ANNOUNCING = frozenset({b'"erasure"', b'"pruning"'})  # kinds as a payload spells them
_NAMED = 1_000  # unannounced entries that get a line each


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an entry of kind `erasure` or `pruning` says: how many entries die, and the digest of their indices."""

    entries: int
    indices: str

    @classmethod
    def read(cls, raw: bytes) -> Announcement | None:
        """Read a payload, or return None where it announces nothing that can be checked."""
        try:
            said = json.loads(raw)
            if f'"{said["kind"]}"'.encode() not in ANNOUNCING:
                return None
            return cls(int(said["entries"]), str(said["indices"]))
        except (ValueError, KeyError, TypeError):
            return None


def unannounced(
    erased: Iterable[int], marks: Iterable[tuple[int, int]], announced: Mapping[int, Announcement]
) -> list[Finding]:
    """Return a finding for every entry whose payload is gone and whose erasure no entry announced.

    Args:
        erased: indices of the entries without payload.
        marks: (index, index of the announcing entry) as the database says.
        announced: by index, the announcements that stand whole in the trail.
    """
    by_announcement: defaultdict[int, list[int]] = defaultdict(list)
    for index, entry in marks:
        by_announcement[entry].append(index)
    covered: set[int] = set()
    marked: set[int] = set()
    for entry, indices in by_announcement.items():
        said = announced.get(entry)
        if said is not None and said.entries == len(indices) and said.indices == digest_of(indices):
            covered.update(indices)
        else:
            marked.update(indices)
    odd = sorted(set(erased) - covered)
    findings = [_finding(index, index in marked) for index in odd[:_NAMED]]
    if len(odd) > _NAMED:
        line = f"{len(odd) - _NAMED} more entries from {odd[_NAMED]} on: payload gone, and no entry announced that"
        findings.append(Finding(odd[_NAMED], "payload_lost", line))
    return findings


def _finding(index: int, marked: bool) -> Finding:
    if marked:
        line = f"entry {index}: marked as erased, and the entry that should have announced it announces something else"
        return Finding(index, "erasure_unannounced", line)
    return Finding(index, "payload_lost", f"entry {index}: its payload is gone, and no erasure says so")
