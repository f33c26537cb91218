"""Try the catalog against the living databases and say what it resolves to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from whosaw.catalog.model import Catalog, CatalogError
from whosaw.catalog.source import Source
from whosaw.catalog.statements import actor_statement, object_statement, subject_statement, work_statement


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """What `check` tried.

    Attributes:
        tried: one line per statement of the catalog that the databases accepted.
        problems: one line per statement they refused, with the reason.
    """

    tried: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every statement was accepted."""
        return not self.problems


async def check(catalog: Catalog, sources: Mapping[str, Source]) -> CatalogReport:
    """Run every statement the catalog leads to, on keys that exist nowhere."""
    nobody = ["\x7fnobody"]
    statements = [("actors", catalog.actors.source, actor_statement(catalog.actors), {"keys": nobody})]
    for kind in catalog.subjects.values():
        fields = [field for field in catalog.fields.values() if field.subject_kind == kind.name]
        statement = subject_statement(kind, fields)
        statements.append((f"subjects.{kind.name} ({len(fields)} fields)", kind.source, statement, {"keys": nobody}))
    for purpose in catalog.purposes.values():
        statement = work_statement(purpose)
        statements.append(
            (f"purposes.{purpose.name} ({purpose.mode})", purpose.source, statement, {"references": nobody})
        )
    for action in catalog.actions.values():
        statements.append((f"actions.{action.name}", action.source, object_statement(action), {"objects": nobody}))
    tried, problems = [], []
    for name, source, statement, values in statements:
        try:
            await sources[source].rows(statement, **values)
            tried.append(name)
        except CatalogError as problem:
            cause = problem.__cause__
            said = str(getattr(cause, "orig", "") or "").splitlines()
            problems.append(f"{name}: {problem}{': ' + said[0] if said else ''}")
    return CatalogReport(tuple(tried), tuple(problems))
