"""The rows that the trail becomes in Parquet: one per entry, or one per entry and subject where an entry names a set.

A row holds numbers and words of rules, nothing that a person wrote and nothing random: of an entry's `reason` only a
code stays, its ask and object are left out. A beneficiary is the company's key of a firm. Rows are derived here and
nowhere else: the export writes what these functions return, and the check compares with what they return.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from whosaw.lake.engine import engine

SCHEMA = 2
"""Version of a row's columns; 1 was the per-import table of `whosaw.lake.trail`, which is read as well."""

COLUMNS = pa.schema(
    [
        ("trail", pa.string()),
        ("entry", pa.int64()),
        ("at_us", pa.int64()),
        ("kind", pa.string()),
        ("actor", pa.int64()),
        ("subject", pa.int64()),
        ("purpose", pa.int64()),
        ("door", pa.string()),
        ("decision", pa.string()),
        ("verified", pa.bool_()),
        ("shown", pa.bool_()),
        ("fields", pa.string()),
        ("beneficiary", pa.string()),
        ("action", pa.string()),
        ("reason", pa.string()),
        ("rows", pa.int64()),
        ("in_set", pa.bool_()),
    ]
)

INDEX = "index"
PAYLOAD = "payload"
SAID = pa.schema([(INDEX, pa.int64()), (PAYLOAD, pa.string())])
"""Index and payload (JSON) of entries."""

_MEMBERS = {
    "at": "BIGINT",
    "kind": "VARCHAR",
    "actor": "BIGINT",
    "subject": "BIGINT",
    "purpose": "BIGINT",
    "door": "VARCHAR",
    "decision": "VARCHAR",
    "verified": "VARCHAR",
    "fields": ["VARCHAR"],
    "beneficiary": "VARCHAR",
    "action": "VARCHAR",
    "reason": "VARCHAR",
    "rows": "BIGINT",
    "exposure": "VARCHAR",
}
_READ = f"""SELECT "{INDEX}", unnest(from_json({PAYLOAD}, '{json.dumps(_MEMBERS)}')) FROM said"""
_REVEAL = r"(^|,)[^,]*=reveal(,|$)"
_CODE = r"^[a-z_]+\.[a-z_]+$"


def read_payloads(said: pa.Table) -> pa.Table:
    """Return payloads as columns.

    Args:
        said: `SAID` of n entries; in pieces, which are read side by side.

    Returns:
        n rows, in no order: an entry's index, and the members that rows are made of. A member is null where it is
        absent, or of a type that the column cannot hold.
    """
    with engine(None) as connection:
        connection.register("said", said)
        return connection.execute(_READ).to_arrow_table()


def rows_of(trail: str, read: pa.Table, sets: Mapping[int, Sequence[int]]) -> pa.Table:
    """Return the rows of some entries, in no order.

    Args:
        trail: origin of the trail.
        read: as from `read_payloads`.
        sets: by index, the ascending numbers of each entry that names an exposure set.

    Returns:
        n rows of `COLUMNS`.
    """
    fields = pc.if_else(pc.is_null(read["fields"]), None, pc.binary_join(read["fields"], ","))
    shown = pc.and_(
        pc.equal(read["kind"], "disclosure"), pc.fill_null(pc.match_substring_regex(fields, _REVEAL), fill_value=False)
    )
    reason = read["reason"]
    coded = pc.fill_null(pc.match_substring_regex(reason, _CODE), fill_value=False)
    verified = pc.if_else(pc.is_null(read["verified"]), None, pc.equal(read["verified"], "yes"))
    size = read.num_rows
    rows = pa.table(
        {
            "trail": pa.array([trail] * size, pa.string()),
            "entry": read[INDEX],
            "at_us": read["at"],
            **{name: read[name] for name in ("kind", "actor", "subject", "purpose", "door", "decision")},
            "verified": verified,
            "shown": pc.fill_null(shown, fill_value=False),
            "fields": fields,
            "beneficiary": read["beneficiary"],
            "action": read["action"],
            "reason": pc.if_else(coded, reason, None),
            "rows": read["rows"],
            "in_set": pa.array([False] * size, pa.bool_()),
        }
    ).cast(COLUMNS)
    return _spread(rows, sets) if sets else rows


def named_sets(read: pa.Table) -> dict[int, str]:
    """Return by index the hash, in hex, of each entry's exposure set."""
    naming = read.filter(pc.is_valid(read["exposure"]))
    return dict(zip(naming[INDEX].to_pylist(), naming["exposure"].to_pylist(), strict=True))


def in_order(rows: pa.Table) -> pa.Table:
    """Return rows as a file holds them: by subject, those without one last; then by time and entry."""
    keys = [("subject", "ascending"), ("at_us", "ascending"), ("entry", "ascending")]
    return rows.take(pc.sort_indices(rows, sort_keys=keys))


def _spread(rows: pa.Table, sets: Mapping[int, Sequence[int]]) -> pa.Table:
    """Replace the row of each entry that names a set by one row per subject of it."""
    held = pc.is_in(rows["entry"], value_set=pa.array(list(sets), pa.int64()))
    parts = [rows.filter(pc.invert(held))]
    for place in pc.indices_nonzero(held).to_pylist():
        numbers = sets[rows["entry"][place].as_py()]
        spread = rows.take(pa.array([place] * len(numbers), pa.int64()))
        spread = _with(spread, "subject", pa.array(numbers, pa.int64()))
        parts.append(_with(spread, "in_set", pa.array([True] * len(numbers), pa.bool_())))
    return pa.concat_tables(parts).sort_by([("entry", "ascending"), ("subject", "ascending")])


def _with(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return rows.set_column(COLUMNS.get_field_index(name), COLUMNS.field(name), column)


def is_code(reason: str) -> bool:
    """Return whether a reason is a code of a rule and not somebody's words."""
    return re.fullmatch(_CODE, reason) is not None
