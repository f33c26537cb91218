"""The outsider of the demonstration: a witness in a process of its own, ``python -m whosaw.app.demo.outsider``.

It reads one JSON object from standard input (folder, the trail's key), writes its address and its key to standard
output, and ends when standard input closes. In earnest somebody else runs it, on a machine of his own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ClassVar

from whosaw.app.demo.ground import Ground
from whosaw.app.errors import AppError
from whosaw.app.server import Server, bind, build_app
from whosaw.doors.witness import WitnessDoor
from whosaw.prove import VerifierKey
from whosaw.record import load_or_create
from whosaw.record.witness import Memory, Witness, WitnessState, read_state
from whosaw.record.witness.keyfile import load_witness_key
from whosaw.terms import SystemClock

WITNESSES = "witnesses"  # the policy file, under the demonstration's folder
_NAME = "outsider.example/witness"
_START_S = 30.0


class OutsiderFailed(AppError, RuntimeError):
    """The witness's process did not come up."""

    code: ClassVar[str] = "app.outsider_failed"


@asynccontextmanager
async def open_outsider(ground: Ground) -> AsyncIterator[asyncio.Task[Path]]:
    """Start a witness of the trail, and end it with the block.

    Yields:
        What becomes the policy file that names it, once it listens; awaiting it raises `OutsiderFailed` if it does not.
    """
    trail = load_or_create(ground.settings.keys_folder, ground.clock).trail.verifier
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "whosaw.app.demo.outsider"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    naming = asyncio.create_task(_name(ground.folder, process, trail))
    try:
        yield naming
    finally:
        naming.cancel()
        await asyncio.wait([naming])
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def cosigned(folder: Path, size: int, limit_s: float = 5.0) -> WitnessState:
    """Return how the witnessing of the trail in `folder` stands once `size` entries are cosigned, or at the limit."""
    until_s = time.monotonic() + limit_s
    while (state := await asyncio.to_thread(read_state, folder)).quorum_size is None or state.quorum_size < size:
        if time.monotonic() > until_s:
            break
        await asyncio.sleep(0.05)
    return state


async def _name(folder: Path, process: asyncio.subprocess.Process, trail: VerifierKey) -> Path:
    if process.stdin is None or process.stdout is None:
        raise OutsiderFailed("the witness's process has no pipes")
    given = {"folder": str(folder / "outsider"), "log": str(trail)}
    process.stdin.write((json.dumps(given) + "\n").encode())
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), _START_S)).decode().split()
    except TimeoutError as cause:
        raise OutsiderFailed("the witness's process did not listen in time") from cause
    if len(line) != 2:
        raise OutsiderFailed("the witness's process ended before it listened")
    path = folder / WITNESSES
    path.write_text(f"witness outsider {line[1]} {line[0]}\nquorum outsider\n")
    return path


def main() -> None:
    """Witness until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the demonstration decides when it ends
    given = json.loads(sys.stdin.readline())
    key = load_witness_key(Path(given["folder"]), _NAME)
    memory = Memory(Path(given["folder"]) / "cosigned")
    with suppress(BrokenPipeError):
        asyncio.run(_serve(Witness(key, [VerifierKey.parse(given["log"])], memory, SystemClock())))


async def _serve(witness: Witness) -> None:
    server = Server(build_app(WitnessDoor(witness).router), bind("127.0.0.1", 0))
    serving = asyncio.create_task(server.run())
    await server.started()
    sys.stdout.write(f"{server.address} {witness.verifier}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.stop()
    await asyncio.wait([serving])


if __name__ == "__main__":
    main()
