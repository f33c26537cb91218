"""Grants to unmask stand in the list that a works council reads, beside the unmaskings of cases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.store.standing.people import refusal, unmasking, wanted

from whosaw.answer.oversight import Approval, every_unmasking
from whosaw.gate.grants import Word

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk


async def test_every_grant_to_unmask_is_read_in_every_state_and_names_nobody_who_is_unmasked(desk: Desk) -> None:
    await desk.grants.request(wanted())  # opens classes, and is no unmasking
    first = await desk.grants.request(unmasking(reason="his access must be cut today"))
    (asked,) = await every_unmasking(desk.db, desk.clock)
    assert (asked.way, asked.id, asked.case, asked.state) == ("grant", first.id, "CASE-1", "asked")
    assert (asked.asked_by, asked.reason, asked.until) == ("E-1", "his access must be cut today", None)
    assert await refusal(desk, first, "P-1") == "" and await refusal(desk, first, "S-1") == ""
    (held,) = await every_unmasking(desk.db, desk.clock)
    assert held.approvals == (Approval("P-1", "privacy"), Approval("S-1", "security"))
    assert held.state == "open" and held.until is not None and held.until > desk.clock.now()
    assert "E-2" not in str(held) and held.actor > 0

    desk.later(minutes=5)
    await desk.grants.revoke(Word(first.id, "E-1", reason="known now"))
    second = await desk.grants.request(unmasking(target="G-1"))
    assert await refusal(desk, second, "P-1", approves=False) == ""
    third = await desk.grants.request(unmasking(target="L-1"))
    desk.later(minutes=60 * 24 * 4)
    await desk.grants.expire()
    found = {each.id: each for each in await every_unmasking(desk.db, desk.clock)}
    states = {first.id: "over", second.id: "refused", third.id: "over"}
    assert {number: each.state for number, each in found.items()} == states
    ended = found[first.id].until
    assert ended is not None and ended - found[first.id].asked_at == timedelta(minutes=5)
    assert found[third.id].until is None  # nobody approved it in time: it was never open
