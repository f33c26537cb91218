"""The trail as a state machine: appends, steps, lost connections, restarts, erasures and pruning in any order.

After every move: what was answered stands where its receipt says, `fsck` finds nothing, and whoever holds any earlier
checkpoint gets a proof that the present one continues it.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from whosaw.prove import Checkpoint, Receipt, check_consistency, check_receipt
from whosaw.prove.merkle import consistency_proof
from whosaw.record import Appender, Integrator, TrailUnavailable, fsck, load_or_create
from whosaw.record.erasure import Mandate, NothingToErase, erase_subject
from whosaw.record.retention import Retention, prune
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.store import Database, StoreError
from whosaw.store.database import with_database
from whosaw.store.line import Answer, Line
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

CLOCK = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))
SUBJECTS = 3
DAY_US = 86_400_000_000
A_DAY = Retention.parse('version = "machine"\nkeep_payloads_days = 1\n')
T = TypeVar("T")


class Dropping(Database):
    """A database whose connection can be lost at the next statement of a kind: before it ran, or after."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=2)
        self.drop: tuple[str, bool] | None = None  # statement's beginning, and whether it runs

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        async with super().connection() as real:
            yield _Wire(real, self)

    async def _take(self) -> Line:
        line = await super()._take()
        return line if isinstance(line, _Line) else _Line(line.connection, self)

    def lost(self, statement: str) -> bool | None:
        """Return whether a statement runs before its connection is lost; nothing where it is not lost."""
        if self.drop is None or not statement.startswith(self.drop[0]):
            return None
        runs, self.drop = self.drop[1], None
        return runs


class _Line(Line):
    def __init__(self, connection: Any, db: Dropping) -> None:
        super().__init__(connection)
        self._db = db

    async def ask(self, statement: str, parameters: Sequence[bytes | None], *, binary: bool = False) -> Answer:
        runs = self._db.lost(statement)
        if runs is None:
            return await super().ask(statement, parameters, binary=binary)
        if runs:
            await super().ask(statement, parameters, binary=binary)
        self.rest()
        await self.connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


class _Wire:
    def __init__(self, real: Any, db: Dropping) -> None:
        self._real = real
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def execute(self, statement: str, *bound: Any, **options: Any) -> Any:
        runs = self._db.lost(statement)
        if runs is None:
            return await self._real.execute(statement, *bound, **options)
        if runs:
            await self._real.execute(statement, *bound, **options)
        await self._real.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


