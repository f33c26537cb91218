"""Wiring: the parts of one running whosaw, opened in order and closed in reverse."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from cryptography.x509 import Certificate

from whosaw.app.policies import PolicyArchive, PolicyRecord, PolicyReload
from whosaw.app.settings import Settings
from whosaw.app.trustfile import former_keys, publish_policy
from whosaw.catalog import Catalog, Source, load
from whosaw.catalog.source import open_sources
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Gate, Suspensions, Tokens
from whosaw.gate.approvalpeople import Directory
from whosaw.gate.conduct import Conducts
from whosaw.gate.directory import everybody, staff_directory
from whosaw.gate.glass import Glasses
from whosaw.gate.grants import Grants
from whosaw.prove.stamp import StampInvalid, read_roots
from whosaw.record import Appender, Integrator, Journal, Keys, RecordError, TrailDamaged, load_or_create
from whosaw.record.guard import Guard
from whosaw.record.stamps import Stamping
from whosaw.record.witness import Circle, Pace, Witnessing
from whosaw.store import Database, EmbeddedPostgres, StoreError, upgrade
from whosaw.store.alerts import raise_alert
from whosaw.store.database import with_database, with_login
from whosaw.terms import Clock

DOOR_ROLE = "whosaw_door"
_DATABASE = "whosaw"
_DOOR_LOCK = 0x646F6F72  # "door"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a door, a command or the demonstration works with.

    Attributes:
        db: whosaw's own database, as its owner: for commands and case work.
        door_db: the same database as the role that may append to the trail and read, and nothing else.
        witnessing: has checkpoints cosigned; None where no witness is configured.
        stamping: has checkpoints time-stamped; None where no authority is configured.
        policies: the set of policies in force in this process.
        policy_record: the trail's account of which were in force.
        grants, glasses, conducts: what people ask of and decide about one another.
    """

    settings: Settings
    clock: Clock
    catalog: Catalog
    sources: dict[str, Source]
    db: Database
    door_db: Database
    keys: Keys
    appender: Appender
    integrator: Integrator
    witnessing: Witnessing | None
    stamping: Stamping | None
    gate: Gate
    tokens: Tokens
    suspensions: Suspensions
    policies: PolicyHolder
    policy_record: PolicyRecord
    directory: Directory
    grants: Grants
    glasses: Glasses
    conducts: Conducts

    async def note_policies(self) -> None:
        """Record which policies are in force, before anybody is answered by them.

        A trail that cannot be written reveals nothing meanwhile; `keep_policies` records it as soon as it can.
        """
        try:
            await self.policy_record.note(self.policies.current, "start")
        except (RecordError, StoreError) as cause:
            _LOG.warning("which policies are in force is not recorded yet: %s", cause)

    async def keep_policies(self) -> None:
        """Record which policies are in force, and keep them as their files say; for ever."""

        async def alarm(code: str, about: Mapping[str, int | str]) -> object:
            return await raise_alert(self.db, "policy", "high", code, about, at=self.clock.now())

        await PolicyReload(self.policies, self.catalog.policy_files, self.policy_record, alarm=alarm).run()

    async def keep_signed(self) -> None:
        """Sign what is appended, and have it cosigned where this process signs; for ever.

        Raises:
            TrailDamaged: the trail contradicts what was signed; nothing more is signed.
        """
        folder, key = self.settings.trail_folder, self.keys.trail.verifier
        # by the process that signs alone: a command run without the setting must not publish a weaker policy
        former = former_keys(self.settings.keys_folder)
        publish_policy(folder, key, self.witnessing.circle.lines if self.witnessing else "", former)
        tasks = [self.integrator.run()]
        if self.witnessing is not None:
            tasks.append(self.witnessing.run(lambda: self.integrator.leading))
        if self.stamping is not None:
            tasks.append(self.stamping.run(self.settings.stamp_interval_s, lambda: self.integrator.leading))
        try:
            await asyncio.gather(*tasks)
        except TrailDamaged as cause:
            _LOG.error("nothing more is signed: %s; %s", cause, cause.hint)  # whoever runs this only waits for its end
            raise


@contextmanager
def own_database(settings: Settings) -> Iterator[str]:
    """Yield the owner's address of whosaw's database, migrated; starts the embedded server where none is configured."""
    if settings.database is not None:
        url = settings.database.get_secret_value()
        upgrade(url)
        yield url
        return
    with EmbeddedPostgres(settings.state / "postgres") as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [_DATABASE]).fetchone()
            if known is None:
                connection.execute(f"create database {_DATABASE}")
        url = with_database(server.url(), _DATABASE)
        upgrade(url)
        yield url


