"""``whosaw witness serve``: a witness that others run for this trail, or this company for others'. No database."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated, ClassVar

from cyclopts import Parameter
from rich.console import Console

from whosaw.app.commands.output import console
from whosaw.app.errors import AppError
from whosaw.app.server import Server, bind, build_app
from whosaw.doors.witness import WitnessDoor
from whosaw.prove import NoteInvalid, VerifierKey
from whosaw.prove.note import ED25519
from whosaw.record.witness import Memory, Witness
from whosaw.record.witness.keyfile import load_witness_key
from whosaw.terms import SystemClock


class NotALogKey(AppError, ValueError):
    """What was given as a trail's key is none."""

    code: ClassVar[str] = "app.not_a_log_key"
    hint = "give the key as the trail's published policy has it: NAME+8HEXDIGITS+BASE64, in quotes"


def serve(
    *,
    folder: Path,
    log: Annotated[list[str], Parameter(negative="")],
    host: str = "127.0.0.1",
    port: int = 8485,
    name: str = "whosaw.local/witness",
) -> int:
    """Witness the trails whose keys are given, until interrupted; prints this witness's own key.

    Args:
        folder: where the key and what was cosigned are kept; never put it back to an older state.
        log: a trail's verifier key; give the option again for another, or for the next key of the same trail.
        host: address to listen on.
        port: port to listen on, 0 for any.
        name: under which it cosigns.
    """
    logs = [_log_key(text) for text in log]
    key = load_witness_key(folder, name)
    witness = Witness(key, logs, Memory(folder / "cosigned"), SystemClock())
    server = Server(build_app(WitnessDoor(witness).router), bind(host, port))
    asyncio.run(_serve(server, witness, console()))
    return 0


async def _serve(server: Server, witness: Witness, out: Console) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    vkey = witness.verifier
    out.print(f"witness {vkey.name} listens on {server.address}", markup=False, soft_wrap=True)
    out.print(f"key: {vkey}", markup=False, soft_wrap=True)
    out.file.flush()  # whoever started it reads the address from a pipe
    await server.run()


def _log_key(text: str) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except NoteInvalid as cause:
        raise NotALogKey(f"not a trail's key: {cause}") from cause
    if key.kind != ED25519:
        raise NotALogKey(f"`{key.name}` is not the key of a trail")
    return key
