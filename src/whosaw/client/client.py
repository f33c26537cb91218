"""An asynchronous client of the HTTP door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import httpx

from whosaw.terms import WhosawError

_REFUSALS = 403


class DoorError(WhosawError, RuntimeError):
    """The door did not answer the ask: wrong token, bad request, or not available; nothing was shown."""

    code: ClassVar[str] = "client.door"


@dataclass(frozen=True, slots=True)
class Masked:
    """A field that came masked, and the rule that masked it."""

    presentation: str
    rule: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that was refused, and the rule that refused it."""

    rule: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door showed.

    Attributes:
        fields: per field the value (None where the company holds none), or `Masked`, or `Refused`.
        decision: ``allow``, ``mask`` or ``deny`` for the whole ask.
        reason: what became of the purpose.
        would: what enforcement would have decided, where observe mode showed more.
        receipt: the signed promise that the entry is durable; keep it to hold the operator to it.
    """

    fields: Mapping[str, str | Masked | Refused | None]
    decision: str
    reason: str
    would: str | None
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing was shown: why, and how to get in."""

    reason: str
    hint: str
    receipt: Mapping[str, Any]


class Client:
    """One person's way to the door; open it with ``async with``."""

    def __init__(self, base_url: str, token: str = "", *, http: httpx.AsyncClient | None = None) -> None:
        """Describe the client.

        Args:
            base_url: address of the door, ``http://127.0.0.1:8484``.
            token: the person's token from ``whosaw user add``.
            http: a connection pool to share between clients; its owner closes it.
        """
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._base = base_url.rstrip("/")
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=10.0)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections that are its own."""
        if self._own:
            await self._http.aclose()

    async def disclose(self, subject: str, fields: Sequence[str], purpose: str | None = None) -> Answer | Denied:
        """Ask for `fields` of `subject`.

        Raises:
            DoorError: the door did not answer the ask.
        """
        body = {"subject": subject, "fields": list(fields)} | ({"purpose": purpose} if purpose else {})
        answer = await self._post("/v1/disclosures", body)
        if isinstance(answer, Denied):
            return answer
        values = {name: _read(value) for name, value in answer["fields"].items()}
        return Answer(values, answer["decision"], answer["reason"], answer.get("would"), answer["receipt"])

    async def act(self, action: str, on: str, purpose: str | None = None) -> Mapping[str, Any] | Denied:
        """Ask to do `action` to the object `on`; do it only if the answer is not `Denied`.

        Raises:
            DoorError: the door did not answer the ask.
        """
        return await self._post(
            "/v1/actions", {"action": action, "object": on} | ({"purpose": purpose} if purpose else {})
        )

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any | Denied:
        try:
            response = await self._http.post(self._base + path, json=body, headers=self._headers)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as cause:
            raise DoorError("the door does not answer", hint=f"is it running at {self._base}?") from cause
        if not isinstance(answer, dict):
            answer = {}
        if response.status_code == httpx.codes.OK and "receipt" in answer:
            return answer
        if response.status_code == _REFUSALS and "receipt" in answer:
            return Denied(answer["reason"], answer.get("hint", ""), answer["receipt"])
        raise DoorError(str(answer.get("detail", f"status {response.status_code}")), hint=answer.get("hint", ""))


def _read(value: Mapping[str, Any]) -> str | Masked | Refused | None:
    if value.get("isMasked"):
        return Masked(value["maskedPresentation"], value["rule"])
    if value.get("isDenied"):
        return Refused(value["rule"])
    return value["value"]  # type: ignore[no-any-return]
