"""``whosaw trail show|tail|prove|export``: how the trail stands, its entries as they come, and entries taken out.

Entries name nobody: actors, subjects and purposes are numbers here. Looking at them is recorded all the same, before
they are shown.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, ClassVar, TextIO

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.clocks import clock_of
from whosaw.app.commands.output import console, print_json
from whosaw.app.commands.who import time_of
from whosaw.app.errors import AppError
from whosaw.app.looks import Look, note_look, operator
from whosaw.app.services import own_database
from whosaw.app.settings import Settings
from whosaw.app.trailstate import TrailStanding, read_standing
from whosaw.app.trustfile import trail_key
from whosaw.prove import TlogProof, VerifierKey, entry_leaf
from whosaw.record import Appender, load_or_create, prove_entries
from whosaw.record.queries import head_size
from whosaw.record.sealed import Sealed, sealed_from
from whosaw.store import Database
from whosaw.terms import from_us, iso_seconds, to_us

_FOLLOW_S = 0.5
_Json = Annotated[bool, Parameter(name="--json", negative="")]


class OutputRefused(AppError, OSError):
    """A file cannot be written where the command was told to."""

    code: ClassVar[str] = "app.output_refused"
    hint = "choose another place with --out; a file that is there already is not written over"


class EntryUnknown(AppError, LookupError):
    """The trail has no entry at that place."""

    code: ClassVar[str] = "app.entry_unknown"
    hint = "`whosaw trail show` says how many entries there are; the first is entry 0"


def show(index: int | None = None, /, *, as_json: _Json = False) -> int:
    """Say how the trail stands: origin, sizes, last checkpoint, witnesses. With an INDEX, say what that entry says.

    Args:
        index: an entry's place in the trail, from 0.
        as_json: print JSON.
    """
    if index is not None:
        return _show_entry(index, as_json)
    settings, key = _trail()

    async def ask(url: str) -> TrailStanding:
        async with Database(url, pool_size=2) as db:
            return await read_standing(db, settings.trail_folder, key, clock_of(settings))

    with own_database(settings) as url:
        standing = asyncio.run(ask(url))
    if as_json:
        print_json(asdict(standing))
    else:
        out = console()
        for line in standing.lines():
            out.print(Text(line))
    return 0


def _show_entry(index: int, as_json: bool) -> int:
    async def work(db: Database) -> None:
        entry = await anext(sealed_from(db, max(0, index)), None)
        if entry is None or entry.index != index:
            raise EntryUnknown(f"no entry {index} is in the trail, which has {await _size(db)}")
        if as_json:
            print_json(_said(entry))
        else:
            out = console()
            for name, value in _facts(entry):
                out.print(Text(f"{name:<12} {_printable(value)}"))

    return _looking("look.entry", f"entry:{index}", work)


def tail(*, lines: int = 10, follow: bool = True, as_json: _Json = False) -> int:
    """Print the last entries, and those that come, until interrupted.

    Args:
        lines: how many of the entries that are there to print first.
        follow: go on with what comes; --no-follow ends at once.
        as_json: print a JSON object a line.
    """
    printed = _json_line if as_json else _plain_line

    async def work(db: Database) -> None:
        first = max(0, await _size(db) - max(0, lines))
        while True:
            async for entry in sealed_from(db, first):
                sys.stdout.write(printed(entry) + "\n")
                first = entry.index + 1
            sys.stdout.flush()
            if not follow:
                return
            await asyncio.sleep(_FOLLOW_S)

    return _looking("look.trail", "trail", work)


def prove(index: int, /, *, out: Path = Path(), as_json: _Json = False) -> int:
    """Write an entry and the proof that it is in the tree: INDEX.json and INDEX.tlog-proof.

    Where the entry names a set of subjects, its salt and bitmap are written to INDEX.exposure.

    Args:
        index: the entry's place in the trail, from 0.
        out: folder to write to.
        as_json: print JSON.
    """
    settings, key = _trail()

    async def work(db: Database) -> None:
        proved = await prove_entries(db, settings.trail_folder, key, [index], sets=True)
        (entry,) = proved.entries
        leaf = entry_leaf(entry.salt, entry.payload.encode())
        files = [out / f"{index}.json", out / f"{index}.tlog-proof"]
        sets = [(out / f"{index}.exposure", sealed) for sealed in proved.sets.values()]
        for path, sealed in sets:
            with _made(path) as made:
                made.buffer.write(sealed)
        files += [path for path, _ in sets]
        with _written_to(files[0]) as file, _written_to(files[1]) as proof:
            said = _said(Sealed(entry.index, leaf, entry.salt, entry.payload))
            file.write(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
            proof.write(TlogProof(index, entry.proof, proved.checkpoint).format().decode())
        if as_json:
            print_json({"index": index, "size": proved.size, "files": [str(path) for path in files]})
        else:
            named = ", ".join(map(str, files))
            console().print(f"entry {index}, proved in a tree of {proved.size}: {named}", markup=False)

    return _looking("look.entry", f"entry:{index}", work)


def export(*, since: str = "", until: str = "", out: Path | None = None, as_json: _Json = False) -> int:
    """Write entries as JSON lines, each with the salt that its leaf can be derived with.

    Args:
        since: leave out what was before this time.
        until: leave out what was at this time or after.
        out: file to write, readable by its owner alone; default standard output.
        as_json: say as JSON, on standard error, how many entries were written.
    """
    since_us, until_us = (to_us(time_of(text)) if text else None for text in (since, until))

    async def work(db: Database) -> None:
        written = 0
        with _written_to(out) as file:
            async for entry in sealed_from(db, 0, since_us, until_us):
                file.write(_json_line(entry) + "\n")
                written += 1
        told = json.dumps({"entries": written}) if as_json else f"{written} entries written"
        sys.stderr.write(told + "\n")

    return _looking("look.export", f"trail:{since or 'begin'}..{until or 'now'}", work)


async def _size(db: Database) -> int:
    async with db.connection() as conn:
        return await head_size(conn)


def _trail() -> tuple[Settings, VerifierKey]:
    settings = Settings()
    return settings, trail_key(settings.keys_folder)  # where there is no trail, no database is made to say so


def _looking(action: str, at_what: str, work: Callable[[Database], Awaitable[None]]) -> int:
    """Do `work` after it is durable that somebody looked."""
    settings, _ = _trail()
    clock = clock_of(settings)
    keys = load_or_create(settings.keys_folder, clock)

    async def look(url: str) -> None:
        async with Database(url, pool_size=2) as db:
            async with Appender(db, keys, clock) as trail:
                await note_look(db, trail, clock, Look(operator(), action, at_what))
            await work(db)

    with own_database(settings) as url:
        asyncio.run(look(url))
    return 0


def _said(entry: Sealed) -> dict[str, Any]:
    """Return an entry as JSON; payloads are canonical, so its bytes follow from its values."""
    said: dict[str, Any] = {"index": entry.index, "leaf": entry.leaf.hex()}
    if entry.salt is None or entry.payload is None:
        return said | {"erased": True}
    return said | {"salt": entry.salt.hex(), "payload": json.loads(entry.payload)}


def _json_line(entry: Sealed) -> str:
    return json.dumps(_said(entry), ensure_ascii=False, separators=(",", ":"))


def _plain_line(entry: Sealed) -> str:
    if entry.payload is None:
        return f"{entry.index:>8}  erased"
    said = json.loads(entry.payload)
    at = iso_seconds(said["at"]) if "at" in said else ""
    who = " ".join(f"{name} {said[name]}" for name in ("actor", "subject", "purpose") if name in said)
    what = " ".join(str(said[name]) for name in ("action", "object", "decision", "reason") if said.get(name))
    line = f"{entry.index:>8}  {at}  {said.get('door', ''):<8} {said.get('kind', ''):<11} {who}  {what}"
    return _printable(line)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _facts(entry: Sealed) -> Iterator[tuple[str, str]]:
    """Yield name and value of each fact of an entry, in the order of its canonical spelling."""
    yield "index", str(entry.index)
    yield "leaf", entry.leaf.hex()
    if entry.payload is None:
        yield "payload", "erased; the leaf is left"
        return
    for name, value in json.loads(entry.payload).items():
        if name == "at":
            yield name, from_us(value).isoformat()
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def _written_to(path: Path | None) -> Iterator[TextIO]:
    """Lend standard output, or a new file that its owner alone can read and that is not there where writing failed."""
    if path is None:
        yield sys.stdout
        return
    with _made(path) as file:
        yield file


@contextmanager
def _made(path: Path) -> Iterator[TextIO]:
    """Lend a new file, readable by its owner alone and gone again where writing failed."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as cause:
        raise OutputRefused(f"`{path}` cannot be written: {cause.strerror}") from cause
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