class Trail(RuleBasedStateMachine):
    """One trail, its clients and its readers."""

    server = ""  # the owner's address of the maintenance database
    template = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.name = f"machine_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"create database {self.name} template {self.template}")
        self.url = with_database(self.server, self.name)
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name) / "trail"
        self.keys = load_or_create(Path(self.scratch.name) / "keys", CLOCK, "test")
        self.receipts: list[Receipt] = []
        self.heads: list[Checkpoint] = []
        self.asked = 0

    def run(self, moves: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(moves)

    @initialize()
    def open(self) -> None:
        self.run(self._open())
        self.subjects = list(
            self.run(assign(self.db, "subject", [f"customer:C-{n}" for n in range(SUBJECTS)])).values()
        )

    async def _open(self) -> None:
        self.db = await Dropping(self.url).__aenter__()
        self.plain = await Database(self.url, pool_size=2).__aenter__()  # nothing is lost for those who judge
        self.appender = Appender(self.db, self.keys, CLOCK)
        self.integrator = Integrator(self.db, self.keys, self.folder, CLOCK)

    async def _close(self) -> None:
        await self.appender.close()
        await self.db.__aexit__(None, None, None)
        await self.plain.__aexit__(None, None, None)

    def payloads(self, count: int, about: int) -> list[dict[str, Any]]:
        first, self.asked = self.asked, self.asked + count
        now_us, subject = to_us(CLOCK.now()), self.subjects[about]
        return [  # of today, yesterday, the day before
            {"kind": "disclosure", "at": now_us - turn % 3 * DAY_US, "actor": 1, "subject": subject, "turn": turn}
            for turn in range(first, self.asked)
        ]

    @rule(count=st.sampled_from([1, 2, 7, 255, 256, 300]), about=st.integers(0, SUBJECTS - 1))
    def append(self, count: int, about: int) -> None:
        """Ask and be answered."""
        self.receipts += self.run(self.appender.append_many(self.payloads(count, about)))

    @rule(counts=st.lists(st.integers(1, 5), min_size=2, max_size=6), about=st.integers(0, SUBJECTS - 1))
    def append_at_once(self, counts: list[int], about: int) -> None:
        """Several ask at once."""

        async def all_at_once() -> list[list[Receipt]]:
            return await asyncio.gather(*(self.appender.append_many(self.payloads(n, about)) for n in counts))

        for receipts in self.run(all_at_once()):
            self.receipts += receipts

    @rule(count=st.integers(1, 9), about=st.integers(0, SUBJECTS - 1), ran=st.booleans())
    def append_cut_off(self, count: int, about: int, ran: bool) -> None:
        """Ask, and the connection is lost before or after the commit: no answer in either case."""
        self.db.drop = ("select log_append", ran)
        with contextlib.suppress(TrailUnavailable):
            self.receipts += self.run(self.appender.append_many(self.payloads(count, about)))
            raise AssertionError("answered over a lost connection")

    @rule()
    def step(self) -> None:
        """The integrator signs."""
        self.see(self.run(self.integrator.step()))

    @rule(
        what=st.sampled_from(["select size", "select note", "insert into trail_checkpoint"]),
        ran=st.booleans(),
    )
    def step_cut_off(self, what: str, ran: bool) -> None:
        """The integrator loses its connection somewhere in a step."""
        self.db.drop = (what, ran)
        with contextlib.suppress(StoreError):
            self.see(self.run(self.integrator.step()))
        self.db.drop = None

    @rule()
    def restart(self) -> None:
        """Every process ends and begins again."""
        self.run(self._close())
        self.run(self._open())

    @rule(about=st.integers(0, SUBJECTS - 1))
    def erase(self, about: int) -> None:
        """A subject's payloads die."""
        with contextlib.suppress(NothingToErase):
            self.run(erase_subject(self.plain, self.appender, CLOCK, self.subjects[about], Mandate(1, "asked for")))

    @rule()
    def prune(self) -> None:
        """What is older than the retention policy keeps it dies."""
        self.run(prune(self.plain, self.appender, CLOCK, A_DAY, by=1))

    def see(self, head: Checkpoint) -> None:
        """A reader sees a checkpoint, and asks for a proof that it continues each one he saw before."""
        nodes = TileNodes(Shelf(self.folder), head.size)
        for old in self.heads:
            proof = consistency_proof(old.size, head.size, nodes)
            check_consistency((old.size, old.root), (head.size, head.root), proof)
        self.heads.append(head)

    @invariant()
    def what_was_answered_stands(self) -> None:
        leaves = self.run(self._leaves())
        assert sorted(leaves) == list(range(len(leaves)))
        assert len({receipt.index for receipt in self.receipts}) == len(self.receipts)
        for receipt in self.receipts:
            assert leaves[receipt.index] == receipt.leaf_hash
        for receipt in self.receipts[-3:]:
            check_receipt(receipt, self.keys.receipt.verifier)

    @invariant()
    def nothing_is_found(self) -> None:
        if self.heads:  # before the first checkpoint there is none to check by
            report = self.run(fsck(self.plain, self.folder, self.keys.trail.verifier))
            assert report.ok, list(report.lines())

    async def _leaves(self) -> dict[int, bytes]:
        async with self.plain.connection() as connection:
            return dict(await (await connection.execute("select index, leaf from trail_entry")).fetchall())

    def teardown(self) -> None:
        self.run(self._close())
        self.loop.close()
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"drop database {self.name} with (force)")
        self.scratch.cleanup()


def test_in_any_order_of_events_the_trail_keeps_its_promises(postgres_url: str, template_database: str) -> None:
    company = type("Trail", (Trail,), {"server": postgres_url, "template": template_database})
    run_state_machine_as_test(company, settings=settings(settings.default, max_examples=12, stateful_step_count=18))
