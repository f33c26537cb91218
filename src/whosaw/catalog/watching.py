"""What the catalog tells watch: which kinds of record are reasons, and how many innocent people it may accuse."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping

from whosaw.catalog.model import CatalogInvalid, Live, SecondLook, Watching
from whosaw.catalog.strict import Table
from whosaw.terms import trait_in

VIAS = ("assigned", "team", "open", "serves", "handled", "contact", "account")
"""How a work record may be linked with who looked; `whosaw.watch.templates` says what each means."""
SIGNALS = ("beneficiary", "volume", "harm", "decisions", "picks", "canary", "sharing", "together")
SIGNS = ("canary", "burst", "enumeration", "places")
"""What the gate may notice while people ask."""
RECORDS = ("managers", "harms", "decisions", "prints")
"""What a company may record besides work; the columns of each query are those of the file in docs/watch.md."""
PEERS = ("queue", "product", "shift")
"""What makes people peers besides their role."""
STAFF = (*PEERS, "region", "employer", "part_time")
"""What watch may be told of people besides the role; the last three for rates by group alone."""
STEPS = ("reason", "second_person", "stop")
"""What it may do then, the mildest first."""

_YEAR_H = 24 * 366


def watching(table: Table, sources: Collection[str] = (), actions: Collection[str] = ()) -> Watching:
    """Read the table ``[watch]``.

    Args:
        table: the table.
        sources: names of the catalog's sources.
        actions: its actions.

    Raises:
        CatalogInvalid: a key is unknown, a value out of its range, or two templates have one name.
    """
    settings: dict[str, object] = {}
    for key, least, most in (
        ("false_cases_a_month", 0.001, 1_000.0),
        ("review_e", 20.0, 1e9),
        ("false_discovery", 0.001, 0.5),
        ("lost", 0.0001, 0.19),
    ):
        if key in table:
            settings[key] = _within(table, key, least, most)
    for key, least_days, most_days in (("month_days", 7, 92), ("affinity_days", 1, 3_660), ("habit_days", 28, 3_660)):
        if key in table:
            settings[key] = _days(table, key, least_days, most_days)
    if "seed" in table:
        settings["seed"] = table.whole("seed")
    if "off" in table:
        settings["off"] = table.choices("off", SIGNALS)
    if (weights := table.optional_table("weights")) is not None:
        settings["weights"] = _weights(weights)
    prompts = table.switch("prompts", default=False)
    templates: dict[str, Mapping[str, object]] = {}
    for each in table.rows("template"):
        name = each.text("name")
        if name in templates:
            raise CatalogInvalid(f"{each.where}: a second template is named `{name}`")
        templates[name] = _template(each)
    live = table.optional_table("live")
    records = {name: _record(of, sources) for name in RECORDS if (of := table.optional_table(name)) is not None}
    again = table.optional_table("second")
    second = None if again is None else _second(again, actions)
    table.done()
    return Watching(templates, settings, prompts, None if live is None else _live(live), records, second)


def check_peers(query: str, where: str) -> None:
    """Let no staff directory pass that plainly renames what a person is to a role, queue, product or shift.

    Seen is one column of a list after `select`, itself or within functions, before `as`. Whatever else SQL can write
    passes, and so does a column whose name says that it is about work, for a query that is right must not be refused.

    Args:
        query: of the directory.
        where: the table of the catalog, for the message.

    Raises:
        CatalogInvalid: it takes one of them from a column so named.
    """
    text = _UNREAD.sub(" '' ", query)
    for found in _RENAMED.finditer(text):
        if found["open"].count("(") != found["close"].count(")") or not _in_columns(text[: found.start("open")]):
            continue
        if (trait := trait_in(found["column"])) and not _OF_WORK.search(found["column"]):
            raise CatalogInvalid(
                f"{where}: `query` takes `{found['name'].lower()}` from something named `{trait}`",
                hint="watch compares people by it; nationality, pay, age, sex, language, union and health are not read",
            )


_UNREAD = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_RENAMED = re.compile(
    r"(?:\bselect\s+(?:distinct\s+|all\s+)?|,)\s*(?P<open>(?:\w+\s*\(\s*)*)"
    r"(?:[\"`\[]?\w+[\"`\]]?\s*\.\s*)*[\"`\[]?(?P<column>[^\W\d]\w*)[\"`\]]?\s*(?:::\s*\w+\s*)?(?:,\s*''\s*)*"
    rf"(?P<close>(?:\)\s*)*)\bas\s+[\"`\[]?(?P<name>{'|'.join(('roles', *PEERS))})\b",
    re.IGNORECASE,
)
_OF_WORK = re.compile(r"queue|product|team|shift|desk|role|department|dept|kasse|versicherung|insurance", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:select|from|join|where|by|having|on|values)\b", re.IGNORECASE)


def _in_columns(before: str) -> bool:
    """Return whether a piece of a query ends among what is selected; a list of tables has commas and names, too."""
    while before != (outer := re.sub(r"\([^()]*\)", " ", before)):
        before = outer
    words = _PLACE.findall(before)
    return bool(words) and words[-1].lower() == "select"


def _second(table: Table, actions: Collection[str]) -> SecondLook:
    share = _within(table, "share", 0.001, 0.5, default=0.05)
    kinds: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for each in table.rows("kind"):
        favourable = each.choices("favourable", actions)
        other = each.choices("other", actions) if "other" in each else ()
        known = [name for sides in kinds.values() for side in sides for name in side]
        if not favourable or len({*favourable, *other, *known}) < len(favourable) + len(other) + len(known):
            raise CatalogInvalid(f"{each.where}: an action favours, or does not, in one kind alone")
        kinds[each.text("name")] = (tuple(favourable), tuple(other))
        each.done()
    if not kinds:
        raise CatalogInvalid(f"{table.where}: no kind of decision is named", hint="[[watch.second.kind]]")
    table.done()
    return SecondLook(share, kinds)


def _record(table: Table, sources: Collection[str]) -> tuple[str, str]:
    found = table.choice("source", sources), table.query("query")
    table.done()
    return found


def _live(table: Table) -> Live:
    first = {sign: table.choice(sign, (*STEPS, "off"), "reason") for sign in SIGNS}
    networks = table.texts("one_place") if "one_place" in table else ()
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as cause:
            raise CatalogInvalid(f"{table.where}: `{network[:60]}` is no network", hint="as 203.0.113.0/24") from cause
    live = Live(
        enforce=table.choice("mode", ("enforce", "observe"), "enforce") == "enforce",
        first=first,
        most=table.choice("most", STEPS, "second_person"),
        hold_minutes=_whole(table, "hold_minutes", 1, 1_440, default=60),
        burst_share=_within(table, "burst_share", 0.05, 1.0, default=0.5),
        burst_minutes=_whole(table, "burst_minutes", 1, 30, default=5),
        run=_whole(table, "run", 5, 100, default=8),
        misses=_whole(table, "misses", 3, 1_000, default=12),
        returns=_whole(table, "returns", 1, 100, default=3),
        one_place=networks,
    )
    table.done()
    return live


def _template(table: Table) -> Mapping[str, object]:
    said: dict[str, object] = {"via": table.choice("via", VIAS)}
    if "kinds" in table:
        said["kinds"] = table.texts("kinds", least=1)
    for key in ("grace_h", "within_h"):
        if key in table:
            said[key] = _within(table, key, 0.0, _YEAR_H)
    if "own_text" in table:
        said["own_text"] = table.switch("own_text", default=False)
    table.done()
    return said


def _weights(table: Table) -> Mapping[str, float]:
    weights = {name: table.number(name, default=0.0) for name in SIGNALS if name in table}
    table.only(SIGNALS)
    if not any(weights.values()):
        raise CatalogInvalid(f"{table.where}: no signal has a weight", hint="leave `weights` out for those measured")
    return weights


def _within(table: Table, key: str, least: float, most: float, *, default: float = 0.0) -> float:
    value = table.number(key, default=default)
    if not least <= value <= most:
        raise CatalogInvalid(f"{table.where}: `{key}` must lie between {least:g} and {most:,.10g}")
    return value


def _days(table: Table, key: str, least: int, most: int) -> int:
    return _whole(table, key, least, most, unit=" days")


def _whole(table: Table, key: str, least: int, most: int, *, default: int | None = None, unit: str = "") -> int:
    value = table.whole(key, default=default)
    if not least <= value <= most:
        raise CatalogInvalid(f"{table.where}: `{key}` must be {least} to {most}{unit}")
    return value
