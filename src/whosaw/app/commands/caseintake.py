"""``whosaw sighting add|list``, ``whosaw case sightings|alternatives|clusters``: what came from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text

from whosaw.answer import Sighting
from whosaw.answer.alternatives import Alternative, Checks, DumpList, Run, from_dump
from whosaw.answer.clusters import Cluster, cluster, read_seen
from whosaw.answer.plainwords import ALTERNATIVES, word_of
from whosaw.answer.plausibility import WORDS, plausibility
from whosaw.answer.senderpolicy import Arrival
from whosaw.app.arrivaldns import records, resolver
from whosaw.app.casedesk import case_work
from whosaw.app.caseintake import (
    CaseIntake,
    IntakeImpossible,
    Taken,
    case_addresses,
    own_orders,
    read_senders,
    still_known,
)
from whosaw.app.casesettings import CaseSettings
from whosaw.app.commands.acting import look, look_at_case, who_looks
from whosaw.app.commands.case import Words, say
from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.complaintboxes import ImapBox, Maildir
from whosaw.app.services import Services
from whosaw.app.settings import words
from whosaw.app.sightingreads import beside_sightings, told_alternatives
from whosaw.terms import chance

Beside = dict[int, tuple[str, str]]


def add(*files: Path, beneficiary: str, real_domains: Words = (), dns: str = "", as_json: AsJson = False) -> int:
    """Take complaints in: forwarded mails (.eml) or a table (.csv); the same one again is one sighting.

    Args:
        files: a mail each, or CSV with at least subject and contacted_at.
        beneficiary: who profits, as the company writes it: seller:S-0088.
        real_domains: domains that are really the beneficiary's; messages from look-alikes are marked.
        dns: HOST or HOST:PORT of the name server to ask for signature keys; the system's where left out.
        as_json: print JSON.
    """

    async def work(services: Services) -> list[Taken]:
        intake = _intake(services, dns)
        by = await who_looks(services)
        real = frozenset(real_domains)
        return await _seen(
            services, [each for file in files for each in await intake.take(file, beneficiary, real, by=by)]
        )

    return _taken(with_services(work), as_json=as_json)


def poll(
    box: str,
    /,
    *,
    beneficiary: str = "",
    senders: Path | None = None,
    real_domains: Words = (),
    dns: str = "",
    as_json: AsJson = False,
) -> int:
    """Take in what arrived in a mailbox; what was taken is marked as seen, anything else is flagged.

    Args:
        box: a Maildir (the folder that holds `new` and `cur`), or imaps://USER@HOST/MAILBOX; WHOSAW_IMAP_PASSWORD holds
            the password.
        beneficiary: who profits, where every mail is about one.
        senders: CSV with domain,beneficiary: who profits by the domain of the message; others are flagged.
        real_domains: domains that are really the beneficiary's; messages from look-alikes are marked.
        dns: HOST or HOST:PORT of the name server to ask for signature keys and policies; the system's where left out.
        as_json: print JSON.
    """
    if bool(beneficiary) == (senders is not None):
        raise IntakeImpossible("it is not said who profits", hint="give --beneficiary, or --senders FILE")
    whom = beneficiary if senders is None else read_senders(senders)

    async def work(services: Services) -> list[Taken]:
        intake, by = _intake(services, dns), await who_looks(services)
        if "://" not in box:
            return await _seen(services, await intake.poll(Maildir(Path(box)), whom, frozenset(real_domains), by=by))
        password = CaseSettings.read().imap_password
        with ImapBox(box, password.get_secret_value() if password else "") as mailbox:
            return await _seen(services, await intake.poll(mailbox, whom, frozenset(real_domains), by=by))

    found = with_services(work)
    _taken(found, as_json=as_json)
    return 0


async def _seen(services: Services, found: Sequence[Taken]) -> list[Taken]:
    """Return what was taken in without the case that it joined, where whoever takes it in may not see that one."""
    unseen = await hidden(services, (each.sighting.case for each in found if each.sighting))
    return [
        replace(each, sighting=replace(each.sighting, case=None))
        if each.sighting and each.sighting.case in unseen
        else each
        for each in found
    ]


async def _sees(services: Services, case: str) -> bool:
    return not await hidden(services, [case])


def _intake(services: Services, dns: str) -> CaseIntake:
    servers = frozenset(name.lower() for name in words(CaseSettings.read().mail_servers))
    arrival = Arrival(servers, records(dns)) if servers else None
    return CaseIntake(services, case_work(services), resolver(dns), arrival)


def _taken(found: Sequence[Taken], *, as_json: bool) -> int:
    if as_json:
        print_json([asdict(each) for each in found])
        return 0 if any(each.sighting for each in found) or not found else 1
    for each in found:
        if each.sighting is None:
            say(f"{each.source}: not taken: {each.why}")
        else:
            marks = ", ".join(each.sighting.marks)
            state = "new" if each.new else "known"
            word = "verified" if each.sighting.verified else "unverified"
            say(f"{each.source}: {state} sighting {each.sighting.id}, {word}{f' ({marks})' if marks else ''}")
    return 0 if any(each.sighting for each in found) or not found else 1


def list_(*, beneficiary: str = "", as_json: AsJson = False) -> int:
    """List sightings, all or about one beneficiary, save those of a case that one may not see; the look is recorded.

    Args:
        beneficiary: as the company writes it.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Sighting]:
        await look(services, "look.case", "sightings")
        found = await case_work(services).book.list(beneficiary=beneficiary or None)
        unseen = await hidden(services, (each.case for each in found))
        return [each for each in found if each.case not in unseen]

    return _print(with_services(work), {}, as_json=as_json)


