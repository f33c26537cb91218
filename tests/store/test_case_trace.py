"""The verdict of a case, computed from what stands in it, the record, and what the catalog declares."""

from __future__ import annotations

from pathlib import Path

from tests.store.bookworld import HEIR, SELLER, WORDS, catalog, complain, found, opened, work

from whosaw.app.casedesk import case_work
from whosaw.app.casetrace import compute_again, trace_case


async def test_an_heir_is_not_named_where_the_catalog_knows_of_the_hand_over(database_url: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    found(database_url, state)
    catalog(database_url, state)
    async with opened(database_url, state) as services:
        await work(services)
        case = (await case_work(services).desk.open(SELLER, by="P-1", reason="customers forwarded its mail")).id
        await complain(services, range(10))
        without = await trace_case(services, case, by="P-1")
    assert without.named() == {HEIR} and without.complaints == 10
    lines = [each for each in without.verdict["missing"] if each.startswith("not weighed")]
    assert len(lines) == 4 and "hand-overs" in lines[1] and without.verdict["inputs"]["weighed"] == []
    catalog(database_url, state, *WORDS)
    async with opened(database_url, state) as services:
        weighed = await trace_case(services, case, by="P-1")
        assert not weighed.suspected() and weighed.seq == 2
        assert weighed.verdict["duties"][0]["actor"] == HEIR
        assert weighed.verdict["inputs"]["rows"] == {"managers": 1, "handovers": 40, "accounts": 12, "presence": 12}
        assert not [each for each in weighed.verdict["missing"] if each.startswith("not weighed")]
        assert any("person" in each for each in weighed.verdict["candidates"])
        (fell,) = await case_work(services).corrections.fallen(case) or (None,)
        assert fell is None, "nobody was shown it"
        assert (await compute_again(services, case, 1))[1] == [], "from what was kept, whatever the catalog says now"
        assert (await compute_again(services, case, 2))[1] == []
