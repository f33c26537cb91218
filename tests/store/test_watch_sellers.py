"""Sellers joined by the mails an installation holds: who signed them, where links lead, which template they are."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.watchworld import END, found_company
from tests.unit.answer.test_intake import RECORD, forwarded, letter, plain, signed

from whosaw.__main__ import main
from whosaw.answer import RawMails, SightingBook, read_complaint
from whosaw.app.commands.opened import with_services
from whosaw.app.services import Services
from whosaw.app.watchsightings import mail_prints
from whosaw.gate import add_token
from whosaw.record import entries_from
from whosaw.store.numbers import assign
from whosaw.terms import SharedClock

PITCH = (
    "we saw your honest review of the garden chair and would gladly send you a voucher over twenty euro if you could "
    "find a moment to take it down again before the weekend and let us know by answering this message"
)
OTHER = "your parcel could not be brought to the door please choose another day on the page of the carrier below"


def mail(domain: str, text: str) -> bytes:
    """Return a complaint with a message that `domain` signed."""
    sent = (END - timedelta(hours=30)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    original = letter(sender=f"service@{domain}", body=text, date=sent)
    return forwarded(signed(original.replace(b"<1@", f"<{hash(text)}@".encode()), domain.encode()))


MAILS = [
    ("seller:S-1", mail("one.example", f"Dear Ann Berg, {PITCH}, Ann")),
    ("seller:S-2", mail("two.example", f"Dear Bob Stone, {PITCH}, Bob")),
    ("seller:S-3", mail("three.example", f"{OTHER} https://c.track-a.example/1")),
    ("seller:S-4", mail("four.example", "quite other words, nothing alike https://d.track-a.example/2?u=77")),
    ("seller:S-5", mail("five.example", "a third thing altogether, with no link")),
    ("seller:S-6", mail("five.example", "and a fourth that nobody else has ever written")),
    ("seller:S-7", mail("gmail.com", "a fifth of its kind, written at a provider of many")),
    ("seller:S-8", mail("gmail.com", "a sixth of its kind, https://shop.company.example/chair")),
    ("seller:S-9", mail("nine.example", "the company links to itself https://shop.company.example/table")),
    ("seller:S-10", plain(f"Why do I get this?\n\n---- Forwarded message ----\nFrom: x@ten.example\n\n{PITCH}")),
]


def test_sellers_are_joined_without_a_print_made_by_hand_and_no_text_is_kept(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found_company(database_url, tmp_path / "state")
    SharedClock(tmp_path / "state" / "clock", END)
    monkeypatch.setenv("WHOSAW_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    taken: dict[str, str] = {}
    numbers: dict[str, int] = {}

    async def take(services: Services) -> None:
        raws, book = RawMails(services.settings.state / "complaints"), SightingBook(services.db)
        for number, (seller, raw) in enumerate(MAILS):
            read = read_complaint(raw, dns=lambda _: RECORD, received_at=END)
            taken[seller] = raws.keep(raw)
            await book.add(read, subject=number + 1, beneficiary=seller)
        numbers.update(await assign(services.db, "actor", ["E-3"]))
        monkeypatch.setenv("WHOSAW_TOKEN", await add_token(services.db, "P-1", services.clock.now()))

    with_services(take)
    assert main(["watch", "sellers", "--json"]) == 0
    told = json.loads(capsys.readouterr()[0])
    assert (told["mails"], told["mails_gone"]) == (10, 0)
    joined = {tuple(sorted(each["sellers"])): each["prints"] for each in told["clusters"]}
    assert joined == {
        ("seller:S-1", "seller:S-2"): ["wording 1"],
        ("seller:S-3", "seller:S-4"): ["leads to track-a.example"],
        ("seller:S-5", "seller:S-6"): ["signed by five.example"],
    }
    assert "voucher" not in json.dumps(told)

    prints = tmp_path / "prints.csv"  # an employee left the same, as a file of the company's says
    prints.write_text("side,name,print\nactor,E-3,leads to track-a.example\nactor,X-9,leads to track-a.example\n")
    assert main(["watch", "sellers", "--prints", str(prints), "--mails", "--json"]) == 0
    (broker,) = [each for each in json.loads(capsys.readouterr()[0])["clusters"] if each["broker"]]
    assert broker["sellers"] == ["seller:S-3", "seller:S-4"] and "E-3" not in json.dumps(broker)
    assert broker["actors"] == [f"actor #{numbers['E-3']}", "a-1"], (
        "whom the record knows by his number, so that two may unmask"
    )
    assert main(["watch", "sellers", "--common", "track-a.example"]) == 0
    assert "track-a" not in capsys.readouterr()[0]

    async def look(services: Services) -> None:
        payloads = [each.payload async for each in entries_from(services.db)]
        assert any("look.watch" in each.values() for each in payloads)
        assert "voucher" not in json.dumps([dict(each) for each in payloads])
        RawMails(services.settings.state / "complaints").forget(taken["seller:S-1"])
        left = await mail_prints(services)
        assert (left.mails, left.gone) == (9, 1) and not any("wording" in mark for _, _, mark in left.rows)

    with_services(look)
