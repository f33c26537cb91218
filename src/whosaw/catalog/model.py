"""The catalog as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from whosaw.terms import WhosawError

Mode = Literal["enforce", "observe"]


class CatalogError(WhosawError):
    """Base of what can be wrong with a catalog."""

    code: ClassVar[str] = "catalog.error"


class CatalogInvalid(CatalogError, ValueError):
    """The file is not a catalog: a key is unknown, missing, of the wrong kind, or points nowhere."""

    code: ClassVar[str] = "catalog.invalid"
    hint = "run `whosaw check` after the change; docs/catalog.md lists every key"


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """Whose data a table holds: ``customer`` lives in ``customers``, one row per key."""

    name: str
    source: str
    table: str
    key: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """A protected column: ``customer.email`` of class ``contact``, shown masked by the mask named here."""

    name: str
    subject_kind: str
    column: str
    klass: str
    mask: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """A kind of work that can be a reason, and the query on the company's own tables that lists such work.

    The query's columns are ``reference, assignee, subject, origin, opened_at, closed_at`` and, where the work concerns
    one, ``beneficiary``.
    """

    name: str
    source: str
    query: str
    subject_kind: str
    mode: Mode
    grace_h: float
    beneficiary_kind: str | None


@dataclass(frozen=True, slots=True)
class Action:
    """Something an actor can do that is gated and recorded like a disclosure: ``review.delete``.

    The query's columns are ``object, subject`` and, where the object concerns one, ``beneficiary``.
    """

    name: str
    source: str
    query: str
    object_kind: str
    subject_kind: str
    beneficiary_kind: str | None


@dataclass(frozen=True, slots=True)
class ActorQuery:
    """Where the staff directory is: a query whose columns are ``key, roles, region, ended``."""

    source: str
    query: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """The whole file, resolved: every name in it points at something in it."""

    company: str
    contact: str
    sources: Mapping[str, str]
    subjects: Mapping[str, SubjectKind]
    fields: Mapping[str, Field]
    purposes: Mapping[str, Purpose]
    actions: Mapping[str, Action]
    actors: ActorQuery
    version: str

    def field(self, name: str) -> Field | None:
        """Return the field called `name`, or None."""
        return self.fields.get(name)
