"""A team's own table of expected decisions, in TOML, and how the policies answer it.

    [[expect]]
    name = "support reads the contact of a ticket it was given"
    roles = ["support"]
    purpose = "ticket"
    class = "contact"
    effect = "reveal"

What is left out has a plain value: no region, employer, site or function, the purpose verified where one is named,
nothing granted, the code of conduct acknowledged.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from whosaw.app.errors import AppError
from whosaw.app.reach import deeds
from whosaw.catalog import Catalog
from whosaw.catalog.model import CatalogInvalid
from whosaw.catalog.strict import Table
from whosaw.decide import ActorFacts, Facts, PolicySet, Verification
from whosaw.decide.lookups import lookup_deed, spoken_of
from whosaw.decide.question import about_action, about_class

EFFECTS = ("reveal", "alias", "mask", "deny")
ACTION_EFFECTS = ("allow", "deny")
REASONS = (
    "purpose.verified",
    "purpose.missing",
    "purpose.not_found",
    "purpose.not_assigned",
    "purpose.other_subject",
    "purpose.closed",
    "purpose.self_made",
)


class TableInvalid(AppError, ValueError):
    """The table of expected decisions cannot be read."""

    code: ClassVar[str] = "app.policy_table_invalid"
    hint = "docs/policies.md shows a table; every [[expect]] has a name, roles, a class or an action, and an effect"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of the table: who asks for what, and what must come out."""

    name: str
    facts: Facts
    about: str
    is_action: bool
    effect: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one line came out, and by which policies."""

    expected: Expectation
    effect: str
    policies: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether it came out as expected."""
        return self.effect == self.expected.effect


def read_table(path: Path) -> list[Expectation]:
    """Read a table.

    Raises:
        TableInvalid: it cannot be read, is not TOML, has an unknown key, or expects nothing.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        raise TableInvalid(f"cannot read `{path}`") from cause
    except tomllib.TOMLDecodeError as cause:
        raise TableInvalid(f"`{path}` is not TOML: {cause}") from cause
    lines = document.pop("expect", None)
    if document or not isinstance(lines, list) or not lines or not all(isinstance(line, dict) for line in lines):
        raise TableInvalid(f"`{path}` is to hold [[expect]] tables and nothing else")
    try:
        found = [_expectation(Table(line, f"{path.name}, [[expect]] {place}")) for place, line in enumerate(lines, 1)]
    except CatalogInvalid as cause:
        raise TableInvalid(str(cause)) from cause
    return found


def check_names(expected: Sequence[Expectation], catalog: Catalog) -> None:
    """Refuse a table that names what the catalog does not have: nothing would ever open it, and `deny` would hold.

    Raises:
        TableInvalid: a class, an action or a purpose does not exist.
    """
    classes = {field.klass for field in catalog.fields.values()}
    for each in expected:
        purpose = each.facts.verification.kind
        if each.is_action and each.about not in deeds(catalog):
            raise _unknown(each, "action", each.about, deeds(catalog))
        if not each.is_action and each.about not in classes:
            raise _unknown(each, "class", each.about, classes)
        if purpose and purpose not in catalog.purposes:
            raise _unknown(each, "purpose", purpose, catalog.purposes)


def try_table(expected: list[Expectation], policies: PolicySet) -> list[Outcome]:
    """Return how each line comes out."""
    return [_tried(each, policies) for each in expected]


def _tried(each: Expectation, policies: PolicySet) -> Outcome:
    about, prefix = each.about, lookup_deed("")
    if each.is_action and about.startswith(prefix):
        about = spoken_of(about.removeprefix(prefix), each.facts, policies)
    answer = policies.answer(about_action(about, each.facts) if each.is_action else about_class(about, each.facts))
    effect = answer.allowed or "deny"
    return Outcome(each, "allow" if effect == "act" else effect, answer.policies)


def _unknown(each: Expectation, what: str, name: str, known: Iterable[str]) -> TableInvalid:
    hint = f"the catalog has: {', '.join(sorted(known)) or 'none'}"
    return TableInvalid(f"`{each.name}`: the catalog has no {what} `{name}`", hint=hint)


def _expectation(table: Table) -> Expectation:
    if ("class" in table) == ("action" in table):
        raise TableInvalid(f"{table.where}: name either a `class` or an `action`")
    is_action = "action" in table
    about = table.text("action" if is_action else "class")
    purpose = table.optional_text("purpose") or ""
    reason = table.choice("reason", REASONS, default="purpose.verified" if purpose else "purpose.missing")
    actor = ActorFacts(
        roles=frozenset(table.texts("roles")),
        region=table.optional_text("region") or "",
        ended=table.switch("ended", default=False),
        suspended=table.switch("suspended", default=False),
        employer=table.optional_text("employer") or "",
        site=table.optional_text("site") or "",
        function=table.optional_text("function") or "",
        acknowledged=table.switch("acknowledged", default=True),
    )
    opened = frozenset({about})
    facts = Facts(
        actor,
        Verification(purpose, reason),
        subject_known=True,
        subject_region=table.optional_text("subject_region") or "",
        granted=opened if table.switch("granted", default=False) else frozenset(),
        glass=opened if table.switch("broken_glass", default=False) else frozenset(),
    )
    effect = table.choice("effect", ACTION_EFFECTS if is_action else EFFECTS)
    found = Expectation(table.text("name"), facts, about, is_action, effect)
    table.done()
    return found
