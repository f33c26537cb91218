"""``whosaw fsck``: is the trail whole."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, ClassVar

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from whosaw.app.commands.output import console, print_json
from whosaw.app.errors import AppError
from whosaw.app.services import own_database
from whosaw.app.settings import Settings
from whosaw.app.trustfile import receipt_keys, trail_key
from whosaw.app.witnessed import ask_witnesses, standing_line
from whosaw.prove import Policy, VerifierKey
from whosaw.record import FsckReport
from whosaw.record import fsck as check_trail
from whosaw.record.fsck import Extent
from whosaw.record.guard import accept_server as know_server
from whosaw.store import Database

_Files = Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative="")]
_ABOUT_DATES = ("back_dated", "post_dated")  # a wrong clock is no reason against a server


class FsckRefused(AppError, ValueError):
    """What was handed to the check cannot be used."""

    code: ClassVar[str] = "app.fsck_refused"
    hint = "name files that this user may read"


def fsck(
    *,
    receipts: _Files = (),
    checkpoint: _Files = (),
    policy: Path | None = None,
    delay: float = 60.0,
    resume: Annotated[bool, Parameter(negative="")] = False,
    accept_server: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Re-derive every hash of the trail from its entries, and name what is altered, missing or out of place.

    Args:
        receipts: receipt journals of doors; every promise in them must have been kept.
        checkpoint: signed checkpoints of this trail that were kept elsewhere; they exclude a roll-back.
        policy: policy file that says which witnesses must have cosigned those checkpoints.
        delay: seconds that an entry's date may lie outside what checkpoints and receipts say.
        resume: go on where the last check was interrupted, or ended.
        accept_server: where nothing is found, know this database server as the trail's from now on: after a failover
            or a restore that is meant, and where a wrong clock dated entries.
        as_json: print JSON.
    """
    settings = Settings()
    key = trail_key(settings.keys_folder)  # first: where there is no trail, no database is made to say so
    if delay <= 0:
        raise FsckRefused("the delay is a number of seconds above zero", hint="--delay 60")
    outside = [_read(path) for path in checkpoint]
    # a policy is about checkpoints that a quorum cosigned, and each witness shows its own cosignature alone
    shown, silent = ask_witnesses(settings.witnesses if policy is None else None, key.name)
    for path in receipts:
        _readable(path)
    extent = Extent(
        receipts=receipts,
        receipt_keys=receipt_keys(settings.keys_folder) if receipts else (),
        policy=None if policy is None else Policy.parse(_read(policy)),
        numbers=True,
        delay_s=delay,
        state=True,
        resume=resume and not accept_server,  # what another server holds is read from the beginning
    )
    with own_database(settings) as url:
        report = asyncio.run(_fsck(url, (settings.trail_folder, key), [*outside, *shown], extent))
        accepted = accept_server and all(finding.kind in _ABOUT_DATES for finding in report.findings)
        if accepted:
            asyncio.run(_accept(url, settings.keys_folder))
    if as_json:
        print_json(asdict(report) | {"accepted_server": accepted, "ok": report.ok, "roll_back": report.roll_back})
    else:
        out = console()
        for line in [*report.lines(), *silent, *standing_line(settings.trail_folder)]:
            out.print(Text(line))
        if accept_server:
            out.print("the server is accepted" if accepted else "the server is not accepted: something was found")
    return 0 if report.ok else 1


def _readable(path: Path) -> None:
    """Refuse a journal that cannot be opened before the check begins, which may take long."""
    try:
        path.open("rb").close()
    except OSError as cause:
        raise FsckRefused(f"`{path}` cannot be read: {cause.strerror}") from cause


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise FsckRefused(f"`{path}` cannot be read: {cause.strerror}") from cause


async def _fsck(url: str, trail: tuple[Path, VerifierKey], outside: Sequence[bytes], extent: Extent) -> FsckReport:
    shown = Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    async with Database(url, pool_size=2) as db:
        with shown as progress:
            task = progress.add_task("entries", total=None)
            return await check_trail(
                db,
                *trail,
                lambda done, total: progress.update(task, completed=done, total=total),
                outside,
                extent,
            )


async def _accept(url: str, keys_folder: Path) -> None:
    async with Database(url, pool_size=2) as db:
        await know_server(db, keys_folder)
