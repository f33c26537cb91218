"""SPF of a mail as it came to our own mail server: who handed it over, and whether its domain lets that address send.

Only what our own server wrote is believed: its Received line, and the Return-Path above it. Every record that was asked
for is kept with the result, because tomorrow's DNS may say something else.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from whosaw.answer.mime import MalformedMail, split, values

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its texts hold escapes that newer Pythons warn of
    import spf

SpfVerdict = Literal["pass", "fail", "softfail", "neutral", "none", "permerror", "temperror", "unknown"]

Records = Callable[[str, str], Sequence[str]]
"""Gives the records of a name by kind (A, AAAA, MX, PTR, TXT): addresses, ``10 mx.example``, names, texts; none where
there are none.

Raises:
    DnsSilent: nobody answered.
"""

_BY = re.compile(r"\bby\s+([A-Za-z0-9.-]{1,255})", re.IGNORECASE)
_FROM = re.compile(r"^\s*from\s+(\S{1,255})", re.IGNORECASE)
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]")
_RETURN_PATH = re.compile(r"<([^<>\s]{0,320})>")
_RECORDS_MOST = 60
_INSIDE = tuple(
    ipaddress.ip_network(each)
    for each in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)
_VERDICTS: tuple[SpfVerdict, ...] = ("pass", "fail", "softfail", "neutral", "none", "permerror", "temperror")


class DnsSilent(OSError):
    """No name server answered: what holds is not known, which is not the same as that there is no record."""


@dataclass(frozen=True, slots=True)
class Hop:
    """How a mail came in: the address that handed it over, how it called itself, and for whom it sent."""

    address: str
    helo: str
    sender: str


@dataclass(frozen=True, slots=True)
class SpfResult:
    """What checking gave.

    Attributes:
        verdict: as RFC 7208 names it; ``unknown`` where no server of ours says who handed the mail over.
        domain: whose policy was asked for; empty where none was.
        address: who handed the mail over; empty where that is not known.
        records: every record that was asked for, by ``KIND name``.
        checked_at: when.
    """

    verdict: SpfVerdict
    domain: str
    address: str
    records: Mapping[str, Sequence[str]] = field(default_factory=dict)
    checked_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON holds it."""
        at = self.checked_at.isoformat() if self.checked_at else ""
        records = {name: list(found) for name, found in self.records.items()}
        return {**asdict(self), "records": records, "checked_at": at}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Our own mail servers, by the names they write into Received lines, and the DNS as it answers now."""

    servers: Collection[str]
    records: Records


def read_hop(raw: bytes, servers: Collection[str]) -> Hop | None:
    """Return who handed a mail to the first of our servers, or None where none of ours says so.

    The lines are read from the top. A hand-over between our own servers (from a loopback or private address, or none)
    is passed over; the first from elsewhere counts, and nothing below it is believed.

    Args:
        raw: the mail as our server delivered it.
        servers: names of our servers, in lower case.
    """
    try:
        headers, _ = split(raw)
    except MalformedMail:
        return None
    for line in values(headers, "received"):
        by = _BY.search(line)
        if by is None or by.group(1).lower().rstrip(".") not in servers:
            return None
        address = _outside(line[: by.start()])
        if address:
            helo = _FROM.match(line)
            path = _RETURN_PATH.search((values(headers, "return-path") or [""])[0])
            return Hop(address, helo.group(1) if helo else "", path.group(1) if path else "")
    return None


def check_spf(hop: Hop | None, records: Records, at: datetime) -> SpfResult:
    """Return what the policy of the sender's domain says of the address that handed a mail over.

    Args:
        hop: as `read_hop` gives it; None is ``unknown``.
        records: the DNS.
        at: now, kept with the result.

    Source: RFC 7208, by pyspf.
    """
    if hop is None:
        return SpfResult("unknown", "", "", {}, at)
    asked: dict[str, tuple[str, ...]] = {}
    question = _Question(hop, records, asked)
    try:
        said = str(question.check()[0])
    except Exception:  # a crafted policy or sender makes the library raise whatever it stumbles over
        said = "permerror"
    verdict: SpfVerdict = next((each for each in _VERDICTS if each == said), "permerror")
    return SpfResult(verdict, str(question.o)[:255].lower(), hop.address, asked, at)


class _Question(spf.query):  # type: ignore[misc]
    """The library's question, put to our DNS instead of its own; it keeps what was answered."""

    def __init__(self, hop: Hop, records: Records, asked: dict[str, tuple[str, ...]]) -> None:
        super().__init__(i=hop.address, s=hop.sender, h=hop.helo, strict=True)
        self._records = records
        self._asked = asked

    def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        """Answer as the library expects it: TXT as parts of bytes, MX as (preference, host), others as text."""
        del cnames  # our DNS follows them
        name = str(name).rstrip(".").lower()
        key = f"{qtype} {name}"
        if key not in self._asked:
            if len(self._asked) >= _RECORDS_MOST:
                raise spf.PermError("more look-ups than a policy may cause")
            try:
                self._asked[key] = tuple(self._records(name, qtype))
            except DnsSilent as cause:
                raise spf.TempError("no answer") from cause
        found = self._asked[key]
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("more names without records than a policy may have")
        return [_as_library(qtype, each) for each in found]


def _as_library(kind: str, text: str) -> Any:
    if kind == "TXT":
        return [text.encode("utf-8", "replace")]
    if kind == "MX":
        preference, _, host = text.partition(" ")
        return (int(preference), host.rstrip(".").lower())
    return text.rstrip(".").lower()


def _outside(text: str) -> str:
    """Return the address in a Received line that is neither loopback nor private, or nothing."""
    for found in _ADDRESS.findall(text):
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            continue
        if not any(address in network for network in _INSIDE if network.version == address.version):
            return str(address)
    return ""
