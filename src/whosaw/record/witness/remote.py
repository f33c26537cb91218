"""One witness as the trail's side knows it, and one request to it: proof, conflict, cosignature."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from whosaw.prove import Checkpoint, Note, NoteInvalid, VerifierKey, open_checkpoint
from whosaw.prove.checkpoint import parse_decimal
from whosaw.prove.cosign import cosigned_at, read_cosignatures
from whosaw.prove.merkle import consistency_proof, tree_root
from whosaw.prove.note import NoteSignature
from whosaw.record.errors import TrailDamaged
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.witness.ask import AddCheckpoint
from whosaw.record.witness.circle import Pace
from whosaw.record.witness.memory import origin_hash
from whosaw.record.witness.web import Web, WebFailed

CONTRADICTIONS = frozenset({"rolled_back", "forked"})
_TRIES = 4  # the first may probe with size 0; a conflict under way to another process's request costs one more
_WORDS = {400: "malformed", 403: "refused_key", 404: "refused_origin"}
_LOG = logging.getLogger(__name__)


class WitnessFailed(Exception):
    """A witness did not cosign; `word` says why, as it stands in the state."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class Head:
    """What is to be cosigned: the checkpoint, its note, the tiles that prove how it came about, the trail's keys."""

    checkpoint: Checkpoint
    note: Note
    shelf: Shelf
    keys: tuple[VerifierKey, ...]

    def proof_from(self, old: int) -> tuple[bytes, ...]:
        """Return the consistency proof from the tree of `old` entries."""
        return tuple(consistency_proof(old, self.checkpoint.size, TileNodes(self.shelf, self.checkpoint.size)))

    def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` entries by the tiles."""
        return tree_root(size, TileNodes(self.shelf, self.checkpoint.size))


@dataclass(slots=True)
class Remote:
    """A witness and what is known of it. Owned by the one task that asks it; `busy` keeps a second from starting.

    Attributes:
        size: the size it cosigned last, as far as known; None before its first answer.
        at_s: when it cosigned, by its own clock (POSIX seconds).
        error: why it did not cosign the last time, one word; empty where it did.
        not_before_s: on the loop's clock, when it may be asked again.
        refresh_s: on the loop's clock, when an unchanged checkpoint is due again.
    """

    name: str
    key: VerifierKey
    url: str
    size: int | None = None
    at_s: int | None = None
    error: str = ""
    failures: int = 0
    not_before_s: float = 0.0
    refresh_s: float = 0.0
    busy: bool = False

    def due(self, head: Checkpoint, cosigned: bool, now_s: float) -> bool:
        """Whether it should be asked for `head` now; `cosigned` says that its line is on it already."""
        if self.busy or now_s < self.not_before_s:
            return False
        return not cosigned or bool(self.error) or now_s >= self.refresh_s

    async def cosign(self, web: Web, head: Head, pace: Pace) -> tuple[NoteSignature, ...]:
        """Ask for cosignatures on `head`; they are checked, and the outcome stands in the attributes.

        Returns:
            Its lines; none where it failed.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(pace.timeout_s):  # over all tries: a conflict may cost several exchanges
                lines = await self._ask(web, head)
        except (WitnessFailed, WebFailed, TimeoutError, TrailDamaged, OSError) as cause:
            word = getattr(cause, "word", "timeout" if isinstance(cause, TimeoutError) else "trail_unreadable")
            self._fail(word, loop.time(), pace)
            return ()
        self.size, self.at_s = head.checkpoint.size, cosigned_at(lines[0])
        self.error, self.failures, self.not_before_s = "", 0, 0.0
        self.refresh_s = loop.time() + pace.refresh_s
        return lines

    async def _ask(self, web: Web, head: Head) -> tuple[NoteSignature, ...]:
        old = min(self.size or 0, head.checkpoint.size)
        for _ in range(_TRIES):
            proof = await asyncio.to_thread(head.proof_from, old)
            reply = await web.post(self.url + "/add-checkpoint", AddCheckpoint(old, proof, head.note).format())
            if reply.status == 200:
                try:
                    return read_cosignatures(head.note.text, reply.body, self.key)
                except NoteInvalid as cause:
                    raise WitnessFailed("bad_cosignature") from cause
            if reply.status not in {409, 422}:
                raise WitnessFailed(_WORDS.get(reply.status, "failed"))
            known = _size(reply.body) if reply.status == 409 else None
            if known is None or known > head.checkpoint.size or known == old:
                raise WitnessFailed(await self._contradiction(web, head, reply.status))
            old = self.size = known
        raise WitnessFailed("conflict")

    async def _contradiction(self, web: Web, head: Head, status: int) -> str:
        """Say in a word why a witness that knows this trail does not take its checkpoint for a continuation.

        ``rolled_back`` and ``forked`` are said only where the witness shows a checkpoint that this trail's own key
        signed; its mere word could be a lie, and is ``ahead`` or ``refused_proof``.
        """
        suspicion = "ahead" if status == 409 else "refused_proof"
        newest = await asyncio.to_thread(head.shelf.checkpoint)
        reply = await web.get(f"{self.url}/{origin_hash(head.checkpoint.origin)}/checkpoint")
        try:
            shown, _ = open_checkpoint(reply.body, head.keys)
            standing, _ = open_checkpoint(newest or b"", head.keys)
        except NoteInvalid:
            return suspicion
        if shown.size > standing.size:
            word = "rolled_back"
        elif shown.size > head.checkpoint.size:
            return "behind"  # another process asked for a newer checkpoint meanwhile
        elif await asyncio.to_thread(head.root_at, shown.size) != shown.root:
            word = "forked"
        else:
            return suspicion
        await asyncio.to_thread(head.shelf.put_contradiction, self.key.key_id.hex(), reply.body)
        return word

    def _fail(self, word: str, now_s: float, pace: Pace) -> None:
        if word != self.error:
            level = logging.ERROR if word in CONTRADICTIONS else logging.WARNING
            _LOG.log(level, "the witness %s did not cosign: %s", self.name, word)
        self.error = word
        wait_s = min(pace.most_wait_s, pace.first_wait_s * 2 ** min(self.failures, 20))
        self.failures += 1
        self.not_before_s = now_s + (0.0 if word == "behind" else wait_s)


def _size(body: bytes) -> int | None:
    """Return the size in a 409, or None where there is none."""
    try:
        return parse_decimal(body.decode("ascii").removesuffix("\n"))
    except (NoteInvalid, UnicodeDecodeError):
        return None