@asynccontextmanager
async def open_services(settings: Settings, clock: Clock, url: str, *, door: str) -> AsyncIterator[Services]:
    """Open everything over the database at `url`.

    Args:
        settings: where catalog, keys and trail are.
        clock: the clock of this process.
        url: the owner's address of whosaw's database.
        door: name of this process among those that append; its receipts are journaled under it.

    Raises:
        KeyRefused: among others, the keys belong to a demonstration and the clock is real, or the reverse.
        WhosawError: a database or catalog cannot be used.
    """
    catalog = load(settings.catalog_path)
    policies = PolicyHolder(load_policies(catalog.policy_files))
    keys = load_or_create(settings.keys_folder, clock)
    async with AsyncExitStack() as stack:
        sources = open_sources(catalog)
        for source in sources.values():
            await stack.enter_async_context(source)
        db = await stack.enter_async_context(Database(url, pool_size=6))
        door_db = await stack.enter_async_context(Database(_door_address(settings, url), pool_size=8))
        integrator = Integrator(db, keys, settings.trail_folder, clock)
        witnessing = _witnessing(settings, keys)
        if not (settings.trail_folder / "policy").exists():
            lines = witnessing.circle.lines if witnessing else ""
            publish_policy(settings.trail_folder, keys.trail.verifier, lines, former_keys(settings.keys_folder))
        journal = stack.enter_context(Journal(_receipts(settings, door)))
        guard = Guard(door_db, clock, keys_folder=settings.keys_folder, trail_folder=settings.trail_folder)
        appender = await stack.enter_async_context(Appender(door_db, keys, clock, journal=journal, guard=guard))
        directory = staff_directory(catalog, sources, door_db)
        people = db, appender, catalog, directory, clock
        archive = PolicyArchive(settings.policy_folder)
        yield Services(
            settings=settings,
            clock=clock,
            catalog=catalog,
            sources=sources,
            db=db,
            door_db=door_db,
            keys=keys,
            appender=appender,
            integrator=integrator,
            witnessing=witnessing,
            stamping=_stamping(settings, keys),
            gate=Gate(door_db, appender, catalog, sources, policies),
            tokens=Tokens(door_db),
            suspensions=Suspensions(db, appender, clock),
            policies=policies,
            policy_record=PolicyRecord(db, appender, clock, catalog=catalog.version, archive=archive),
            directory=directory,
            grants=Grants(*people),
            glasses=Glasses(*people, everybody=lambda: everybody(catalog, sources, db)),
            conducts=Conducts(db, appender, catalog.conduct, clock),
        )


def _witnessing(settings: Settings, keys: Keys) -> Witnessing | None:
    if settings.witnesses is None:
        return None
    pace = Pace(grace_s=settings.witness_grace_s)
    return Witnessing(Circle.read(settings.witnesses), keys.verifiers, settings.trail_folder, pace=pace)


def _stamping(settings: Settings, keys: Keys) -> Stamping | None:
    if not settings.stamps.strip():
        return None
    roots: list[Certificate] = []
    if settings.stamp_roots is not None:
        try:
            roots = read_roots(settings.stamp_roots.read_bytes())
        except OSError as cause:
            raise StampInvalid(f"cannot read `{settings.stamp_roots}`: {cause.strerror}") from cause
    return Stamping(settings.stamps.split(), keys.trail.verifier, settings.trail_folder, roots=roots)


def _receipts(settings: Settings, door: str) -> Path:
    folder = settings.state / "receipts"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{door}.jsonl"


def _door_address(settings: Settings, url: str) -> str:
    """Return the address as the door's own role, whose password lies beside the keys and is set anew when lost."""
    path = settings.keys_folder / "door.password"
    with psycopg.connect(url) as connection:
        # one process at a time: two that start together must agree on the password, and PostgreSQL refuses one of two
        # sessions that alter a role at once
        connection.execute("select pg_advisory_xact_lock(%s)", [_DOOR_LOCK])
        if not path.exists() or not path.read_text():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        password = path.read_text()
        verifier = connection.pgconn.encrypt_password(password.encode(), DOOR_ROLE.encode(), b"scram-sha-256").decode()
        connection.execute(f"alter role {DOOR_ROLE} login password '{verifier}'")
    return with_login(url, DOOR_ROLE, password)
