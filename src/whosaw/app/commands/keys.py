"""``whosaw key show|rotate``: who signs, and letting another key sign from here on."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Literal

from rich.text import Text

from whosaw.app.clocks import clock_of
from whosaw.app.commands.opened import AsJson, Flag, operators_number
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.services import own_database
from whosaw.app.settings import Settings
from whosaw.app.trustfile import NoTrailKey, republish_logs
from whosaw.record.keys import RingKey, load_or_create, read_keyring
from whosaw.record.rotation import Ground, Place, Rotated, rotate_receipt, rotate_trail
from whosaw.store import Database


class LostOrStolen(AppError, ValueError):
    """A key cannot be said to be both lost and stolen: theft is the graver."""

    code: ClassVar[str] = "app.lost_or_stolen"
    hint = "give --stolen if anybody else may have it, --lost if nobody has it any more"


def show(*, as_json: AsJson = False) -> int:
    """Show every public key of this trail, oldest first, and which ones sign now.

    Args:
        as_json: print JSON.
    """
    settings = Settings()
    ring = read_keyring(settings.keys_folder)
    if not ring and (settings.keys_folder / "trail.key").exists():
        load_or_create(settings.keys_folder, clock_of(settings))  # a folder from before the keyring
        ring = read_keyring(settings.keys_folder)
    if not ring:
        raise NoTrailKey(f"no keys in `{settings.keys_folder}`")
    rows = [(each, _state(each, ring)) for each in ring]
    if as_json:
        print_json([{"signs": each.role, "state": state, "key": str(each.key)} for each, state in rows])
        return 0
    lines = table("signs", "state", "verifier key")
    for each, state in rows:
        lines.add_row(each.role, state, Text(str(each.key)))
    console().print(lines)
    return 0


def rotate(
    *,
    key: Literal["trail", "receipt"] = "trail",
    lost: Flag = False,
    stolen: Flag = False,
    as_json: AsJson = False,
) -> int:
    """Let a new key sign from here on; recorded, and published so that verifiers can follow. Stop the server first.

    Args:
        key: which key.
        lost: the old key is gone: it signs no hand-over, and verifiers need the new policy file by hand.
        stolen: somebody else may have the old key: as --lost, and the policy file names it no more.
        as_json: print JSON.
    """
    if lost and stolen:
        raise LostOrStolen("both --lost and --stolen were given")
    ground: Ground = "lost" if lost else "stolen" if stolen else "planned"
    settings = Settings()
    if not read_keyring(settings.keys_folder) and not (settings.keys_folder / f"{key}.key").exists():
        raise NoTrailKey(f"no keys in `{settings.keys_folder}`")

    async def work(url: str) -> Rotated:
        async with Database(url, pool_size=4) as db:
            place = Place(db, settings.keys_folder, settings.trail_folder, clock_of(settings))
            by = await operators_number(db)
            return await (rotate_trail if key == "trail" else rotate_receipt)(place, by=by, ground=ground)

    with own_database(settings) as url:
        done = asyncio.run(work(url))
    policy = republish_logs(settings.trail_folder, settings.keys_folder)
    if as_json:
        print_json({"old": str(done.old), "new": str(done.new), "size": done.last.size, "handover": str(done.path)})
        return 0
    out = console()
    out.print(Text(f"old key, up to {done.last.size} entries: {done.old}"))
    out.print(Text(f"new key, from there on:  {done.new}"))
    out.print(Text(f"hand-over: {done.path}"))
    out.print(Text(f"policy:    {policy}"))
    if ground != "planned":
        out.print(Text("the hand-over is not signed by the old key: give the policy file to every verifier by hand"))
    return 0


def _state(each: RingKey, ring: list[RingKey]) -> str:
    last = [other for other in ring if other.role == each.role][-1]
    return "signs now" if each is last else each.ended or "handed over"
