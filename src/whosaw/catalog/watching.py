"""What the catalog tells watch: which kinds of record are reasons, and how many innocent people it may accuse."""

from __future__ import annotations

from collections.abc import Mapping

from whosaw.catalog.model import CatalogInvalid, Watching
from whosaw.catalog.strict import Table

VIAS = ("assigned", "team", "open", "serves", "handled", "contact", "account")
"""How a work record may be linked with who looked; `whosaw.watch.templates` says what each means."""
SIGNALS = ("beneficiary", "volume", "harm", "decisions", "picks", "canary", "sharing")

_YEAR_H = 24 * 366


def watching(table: Table) -> Watching:
    """Read the table ``[watch]``.

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
    for key, least_days, most_days in (("month_days", 7, 92), ("affinity_days", 1, 3_660)):
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
    table.done()
    return Watching(templates, settings, prompts)


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


def _within(table: Table, key: str, least: float, most: float) -> float:
    value = table.number(key, default=0.0)
    if not least <= value <= most:
        raise CatalogInvalid(f"{table.where}: `{key}` must lie between {least:g} and {most:,.10g}")
    return value


def _days(table: Table, key: str, least: int, most: int) -> int:
    value = table.whole(key)
    if not least <= value <= most:
        raise CatalogInvalid(f"{table.where}: `{key}` must be {least} to {most} days")
    return value
