"""uvicorn's protocol with limits: how large the head of a request may be, how long it may take, and what is logged.

uvicorn with httptools collects headers without end and waits for them for ever; both are ways to fill a house.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MOST = 65_536
_HEAD_S = 20.0


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400 and closes where the head of a request grows too large or comes too slowly."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn asks its logger, not its configuration; a line for each request would hold the query string
        self.access_log = False
        self._head_bytes = 0  # of the request whose head is arriving
        self._in_head = True
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._late = self.loop.call_later(_HEAD_S, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, where the head does not grow beyond its limit by it."""
        self._in_head = True
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES_MOST and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that this was no head."""
        self._in_head = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the next to come is a head."""
        self._in_head = False
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a head."""
        self._stop_waiting()
        self._late = self.loop.call_later(_HEAD_S, self._too_late)
        super().on_message_begin()

    def _too_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
