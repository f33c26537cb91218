from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from whosaw.gate import TokenRefused, Tokens, add_token, add_tokens, queries, revoke_tokens
from whosaw.gate import tokens as module
from whosaw.store import Database
from whosaw.store.database import DatabaseUnreachable

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


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time go by for tokens, and for them alone."""
    now = [time.monotonic()]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def go(seconds: float) -> None:
        now[0] += seconds

    return go


async def test_nobody_waits_for_a_token_in_use_to_be_looked_at_again_and_a_revoked_one_ends(
    company: Company, monkeypatch: pytest.MonkeyPatch, later: Callable[[float], None]
) -> None:
    first, other = await add_tokens(company.db, ["E-1", "E-2"], company.clock.now())
    alone: list[str] = []
    read = queries.token

    async def noting(db: Database, identifier: str) -> object:
        alone.append(identifier)
        return await read(db, identifier)

    monkeypatch.setattr(queries, "token", noting)
    tokens = Tokens(company.db)
    for _ in range(12):
        assert [await tokens.actor(each) for each in (first, other)] == ["E-1", "E-2"]
        if tokens._looking is not None:
            await tokens._looking
        later(0.1)
    assert len(alone) == 2
    await revoke_tokens(company.db, "E-1", company.clock.now())
    for _ in range(5):
        later(0.1)
        assert await tokens.actor(other) == "E-2"
        if tokens._looking is not None:
            await tokens._looking
    with pytest.raises(TokenRefused):
        await tokens.actor(first)


async def test_tokens_end_to_count_where_they_cannot_be_looked_at_again(
    company: Company, monkeypatch: pytest.MonkeyPatch, later: Callable[[float], None]
) -> None:
    token = await add_token(company.db, "E-1", company.clock.now())
    tokens = Tokens(company.db)

    async def gone(*_: object) -> set[tuple[str, str]]:
        raise DatabaseUnreachable("the database does not answer")

    assert await tokens.actor(token) == "E-1"
    monkeypatch.setattr(queries, "tokens_good", gone)
    monkeypatch.setattr(queries, "token", gone)
    later(0.4)
    assert await tokens.actor(token) == "E-1"
    assert tokens._looking is not None
    await tokens._looking
    later(0.1)
    with pytest.raises(DatabaseUnreachable):
        await tokens.actor(token)
