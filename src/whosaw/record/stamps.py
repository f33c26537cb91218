"""Time stamps of the trail's checkpoints: asked for at a slow interval, kept in the trail's folder by size.

stamps/<size>/checkpoint     the note as it stood
stamps/<size>/<id>.tsr       an authority's reply; the id is of its address
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from whosaw.prove import Checkpoint, NoteInvalid, VerifierKey, open_checkpoint
from whosaw.prove.stamp import Stamp, StampInvalid, check_stamp, read_stamp, stamp_request
from whosaw.record.handovers import accepted_keys
from whosaw.record.shelf import Shelf
from whosaw.record.witness.web import Web, WebFailed

STAMPS = "stamps"
_QUERY = "application/timestamp-query"
_RETRY_S = 60.0
_TIMEOUT_S = 20.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptStamp:
    """One stamp in the trail's folder: over how many entries, by which authority (the id of its address)."""

    size: int
    authority: str
    stamp: Stamp


def read_stamps(folder: Path, key: VerifierKey, roots: Sequence[x509.Certificate] = ()) -> list[KeptStamp]:
    """Return the stamps kept in the trail's folder, by size.

    Args:
        folder: the trail's.
        key: the trail key's public half; hand-overs are followed from it.
        roots: certificates that the stamps must lead to; without any their signatures are not checked.

    Raises:
        StampInvalid: a stamp does not hold; the message says which.
        NoteInvalid: a stamped checkpoint is not this trail's.
    """
    found = []
    keys = accepted_keys(folder, key)
    for path in sorted((folder / STAMPS).glob("*/*.tsr"), key=lambda each: (int(each.parent.name), each.name)):
        checkpoint, _ = open_checkpoint((path.parent / "checkpoint").read_bytes(), keys)
        reply = path.read_bytes()
        try:
            stamp = check_stamp(reply, checkpoint, roots) if roots else read_stamp(reply, checkpoint)
        except StampInvalid as cause:
            raise StampInvalid(f"the stamp `{path.stem}` over {path.parent.name} entries: {cause}") from cause
        found.append(KeptStamp(checkpoint.size, path.stem, stamp))
    return found


class Stamping:
    """Has the checkpoint stamped by every authority, again and again; belongs to the task that runs `run`."""

    def __init__(
        self, urls: Sequence[str], key: VerifierKey, folder: Path, *, roots: Sequence[x509.Certificate] = ()
    ) -> None:
        """Prepare to ask.

        Args:
            urls: the authorities' addresses; two at least are advised, of different owners.
            key: the trail key's public half.
            folder: the trail's.
            roots: certificates that a stamp must lead to before it is kept; without any it is kept unchecked.
        """
        self._urls = tuple(urls)
        self._key = key
        self._shelf = Shelf(folder)
        self._roots = tuple(roots)
        self._web = Web(_TIMEOUT_S)

    async def run(self, interval_s: float, leads: Callable[[], bool]) -> None:
        """Stamp for ever; what fails is logged and tried again.

        Args:
            interval_s: seconds between stamps of a growing trail, > 0; an unchanged checkpoint is not stamped twice.
            leads: whether this process is the one that signs.
        """
        async with self._web as web:
            while True:
                done = await self.step(web) if leads() else False
                await asyncio.sleep(interval_s if done else min(interval_s, _RETRY_S))

    async def step(self, web: Web) -> bool:
        """Have the standing checkpoint stamped where it is not; return whether every authority's stamp is kept."""
        try:
            note = await asyncio.to_thread(self._shelf.checkpoint)
            if note is None:
                return False
            checkpoint, _ = open_checkpoint(note, [self._key])
            kept = [await self._stamp(web, url, checkpoint, note) for url in self._urls]
        except (OSError, NoteInvalid) as cause:
            _LOG.warning("the checkpoint is not stamped: %s", cause)
            return False
        return all(kept)

    async def _stamp(self, web: Web, url: str, checkpoint: Checkpoint, note: bytes) -> bool:
        name = f"{STAMPS}/{checkpoint.size}/{authority_id(url)}.tsr"
        if (self._shelf.folder / name).exists():
            return True
        try:
            asked = stamp_request(checkpoint)
            reply = await web.post(url, asked.body, _QUERY)
            if reply.status != 200:
                raise StampInvalid(f"the authority answered {reply.status}")
            read_stamp(reply.body, checkpoint, asked.nonce)
            if self._roots:
                check_stamp(reply.body, checkpoint, self._roots)
        except (WebFailed, StampInvalid) as cause:
            _LOG.warning("no time stamp from %s: %s", url, cause)
            return False
        await asyncio.to_thread(self._shelf.put, f"{STAMPS}/{checkpoint.size}/checkpoint", note)
        await asyncio.to_thread(self._shelf.put, name, reply.body)
        return True


def authority_id(url: str) -> str:
    """Return the id under which an authority's stamps are kept: 16 hex digits of the SHA-256 of its address."""
    return sha256(url.encode()).hexdigest()[:16]
