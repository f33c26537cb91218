"""Which witnesses a trail asks, where they are, how many must agree, and how patiently they are asked.

The file is a policy (c2sp.org/tlog-policy) whose ``witness`` lines carry addresses. Its ``log`` lines are not needed:
the trail's own key stands in for them, and the policy published beside the checkpoint names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from whosaw.prove import Policy, PolicyInvalid, VerifierKey
from whosaw.prove.policy import NONE
from whosaw.record.errors import RecordError


class WitnessesInvalid(RecordError, ValueError):
    """The file that names the witnesses cannot be used."""

    code: ClassVar[str] = "record.witnesses_invalid"
    hint = "write one `witness NAME VKEY URL` line each, and one `quorum NAME` line; docs/witness.md has an example"


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently witnesses are asked; everything in seconds, > 0.

    Attributes:
        grace_s: how long a checkpoint may lack its quorum before the trail counts as unwitnessed.
        timeout_s: the most that one witness may take for one answer.
        poll_s: how often a new checkpoint is looked for.
        first_wait_s: how long a witness that failed is left alone; doubled with every further failure.
        most_wait_s: the most that it is left alone.
        refresh_s: after so long an idle trail's checkpoint is cosigned anew, to show that the witnesses still answer.
    """

    grace_s: float = 60.0
    timeout_s: float = 5.0
    poll_s: float = 0.1
    first_wait_s: float = 0.5
    most_wait_s: float = 30.0
    refresh_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Circle:
    """The witnesses of a trail.

    Attributes:
        policy: their keys, groups and quorum; no logs.
        urls: the submission prefix by witness name, without a final slash; a witness without one is not asked.
        lines: the file's witness, group and quorum lines, to be published.
    """

    policy: Policy
    urls: dict[str, str]
    lines: str

    @classmethod
    def read(cls, path: Path) -> Circle:
        """Read the policy file at `path`.

        Raises:
            WitnessesInvalid: it cannot be read, breaks the format, or its quorum can never be met.
        """
        try:
            raw = path.read_bytes()
        except OSError as cause:
            raise WitnessesInvalid(f"cannot read `{path}`: {cause.strerror}") from cause
        try:
            return cls.parse(raw)
        except (PolicyInvalid, WitnessesInvalid, UnicodeDecodeError) as cause:
            raise WitnessesInvalid(f"`{path}`: {cause}") from cause

    @classmethod
    def parse(cls, raw: bytes) -> Circle:
        """Read the contents of a policy file.

        Raises:
            PolicyInvalid: it breaks the format.
            WitnessesInvalid: an address cannot be used, or the quorum is none or can never be met.
            UnicodeDecodeError: it is not UTF-8.
        """
        policy = replace(Policy.parse(raw), logs=())
        text = raw.decode()
        rows = [words for line in text.split("\n") if (words := line.split()) and not words[0].startswith("#")]
        urls = {words[1]: _prefix(words[3]) for words in rows if words[0] == "witness" and len(words) == 4}
        if policy.quorum == NONE or not _within_reach(policy, policy.quorum, urls):
            raise WitnessesInvalid("the quorum can never be met by the witnesses that have an address")
        return cls(policy, urls, "".join(" ".join(words) + "\n" for words in rows if words[0] != "log"))

    def trusting(self, logs: Sequence[VerifierKey]) -> Policy:
        """Return the policy that accepts checkpoints of these logs once the quorum has cosigned them."""
        return replace(self.policy, logs=tuple(logs))


def _prefix(url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or parts.query or parts.fragment or parts.username:
        raise WitnessesInvalid(f"not an http address: `{url[:200]}`")
    return url.rstrip("/")


def _within_reach(policy: Policy, name: str, urls: dict[str, str]) -> bool:
    if name in policy.witnesses:
        return name in urls
    group = policy.groups[name]
    return sum(_within_reach(policy, member, urls) for member in group.members) >= group.threshold
