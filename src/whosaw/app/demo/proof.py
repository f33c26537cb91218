"""The proof: a bundle that a stranger checks, and a copy of the database in which somebody tampered."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg

from whosaw.answer import RawMails, SightingBook
from whosaw.answer.evidence import Sources, build_evidence, verifier_source
from whosaw.answer.notices import undecided, wording_of
from whosaw.app.demo.ground import Ground
from whosaw.app.demo.officers import Answered, Officers
from whosaw.app.demo.outsider import cosigned
from whosaw.app.services import Services
from whosaw.app.trustfile import trail_key
from whosaw.prove.canonical import entry_leaf
from whosaw.record import FsckReport, fsck
from whosaw.record.witness import WitnessState
from whosaw.store import Database
from whosaw.store.database import with_database

_COPY = "whosaw_copy"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Where the bundle lies, whether a separate process verified it, what that said, and how the witnesses stood."""

    path: Path
    verified: bool
    said: str
    witnessed: WitnessState


@dataclass(frozen=True, slots=True)
class Tampering:
    """Which entries were altered in the copy, and which of them fsck named."""

    altered: tuple[int, ...]
    found: tuple[int, ...]
    report: FsckReport


async def pack(
    services: Services, officers: Officers, answered: Answered, intake: tuple[SightingBook, RawMails], path: Path
) -> Bundle:
    """Write the case's bundle and have it verified by two processes that have neither server nor database."""
    signed = await services.integrator.step()
    witnessed = await cosigned(services.settings.trail_folder, signed.size)
    book, mails = intake
    settings = services.settings
    sources = Sources(
        services.db, settings.trail_folder, services.keys.trail, officers.cases, officers.steps, book, mails
    )
    # the demonstration decides nothing about the risk, so its letters say nothing of a law
    persons = answered.facts.persons if answered.facts and answered.notices.get("sent") else ()
    letters = {wording_of(each, "", undecided): each for each in reversed(persons)}
    await build_evidence(sources, answered.case.id, path, facts=answered.facts, letters=letters)
    alone = path.with_name("verify.py")
    await asyncio.to_thread(alone.write_bytes, verifier_source())
    policy = str(settings.trail_folder / "policy")
    # side by side: whosaw with the quorum of its policy, and the file from the bundle with nothing but Python
    told = await asyncio.gather(
        _run("-m", "whosaw", "verify", str(path), "--policy", policy),
        _run("-I", "-S", str(alone), str(path), "--key", str(services.keys.trail.verifier)),
    )
    said = f"{told[0][1]}\nand by verify.py of the bundle, with nothing but Python: {told[1][1].splitlines()[-1]}"
    return Bundle(path, all(good for good, _ in told), said, witnessed)


async def _run(*arguments: str) -> tuple[bool, str]:
    """Run Python without anything of whosaw in its environment; return whether it was content, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("WHOSAW_")},
    )
    said, _ = await process.communicate()
    return process.returncode == 0, said.decode().strip() or "nothing"


async def tamper(ground: Ground) -> Tampering:
    """Copy whosaw's database, alter entries in the copy as its owner could, and let fsck look at the copy.

    Nothing may be connected to the database that is copied.
    """
    altered = await asyncio.to_thread(_alter_copy, ground)
    key = trail_key(ground.settings.keys_folder)
    async with Database(with_database(ground.url, _COPY), pool_size=2) as copy:
        report = await fsck(copy, ground.settings.trail_folder, key)
    return Tampering(altered, tuple(index for index in altered if index in report.indices), report)


def _alter_copy(ground: Ground) -> tuple[int, ...]:
    with psycopg.connect(ground.admin_url, autocommit=True) as connection:
        connection.execute(f"create database {_COPY} template whosaw")
    with psycopg.connect(with_database(ground.url, _COPY)) as connection:
        connection.execute("set session_replication_role = replica")  # an owner can silence the tripwires
        rows = connection.execute(
            "select index, payload, salt from trail_entry where kind = 'disclosure' order by md5(index::text) limit 5"
        ).fetchall()
        for position, (index, payload, salt) in enumerate(rows):
            _alter(connection, index, payload, salt, position)
    return tuple(sorted(row[0] for row in rows))


def _alter(connection: psycopg.Connection[tuple[object, ...]], index: int, payload: str, salt: bytes, way: int) -> None:
    """Alter one entry: another subject (ways 0, 1), the same with its hash made to fit (2, 3), or away with it (4)."""
    if way == 4:
        connection.execute("delete from trail_entry where index = %s", [index])
        return
    changed = json.loads(payload)
    changed["subject"] += 1
    text = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    connection.execute("update trail_entry set payload = %s where index = %s", [text, index])
    if way >= 2:
        leaf = entry_leaf(salt, text.encode())
        connection.execute("update trail_entry set leaf = %s where index = %s", [leaf, index])
