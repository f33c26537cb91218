"""What is left of a person after an erasure: in the company's own systems, and in whosaw's. Places, never values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whosaw.app import erasequeries
from whosaw.app.services import Services
from whosaw.catalog import CatalogError, SubjectKind
from whosaw.catalog.load import SCIM
from whosaw.catalog.statements import presence_statement, subject_statement
from whosaw.terms import SubjectRef

_BACKUPS = (
    "backups of whosaw's database made before today hold the payloads until they expire, and so does the database's "
    "write-ahead log until it is recycled",
    "lakes hold rows about this person until their next `whosaw lake export`, those of imported logs until they are "
    "made anew",
)
_PROVIDER = (
    "the identity provider keeps its own line about this person, and sends it again unless it is deleted there first"
)


@dataclass(frozen=True, slots=True)
class CompanyColumn:
    """A protected column of the company's; `held` says whether the person's row is there, None where nobody answers."""

    source: str
    table: str
    column: str
    held: bool | None


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left.

    Attributes:
        company: the catalog's columns that hold this kind of person.
        own: rows in whosaw's own tables that still mention the number or key, by what they are.
        bundles: evidence bundles made so far; what they show was handed out and cannot be called back.
        notes: what cannot be counted.
    """

    company: tuple[CompanyColumn, ...]
    own: dict[str, int]
    bundles: int
    notes: tuple[str, ...] = _BACKUPS


async def remains_of_subject(services: Services, subject: SubjectRef, number: int | None) -> Remains:
    """Return what is left of a subject; `number` is the one it had, None where that is not known."""
    kind = services.catalog.subjects.get(subject.kind)
    company = await _columns(services, kind, subject.key) if kind is not None else ()
    values = await _values(services, kind, subject.key) if kind is not None else ()
    own = await erasequeries.mentions_of_subject(services.db, str(subject), number, values)
    return Remains(company, own, _bundles(services.settings.evidence_folder))


async def _values(services: Services, kind: SubjectKind, key: str) -> tuple[str, ...]:
    """Return what the company still holds of a subject, to look for it in whosaw's own texts; nothing is kept."""
    fields = [field for field in services.catalog.fields.values() if field.subject_kind == kind.name]
    if not fields:
        return ()
    try:
        rows = await services.sources[kind.source].rows(subject_statement(kind, fields), keys=[key])
    except CatalogError:
        return ()
    return tuple(str(row[f"f{at}"]) for row in rows for at in range(len(fields)) if row[f"f{at}"] is not None)


async def remains_of_actor(services: Services, actor: str, number: int | None) -> Remains:
    """Return what is left of a member of staff; `number` is the one he had, None where that is not known."""
    source = services.catalog.actors.source
    held: bool | None
    try:
        # what an identity provider keeps cannot be asked of it; whether it sent him is in the tables of whosaw's own
        held = None if source == SCIM else bool(await services.directory([actor]))
    except CatalogError:
        held = None
    company = (CompanyColumn(source, "the directory of staff", "key", held),)
    own = await erasequeries.mentions_of_actor(services.db, actor, number)
    notes = (*_BACKUPS, _PROVIDER) if source == SCIM else _BACKUPS
    return Remains(company, own, _bundles(services.settings.evidence_folder), notes)


async def _columns(services: Services, kind: SubjectKind, key: str) -> tuple[CompanyColumn, ...]:
    held: bool | None
    try:
        held = bool(await services.sources[kind.source].rows(presence_statement(kind), keys=[key]))
    except CatalogError:
        held = None  # a report must not depend on every system being up, and must not guess
    columns = [field.column for field in services.catalog.fields.values() if field.subject_kind == kind.name]
    return tuple(CompanyColumn(kind.source, kind.table, column, held) for column in sorted({kind.key, *columns}))


def _bundles(folder: Path) -> int:
    return len(list(folder.glob("*.zip"))) if folder.is_dir() else 0
