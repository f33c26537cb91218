"""``whosaw mail serve|postfix|hits``: the mail door behind Postfix."""

from __future__ import annotations

import asyncio
import signal
from typing import ClassVar

from rich.text import Text

from whosaw.app.arrivaldns import resolver
from whosaw.app.commands.acting import look
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.maildoor import AliasesMissing, hits_of, mail_door, smtp_hop
from whosaw.app.mailkeeping import keep_mail
from whosaw.app.postfixtext import Wiring, main_cf, main_cf_outside, master_cf, srs
from whosaw.app.services import Services, open_services, own_database
from whosaw.app.settings import Settings
from whosaw.catalog import load
from whosaw.doors.mail import LmtpServer
from whosaw.doors.mail.hits import Hit
from whosaw.terms import SystemClock

LISTEN = "127.0.0.1:24024"
NEXT_HOP = "127.0.0.1:10026"


class NextHopInvalid(AppError, ValueError):
    """The next hop is not written as HOST:PORT."""

    code: ClassVar[str] = "app.next_hop_invalid"
    hint = f"write it as {NEXT_HOP}"


def serve(*, listen: str = LISTEN, next_hop: str = NEXT_HOP, dns: str = "") -> int:
    """Take mail from Postfix over LMTP, until interrupted.

    Args:
        listen: HOST:PORT on loopback, or unix:PATH.
        next_hop: HOST:PORT of the Postfix service that takes what is forwarded.
        dns: name server for the keys of signatures, HOST or HOST:PORT; default the system's.
    """
    host, port = _hop(next_hop)
    settings = Settings()

    async def go(url: str) -> None:
        async with open_services(settings, SystemClock(), url, door="mail") as services:
            door = mail_door(services, resolver(dns), smtp_hop(host, port))
            ended = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, ended.set)
            async with LmtpServer(door, listen) as server:
                where = listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{server.port}"
                console().print(f"whosaw takes mail at {where}", markup=False)
                keeping = asyncio.create_task(keep_mail(services))
                try:
                    await ended.wait()
                finally:
                    keeping.cancel()
                    await asyncio.wait([keeping])

    with own_database(settings) as url:
        asyncio.run(go(url))
    return 0


def postfix(*, listen: str = LISTEN, next_hop: str = NEXT_HOP, hostname: str = "mx.example.org") -> int:
    """Print what Postfix needs: main.cf, master.cf, TLS, and SRS by postsrsd.

    Args:
        listen: as for `whosaw mail serve`.
        next_hop: as for `whosaw mail serve`.
        hostname: name of this mail server.
    """
    _hop(next_hop)
    aliases = load(Settings().catalog_path).aliases
    if aliases is None:
        raise AliasesMissing("the catalog has no [aliases]")
    wiring = Wiring(aliases.domain, listen, next_hop, hostname, aliases.canary_domain)
    parts = ("# --- main.cf\n" + main_cf(wiring), main_cf_outside(wiring), "# --- master.cf\n" + master_cf(wiring))
    console().out("\n".join((*parts, srs(wiring))), highlight=False, end="")
    return 0


def hits(*, as_json: AsJson = False) -> int:
    """List mail that strangers sent to aliases, and which disclosure had carried each; the look is recorded.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> list[Hit]:
        await look(services, "look.mail_hits", "mail:hits")
        return list(await hits_of(services).list("alias"))

    found = with_services(work)
    if as_json:
        print_json([told(each) for each in found])
        return 0
    lines = table("arrived", "disclosure", "sighting", "from", "signature", "mail")
    for each in found:
        cells = (f"{each.at:%Y-%m-%d %H:%M}", str(each.entry), str(each.sighting), each.sender_domain, each.dkim)
        lines.add_row(*(Text(cell) for cell in (*cells, each.raw_sha256[:16])))
    console().print(lines if found else "no stranger has written to an alias")
    return 0


def told(hit: Hit) -> dict[str, object]:
    """Return a hit as JSON; people as numbers."""
    return {
        "kind": hit.kind,
        "at": hit.at,
        "entry": hit.entry,
        "subject": hit.subject,
        "sighting": hit.sighting,
        "raw_sha256": hit.raw_sha256,
        "sender_domain": hit.sender_domain,
        "dkim": hit.dkim,
    }


def _hop(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise NextHopInvalid(f"`{text}` is not HOST:PORT")
    return host.strip("[]"), int(port)
