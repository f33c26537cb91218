from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from whosaw.gate import TokenRefused, Tokens, add_token, add_tokens, revoke_tokens
from whosaw.gate import tokens as module

if TYPE_CHECKING:
    from tests.store.conftest import Company


async def test_a_token_names_its_actor_and_is_kept_only_as_a_hash(company: Company) -> None:
    token = await add_token(company.db, "E-1", company.clock.now())
    assert await company.tokens.actor(token) == "E-1"
    async with company.db.connection() as connection:
        stored = str(await (await connection.execute("select * from gate_token")).fetchall())
    assert token.rpartition("_")[2] not in stored


@pytest.mark.parametrize(
    "spoil",
    [lambda t: t[:-1] + ("0" if t[-1] != "0" else "1"), lambda t: "", lambda t: "E-1", lambda t: t + "0", str.upper],
)
async def test_anything_but_the_token_is_refused_without_saying_why(company: Company, spoil: object) -> None:
    token = await add_token(company.db, "E-1", company.clock.now())
    with pytest.raises(TokenRefused, match="no valid token"):
        await company.tokens.actor(spoil(token))  # type: ignore[operator]


async def test_a_revoked_token_ends_within_half_a_second(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    token, other = await add_tokens(company.db, ["E-1", "E-2"], company.clock.now())
    assert await company.tokens.actor(token) == "E-1"
    assert await revoke_tokens(company.db, "E-1", company.clock.now()) == 1
    with pytest.raises(TokenRefused):
        await Tokens(company.db).actor(token)
    assert await company.tokens.actor(other) == "E-2"
    assert module._REMEMBERED_S <= 0.5
    later = time.monotonic() + 0.51
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    with pytest.raises(TokenRefused):
        await company.tokens.actor(token)
