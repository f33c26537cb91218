"""The DNS as intake asks it: key records of signatures, and every kind of record that a sender's policy names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from whosaw.answer.senderpolicy import DnsSilent, Records
from whosaw.answer.signature import Lookup

if TYPE_CHECKING:
    from dns.resolver import Resolver

_PATIENCE_S = 10.0


def resolver(server: str = "") -> Lookup:
    """Return a look-up of TXT records.

    Args:
        server: HOST or HOST:PORT of a name server; none means the system's.
    """
    import dns.exception

    asked = _resolver(server)

    def txt(name: str) -> str | None:
        try:
            answer = asked.resolve(name, "TXT")
        except dns.exception.DNSException:
            return None
        return next((b"".join(getattr(each, "strings", ())).decode("ascii", "replace") for each in answer), None)

    return txt


def records(server: str = "") -> Records:
    """Return a look-up of records of any kind that SPF asks for; CNAMEs are followed.

    Args:
        server: as for `resolver`.
    """
    import dns.exception
    import dns.resolver

    asked = _resolver(server)

    def find(name: str, kind: str) -> Sequence[str]:
        try:
            answer = asked.resolve(name, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as cause:
            raise DnsSilent(f"no name server answered about a record of the kind {kind}") from cause
        if kind == "TXT":
            return [b"".join(getattr(each, "strings", ())).decode("utf-8", "replace") for each in answer]
        return [each.to_text() for each in answer]

    return find


def _resolver(server: str) -> Resolver:
    import dns.resolver

    asked = dns.resolver.Resolver(configure=not server)
    if server:
        host, _, port = server.partition(":")
        asked.nameservers, asked.port = [host], int(port or 53)
    asked.lifetime = _PATIENCE_S
    return asked
