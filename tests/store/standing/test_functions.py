"""Functions that two people sign: never one alone, never about oneself, never good at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.store.standing.people import refusal, wanted

from whosaw.gate.approvalpeople import ApprovalRefused
from whosaw.gate.grantsfunctions import Assignment, FunctionInvalid

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk


async def confirming(desk: Desk, proposal: Assignment, by: str) -> str:
    try:
        await desk.functions.confirm(proposal.id, by=by)
    except ApprovalRefused as refused:
        return refused.reason
    return ""


async def test_proposed_by_one_confirmed_by_another_and_good_after_a_day(desk: Desk) -> None:
    proposal = await desk.functions.propose("E-2", "privacy", by="E-1")
    grant = await desk.grants.request(wanted())
    assert await refusal(desk, grant, "E-2") == "approval.wrong_function"
    assert await confirming(desk, proposal, "P-1") == ""
    assert await refusal(desk, grant, "E-2") == "approval.changed_lately"
    desk.later(hours=24)
    assert await refusal(desk, grant, "E-2") == ""
    changes = [entry["change"] for entry in await desk.entries("function")]
    assert changes == ["proposed", "confirmed"]


async def test_nobody_signs_twice_or_about_himself_or_without_a_function(desk: Desk) -> None:
    proposal = await desk.functions.propose("P-2", "security", by="P-1")
    for by, rule in [
        ("P-1", "approval.own"),
        ("P-2", "approval.own"),
        ("E-1", "approval.wrong_function"),
        ("N-1", "approval.changed_lately"),
        ("X-1", "approval.suspended"),
    ]:
        assert await confirming(desk, proposal, by) == rule
    assert [entry["change"] for entry in await desk.entries("function")] == ["proposed", *["denied"] * 5]
    with pytest.raises(FunctionInvalid):
        await desk.functions.propose("P-2", "privacy", by="P-2")
    for actor, function in [("X-1", "privacy"), ("Z-nobody", "privacy"), ("E-2", "cleaning")]:
        with pytest.raises(FunctionInvalid):
            await desk.functions.propose(actor, function, by="P-1")


async def test_the_database_itself_holds_that_three_people_are_in_it(desk: Desk) -> None:
    proposal = await desk.functions.propose("E-2", "privacy", by="E-1")
    for column in ("proposed_by", "actor"):
        with pytest.raises(Exception, match="standing_function"):
            await desk.rows(
                f"update standing_function set confirmed_by = {column}, confirmed_at = now() where id = %s", proposal.id
            )


async def test_a_function_taken_away_is_good_no_more(desk: Desk) -> None:
    proposal = await desk.functions.propose("E-2", "privacy", by="E-1")
    await desk.functions.confirm(proposal.id, by="P-1")
    desk.later(hours=24)
    await desk.functions.end(proposal.id, by="P-1")
    grant = await desk.grants.request(wanted())
    assert await refusal(desk, grant, "E-2") == "approval.wrong_function"
    with pytest.raises(FunctionInvalid):
        await desk.functions.end(proposal.id, by="P-1")


async def test_a_proposal_is_confirmed_once_however_many_try(desk: Desk) -> None:
    proposal = await desk.functions.propose("E-2", "privacy", by="E-1")
    await asyncio.gather(*(confirming(desk, proposal, by) for by in ("P-1", "S-1", "L-1")))
    assert [entry["change"] for entry in await desk.entries("function")] == ["proposed", "confirmed"]
    assert len(await desk.functions.standing()) == 1
