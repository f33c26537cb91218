"""DKIM of a mail as it stands at arrival: selectors rotate, so the key record is kept with the result."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Literal

import dkim

from whosaw.answer.mime import MalformedMail, split, values

Lookup = Callable[[str], str | None]
Verdict = Literal["pass", "fail", "weak", "no_key", "none", "unsupported"]

_MAX_SIGNATURES = 5
_MUST_SIGN = {"from", "date"}
_LOG = logging.getLogger("whosaw.answer.dkim")
_LOG.setLevel(logging.CRITICAL)  # the library logs header content; the result says all we keep


@dataclass(frozen=True, slots=True)
class DkimResult:
    """What checking a mail's signatures gave.

    Attributes:
        verdict: ``pass``: a signature of the sender's own domain covers body, From and Date. ``weak``: a signature
            holds, but covers less, or belongs to another domain. ``fail``: altered. ``no_key``: the key is not
            published (any more). ``none``: unsigned. ``unsupported``: an algorithm this installation cannot check.
        domain: the signing domain (d=), empty without signature.
        selector: the selector (s=), empty without signature.
        record: the DNS TXT text the check used, empty where there was none.
        checked_at: when the record was looked up.
    """

    verdict: Verdict
    domain: str
    selector: str
    record: str
    checked_at: datetime

    def as_json(self) -> dict[str, str]:
        """Return the result as JSON holds it."""
        return {**asdict(self), "checked_at": self.checked_at.isoformat()}


_ORDER: tuple[Verdict, ...] = ("pass", "weak", "fail", "no_key", "unsupported", "none")


def check_dkim(raw: bytes, *, sender_domain: str, dns: Lookup, at: datetime) -> DkimResult:
    """Return the best result among the first five signatures of a mail.

    Args:
        raw: the mail as it was received, byte for byte.
        sender_domain: the domain of its From, in lower case; a ``pass`` is by that domain or a parent of it.
        dns: gives the TXT record of a name such as ``s1._domainkey.example.com``, or None.
        at: the time of the look-up, kept with the result.

    Source: RFC 6376; alignment as in RFC 7489 3.1.1 (relaxed).
    """
    unsigned = DkimResult("none", "", "", "", at)
    try:
        headers, _ = split(raw)
        checker = dkim.DKIM(raw, logger=_LOG)
    except (MalformedMail, dkim.DKIMException):
        return unsigned
    count = min(_MAX_SIGNATURES, len([1 for name, _ in checker.headers if name.lower() == b"dkim-signature"]))
    results = [_check_one(checker, number, headers, sender_domain, _Asked(dns, at)) for number in range(count)]
    return min(results, key=lambda result: _ORDER.index(result.verdict), default=unsigned)


class _Asked:
    """The look-up, remembering the record it gave."""

    def __init__(self, dns: Lookup, at: datetime) -> None:
        self._dns = dns
        self.at = at
        self.record = ""

    def __call__(self, name: bytes, timeout: int = 5) -> bytes | None:
        self.record = self._dns(name.decode("ascii", "replace").rstrip(".").lower()) or ""
        return self.record.encode("utf-8", "replace") or None


def _check_one(checker: dkim.DKIM, number: int, headers: EmailMessage, sender: str, asked: _Asked) -> DkimResult:
    asked.record = ""
    checker.signature_fields = {}
    try:
        holds = bool(checker.verify(idx=number, dnsfunc=asked))
        verdict: Verdict = "pass" if holds else "fail"
    except NameError:
        verdict = "unsupported"  # the library's way to say that ed25519 needs another package
    except Exception:  # it raises its own errors and whatever a crafted header makes it stumble over
        verdict = "fail"
    fields = checker.signature_fields
    domain, selector = (_text(fields, tag).lower() for tag in (b"d", b"s"))
    if verdict == "fail" and domain and not asked.record:
        verdict = "no_key"
    if verdict == "pass" and not (_covers(fields, headers) and aligned(domain, sender)):
        verdict = "weak"
    return DkimResult(verdict, domain[:255], selector[:255], asked.record[:4096], asked.at)


def aligned(signer: str, sender: str) -> bool:
    """Return whether the signing domain is the sender's domain or, having a dot, a parent of it."""
    return sender == signer or ("." in signer and sender.endswith("." + signer))


def _covers(fields: dict[bytes, bytes], headers: EmailMessage) -> bool:
    # a second From or Date would leave open which one was signed; l= leaves the end of the body unsigned
    signed = {name.strip().lower() for name in _text(fields, b"h").split(":")}
    single = all(len(values(headers, name)) == 1 for name in _MUST_SIGN)
    return signed >= _MUST_SIGN and single and b"l" not in fields


def _text(fields: dict[bytes, bytes], tag: bytes) -> str:
    return fields.get(tag, b"").decode("ascii", "replace").strip()
