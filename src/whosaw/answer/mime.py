"""Cut a mail into its parts without changing a byte of them.

A signature covers bytes, so a forwarded original must come out exactly as it went in; the library's own generator may
write it differently. Only what cutting needs is understood here: header block, boundary, transfer encoding.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_MAX_DEPTH = 8
_MAX_PARTS = 200
_HEADERS = BytesHeaderParser(policy=SMTP)


class MalformedMail(ValueError):
    """The bytes are not a message."""


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a message: its type in lower case and its body as sent (still transfer-encoded)."""

    kind: str
    encoding: str
    charset: str
    body: bytes

    def decoded(self) -> bytes:
        """Return the body without its transfer encoding.

        Raises:
            MalformedMail: it is not what its encoding says, or the encoding is unknown.
        """
        if self.encoding in {"", "7bit", "8bit", "binary"}:
            return self.body
        try:
            if self.encoding == "base64":
                return base64.b64decode(re.sub(rb"\s+", b"", self.body), validate=True)
            if self.encoding == "quoted-printable":
                return quopri.decodestring(self.body)
        except binascii.Error as cause:
            raise MalformedMail("a part is not base64") from cause
        raise MalformedMail("a part has an unknown transfer encoding")

    def text(self) -> str:
        """Return the body as text, undecodable bytes replaced."""
        raw = self.decoded()
        try:
            return raw.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return raw.decode("utf-8", "replace")


def split(raw: bytes) -> tuple[EmailMessage, bytes]:
    """Return a message's headers, parsed, and its body, untouched.

    Raises:
        MalformedMail: there are no headers.
    """
    end = _END_OF_HEADERS.search(raw)
    block, body = (raw[: end.end()], raw[end.end() :]) if end else (raw, b"")
    headers = _parse(block)
    if not headers.keys():
        raise MalformedMail("there are no headers")
    return headers, body


def values(headers: EmailMessage, name: str) -> list[str]:
    """Return every value of header `name` as text, in order; a value the library cannot read is left out."""
    try:
        return [str(each) for each in headers.get_all(name, [])]
    except Exception:  # the library's header parser raises whatever it stumbles over
        return []


def parts(raw: bytes, depth: int = 0) -> Iterator[Part]:
    """Yield the leaves of a message in order; a ``message/rfc822`` is a leaf.

    Raises:
        MalformedMail: boundaries are missing or nested deeper than eight, or there are more than 200 parts.
    """
    headers, body = split(raw)
    kind, parameters = _content_type(headers)
    if not kind.startswith("multipart/"):
        encoding = (values(headers, "content-transfer-encoding") or [""])[0].strip().lower()
        yield Part(kind, encoding, parameters.get("charset", ""), body)
        return
    if depth == _MAX_DEPTH or "boundary" not in parameters:
        raise MalformedMail("a multipart has no boundary, or is nested too deeply")
    chunks = _cut(body, parameters["boundary"].encode("ascii", "replace"))
    if not chunks or len(chunks) > _MAX_PARTS:
        raise MalformedMail("a multipart holds no parts, or too many")
    for chunk in chunks:
        # a part without headers starts with its blank line and is plain text
        yield from parts(chunk if _has_headers(chunk) else b"Content-Type: text/plain\r\n" + chunk, depth + 1)


def _has_headers(chunk: bytes) -> bool:
    return re.match(rb"[\x21-\x39\x3b-\x7e]+:", chunk) is not None


def _cut(body: bytes, boundary: bytes) -> list[bytes]:
    # the line break before a boundary belongs to the boundary (RFC 2046 5.1.1)
    mark = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found = list(mark.finditer(body))
    if not found:
        raise MalformedMail("a multipart holds no parts")
    chunks: list[bytes] = []
    for here, following in zip(found, [*found[1:], None], strict=True):
        if here.group(1):
            return chunks
        end = len(body) if following is None else following.start()
        chunks.append(re.sub(rb"\A\r?\n", b"", body[here.end() : end], count=1))
    raise MalformedMail("a multipart does not end")


def _content_type(headers: EmailMessage) -> tuple[str, dict[str, str]]:
    try:
        kind = headers.get_content_type().lower()
        found = headers.get_params(failobj=[], unquote=True)
        return kind, {str(name).lower(): str(value) for name, value in found}
    except Exception as cause:  # see `values`
        raise MalformedMail("the content type cannot be read") from cause


def _parse(block: bytes) -> EmailMessage:
    try:
        headers = _HEADERS.parsebytes(block)
    except Exception as cause:  # see `values`
        raise MalformedMail("the headers cannot be read") from cause
    if not isinstance(headers, EmailMessage):
        raise MalformedMail("the headers cannot be read")
    return headers
