"""The statements the catalog leads to. The company's own queries stay whole; ours only pick rows from them by key.

Keys are bound as one expanding list, so that one statement serves one ask and a thousand, on any database.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.sql.elements import quoted_name

from whosaw.catalog.model import Action, ActorQuery, Field, Purpose, SubjectKind


@lru_cache(maxsize=256)
def work_statement(purpose: Purpose) -> TextClause:
    """Return the work items with a reference in ``:references``."""
    beneficiary = ", w.beneficiary" if purpose.beneficiary_kind else ""
    return text(
        f"select w.reference, w.assignee, w.subject, w.origin, w.opened_at, w.closed_at{beneficiary} "
        f"from ({purpose.query}) w where w.reference in :references"
    ).bindparams(bindparam("references", expanding=True))


@lru_cache(maxsize=256)
def object_statement(action: Action) -> TextClause:
    """Return the objects of `action` with a key in ``:objects``, and whom they concern."""
    beneficiary = ", o.beneficiary" if action.beneficiary_kind else ""
    return text(
        f"select o.object, o.subject{beneficiary} from ({action.query}) o where o.object in :objects"
    ).bindparams(bindparam("objects", expanding=True))


@lru_cache(maxsize=8)
def actor_statement(actors: ActorQuery) -> TextClause:
    """Return the staff rows with a key in ``:keys``."""
    return text(f"select a.key, a.roles, a.region, a.ended from ({actors.query}) a where a.key in :keys").bindparams(
        bindparam("keys", expanding=True)
    )


@lru_cache(maxsize=64)
def presence_statement(kind: SubjectKind) -> TextClause:
    """Return key and region of the subjects with a key in ``:keys``: what a decision needs, and no protected value."""
    region = _quoted(kind.region) if kind.region else "''"
    return text(
        f"select {_quoted(kind.key)} as key, {region} as region from {_quoted(kind.table)} "
        f"where {_quoted(kind.key)} in :keys"
    ).bindparams(bindparam("keys", expanding=True))


def subject_statement(kind: SubjectKind, fields: Sequence[Field]) -> TextClause:
    """Return the protected columns of `fields`, named by position ``f0, f1 …``, for the keys in ``:keys``."""
    return _subject_statement(kind, tuple(fields))


@lru_cache(maxsize=256)
def _subject_statement(kind: SubjectKind, fields: tuple[Field, ...]) -> TextClause:
    columns = "".join(f", {_quoted(field.column)} as f{i}" for i, field in enumerate(fields))
    return text(
        f"select {_quoted(kind.key)} as key{columns} from {_quoted(kind.table)} where {_quoted(kind.key)} in :keys"
    ).bindparams(bindparam("keys", expanding=True))


def _quoted(name: str) -> str:
    """Return an identifier as SQL writes it; a dot separates schema and table."""
    return ".".join('"' + str(quoted_name(part, quote=True)).replace('"', '""') + '"' for part in name.split("."))
