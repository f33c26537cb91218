"""Where actors stand, on a real PostgreSQL: one statement, any number of actors, read by the door's own role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from whosaw.catalog.model import Conduct
from whosaw.gate.queries import set_restored, set_suspended
from whosaw.gate.standing import GlassInForce, GrantInForce, Standing, standing, void_for
from whosaw.gate.standingqueries import consume
from whosaw.store import Database, upgrade
from whosaw.store.alerts import alerts, raise_alert
from whosaw.store.database import with_database, with_login
from whosaw.store.line import Line
from whosaw.store.migrate import downgrade
from whosaw.store.numbers import assign
from whosaw.terms import to_us

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CODE = Conduct(required=True, valid_days=365)


async def execute(db: Database, statement: str, *values: object) -> list[tuple[object, ...]]:
    async with db.connection() as connection:
        rows = await connection.execute(statement, list(values))
        return await rows.fetchall() if rows.description else []


async def add_grant(db: Database, actor: str, **cells: object) -> int:
    number = (await assign(db, "actor", [actor]))[actor]
    row: dict[str, object] = {
        "ask": f"{to_us(datetime.now(UTC)):x}-{cells}",
        "kind": "extended_contact",
        "holder": number,
        "classes": ["contact"],
        "minutes": 60,
        "approvals": 1,
        "state": "in_force",
        "requested_at": NOON,
        "decide_by": NOON + HOUR,
        "from_at": NOON,
        "until_at": NOON + HOUR,
        "entry": 0,
    } | cells
    names = ", ".join(row)
    statement = f"insert into standing_grant ({names}) values ({', '.join(['%s'] * len(row))}) returning id"
    return int(str((await execute(db, statement, *row.values()))[0][0]))


async def add_glass(db: Database, actor: str, subject: int | None = None) -> int:
    number = (await assign(db, "actor", [actor]))[actor]
    rows = await execute(
        db,
        "insert into standing_glass (ask, holder, classes, subject, broken_at, until_at, review_by, entry) "
        "values (%s, %s, '{address}', %s, %s, %s, %s, 0) returning id",
        *(f"glass-{actor}-{subject}", number, subject, NOON, NOON + HOUR, NOON + 24 * HOUR),
    )
    return int(str(rows[0][0]))


async def one(db: Database, actor: str = "E-1", at: datetime = NOON, conduct: Conduct | None = None) -> Standing:
    return (await standing(db, [actor], at, conduct))[actor]


async def test_somebody_of_whom_nothing_is_known_stands_plainly(database: Database) -> None:
    assert await standing(database, [], NOON) == {}
    assert await standing(database, ["E-1", "E-1", "E'; --"], NOON) == {"E-1": Standing(), "E'; --": Standing()}


async def test_an_answer_that_is_missing_opens_nothing(database: Database) -> None:
    await execute(
        database,
        "create or replace function gate_standing_brief(p_actors text[], p_at timestamptz, p_required boolean,"
        " p_since timestamptz) returns json language sql as 'select null::json'",
    )
    with pytest.raises(LookupError):
        await standing(database, ["E-1"], NOON)


async def test_one_of_many_who_does_not_stand_plainly_has_all_of_them_told(database: Database) -> None:
    await set_suspended(database, "E-2", NOON, "left his badge", "operator:root")
    told = await standing(database, ["E-1", "E-2", "E-3"], NOON)
    assert told == {"E-1": Standing(), "E-2": Standing(suspended=True), "E-3": Standing()}
    await set_restored(database, "E-2")
    assert await standing(database, ["E-2"], NOON) == {"E-2": Standing()}


async def test_one_answer_for_many_actors_holds_what_each_was_granted_and_broke(database: Database) -> None:
    subject = (await assign(database, "subject", ["customer:C-1"]))["customer:C-1"]
    purpose = (await assign(database, "purpose", ["ticket:T-1"]))["ticket:T-1"]
    grant = await add_grant(database, "E-1", subject=subject, purpose=purpose, case_ref="CASE-1")
    glass = await add_glass(database, "E-2", subject)
    await set_suspended(database, "E-3", NOON, "left", "operator:root")
    found = await standing(database, ["E-1", "E-2", "E-3", "E-4"], NOON)
    opened = frozenset({"contact"})
    assert found["E-1"].grants == (
        GrantInForce(
            *(grant, "extended_contact", opened, None, "customer:C-1", "ticket:T-1", NOON + HOUR), case="CASE-1"
        ),
    )
    assert found["E-2"].glass == (GlassInForce(glass, frozenset({"address"}), "customer:C-1", NOON + HOUR),)
    assert [found[key].suspended for key in ("E-1", "E-2", "E-3", "E-4")] == [False, False, True, False]
    assert found["E-1"].granted("customer:C-1", "ticket:T-1") == opened
    for subject_key, purpose_key in [("customer:C-2", "ticket:T-1"), ("customer:C-1", None), (None, "ticket:T-1")]:
        assert found["E-1"].granted(subject_key, purpose_key) == frozenset()
    assert found["E-2"].broken("customer:C-1") == {"address"}
    assert found["E-2"].broken("customer:C-2") == frozenset()


async def test_many_actors_are_one_round_trip(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_grant(database, "E-1")
    calls = []
    whole, other = Line.ask, psycopg.AsyncConnection.execute

    async def counted(self: Line, statement: str, *args: Any, **more: Any) -> object:
        calls.append(statement)
        return await whole(self, statement, *args, **more)

    async def executed(self: psycopg.AsyncConnection, *args: Any, **more: Any) -> object:
        calls.append(str(args[0]))
        return await other(self, *args, **more)

    monkeypatch.setattr(Line, "ask", counted)
    monkeypatch.setattr(psycopg.AsyncConnection, "execute", executed)
    assert len(await standing(database, [f"E-{i}" for i in range(200)], NOON, CODE)) == 200
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("at", "open_"), [(NOON - HOUR, False), (NOON, True), (NOON + HOUR * 0.99, True), (NOON + HOUR, False)]
)
async def test_grants_and_glass_hold_from_their_beginning_to_just_before_their_end(
    database: Database, at: datetime, open_: bool
) -> None:
    await add_grant(database, "E-1")
    await add_glass(database, "E-1")
    found = await one(database, at=at)
    assert (bool(found.grants), bool(found.glass)) == (open_, open_)


@pytest.mark.parametrize("state", ["requested", "refused", "revoked", "expired", "used"])
async def test_only_what_is_in_force_counts(database: Database, state: str) -> None:
    ended = None if state == "requested" else NOON
    await add_grant(database, "E-1", state=state, ended_at=ended)
    assert (await one(database)).grants == ()


@pytest.mark.parametrize(("space", "column"), [("subject", "subject"), ("purpose", "purpose"), ("actor", "target")])
async def test_a_grant_whose_subject_was_erased_does_not_turn_into_one_for_everybody(
    database: Database, space: str, column: str
) -> None:
    number = (await assign(database, space, ["gone:G-1"]))["gone:G-1"]  # type: ignore[arg-type]
    await add_grant(database, "E-1", **{column: number})
    if space == "subject":
        await add_glass(database, "E-1", number)
    assert (await one(database)).grants != ()
    await execute(database, "delete from number_map where space = %s and number = %s", space, number)
    found = await one(database)
    assert (found.grants, found.glass) == ((), ())


async def test_the_code_must_be_acknowledged_in_its_current_version_and_not_too_long_ago(database: Database) -> None:
    number = (await assign(database, "actor", ["E-1"]))["E-1"]
    assert (await one(database, conduct=Conduct(required=False, valid_days=365))).acknowledged
    assert not (await one(database, conduct=CODE)).acknowledged  # none published: nobody can have acknowledged it
    publish = (
        "insert into conduct_code (version, sha256, text, published_at, in_force_at, published_by, entry) "
        "values (%s, '', '', %s, %s, 1, 0)"
    )
    agree = "insert into conduct_acknowledgement (actor, code, at, entry) select %s, id, %s, 0 from conduct_code"
    await execute(database, publish, "1", NOON, NOON)
    assert not (await one(database, conduct=CODE)).acknowledged
    await execute(database, agree, number, NOON)
    assert (await one(database, conduct=CODE)).acknowledged
    assert not (await one(database, "E-2", conduct=CODE)).acknowledged
    assert (await one(database, at=NOON + timedelta(days=364), conduct=CODE)).acknowledged
    assert not (await one(database, at=NOON + timedelta(days=365), conduct=CODE)).acknowledged
    await execute(database, publish, "2", NOON, NOON + 3 * HOUR)  # announced, and in force in three hours
    assert (await one(database, at=NOON + 2 * HOUR, conduct=CODE)).acknowledged
    assert not (await one(database, at=NOON + 3 * HOUR, conduct=CODE)).acknowledged


async def test_a_suspension_ends_grants_and_glass_and_lifting_it_gives_nothing_back(database: Database) -> None:
    await add_grant(database, "E-1")
    await add_grant(database, "E-1", state="requested", from_at=None, until_at=None)
    await add_grant(database, "E-2")
    await add_glass(database, "E-1")
    await set_suspended(database, "E-1", NOON, "seen in a case", "operator:root")
    assert await one(database) == Standing(suspended=True)
    await set_restored(database, "E-1")
    assert await one(database) == Standing()
    assert [row[0] for row in await execute(database, "select state from standing_grant order by id")] == [
        *("revoked", "revoked", "in_force")
    ]
    assert await void_for(database, "E-2", NOON) == (1, 0)
    assert await void_for(database, "E-2", NOON) == (0, 0)


async def test_the_database_refuses_to_lift_a_safety_suspension_on_one_persons_word(database: Database) -> None:
    await set_suspended(database, "E-1", NOON, "budget", "whosaw")
    await execute(database, "update gate_suspension set kind = 'safety'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await set_restored(database, "E-1")
    number = (await assign(database, "actor", ["E-1"]))["E-1"]
    about = {"kind": "second_person", "action": "suspension.lift", "target": number, "classes": []}
    earlier = await add_grant(database, "E-8", **about, requested_at=NOON - HOUR)
    assert await consume(database, earlier, (await assign(database, "actor", ["E-8"]))["E-8"], NOON)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):  # an approval from before it is for another one
        await set_restored(database, "E-1")
    grant = await add_grant(database, "E-9", **about)
    found = (await one(database, "E-9")).second_person("suspension.lift", target="E-1")
    assert found is not None and found.id == grant
    assert await consume(database, grant, (await assign(database, "actor", ["E-9"]))["E-9"], NOON)
    assert await set_restored(database, "E-1")


async def test_what_is_good_for_one_use_is_used_once_however_many_try(database: Database) -> None:
    grant = await add_grant(database, "E-1", kind="second_person", action="review.delete", classes=[])
    holder = (await assign(database, "actor", ["E-1"]))["E-1"]
    assert not await consume(database, grant, holder + 1, NOON)
    assert not await consume(database, grant, holder, NOON + HOUR)
    taken = await asyncio.gather(*(consume(database, grant, holder, NOON) for _ in range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    plain = await add_grant(database, "E-1")
    assert not await consume(database, plain, holder, NOON)


def test_a_second_persons_word_is_about_one_action_one_ask_one_actor() -> None:
    def granted(digest: str | None = None, target: str | None = None) -> Standing:
        until = NOON + HOUR
        return Standing(
            grants=(GrantInForce(1, "second_person", frozenset(), "export", None, None, until, digest, target),)
        )

    assert granted().second_person("export", digest="ab") is None  # one word for whatever comes is none
    assert granted(target="E-1").second_person("export", target="E-1") is not None
    assert granted().second_person("review.delete") is None
    assert granted("ab").second_person("export", digest="ab") is not None
    assert granted("ab").second_person("export", digest="cd") is None
    assert granted("ab").second_person("export") is None
    assert granted(target="E-1").second_person("export", target="E-2") is None
    assert granted().second_person("export", target="E-2") is None


@pytest.fixture
async def door(database_url: str, database: Database) -> AsyncIterator[Database]:
    await execute(database, "alter role whosaw_door login password 'door'")
    async with Database(with_login(database_url, "whosaw_door", "door")) as db:
        yield db


async def test_the_doors_role_reads_the_standing_and_writes_none_of_it(door: Database, database: Database) -> None:
    grant = await add_grant(database, "E-1", kind="second_person", action="export", classes=[])
    assert (await one(door, conduct=CODE)).grants != ()
    tables = "select tablename from pg_tables where tablename ~ '^(standing|conduct|alert)'"
    for (table,) in await execute(database, tables):
        for statement in (
            f"delete from {table}",
            f"update {table} set entry = 0" if table != "alert" else "drop table alert",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn)):
                await execute(door, statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await void_for(door, "E-1", NOON)
    assert await consume(door, grant, (await assign(database, "actor", ["E-1"]))["E-1"], NOON)
    raised = await raise_alert(door, "policy", "high", "policy.notify", {"actor": 1}, at=NOON)
    assert [each.id for each in await alerts(door)] == [raised]


def test_the_migration_goes_down_and_up_again(postgres_url: str, database_url: str) -> None:
    downgrade(database_url, "0008")
    upgrade(database_url)
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(with_database(postgres_url, str(name))) as connection:
        row = connection.execute("select count(*) from standing_grant").fetchone()
    assert row == (0,)
