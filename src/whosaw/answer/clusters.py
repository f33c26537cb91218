"""Messages from outside that come from one hand: by sender's domain, by tracking host, by wording.

A cluster is a reason to look, and no proof: it says by how many kinds of likeness it hangs together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from urllib.parse import urlsplit

from whosaw.answer.hostowners import SHARED, owned
from whosaw.answer.mime import MalformedMail, parts

Likeness = Literal["sender", "tracking", "wording"]

ALIKE = 0.6
"""Share of word triples in common from which two texts count as one wording."""

_SHORTEST = 8
_URL = re.compile(r"https?://[^\s<>\"')\]]{4,500}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_TAG = re.compile(r"<[^>]{0,2000}>")


@dataclass(frozen=True, slots=True)
class Seen:
    """One message: its sighting, who sent it, the owners of the hosts it leads to, its word triples."""

    sighting: int
    domain: str
    hosts: frozenset[str]
    shingles: frozenset[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Sightings of one hand, ascending; which kinds of likeness join them; the domains and hosts they share."""

    sightings: tuple[int, ...]
    by: tuple[Likeness, ...]
    domains: tuple[str, ...]
    hosts: tuple[str, ...]


def read_seen(sighting: int, raw: bytes, domain: str) -> Seen:
    """Read a complaint's mail for what its message has in common with others.

    Args:
        sighting: its number.
        raw: the customer's mail as it came.
        domain: who sent the message, by intake.
    """
    text = "\n".join(_texts(raw))
    hosts = {_owner(url) for url in _URL.findall(text)}
    words = [word.lower() for word in _WORD.findall(_TAG.sub(" ", _URL.sub(" ", text)))]
    shingles = frozenset(zip(words, words[1:], words[2:], strict=False))
    return Seen(
        sighting, domain, frozenset(hosts - SHARED - {""}), shingles if len(shingles) >= _SHORTEST else frozenset()
    )


def cluster(messages: Sequence[Seen], *, sender_groups: Iterable[str] = ()) -> Sequence[Cluster]:
    """Return the clusters of two messages or more, largest first.

    Args:
        messages: each sighting once.
        sender_groups: domains that many use, beside those that `hostowners` knows: a common one joins nothing.
    """
    common = SHARED | {each.lower() for each in sender_groups}
    joined: dict[tuple[int, int], set[Likeness]] = defaultdict(set)
    _join(joined, {each.sighting: {owned(each.domain)} - common - {""} for each in messages}, "sender")
    _join(joined, {each.sighting: set(each.hosts) for each in messages}, "tracking")
    for at, one in enumerate(messages):
        for other in messages[at + 1 :]:
            if alike(one.shingles, other.shingles) >= ALIKE:
                joined[one.sighting, other.sighting].add("wording")
    return _clusters(messages, joined)


def alike(one: frozenset[tuple[str, str, str]], other: frozenset[tuple[str, str, str]]) -> float:
    """Return how much two texts have in common: word triples of both over those of either, 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0


def _join(joined: dict[tuple[int, int], set[Likeness]], names: Mapping[int, set[str]], by: Likeness) -> None:
    having: dict[str, list[int]] = defaultdict(list)
    for sighting, each in names.items():
        for name in each:
            having[name].append(sighting)
    for together in having.values():
        for one, other in pairwise(together):
            joined[one, other].add(by)


def _clusters(messages: Sequence[Seen], joined: Mapping[tuple[int, int], set[Likeness]]) -> Sequence[Cluster]:
    group = {each.sighting: each.sighting for each in messages}

    def top(each: int) -> int:
        while group[each] != each:
            each = group[each]
        return each

    for one, other in joined:
        group[top(one)] = top(other)
    members: dict[int, list[Seen]] = defaultdict(list)
    for each in messages:
        members[top(each.sighting)].append(each)
    found = []
    for head, seen in members.items():
        if len(seen) > 1:
            by = {kind for pair, kinds in joined.items() if top(pair[0]) == head for kind in kinds}
            domains, hosts = {each.domain for each in seen}, {host for each in seen for host in each.hosts}
            ids = tuple(sorted(each.sighting for each in seen))
            found.append(Cluster(ids, tuple(sorted(by)), tuple(sorted(domains)), tuple(sorted(hosts))))
    return sorted(found, key=lambda each: (-len(each.sightings), each.sightings))


def _texts(raw: bytes, depth: int = 0) -> Iterable[str]:
    try:
        for part in parts(raw):
            if part.kind == "message/rfc822" and depth == 0:
                # only the forwarded message: the customer's own words are his, not the sender's
                yield from _texts(part.decoded(), depth + 1)
                return
        for part in parts(raw):
            if part.kind.startswith("text/"):
                yield part.text()
    except MalformedMail:
        return


def _owner(url: str) -> str:
    try:
        return owned(urlsplit(url).hostname or "")
    except ValueError:  # a host that cannot be one, as in https://[x
        return ""
