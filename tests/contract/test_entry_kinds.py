"""Every kind of entry that the code writes has its row on the page about the trail, and every row is written."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "whosaw"
PAGE = ROOT / "docs" / "trail.md"


def written(source: str) -> set[str]:
    """Return the kinds of the entries that a module builds.

    An entry is a dict that has both `kind` and `at`, a time; or its kind is set by `entry["kind"] = …`, or stands in a
    variable `kind` of the module that builds it.
    """
    found: set[str] = set()
    by_name: set[str] = set()
    named = False
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            names = {key.value: value for key, value in zip(node.keys, node.values, strict=True) if _text(key)}
            if {"kind", "at"} <= names.keys() and not _text(names["at"]):
                found |= _texts(names["kind"])
                named |= isinstance(names["kind"], ast.Name)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and _text(target.slice) and target.slice.value == "kind":
                found |= _texts(node.value)
            elif isinstance(target, ast.Name) and target.id == "kind":
                by_name |= _texts(node.value)
    return found | (by_name if named else set())


def _text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _texts(node: ast.expr) -> set[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def of_the_code() -> set[str]:
    stages = ("gate", "record", "lake", "answer", "app", "doors", "watch")
    files = [path for stage in stages for path in (SOURCE / stage).rglob("*.py")]
    return set().union(*(written(path.read_text(encoding="utf-8")) for path in files))


def of_the_page() -> set[str]:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("### Kinds of entries")
    table = rest.partition("\n\nImports")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {kind for row in rows for kind in re.findall(r"`([a-z_]+)`", row)}


def test_the_search_sees_every_way_in_which_an_entry_is_built() -> None:
    assert written('x = {"kind": "a", "at": 1}\ny["kind"] = "b" if z else "c"\n') == {"a", "b", "c"}
    assert written('kind = "p" if z else "q"\nx = {"kind": kind, "at": 1}') == {"p", "q"}
    assert written('x = {"kind": "text", "at": "number"}') == set()
    assert written('kind = "no entry"\nx = {"kind": "other"}') == set()


def test_every_kind_that_is_written_has_its_row_and_no_row_is_about_nothing() -> None:
    assert {"disclosure", "grant", "erasure", "pruning", "key_rotation"} <= of_the_code()
    assert of_the_code() == of_the_page()
