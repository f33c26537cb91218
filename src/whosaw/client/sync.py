"""The client of the HTTP door that waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import httpx

from whosaw.client import wire
from whosaw.client.values import Allowed, Answer, Denied, Found


class Client:
    """One person's way to the door; open it with ``with``.

    Every method raises `DoorError` where the door did not answer the ask; then nothing was shown.
    """

    def __init__(self, base_url: str, token: str = "", *, http: httpx.Client | None = None) -> None:
        """Describe the client.

        Args:
            base_url: address of the door, ``http://127.0.0.1:8484``.
            token: the person's token from ``whosaw user add``.
            http: a connection pool to share between clients; its owner closes it.
        """
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._base = base_url.rstrip("/")
        self._own = http is None
        self._http = http or httpx.Client(timeout=10.0)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections that are its own."""
        if self._own:
            self._http.close()

    def disclose(
        self, subject: str, fields: Sequence[str], purpose: str | None = None, *, reason: str | None = None
    ) -> Answer | Denied:
        """Ask for `fields` of `subject`.

        Args:
            subject: ``customer:C-1``.
            fields: 1 to 64 distinct names of the catalog.
            purpose: the work it is for, ``ticket:T-1``.
            reason: why, in words, where a limit asks for it.
        """
        body = wire.with_reason(wire.asking(subject, fields), purpose, reason)
        return wire.answer_of(self._post("/v1/disclosures", body))

    def disclose_bulk(
        self, subjects: Sequence[str], fields: Sequence[str], purpose: str | None = None, *, reason: str | None = None
    ) -> list[Answer] | Denied:
        """Ask for the same `fields` of many subjects of one kind; the answers come in their order."""
        body = wire.with_reason({"subjects": list(subjects), "fields": list(fields)}, purpose, reason)
        return wire.answers_of(self._post("/v1/disclosures/bulk", body))

    def lookup(self, lookup: str, value: str, purpose: str | None = None, *, reason: str | None = None) -> Found:
        """Ask whose an exact value is: an e-mail address, a phone number, an order number."""
        body = wire.with_reason({"lookup": lookup, "value": value}, purpose, reason)
        return wire.found_of(self._post("/v1/lookups", body))

    def act(
        self,
        action: str,
        on: str | Sequence[str],
        purpose: str | None = None,
        *,
        reason: str | None = None,
        rows: int | None = None,
    ) -> Allowed | Denied:
        """Ask to do `action` to one object or several; do it only if the answer is `Allowed`."""
        body = wire.with_reason(wire.acting(action, on, rows), purpose, reason)
        return wire.allowed_of(self._post("/v1/actions", body))

    def _post(self, path: str, body: wire.Body) -> wire.Body | Denied:
        try:
            response = self._http.post(self._base + path, json=body, headers=self._headers)
            answer: Any = response.json()
        except (httpx.HTTPError, ValueError) as cause:
            raise wire.no_answer(self._base) from cause
        return wire.answered(response.status_code, answer)
