"""A strict reader of multipart/form-data (RFC 7578), for a page that anybody may write to.

It reads what browsers send and refuses the rest: few parts, short heads, nothing nested. It walks once through a body,
so its work grows with the length alone.
"""

from __future__ import annotations

import re

PARTS_MOST = 12
HEAD_BYTES_MOST = 2_048
# the characters of RFC 2046, section 5.1.1, of which a boundary has 70 at most
_BOUNDARY = r"[0-9A-Za-z'()+_,./:=?-]"
_KIND = re.compile(rf'multipart/form-data; ?boundary=(?:"({_BOUNDARY}{{1,70}})"|({_BOUNDARY}{{1,70}}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb'content-disposition: ?form-data; ?name="([A-Za-z_]{1,40})"(?:;[^\r\n]*)?', re.IGNORECASE)
_TYPE = re.compile(rb"content-type:(?! *multipart)[^\r\n]*", re.IGNORECASE)


class FormUnfit(ValueError):
    """The body is no form as a browser sends it."""


def read_parts(kind: str, body: bytes, *, whole: bool = True) -> dict[str, bytes]:
    """Return the fields of a form by name.

    Args:
        kind: the request's Content-Type.
        body: the request's body.
        whole: false where `body` is only the beginning; then the fields that are whole in it are returned.

    Raises:
        FormUnfit: it is no form, or one of more parts, longer heads or other headers than a browser sends.
    """
    found = _KIND.fullmatch(kind)
    if found is None:
        raise FormUnfit("no form with a boundary")
    line = b"--" + (found.group(1) or found.group(2)).encode("ascii")
    if not body.startswith(line):
        raise FormUnfit("the body does not begin with its boundary")
    given: dict[str, bytes] = {}
    at = len(line)
    while body[at : at + 4] not in (b"--\r\n", b"--"):
        if len(given) == PARTS_MOST:
            raise FormUnfit("too many parts")
        start = _head_end(body, at, whole=whole)
        end = body.find(b"\r\n" + line, start) if start else -1
        if end < 0:
            if whole:
                raise FormUnfit("the last part has no end")
            return given
        name = _name(body[at + 2 : start - 4])
        if name in given:
            raise FormUnfit("a field stands there twice")
        given[name] = body[start:end]
        at = end + 2 + len(line)
    return given


def _head_end(body: bytes, at: int, *, whole: bool) -> int:
    """Return where the part begins whose head stands at `at`; 0 where the beginning that was read ends before."""
    head = body[at : at + HEAD_BYTES_MOST]
    if not whole and len(head) < HEAD_BYTES_MOST and b"\r\n\r\n" not in head:
        return 0
    if not head.startswith(b"\r\n"):
        raise FormUnfit("a boundary is followed by something else")
    end = head.find(b"\r\n\r\n", 2)
    if end < 0:
        raise FormUnfit("a part has a head without an end")
    return at + end + 4


def _name(head: bytes) -> str:
    name = ""
    for line in head.split(b"\r\n"):
        if found := _DISPOSITION.fullmatch(line):
            if name:
                raise FormUnfit("a part has two names")
            name = found.group(1).decode("ascii")
        elif not _TYPE.fullmatch(line):
            raise FormUnfit("a part has a header that no browser sends")
    if not name:
        raise FormUnfit("a part has no name")
    return name
