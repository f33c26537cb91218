"""Accounts, payouts, domains, handles and telephones of a case, and which of them belong together on whose word.

A link between two of them stands only on two sources of different kinds: one may be wrong, or planted by a rival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from whosaw.answer import foundqueries as queries
from whosaw.answer.desk import Desk
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.terms import Clock

EntityKind = Literal["account", "payout", "domain", "handle", "phone", "seller", "broker", "actor"]
SourceKind = Literal["signature", "tracking", "wording", "payout", "register", "report", "record", "officer"]

SOURCE_KINDS: tuple[SourceKind, ...] = (
    *("signature", "tracking", "wording", "payout"),
    *("register", "report", "record", "officer"),
)
KINDS: tuple[EntityKind, ...] = ("account", "payout", "domain", "handle", "phone", "seller", "broker", "actor")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that a case knows: its number, kind and value."""

    id: int
    kind: EntityKind
    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """What one source says: of which kind it is, which it is, and how sure (0 to 1)."""

    kind: SourceKind
    source: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Link:
    """Two entities that belong together, and everything that says so."""

    one: Entity
    other: Entity
    words: tuple[Word, ...]

    @property
    def stands(self) -> bool:
        """Whether two sources of different kinds carry it."""
        kinds = {(word.kind, word.source) for word in self.words}
        return len({kind for kind, _ in kinds}) >= 2 and len({source for _, source in kinds}) >= 2


class Entities:
    """The entities of the cases of one database."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk) -> None:
        """Let only people of the case add to them, by `desk`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk

    async def add(self, case: str, kind: str, value: str, *, word: Word, by: str) -> Entity:
        """Note an entity on somebody's word; the same one again gets one more source.

        Raises:
            StepRefused: ``unknown`` kind, or as `Desk.check` says.
        """
        await self._desk.check(case, by)
        if kind not in KINDS or not value.strip():
            raise StepRefused("unknown", "an entity has a kind and a value", hint=f"kinds: {', '.join(KINDS)}")
        _check_word(word)
        entity = Entity(*await queries.entity(self._db, case, kind, value.strip()))
        await self._note(case, entity.id, None, word, by)
        return entity

    async def link(self, case: str, one: int, other: int, *, word: Word, by: str) -> Link:
        """Note that two entities belong together, on somebody's word.

        Raises:
            UnknownCase: one of them is not of this case.
            StepRefused: they are the same, ``unknown`` source, or as `Desk.check` says.
        """
        await self._desk.check(case, by)
        _check_word(word)
        known = {each.id for each in await self.list(case)}
        if missing := {one, other} - known:
            raise UnknownCase(f"the case `{case}` knows no entity {min(missing)}")
        if one == other:
            raise StepRefused("same", "an entity is not linked to itself")
        await self._note(case, min(one, other), max(one, other), word, by)
        return next(each for each in await self.links(case) if {each.one.id, each.other.id} == {one, other})

    async def list(self, case: str) -> Sequence[Entity]:
        """Return the entities of a case in the order they came in."""
        return [Entity(*row) for row in await queries.entities(self._db, case)]

    async def words(self, case: str, entity: int) -> Sequence[Word]:
        """Return on whose word an entity is known."""
        return [Word(*row) for row in await queries.words_of(self._db, case, entity)]

    async def links(self, case: str) -> Sequence[Link]:
        """Return the links of a case, standing or not."""
        entities = {each.id: each for each in await self.list(case)}
        found: dict[tuple[int, int], list[Word]] = {}
        for one, other, *word in await queries.links(self._db, case):
            found.setdefault((one, other), []).append(Word(*word))
        return [Link(entities[one], entities[other], tuple(words)) for (one, other), words in found.items()]

    async def rings(self, case: str) -> Sequence[tuple[Entity, ...]]:
        """Return the groups that standing links join, largest first."""
        groups: list[set[int]] = []
        for link in await self.links(case):
            if not link.stands:
                continue
            ends = {link.one.id, link.other.id}
            touched = [group for group in groups if group & ends]
            groups = [group for group in groups if not group & ends] + [ends.union(*touched)]
        entities = {each.id: each for each in await self.list(case)}
        return sorted((tuple(entities[each] for each in sorted(group)) for group in groups), key=len, reverse=True)

    async def _note(self, case: str, one: int, other: int | None, word: Word, by: str) -> None:
        more = {"change": "entity" if other is None else "link"}
        entry = await self._notes.add(case, "case.entity", by=by, text=f"{word.kind} {word.source}", more=more)
        said = {"one": one, "other": other, "kind": word.kind, "source": word.source, "confidence": word.confidence}
        await queries.add_source(self._db, case, said | {"at": self._clock.now(), "by": by, "entry": entry})


def _check_word(word: Word) -> None:
    if word.kind not in SOURCE_KINDS or not word.source.strip() or not 0 < word.confidence <= 1:
        raise StepRefused(
            "unknown",
            "a source is of a kind, has a name, and is sure above 0 and up to 1",
            hint=f"sources: {', '.join(SOURCE_KINDS)}",
        )
