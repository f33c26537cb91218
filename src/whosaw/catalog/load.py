"""Read the catalog file: every name in it must point at something in it."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from whosaw.catalog import aliasing, controls, maskkey
from whosaw.catalog.model import (
    Action,
    ActorQuery,
    Alerting,
    Catalog,
    CatalogInvalid,
    Field,
    Lookup,
    Mode,
    Purpose,
    SubjectKind,
)
from whosaw.catalog.statements import column_query
from whosaw.catalog.strict import Table
from whosaw.catalog.watching import PEERS, check_peers, watching
from whosaw.catalog.weighing import tracing

MASKS = ("email", "phone", "name", "address", "iban", "card", "date", "number", "text", "full")
KEEP_FORMAT = ("email", "phone", "name", "iban", "card", "date", "number")
"""Masks that have a form of their type, for tools that check it."""
NEVER_STABLE = ("date", "number")
"""Masks without a token: so few values exist that a handful of known ones would give the others away."""
MOST_BYTES = 1_000_000
ATTRIBUTES = ("employer", "site", "since", "function", "mail", "changed_at", "manager")
_FOR_WATCH = (*PEERS, "part_time")  # of the directory, and for nothing that is decided
TABLES = (
    "company",
    "sources",
    "subjects",
    "fields",
    "masks",
    "purposes",
    "actions",
    "actors",
    "policies",
    "budgets",
    "lookups",
    "grants",
    "break_glass",
    "conduct",
    "alerts",
    "watch",
    "trace",
    "aliases",
)
FORMS = ("email", "phone", "text")
SCIM = "scim"
"""The name that stands for the staff whom an identity provider sends, instead of a source."""


def load(path: Path) -> Catalog:
    """Read and resolve the catalog at `path`.

    Raises:
        CatalogInvalid: the file cannot be read, is not TOML, or does not hold together.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as cause:  # ValueError: a NUL in the path
        raise CatalogInvalid(
            f"cannot read the catalog `{path}`: {getattr(cause, 'strerror', None) or 'no such path'}",
            hint="name the file with --catalog or WHOSAW_CATALOG",
        ) from cause
    if len(raw) > MOST_BYTES:
        raise CatalogInvalid(
            f"the catalog `{path}` is longer than {MOST_BYTES:,} bytes",
            hint="is it a catalog? even hundreds of fields take less",
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise CatalogInvalid(
            f"the catalog `{path}` is not UTF-8: the byte at {cause.start} fits no character",
            hint="save it as UTF-8 without a byte order mark",
        ) from cause
    return parse(text.replace("\r\n", "\n"), name=str(path), folder=path.parent)


def parse(text: str, *, name: str = "catalog", folder: Path | None = None) -> Catalog:
    """Resolve the catalog written in `text`; `name` stands in messages, `folder` is where policy files are sought.

    Raises:
        CatalogInvalid: as for `load`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise CatalogInvalid(f"`{name}` is not TOML: {cause}", hint="mend the line; toml.io has the grammar") from cause
    except RecursionError as cause:
        raise CatalogInvalid(f"`{name}` nests deeper than a catalog can", hint="a catalog has three levels") from cause
    top = Table(document, name)
    top.only(TABLES)
    mask_key = maskkey.mask_key(top.optional_table("masks"), folder or Path())
    company = top.table("company")
    sources = {key: _source_url(key, table) for key, table in top.tables("sources")}
    subjects = {key: _subject(key, table, sources) for key, table in top.tables("subjects")}
    fields = {key: _field(key, table, subjects, has_key=bool(mask_key)) for key, table in top.tables("fields")}
    actions = {key: _action(key, table, sources, subjects) for key, table in top.tables("actions")}
    lookups = _lookups(top, sources, subjects, fields)
    classes = {field.klass for field in fields.values()}
    glass, conduct, alerts, policies, watch, aliases = (
        top.optional_table(key) for key in ("break_glass", "conduct", "alerts", "policies", "watch", "aliases")
    )
    watched = None if watch is None else watching(watch, sources, actions)
    catalog = Catalog(
        company=company.text("name"),
        contact=company.text("contact"),
        sources=sources,
        subjects=subjects,
        fields=fields,
        purposes={key: _purpose(key, table, sources, subjects) for key, table in top.tables("purposes")},
        actions=actions,
        actors=_actors(top.table("actors"), sources),
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        budgets={key: controls.budget(key, table, classes, actions, lookups) for key, table in top.tables("budgets")},
        lookups=lookups,
        grants={key: controls.grant(key, table, classes) for key, table in top.tables("grants")},
        break_glass=None if glass is None else controls.break_glass(glass, classes),
        conduct=None if conduct is None else controls.conduct(conduct),
        alerts=Alerting() if alerts is None else controls.alerting(alerts),
        aliases=None if aliases is None else aliasing.aliases(aliases, sources),
        policy_files=() if policies is None else controls.policy_files(policies, folder or Path()),
        mask_key=mask_key,
        watch=watched,
        trace=tracing(top.optional_table("trace"), watched, sources),
    )
    company.done()
    aliasing.fits(catalog)
    return catalog


def _source_url(name: str, table: Table) -> str:
    if name == SCIM:
        raise CatalogInvalid(
            f"{table.where}: `{SCIM}` stands for the staff that an identity provider sends",
            hint="give the database another name",
        )
    url = table.secret("url")
    table.done()
    return url


def _subject(name: str, table: Table, sources: Mapping[str, str]) -> SubjectKind:
    kind = SubjectKind(
        name=name,
        source=table.choice("source", sources),
        table=table.text("table"),
        key=table.text("key"),
        region=table.optional_text("region"),
        identifying=table.texts("identifying"),
    )
    table.done()
    return kind


def _field(name: str, table: Table, subjects: Mapping[str, SubjectKind], *, has_key: bool) -> Field:
    kind, dot, _ = name.partition(".")
    if not dot or kind not in subjects:
        raise CatalogInvalid(
            f"{table.where}: `{name}` does not begin with a kind of subject",
            hint=f"write it as KIND.NAME with KIND one of {', '.join(sorted(subjects)) or '(none declared)'}",
        )
    field = Field(
        name=name,
        subject_kind=kind,
        column=table.text("column"),
        klass=table.text("class"),
        mask=table.choice("mask", MASKS),
        mode=_mode(table),
        keep_format=table.switch("keep_format", default=False),
        stable=table.switch("stable", default=False),
        as_alias=table.choice("reveal", ("value", "alias"), default="value") == "alias",
    )
    table.done()
    if field.klass == controls.MISSES:
        raise CatalogInvalid(
            f"{table.where}: `{controls.MISSES}` is no class of a field: a budget counts misses by that name",
            hint="call the class otherwise",
        )
    _can_be_masked(field, table.where, has_key=has_key)
    return field


def _can_be_masked(field: Field, where: str, *, has_key: bool) -> None:
    if field.keep_format and field.mask not in KEEP_FORMAT:
        raise CatalogInvalid(
            f"{where}: the mask `{field.mask}` has no form to keep", hint=f"keep_format is for {', '.join(KEEP_FORMAT)}"
        )
    if field.stable and field.mask in NEVER_STABLE:
        raise CatalogInvalid(
            f"{where}: the mask `{field.mask}` cannot be stable: there are too few values to keep them apart unknown",
            hint="leave `stable` out",
        )
    if field.stable and not has_key:
        raise CatalogInvalid(
            f"{where}: a stable mask needs a key, or whoever knows a value could look up its mask",
            hint=f"{maskkey.MAKE}, and name it in [masks]",
        )


def _purpose(name: str, table: Table, sources: Collection[str], subjects: Collection[str]) -> Purpose:
    purpose = Purpose(
        name=name,
        source=table.choice("source", sources),
        query=table.query("query"),
        subject_kind=table.choice("subject", subjects),
        mode=_mode(table),
        grace_h=table.number("grace_h", default=72.0),
        beneficiary_kind=table.optional_text("beneficiary"),
    )
    table.done()
    return purpose


def _mode(table: Table) -> Mode:
    return "observe" if table.choice("mode", ("enforce", "observe"), default="enforce") == "observe" else "enforce"


def _action(name: str, table: Table, sources: Collection[str], subjects: Collection[str]) -> Action:
    action = Action(
        name=name,
        source=table.choice("source", sources),
        query=table.query("query"),
        object_kind=table.text("object"),
        subject_kind=table.choice("subject", subjects),
        beneficiary_kind=table.optional_text("beneficiary"),
        second_person_above=table.optional_whole("second_person_above"),
    )
    table.done()
    return action


def _actors(table: Table, sources: Collection[str]) -> ActorQuery:
    source = table.choice("source", [*sources, SCIM])
    sent = source == SCIM
    if sent and "query" in table:
        raise CatalogInvalid(f"{table.where}: `query` has no place beside `{SCIM}`: the identity provider sends them")
    attributes = table.choices("attributes", ATTRIBUTES if sent else (*ATTRIBUTES, *_FOR_WATCH))
    query = ActorQuery(
        source=source,
        query="" if sent else table.query("query"),
        attributes=attributes or (ATTRIBUTES if sent else ()),
    )
    check_peers(query.query, table.where)
    table.done()
    return query


def _lookups(
    top: Table, sources: Mapping[str, str], subjects: Mapping[str, SubjectKind], fields: Mapping[str, Field]
) -> dict[str, Lookup]:
    read = {}
    for name, table in top.tables("lookups"):
        own = {"source", "query", "subject"} & set(table.names())
        if name in fields and not own:
            field, kind = fields[name], subjects[fields[name].subject_kind]
            source, query, subject = kind.source, column_query(kind, field, sources[kind.source]), kind.name
        elif not own:
            raise CatalogInvalid(
                f"{table.where}: `{name}` is no field, so the lookup needs `source`, `query` and `subject`",
                hint=f"fields: {', '.join(sorted(fields)) or '(none)'}",
            )
        else:
            source, query = table.choice("source", sources), table.query("query")
            subject = table.choice("subject", subjects)
        form = table.choice("form", FORMS, default="text")
        table.done()
        read[name] = Lookup(name, source, query, subject, form)
    return read