def sightings(case: str, /, *, as_json: AsJson = False) -> int:
    """List the sightings of a case: how far each can be believed, what else explains it, and what was not checked.

    The look is recorded.

    Args:
        case: CASE-1.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Sequence[Sighting], Beside]:
        await look_at_case(services, case)
        desk = case_work(services)
        beside = {
            number: (", ".join(lines.explained), ", ".join(lines.unchecked))
            for number, lines in (await beside_sightings(desk, case, partial(_sees, services))).items()
        }
        return await desk.book.list(case=case), beside

    found, beside = with_services(work)
    return _print(found, beside, as_json=as_json)


def alternatives(
    case: str,
    /,
    *,
    dump: Path | None = None,
    dump_name: str = "",
    orders: str = "",
    asked: Flag = False,
    as_json: AsJson = False,
) -> int:
    """Look for what else may explain each sighting: earlier cases, a public dump, the subject's own orders.

    Args:
        case: CASE-1.
        dump: a folder of SHA-1 prefixes (5 hex digits a file), as public lists give them.
        dump_name: what the dump is called.
        orders: SOURCE:TABLE:CUSTOMER:SELLER:ORDERED of the company's orders, as
            shop:orders:customer_id:seller_id:ordered_at; what was ordered after the contact (a mail: after it arrived)
            explains nothing.
        asked: look for nothing, and list what each source answered so far, from when to when.
        as_json: print JSON.
    """
    if asked:
        return _history(case, as_json=as_json)

    async def work(services: Services) -> Sequence[Alternative]:
        desk = case_work(services)
        await look_at_case(services, case)
        by = await who_looks(services)
        found = list(await desk.alternatives.from_earlier_cases(case))
        seen = await desk.book.list(case=case)
        addresses = await case_addresses(services, seen) if dump is not None else {}
        if dump is not None:
            found += from_dump(addresses, DumpList(dump, dump_name or dump.name))
        if orders:
            found += await desk.alternatives.from_orders(seen, own_orders(services, orders))
        await desk.notes.add(case, "case.alternatives", by=by)
        await desk.alternatives.note(found, by=by)
        checks, numbers = Checks(services.db, services.clock), [each.id for each in seen]
        await checks.note("earlier_case", numbers, found)
        if dump is not None:
            await checks.note("dump", numbers, found, addresses)
        if orders:
            await checks.note("own_order", numbers, found, await still_known(services, seen))
        return await told_alternatives(desk, case, partial(_sees, services))

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("sighting", "explained by", "source", "probability")
    for each in found:
        lines.add_row(*map(Text, (str(each.sighting), each.kind, each.source, chance(each.probability, 2))))
    console().print(lines if found else "nothing else explains these sightings")
    return 0


def _history(case: str, *, as_json: bool) -> int:
    """Print what sources answered about the sightings of a case over time."""

    async def work(services: Services) -> Sequence[Run]:
        await look_at_case(services, case)
        return await Checks(services.db, services.clock).history(case)

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("sighting", "asked of", "answer", "from", "to", "times")
    for each in found:
        asked_of, answer = word_of(ALTERNATIVES, each.kind), _ANSWERS[each.outcome]
        days = f"{each.first_at:%Y-%m-%d %H:%M}", f"{each.last_at:%Y-%m-%d %H:%M}"
        lines.add_row(*map(Text, (str(each.sighting), asked_of, answer, *days, str(each.asked))))
    console().print(lines if found else "no source was asked yet")
    return 0


_ANSWERS = {"found": "it explains the complaint", "nothing": "nothing found", "impossible": "it cannot be asked"}


def clusters(case: str, /, *, as_json: AsJson = False) -> int:
    """Show which messages come from one hand: by sender's domain, tracking host, wording.

    Args:
        case: CASE-1.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Cluster]:
        await look_at_case(services, case)
        desk = case_work(services)
        mails = [each for each in await desk.book.list(case=case) if each.form == "mail"]
        return cluster([read_seen(each.id, desk.raws.read(each.raw_sha256), each.sender_domain) for each in mails])

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("sightings", "joined by", "domains", "hosts")
    for each in found:
        ids = ", ".join(map(str, each.sightings))
        lines.add_row(*map(Text, (ids, ", ".join(each.by), ", ".join(each.domains), ", ".join(each.hosts))))
    console().print(lines if found else "no two messages are alike")
    return 0


def _print(found: Sequence[Sighting], beside: Beside, *, as_json: bool) -> int:
    if as_json:
        print_json([_told(each, beside.get(each.id)) for each in found])
        return 0
    names = ("plausible", "explained by", "not checked") if beside else ("plausible",)
    lines = table("sighting", "case", "contacted", "by", "channel", "language", "signed", "marks", *names)
    for each in found:
        cells: tuple[Any, ...] = (
            *(str(each.id), each.case or "", f"{each.contacted_at:%Y-%m-%d %H:%M}", each.sender_domain, each.channel),
            each.language,
            *("yes" if each.verified else "no", ", ".join(each.marks)),
            *(WORDS[plausibility(each).word], *beside.get(each.id, ())),
        )
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "nothing came in yet")
    return 0


def _told(each: Sighting, beside: tuple[str, str] | None) -> dict[str, Any]:
    judged = plausibility(each)
    more: dict[str, Any] = {"plausibility": judged.word, "reasons": judged.reasons}
    if beside is not None:
        more |= {"explained_by": beside[0], "not_checked": beside[1]}
    return asdict(each) | more
