"""Messages of one hand, look-alike domains, public dumps, tables of sightings."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.answer.alternatives import DumpList, DumpUnreadable, from_dump
from whosaw.answer.clusters import Seen, alike, cluster, read_seen
from whosaw.answer.lookalike import looks_like
from whosaw.answer.reports import RowsUnreadable, read_rows

PITCH = "Dear valued customer we saw your honest review and would like to send you a gift card if you take it down"


def forwarded(text: str) -> bytes:
    original = EmailMessage()
    original["From"] = "service@lotus.example"
    original.set_content(text)
    outer = EmailMessage()
    outer["From"] = "ann@home.example"
    outer.set_content("I never gave anybody this address http://ann.example/blog")
    outer.add_attachment(original)
    return outer.as_bytes()


def test_wording_tracking_and_sender_join_and_the_customers_words_do_not() -> None:
    other = "Your parcel waits at the depot please choose a day for delivery or a shop nearby to fetch it yourself"
    messages = [
        read_seen(1, forwarded(f"{PITCH} https://t.track-a.example/1"), "one.example"),
        read_seen(2, forwarded(f"{PITCH} dear friend"), "two.example"),
        read_seen(3, forwarded(f"{other} https://x.track-a.example/9"), "three.example"),
        read_seen(4, forwarded("Quite another message about garden chairs and the weather in spring"), "one.example"),
        read_seen(5, forwarded("Ten words about nothing that anybody else has ever written down"), "five.example"),
    ]
    (found,) = cluster(messages)
    assert found.sightings == (1, 2, 3, 4)
    assert found.by == ("sender", "tracking", "wording")
    assert "ann.example" not in found.hosts
    (same, _) = (cluster(messages[:2]), None)
    assert same[0].by == ("wording",)


def test_a_domain_that_half_the_world_uses_joins_nothing() -> None:
    messages = [read_seen(n, forwarded(text), "gmail.com") for n, text in ((1, PITCH), (2, "Something else entirely"))]
    assert cluster(messages) == []
    hosts = [Seen(n, "", frozenset(), frozenset()) for n in (1, 2)]
    assert cluster(hosts) == []


@pytest.mark.parametrize("provider", ["qq.com", "163.com", "outlook.com", "mail.yahoo.co.uk", "gmx.de"])
def test_two_people_with_mailboxes_at_one_provider_are_not_one_hand(provider: str) -> None:
    texts = (PITCH, "Something else entirely about a parcel that waits at the depot until you fetch it tomorrow")
    assert cluster([read_seen(n, forwarded(text), provider) for n, text in enumerate(texts)]) == []


@pytest.mark.parametrize(
    ("one", "other", "alike_"),
    [
        ("t.roses.co.uk", "t.tulips.co.uk", False),
        ("go.roses.com.cn", "go.tulips.com.cn", False),
        ("roses.github.io", "tulips.github.io", False),
        ("u1.ct.sendgrid.net", "u2.ct.sendgrid.net", False),
        ("198.51.100.7", "203.0.100.7", False),
        ("a.roses.co.uk", "b.roses.co.uk", True),
        ("198.51.100.7", "198.51.100.7", True),
    ],
)
def test_hosts_join_by_who_owns_them_and_not_by_the_suffix_that_a_country_shares(
    one: str, other: str, alike_: bool
) -> None:
    texts = (f"{PITCH} https://{one}/1", f"Something else entirely about a parcel at the depot http://{other}/x?y=1")
    found = cluster([read_seen(n, forwarded(text), "") for n, text in enumerate(texts)])
    assert [each.by for each in found] == ([("tracking",)] if alike_ else [])


def test_a_link_that_is_none_does_not_stop_the_reading() -> None:
    assert read_seen(1, forwarded("look https://[x/1 and https://co.uk/"), "one.example").hosts == frozenset()


@given(st.lists(st.text("abc ", min_size=0, max_size=60), min_size=2, max_size=2))
def test_likeness_is_the_same_both_ways_and_between_nothing_and_all(texts: list[str]) -> None:
    one, other = (frozenset(zip(t.split(), t.split()[1:], t.split()[2:], strict=False)) for t in texts)
    assert alike(one, other) == alike(other, one)
    assert 0 <= alike(one, other) <= 1


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read_for_likeness(noise: bytes) -> None:
    read_seen(1, b"From: a@b.example\r\nContent-Type: text/plain\r\n\r\n" + noise, "b.example")


@pytest.mark.parametrize(
    "domain",
    ["l0tus-trade.example", "lotus-trade.co", "lotustrade.example", "lotus-trrade.example", "lotus-tarde.example",
     "lotus-trade.mail-check.example", "lötus-trade.example".encode("idna").decode()],
)  # fmt: skip
def test_look_alikes_are_told(domain: str) -> None:
    assert looks_like(domain, ["lotus-trade.example"]) == "lotus-trade.example"


@pytest.mark.parametrize(
    "domain", ["lotus-trade.example", "mail.lotus-trade.example", "garden.example", "trade.example"]
)
def test_the_real_domain_and_strangers_are_no_look_alikes(domain: str) -> None:
    assert looks_like(domain, ["lotus-trade.example"]) is None


def test_a_dump_is_asked_by_prefix_and_only_that_file_is_read(tmp_path: Path) -> None:
    digest = sha1(b"ann@home.example").hexdigest().upper()
    (tmp_path / f"{digest[:5]}.txt").write_text(f"{digest[5:]}:3\r\n{'0' * 35}:1\r\n")
    (tmp_path / "FFFFF.txt").write_text("not a hash\n")
    dump = DumpList(tmp_path, "dump of 2019")
    assert dump.holds(" Ann@Home.example ")
    assert not dump.holds("bob@home.example")
    (found,) = from_dump({7: "ann@home.example", 8: "bob@home.example"}, dump)
    assert (found.sighting, found.kind, found.source) == (7, "dump", "dump of 2019")
    (tmp_path / f"{digest[:5]}.txt").write_text("ann@home.example\n")
    with pytest.raises(DumpUnreadable):
        dump.holds("ann@home.example")


def test_a_table_of_sightings_is_read_strictly() -> None:
    text = "subject,contacted_at,channel\ncustomer:C-1,2026-04-02T08:00+02:00,phone\n"
    (row,) = read_rows(text)
    assert row.contacted_at == datetime(2026, 4, 2, 6, 0, tzinfo=UTC)
    assert (row.subject, row.channel) == ("customer:C-1", "phone")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("subject\ncustomer:C-1\n", "first line"),
        ("subject,contacted_at,seller\na:b,2026-04-02T08:00Z,x\n", "first line"),
        ("subject,contacted_at\ncustomer:C-1,2026-04-02T08:00\n", "line 2: a time needs its zone"),
        ("subject,contacted_at\ncustomer:C-1,yesterday\n", "line 2: a time is written"),
        ("subject,contacted_at\nC-1,2026-04-02T08:00Z\n", "line 2: a subject"),
        ("subject,contacted_at\ncustomer:C-1\n", "line 2"),
        ("subject,contacted_at\ncustomer:C-1,2026-04-02T08:00Z,x,y\n", "line 2"),
    ],
)
def test_a_table_that_is_not_one_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(RowsUnreadable, match=says):
        list(read_rows(text))
