"""The routes of the trail (c2sp.org/tlog-tiles, without the bundles of entries: those are not public)."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from whosaw.gate import TokenRefused, Tokens
from whosaw.record.published import published_checkpoint, published_tile
from whosaw.record.witness import read_state
from whosaw.terms import WhosawError

_TEXT = "text/plain; charset=utf-8"
_FRESH = {"Cache-Control": "no-cache"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


class NotAReader(WhosawError, PermissionError):
    """The token is good, and its owner may not read entries."""

    code: ClassVar[str] = "trail.not_a_reader"
    hint = "entries are read by the roles that the operator named; checkpoint and tiles are open to everyone"


class NotThere(WhosawError, LookupError):
    """There is no such thing in the trail, or not under this name."""

    code: ClassVar[str] = "trail.not_found"
    hint = "take sizes from /trail/checkpoint; where a partial tile is gone the full one is there"


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One entry with what proves it: salt and path as bytes, payload as its canonical text, checkpoint as a note."""

    index: int
    salt: bytes
    payload: str
    proof: tuple[bytes, ...]
    checkpoint: bytes


class TrailReads(Protocol):
    """What the door needs to give out an entry."""

    async def check_reader(self, actor: str) -> None:
        """Raise `NotAReader` where `actor` may not read entries now."""

    async def entry(self, index: int, reader: str) -> ReadEntry:
        """Return an entry, after the look at it is itself recorded.

        Raises:
            CheckpointMissing: the trail does not reach that far.
            EntryErased: of it only the leaf is left.
        """
        ...


class TrailDoor:
    """Routes over the trail's folder, and over `TrailReads` for entries."""

    def __init__(self, folder: Path, tokens: Tokens, reads: TrailReads) -> None:
        self._folder = folder
        self._tokens = tokens
        self._reads = reads
        self.router = APIRouter(prefix="/trail")
        for path, answer in (
            ("/checkpoint", self.checkpoint),
            ("/witnesses", self.witnesses),
            ("/tile/{name:path}", self.tile),
            ("/entries/{index}", self.entry),
        ):
            self.router.add_api_route(path, answer, methods=["GET", "HEAD"], response_model=None)

    async def checkpoint(self) -> Response:
        """Give the signed note, with the cosignatures it has."""
        note = await run_in_threadpool(published_checkpoint, self._folder)
        if note is None:
            raise NotThere("no checkpoint was signed yet")
        return Response(note, headers={"Content-Type": _TEXT, **_FRESH})

    async def witnesses(self) -> Response:
        """Say how the witnessing stands."""
        state = await run_in_threadpool(read_state, self._folder)
        return JSONResponse(asdict(state), headers=_FRESH)

    async def tile(self, request: Request) -> Response:
        """Give one tile of hashes; it never changes."""
        name = str(request.scope["path"]).partition("/tile/")[2]  # the route's own match drops a last newline
        body = await run_in_threadpool(published_tile, self._folder, name)
        if body is None:
            raise NotThere("there is no such tile")
        return Response(body, media_type="application/octet-stream", headers=_FOR_EVER)

    async def entry(self, request: Request, index: str) -> Response:
        """Give one entry with salt and proof to a reader; the look is recorded first."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused("no valid token")
        actor = await self._tokens.actor(token.strip())
        await self._reads.check_reader(actor)
        if not _INDEX.fullmatch(index):
            raise NotThere("an index is a number from 0")
        found = await self._reads.entry(int(index), actor)
        told = {
            "index": found.index,
            "salt": found.salt.hex(),
            "payload": found.payload,
            "proof": [each.hex() for each in found.proof],
            "checkpoint": found.checkpoint.decode(),
        }
        return JSONResponse(told, headers={"Cache-Control": "no-store"})
