"""The routes of a witness: submission and monitoring under one prefix."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from whosaw.record.witness import Witness, WitnessDamaged
from whosaw.record.witness.ask import MOST_BYTES

_TEXT = "text/plain; charset=utf-8"
_LOG = logging.getLogger(__name__)


class WitnessDoor:
    """``POST /add-checkpoint`` and ``GET /<hex sha256 of origin>/checkpoint`` over one witness."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self.router = APIRouter()
        self.router.add_api_route("/add-checkpoint", self.add_checkpoint, methods=["POST"])
        self.router.add_api_route("/{origin_hash}/checkpoint", self.checkpoint, methods=["GET"])

    async def add_checkpoint(self, request: Request) -> Response:
        """Cosign a checkpoint, or refuse with the protocol's status."""
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    return Response("the request is too long\n", 413, media_type=_TEXT)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            answer = await run_in_threadpool(self._witness.add_checkpoint, bytes(body))  # it waits for the disk
        except (WitnessDamaged, OSError) as cause:
            _LOG.error("nothing was cosigned: %s", cause)
            return Response("the witness cannot keep its state\n", 500, media_type=_TEXT)
        return Response(answer.body, answer.status, headers={"Content-Type": answer.content_type})

    async def checkpoint(self, origin_hash: str) -> Response:
        """Show the last checkpoint cosigned for a trail."""
        note = await run_in_threadpool(self._witness.latest, origin_hash)
        if note is None:
            return Response("no checkpoint of this trail was cosigned here\n", 404, media_type=_TEXT)
        return Response(note, headers={"Content-Type": _TEXT, "Cache-Control": "no-cache"})
