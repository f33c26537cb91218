"""Is a sender the party that an alias was made for: the company itself, or whom the disclosed work concerned.

A name in From proves nothing: only the signature of the sender's own domain does. What matches unsigned is neither
trusted nor held against anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Literal, Protocol

from whosaw.answer.signature import DkimResult, Lookup, aligned, check_dkim
from whosaw.doors.mail.letters import Read

Standing = Literal["party", "unproved", "stranger"]


class Parties(Protocol):
    """Knows the addresses of parties."""

    async def addresses(self, party: str) -> Collection[str]:
        """Return the mail addresses of a party, as ``seller:S-9``, in lower case."""
        ...


class Senders:
    """Judges senders."""

    def __init__(self, domains: Collection[str], parties: Parties, dns: Lookup) -> None:
        """Know the company's own mail `domains`; ask `dns` for the keys of signatures."""
        self._domains = frozenset(domains)
        self._parties = parties
        self._dns = dns

    async def signature(self, raw: bytes, seen: Read, at: datetime) -> DkimResult:
        """Check a mail's signatures at its arrival."""
        return await asyncio.to_thread(check_dkim, raw, sender_domain=seen.domain, dns=self._dns, at=at)

    async def standing(self, seen: Read, party: str, signature: DkimResult) -> Standing:
        """Return whether the sender is the party, says to be it, or is somebody else."""
        ours = any(aligned(domain, seen.domain) for domain in self._domains)
        if not ours and not (party and seen.sender.lower() in await self._parties.addresses(party)):
            return "stranger"
        return "party" if signature.verdict == "pass" else "unproved"
