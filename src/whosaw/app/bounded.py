"""uvicorn's protocol with limits: how large a head may be, how long head and body may take, and what is logged.

uvicorn with httptools collects headers without end, and waits for them and for bodies for ever; these are ways to fill
a house. Doors whose bodies are larger or whose senders nobody knows bound them more narrowly themselves.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MOST = 65_536
_HEAD_S = 20.0
_BODY_S = 150.0  # longer than any door waits for a body, so that a door can say what was wrong
_REST_S = 30.0  # of a body whose request was answered already: a browser reads the answer when it has sent all


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400 and closes where the head of a request grows too large; closes where head or body come too slowly."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn asks its logger, not its configuration; a line for each request would hold the query string
        self.access_log = False
        self._head_bytes = 0  # of the request whose head is arriving
        self._in_head = True
        self._in_body = False
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait(_HEAD_S)

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
        """Note that the head is whole, and begin to wait for the body."""
        self._in_head, self._in_body = False, True
        self._wait(_BODY_S)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that this was no head."""
        self._in_head = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the next to come is a head."""
        self._in_head = self._in_body = False
        self._stop_waiting()
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a head."""
        self._wait(_HEAD_S)
        super().on_message_begin()

    def on_response_complete(self) -> None:
        """Give what still arrives of an answered request a short time; it is dropped, and kept nowhere."""
        if self._in_body and self.cycle.response_complete:  # not one that was sent behind it meanwhile
            self._wait(_REST_S)
        super().on_response_complete()

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
