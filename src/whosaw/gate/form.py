"""Does an ask name only what the catalog has? Nobody decides about anything else."""

from __future__ import annotations

from collections.abc import Sequence

from whosaw.ask import ActionAsk, Ask, AskInvalid, BulkAsk, LookupAsk
from whosaw.ask.model import ASKS_MOST, OBJECTS_MOST, SUBJECTS_MOST
from whosaw.catalog import Catalog
from whosaw.gate.standing import EXPORT
from whosaw.terms import PurposeRef


class Form:
    """Checks asks against one catalog; each check raises `AskInvalid`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def ask(self, ask: Ask) -> None:
        """Check kind, fields and purpose."""
        self._kind(ask.subject.kind)
        self._fields(ask.subject.kind, ask.fields)
        self._purpose(ask.purpose)

    def asks(self, asks: Sequence[Ask], most: int = ASKS_MOST) -> None:
        """Check each of them, and how many there are."""
        if len(asks) > most:
            raise AskInvalid(f"{len(asks)} asks are too many at once", hint=f"send at most {most}")
        for ask in asks:
            self.ask(ask)

    def bulk(self, ask: BulkAsk) -> None:
        """Check kinds, fields, purpose, and how many subjects there are."""
        kinds = {subject.kind for subject in ask.subjects}
        if not 0 < len(ask.subjects) <= SUBJECTS_MOST or len(kinds) != 1:
            raise AskInvalid(f"name 1 to {SUBJECTS_MOST} subjects of one kind", hint="split the ask")
        if len(set(ask.subjects)) != len(ask.subjects):
            raise AskInvalid("a subject is named twice", hint="name every subject once")
        (kind,) = kinds
        self._kind(kind)
        self._fields(kind, ask.fields)
        self._purpose(ask.purpose)

    def lookup(self, ask: LookupAsk) -> None:
        """Check lookup and purpose."""
        if ask.lookup not in self._catalog.lookups:
            raise AskInvalid(f"unknown lookup `{ask.lookup}`", hint=f"known: {', '.join(self._catalog.lookups)}")
        self._purpose(ask.purpose)

    def action(self, ask: ActionAsk) -> None:
        """Check action and purpose, and that an action on objects names at least one."""
        action = self._catalog.actions.get(ask.action)
        if action is None:
            raise AskInvalid(f"unknown action `{ask.action}`", hint=f"known: {', '.join(self._catalog.actions)}")
        if not ask.objects and action.object_kind != action.subject_kind:
            raise AskInvalid(f"`{ask.action}` needs a {action.object_kind}", hint="name it as `object`")
        if len(ask.objects) > OBJECTS_MOST or len(set(ask.objects)) != len(ask.objects):
            raise AskInvalid(f"name 1 to {OBJECTS_MOST} objects, each once", hint="split the ask")
        self._purpose(ask.purpose)

    def deed(self, ask: ActionAsk) -> None:
        """Check an action that is to be decided for good: an export says how many rows it yields.

        Without them it would pass for one of a single row, whatever leaves.
        """
        self.action(ask)
        if ask.action == EXPORT and ask.rows is None:
            raise AskInvalid("an export says how many rows it yields", hint="send their number as `rows`")

    def _kind(self, kind: str) -> None:
        if kind not in self._catalog.subjects:
            raise AskInvalid(f"unknown kind of subject `{kind}`", hint=f"known: {', '.join(self._catalog.subjects)}")

    def _fields(self, kind: str, names: Sequence[str]) -> None:
        for name in names:
            field = self._catalog.fields.get(name)
            if field is None or field.subject_kind != kind:
                known = [f.name for f in self._catalog.fields.values() if f.subject_kind == kind]
                raise AskInvalid(f"unknown field `{name}`", hint=f"known: {', '.join(sorted(known))}")

    def _purpose(self, purpose: PurposeRef | None) -> None:
        if purpose is not None and purpose.kind not in self._catalog.purposes:
            raise AskInvalid(f"unknown purpose `{purpose.kind}`", hint=f"known: {', '.join(self._catalog.purposes)}")
