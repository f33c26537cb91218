"""Policy files (c2sp.org/tlog-policy): which logs may sign, and which witnesses must have cosigned.

A policy must reach the verifier another way than what it verifies: printed, on a web page, from the works council.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from whosaw.prove.checkpoint import Checkpoint
from whosaw.prove.errors import NoteInvalid, PolicyInvalid
from whosaw.prove.note import COSIGNATURE, ED25519, Note, VerifierKey

NONE = "none"
_MAX_POLICY_BYTES = 1_000_000
_MAX_DEPTH = 32
_SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Group:
    """Holds when at least `threshold` of its members, witnesses or groups, hold."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Log keys, witness keys and groups by name, and the name of the quorum (`none` asks for no witness)."""

    logs: tuple[VerifierKey, ...]
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    @classmethod
    def parse(cls, raw: bytes) -> Policy:
        """Read a policy file.

        Raises:
            PolicyInvalid: it breaks the format; the message names the line.
        """
        return _Reader().read(raw)

    def check(self, note: bytes) -> tuple[Checkpoint, VerifierKey]:
        """Return the checkpoint in `note` and the log key that signed it, if this policy accepts it.

        Raises:
            NoteInvalid: malformed, not signed by a listed log under its origin, or the quorum is not met.
        """
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
        logs = {key for key in self.logs if key.name == checkpoint.origin}
        signed = {key for key, _ in parsed.verify([*logs, *self.witnesses.values()])}
        signer = next((key for key in self.logs if key in signed and key in logs), None)
        if signer is None:
            raise NoteInvalid("no log of the policy signed this checkpoint")
        if self.quorum != NONE and not self._holds(self.quorum, signed):
            raise NoteInvalid(f"the quorum `{self.quorum[:80]!r}` has not cosigned this checkpoint")
        return checkpoint, signer

    def _holds(self, name: str, signed: set[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name] in signed
        group = self.groups[name]
        return sum(self._holds(member, signed) for member in group.members) >= group.threshold


class _Reader:
    """Reads one policy file line by line."""

    def __init__(self) -> None:
        self._logs: list[VerifierKey] = []
        self._witnesses: dict[str, VerifierKey] = {}
        self._groups: dict[str, Group] = {}
        self._depths: dict[str, int] = {}
        self._members: set[str] = set()
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()
        self._quorum: str | None = None

    def read(self, raw: bytes) -> Policy:
        if len(raw) > _MAX_POLICY_BYTES:
            raise PolicyInvalid(f"a policy longer than {_MAX_POLICY_BYTES} bytes")
        if any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in raw):
            raise PolicyInvalid("a control character in a policy")
        text = raw.decode("utf-8", errors="surrogateescape")  # names are opaque octets, whatever their encoding
        readers: dict[str, Callable[[list[str]], None]] = {
            "log": self._read_log,
            "witness": self._read_witness,
            "group": self._read_group,
            "quorum": self._read_quorum,
        }
        for number, line in enumerate(text.split("\n"), 1):
            words = [word for word in _SPACE.split(line) if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                if words[0] not in readers:
                    raise PolicyInvalid(f"unknown keyword `{words[0][:40]!r}`")
                readers[words[0]](words[1:])
            except (PolicyInvalid, NoteInvalid) as cause:
                raise PolicyInvalid(f"line {number}: {cause}") from cause
        if self._quorum is None:
            raise PolicyInvalid("a policy has exactly one quorum line")
        return Policy(tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def _read_log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise PolicyInvalid("a log is written `log <vkey> [url]`")
        key = _key(words[0], ED25519)
        if key.public in self._log_keys:
            raise PolicyInvalid("the same log key twice")
        self._log_keys.add(key.public)
        self._logs.append(key)

    def _read_witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise PolicyInvalid("a witness is written `witness <name> <vkey> [url]`")
        key = _key(words[1], COSIGNATURE)
        if key.public in self._witness_keys:
            raise PolicyInvalid("the same witness key twice")
        self._witness_keys.add(key.public)
        self._define(words[0], depth=0)
        self._witnesses[words[0]] = key

    def _read_group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise PolicyInvalid("a group is written `group <name> all|any|<k> <members…>`")
        name, rule, *members = words
        for member in members:
            if member not in self._depths:
                raise PolicyInvalid(f"`{member[:80]!r}` is not defined before it is used")
            if member in self._members:
                raise PolicyInvalid(f"`{member[:80]!r}` is a member twice")
            self._members.add(member)
        self._define(name, depth=1 + max(self._depths[member] for member in members))
        self._groups[name] = Group(_threshold(rule, len(members)), tuple(members))

    def _read_quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self._quorum is not None:
            raise PolicyInvalid("a policy has exactly one line `quorum <name|none>`")
        if words[0] != NONE and words[0] not in self._depths:
            raise PolicyInvalid(f"`{words[0][:80]!r}` is not defined before it is used")
        self._quorum = words[0]

    def _define(self, name: str, depth: int) -> None:
        if name == NONE or name in self._depths:
            raise PolicyInvalid(f"`{name[:80]!r}` is already defined")
        if depth > _MAX_DEPTH:
            raise PolicyInvalid(f"groups nested deeper than {_MAX_DEPTH}")
        self._depths[name] = depth


def _key(text: str, kind: int) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.kind != kind:
        raise PolicyInvalid(f"`{key.name[:80]}` is a key of another kind")
    return key


def _threshold(rule: str, members: int) -> int:
    if rule == "any":
        return 1
    if rule == "all":
        return members
    if re.fullmatch(r"[1-9][0-9]{0,5}", rule) and int(rule) <= members:
        return int(rule)
    raise PolicyInvalid(f"a threshold is all, any or 1 to {members}")
