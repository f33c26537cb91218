"""Write a draft as TOML: every guess on its own line, with how sure it is behind it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import make_url

from whosaw.catalog.draft import Draft, DraftKind, DraftPurpose, DraftStaff, Part
from whosaw.catalog.personal import Guess, words
from whosaw.catalog.tables import Column

_HEAD = """\
# Drafted from a living database. Every line is a guess about names and kinds of columns; what stands behind the # says
# how sure it is: sure, likely, unsure. Confirm or change each, then run: whosaw check --catalog {name}
"""
_TRACE = """\
# What may explain why somebody opened a person, or clear him, is weighed with the verdict of a case where it is
# declared: [trace.managers], [trace.handovers], [trace.presence], [trace.accounts], each with a source and a query
# (docs/catalog.md). No table was guessed for them.
"""
_LOOKED_UP = {"email": "email", "phone": "phone"}
_PURPOSE_COLUMNS = ("reference", "assignee", "subject", "origin", "opened_at", "closed_at")

Quote = Callable[[str], str]


def head(name: str) -> str:
    """Return what stands above a draft that goes to the file `name`."""
    return f"{_HEAD.format(name=shlex.quote(name))}\n"


def write(draft: Draft, *, source: str, url: str, written_url: str, company: str, policies: str | None) -> str:
    """Return the draft as a catalog, without its head.

    Args:
        draft: what was guessed.
        source: what the catalog calls the database.
        url: its address, which says how it quotes names; it is not written.
        written_url: what stands for the address: ``env:VARIABLE``, or an address without a secret.
        company: its name; empty: the database's stands for it.
        policies: a policy file beside the catalog, or None for those that ship.
    """
    quote = _quoting(url)
    parts = [
        "\n".join(_company(company, make_url(url).database or source, source, written_url)),
        *("\n".join(_kind(kind, source)) for kind in draft.kinds),
        *("\n".join(_purpose(purpose, source, quote)) for purpose in draft.purposes),
        "\n".join(_lookups(draft)),
        "\n".join(_staff(draft.staff, source, quote)),
        "" if policies is None else f"[policies]\nfiles = [{_text(policies)}]   # drafted too; confirm who gets what\n",
        _TRACE,
        "\n".join(_unused(draft, source)),
    ]
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def ready(draft: Draft) -> list[DraftPurpose]:
    """Return the drafted purposes that stand in the catalog; the others stand in it as comments."""
    return [purpose for purpose in draft.purposes if not purpose.lacks]


def purpose_query(purpose: DraftPurpose, url: str) -> str:
    """Return the query of a drafted purpose."""
    return _purpose_query(purpose, _quoting(url))


def staff_query(staff: DraftStaff, url: str) -> str:
    """Return the query of the drafted staff directory."""
    return _staff_query(staff, _quoting(url))


def _company(company: str, database: str, source: str, written_url: str) -> Iterator[str]:
    yield "[company]"
    guessed = _text(database.rpartition("/")[2])
    yield f"name = {_text(company)}" if company else f"name = {guessed}   # unsure: the database's name"
    yield 'contact = "privacy@company.example"   # to be filled in'
    yield ""
    yield f"[sources.{_key(source)}]"
    yield f"url = {_text(written_url)}   # of a login that may only select"
    yield ""


def _kind(kind: DraftKind, source: str) -> Iterator[str]:
    yield f"[subjects.{_key(kind.name)}]   # {kind.confidence}: {kind.why}"
    yield f"source = {_text(source)}"
    yield f"table = {_text(kind.shape.name)}"
    yield f"key = {_text(kind.key)}   # sure: its primary key"
    if kind.region:
        yield f"region = {_text(kind.region.column)}   # {_mark(kind.region)}"
    if kind.identifying:
        listed = ", ".join(_text(name) for name, _ in kind.identifying)
        yield f"identifying = [{listed}]   # {', '.join(_guessed(guess) for _, guess in kind.identifying)}"
    yield ""
    for name, guess in kind.fields:
        yield f"[fields.{_text(_field_name(kind.name, name))}]   # {_guessed(guess)}"
        yield f"column = {_text(name)}"
        yield f"class = {_text(guess.klass)}"
        yield f"mask = {_text(guess.mask)}"
        yield ""


def _purpose(purpose: DraftPurpose, source: str, quote: Quote) -> Iterator[str]:
    lines = [
        f"[purposes.{_key(purpose.name)}]   # {purpose.confidence}: work about a {purpose.kind} that somebody is given",
        f"source = {_text(source)}",
        f"subject = {_text(purpose.kind)}",
        'mode = "observe"   # shows everything and records what enforcing would change; then take this line away',
        *(f"# {name}: {_mark(part)}" for name, part in purpose.parts.items()),
        *_query(_purpose_query(purpose, quote)),
    ]
    if purpose.lacks:
        yield f"# {_key(purpose.name)} seems to be work, and has no column for {', '.join(purpose.lacks)}."
        yield "# Without that it cannot be a reason; where another table knows it, join it and take away the #."
        yield from (f"# {line}" for line in lines)
    else:
        yield from lines
    yield ""


def _purpose_query(purpose: DraftPurpose, quote: Quote) -> str:
    chosen = []
    for name in _PURPOSE_COLUMNS:
        part = purpose.parts.get(name)
        chosen.append(_as("null" if part is None else quote(part.column), name))
    return f"select {', '.join(chosen[:3])},\n       {', '.join(chosen[3:])}\nfrom {_table(purpose.shape.name, quote)}"


def lookups(draft: Draft) -> list[tuple[DraftKind, str, Guess]]:
    """Return by which columns the drafted catalog looks people up: of kinds that some work in it is about.

    A lookup is answered about the person of one's verified work; without such work nobody would ever be found.
    """
    worked_on = {purpose.kind for purpose in ready(draft)}
    return [each for each in _looked_up(draft.kinds) if each[0].name in worked_on]


def _looked_up(kinds: Sequence[DraftKind]) -> Iterator[tuple[DraftKind, str, Guess]]:
    for kind in kinds:
        for name, guess in kind.fields:
            if guess.kind in _LOOKED_UP and guess.confidence != "unsure":
                yield kind, name, guess


def _lookups(draft: Draft) -> Iterator[str]:
    for_use = lookups(draft)
    for each in _looked_up(draft.kinds):
        kind, name, guess = each
        lines = [
            f"[lookups.{_text(_field_name(kind.name, name))}]   # {_guessed(guess)}",
            f"form = {_text(_LOOKED_UP[guess.kind])}",
        ]
        if each in for_use:
            yield from lines
        else:
            yield f"# Nobody is found by it until there is work about a {kind.name}; then take away the #."
            yield from (f"# {line}" for line in lines)
        yield ""


def _staff(staff: DraftStaff | None, source: str, quote: Quote) -> Iterator[str]:
    if staff is None:
        yield "# No table of staff was recognised. Either an identity provider sends them (SCIM), as here, or write a"
        yield "# source and a query that gives key, roles, region, ended."
        yield "[actors]"
        yield 'source = "scim"   # unsure'
        yield ""
        return
    yield f"[actors]   # {staff.confidence}: by the name of its table"
    yield f"source = {_text(source)}"
    for name, part in staff.parts.items():
        yield f"# {name}: {_mark(part)}"
    if "roles" not in staff.parts:
        yield "# roles: unsure: no column says them, so everybody is `staff`"
    if "ended" not in staff.parts:
        yield "# ended: unsure: no column says who has left, so nobody has"
    attributes = _attributes(staff)
    if attributes:
        yield f"attributes = [{', '.join(_text(name) for name in attributes)}]"
    yield from _query(_staff_query(staff, quote))
    yield ""


def _attributes(staff: DraftStaff) -> list[str]:
    return [name for name in ("employer", "site", "since", "function") if name in staff.parts]


def _staff_query(staff: DraftStaff, quote: Quote) -> str:
    parts = staff.parts
    ended = staff.shape.column(parts["ended"].column) if "ended" in parts else None
    chosen = [
        f"{quote(staff.key)} as {quote('key')}",
        _as(quote(parts["roles"].column) if "roles" in parts else "'staff'", "roles"),
        _as(quote(parts["region"].column) if "region" in parts else "''", "region"),
        _as(_ended(ended, quote), "ended"),
        *(_as(quote(parts[name].column), quote(name)) for name in _attributes(staff)),
    ]
    return f"select {', '.join(chosen)}\nfrom {_table(staff.shape.name, quote)}"


def _as(expression: str, name: str) -> str:
    return name if expression == name else f"{expression} as {name}"


def _ended(column: Column | None, quote: Quote) -> str:
    if column is None:
        return "null"
    name = quote(column.name)
    if words(column.name).removeprefix("is ") not in {"active", "enabled"}:
        return name
    # somebody of whom it is not known counts as gone
    active = name if column.form == "flag" else f"{name} = 1"
    return f"case when {active} then 0 else 1 end"


def _unused(draft: Draft, source: str) -> Iterator[str]:
    if draft.unused:
        yield "# These look personal too and are in no kind of subject; whosaw check names them as uncovered:"
        for table, column, guess in draft.unused:
            yield f"#   {json.dumps(f'{source}.{table}.{column}', ensure_ascii=False)}: {guess.kind}, {_guessed(guess)}"


def _field_name(kind: str, column: str) -> str:
    return f"{kind}.{words(column).replace(' ', '_') or column}"


def _guessed(guess: Guess) -> str:
    return f"{guess.confidence}: {guess.why}"


def _mark(part: Part) -> str:
    return " ".join(f"{part.confidence}: {part.why}".split())


def _query(query: str) -> list[str]:
    if "'''" in query or not all(each.isprintable() or each == "\n" for each in query):  # a name that breaks the form
        return [f"query = {_text(query)}"]
    return ["query = '''", *query.split("\n"), "'''"]


def _text(value: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _table(name: str, quote: Quote) -> str:
    return ".".join(quote(part) for part in name.split("."))


def _quoting(url: str) -> Quote:
    """Return what quotes a name where the database needs it."""
    preparer = make_url(url).get_dialect()().identifier_preparer
    return preparer.quote
