"""What can be wrong with a request before it is an ask, or with who sends it."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class HttpError(WhosawError):
    """Base of what can be wrong with a request."""

    code: ClassVar[str] = "http.error"


class BodyTooLarge(HttpError, ValueError):
    """The body exceeds what this route can need."""

    code: ClassVar[str] = "http.body_too_large"


class BodyTooSlow(HttpError, TimeoutError):
    """The body did not arrive in time."""

    code: ClassVar[str] = "http.body_too_slow"
    hint = "send the whole body at once"


class NotJson(HttpError, ValueError):
    """The body is not JSON in UTF-8."""

    code: ClassVar[str] = "http.not_json"
    hint = "send one JSON object as application/json in UTF-8; no member twice, no number that is none"


class QueryUnfit(HttpError, ValueError):
    """The query string holds what this route does not take."""

    code: ClassVar[str] = "http.query_unfit"
    hint = "lists take `limit` (1 to 100) and `cursor` (the `next` of the page before); other routes take nothing"


class KeyUnfit(HttpError, ValueError):
    """The ``Idempotency-Key`` is none."""

    code: ClassVar[str] = "http.key_unfit"
    hint = "an idempotency key is 16 to 128 letters, digits, `-` or `_`, made at random for one request"


class KeyReused(HttpError, ValueError):
    """The ``Idempotency-Key`` was sent with another request."""

    code: ClassVar[str] = "http.key_reused"
    hint = "make a new key for every request; the same key goes with exactly the same bytes"


class TooMany(HttpError, PermissionError):
    """Too many requests, or too many tokens that were none.

    Attributes:
        retry_after_s: when to come back.
    """

    code: ClassVar[str] = "http.too_many"
    hint = "wait as long as Retry-After says"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotAllowed(HttpError, PermissionError):
    """The token is good, and its owner may not do this here."""

    code: ClassVar[str] = "http.not_allowed"


class ActorStopped(HttpError, PermissionError):
    """The owner of the token is suspended, has left, or is not in the staff directory."""

    code: ClassVar[str] = "http.actor_stopped"
    hint = "speak to the person who runs whosaw"


class NothingHere(HttpError, LookupError):
    """No such thing, or none that this person may see."""

    code: ClassVar[str] = "http.not_found"
