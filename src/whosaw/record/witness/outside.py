"""What the witnesses themselves show of a trail: checkpoints from outside, for a check of the whole trail."""

from __future__ import annotations

import asyncio

from whosaw.prove import Checkpoint, Note, NoteInvalid
from whosaw.prove.cosign import cosigners
from whosaw.record.witness.circle import Circle
from whosaw.record.witness.memory import origin_hash
from whosaw.record.witness.web import Web, WebFailed

_TIMEOUT_S = 10.0


async def shown_by_witnesses(circle: Circle, origin: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """Fetch the last checkpoint that each witness cosigned.

    Args:
        circle: the witnesses.
        origin: the trail's name.

    Returns:
        By witness name, the note, which carries that witness's good cosignature and is of this origin; and by witness
        name, in a word, why there is none: unreachable, timeout, too_long, never_cosigned, not_cosigned,
        failed.
    """
    async with Web(_TIMEOUT_S) as web:
        names = list(circle.urls)
        found = await asyncio.gather(*(_fetch(web, circle, name, origin) for name in names))
    notes = {name: got for name, got in zip(names, found, strict=True) if isinstance(got, bytes)}
    return notes, {name: got for name, got in zip(names, found, strict=True) if isinstance(got, str)}


async def _fetch(web: Web, circle: Circle, name: str, origin: str) -> bytes | str:
    try:
        reply = await web.get(f"{circle.urls[name]}/{origin_hash(origin)}/checkpoint")
        if reply.status != 200:
            return "never_cosigned" if reply.status == 404 else "failed"
        note = Note.parse(reply.body)
        if Checkpoint.parse(note.text).origin == origin and cosigners(note, [circle.policy.witnesses[name]]):
            return reply.body
    except WebFailed as cause:
        return cause.word
    except NoteInvalid:
        pass
    return "not_cosigned"
