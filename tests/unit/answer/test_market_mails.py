from __future__ import annotations

import pytest

from whosaw.answer import read_complaint
from whosaw.market import Size, build_world
from whosaw.market.mails import write_complaints


@pytest.mark.parametrize("insider", [True, False])
def test_every_complaint_of_a_made_marketplace_is_read_and_verified(insider: bool) -> None:
    world, _ = build_world(3, Size(customers=6000, staff=150, days=20), insider=insider)
    bag = write_complaints(world)
    for mail, planned in zip(bag.mails, world.complaints, strict=True):
        complaint = read_complaint(mail.message, dns=bag.dns.get, received_at=mail.at)
        assert complaint.verified
        assert complaint.marks == ()
        assert complaint.customer_dkim.verdict == "pass"
        assert complaint.contacted_exact
        assert complaint.contacted_at == planned.contacted_at.replace(microsecond=0)
