"""The parts of the catalog that restrict besides policies: budgets, grants, broken glass, conduct, who hears of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from whosaw.catalog.model import (
    Alerting,
    BreakGlass,
    Budget,
    CatalogInvalid,
    Conduct,
    GrantKind,
    Limit,
    Webhook,
)
from whosaw.catalog.strict import Table

BUILT_IN_GRANTS = ("unmask", "second_person")
"""Grant kinds that open something else than classes: who an actor is, an action above its limit."""

MISSES = "misses"
"""Stands among the classes of a budget: asks and lookups about nobody. No field has it as its class."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def budget(
    name: str, table: Table, classes: Collection[str], actions: Collection[str], lookups: Collection[str]
) -> Budget:
    """Read one budget: of a class that some field has, of misses, of a declared action, or of what a lookup finds."""
    if sum(each in table for each in ("class", "action", "lookup")) != 1:
        raise CatalogInvalid(f"{table.where}: a budget counts either a `class`, an `action` or a `lookup`")
    read = Budget(
        name=name,
        klass=table.choice("class", [*classes, MISSES]) if "class" in table else None,
        action=table.choice("action", actions) if "action" in table else None,
        roles=frozenset(table.texts("roles")),
        hour=_limit(table, "hour"),
        day=_limit(table, "day"),
        month=_limit(table, "month"),
        lookup=table.choice("lookup", lookups) if "lookup" in table else None,
    )
    table.done()
    if not any(window.soft or window.hard for window in (read.hour, read.day, read.month)):
        raise CatalogInvalid(
            f"{table.where}: the budget limits nothing", hint="give it hour, day or month: day = { hard = 200 }"
        )
    if read.klass == MISSES and not any(window.hard for window in (read.hour, read.day, read.month)):
        raise CatalogInvalid(
            f"{table.where}: misses that never end would tell who exists", hint="give it a `hard`: hour = { hard = 60 }"
        )
    return read


def _limit(outer: Table, key: str) -> Limit:
    table = outer.optional_table(key)
    if table is None:
        return Limit(None, None)
    limit = Limit(table.optional_whole("soft"), table.optional_whole("hard"))
    table.done()
    if limit.soft is not None and limit.hard is not None and limit.soft >= limit.hard:
        raise CatalogInvalid(f"{table.where}: `soft` must be below `hard`, or no reason is ever asked for")
    return limit


def grant(name: str, table: Table, classes: Collection[str]) -> GrantKind:
    """Read one kind of grant; a built-in kind opens no classes, every other must."""
    built_in = name in BUILT_IN_GRANTS
    if built_in and "classes" in table:
        raise CatalogInvalid(f"{table.where}: the built-in kind `{name}` opens no classes")
    kind = GrantKind(
        name=name,
        classes=frozenset() if built_in else frozenset(table.choices("classes", classes, least=1)),
        approvers=frozenset(table.texts("approvers", least=1)),
        approvals=table.whole("approvals", default=2 if name == "unmask" else 1),
        hours_most=table.number("hours_most", default=8.0, above_zero=True),
    )
    table.done()
    if kind.approvals > len(kind.approvers):
        raise CatalogInvalid(
            f"{table.where}: {kind.approvals} approvals of different functions need as many `approvers`"
        )
    if name == "unmask" and kind.approvals < 2:
        raise CatalogInvalid(f"{table.where}: to unmask an actor takes two approvals at least")
    return kind


def break_glass(table: Table, classes: Collection[str]) -> BreakGlass:
    """Read who may break the glass, to what, and who reviews it."""
    read = BreakGlass(
        roles=frozenset(table.texts("roles", least=1)),
        classes=frozenset(table.choices("classes", classes, least=1)),
        minutes=table.number("minutes", default=60.0, above_zero=True),
        reviewers=frozenset(table.texts("reviewers", least=1)),
        review_h=table.number("review_h", default=24.0, above_zero=True),
    )
    table.done()
    return read


def conduct(table: Table) -> Conduct:
    """Read whether access needs an acknowledged code of conduct."""
    read = Conduct(required=table.switch("required", default=True), valid_days=table.whole("valid_days", default=365))
    table.done()
    return read


def alerting(table: Table) -> Alerting:
    """Read who hears of alerts."""
    mail = table.texts("mail")
    for address in mail:
        local, at, domain = address.partition("@")
        if not (local and at and domain) or any(character.isspace() for character in address):
            raise CatalogInvalid(f"{table.where}: `mail` holds `{address}`, which is no mail address")
    webhooks = tuple(_webhook(name, each) for name, each in table.tables("webhooks"))
    table.done()
    return Alerting(mail=mail, webhooks=webhooks)


def _webhook(name: str, table: Table) -> Webhook:
    read = Webhook(name=name, url=table.secret("url"), secret=table.secret("secret"))
    table.done()
    try:
        address = urlsplit(read.url)
        safe = address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)
        usable = safe and bool(address.hostname)
    except ValueError:
        usable = False
    if not usable:
        # the address itself may carry a token, so it is not repeated
        raise CatalogInvalid(f"{table.where}: `url` must begin with https:// (http:// on this machine only)")
    return read


def policy_files(table: Table, folder: Path) -> tuple[Path, ...]:
    """Return the policy files that the patterns name, from the catalog's `folder`, in a fixed order."""
    found: dict[Path, None] = {}
    for pattern in table.texts("files", least=1):
        try:
            matched = sorted(path for path in folder.glob(pattern) if path.is_file())
        except (ValueError, NotImplementedError) as cause:
            raise CatalogInvalid(
                f"{table.where}: `files` holds `{pattern}`, which cannot be sought",
                hint="write a path relative to the catalog: policies/*.cedar",
            ) from cause
        if not matched:
            raise CatalogInvalid(
                f"{table.where}: no file fits `{pattern}`", hint="the path is relative to the catalog's own folder"
            )
        found.update(dict.fromkeys(matched))
    table.done()
    return tuple(found)
