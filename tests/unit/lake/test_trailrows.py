"""Rows from payloads: the quick way and the careful way give the same, and nothing that a person wrote comes along."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.lake.trailrows import COLUMNS, SAID, in_order, named_sets, read_payloads, rows_of

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(0, 2**63 - 1)
PAYLOADS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["disclosure", "denial", "action", "hold"]), "at": st.integers(0, 2**50)},
    optional={
        "actor": NUMBERS,
        "subject": NUMBERS,
        "purpose": NUMBERS,
        "door": TEXTS,
        "verified": st.sampled_from(["yes", "no"]),
        "fields": st.lists(st.sampled_from(["a.b=reveal", "a.c=mask", "d.e=deny", "a.f=revealed"]), max_size=4),
        "beneficiary": TEXTS,
        "reason": TEXTS | st.just("purpose.verified"),
        "rows": NUMBERS,
        "approved_by": st.lists(NUMBERS, max_size=3),
        "ask": TEXTS,
    },
)


def texts(payloads: list[dict[str, Any]]) -> pa.Table:
    written = [json.dumps(said, ensure_ascii=False) for said in payloads]
    return pa.table([range(len(payloads)), written], schema=SAID)


@given(st.lists(PAYLOADS, min_size=1, max_size=8))
def test_a_row_says_what_its_payload_says(payloads: list[dict[str, Any]]) -> None:
    quick = rows_of("t", read_payloads(texts(payloads)), {}).sort_by("entry")
    assert quick.schema.equals(COLUMNS)
    for row, said in zip(quick.to_pylist(), payloads, strict=True):
        shown = said["kind"] == "disclosure" and any(each.endswith("=reveal") for each in said.get("fields", []))
        assert row["shown"] == shown
        assert row["at_us"] == said["at"]
        for name in ("kind", "actor", "subject", "purpose", "door", "beneficiary", "rows"):
            assert row[name] == said.get(name)
        assert row["verified"] == (said["verified"] == "yes" if "verified" in said else None)
        assert row["fields"] == (",".join(said["fields"]) if "fields" in said else None)


@pytest.mark.parametrize(
    "odd",
    [{"rows": "many"}, {"rows": [1]}, {"fields": "a.b=reveal"}, {"actor": 2**70}, {"rows": {"n": 1}}, {"actor": None}],
)
def test_a_member_of_another_type_is_left_out_and_hurts_no_other_entry(odd: dict[str, Any]) -> None:
    payloads = [{"kind": "disclosure", "at": 1} | odd, {"kind": "hold", "at": 2, "rows": 3}]
    rows = rows_of("t", read_payloads(texts(payloads)), {}).sort_by("entry").to_pylist()
    assert rows[0][next(iter(odd))] is None
    assert not rows[0]["shown"]
    assert (rows[1]["kind"], rows[1]["rows"]) == ("hold", 3)


def test_no_entries_are_no_rows() -> None:
    assert rows_of("t", read_payloads(SAID.empty_table()), {}).schema.equals(COLUMNS)


def test_words_of_a_person_and_random_marks_do_not_come_along() -> None:
    said = {"kind": "suspension", "at": 1, "reason": "Ada was rude on Monday", "ask": "f" * 32, "object": "order:O-7"}
    [row] = rows_of("t", read_payloads(texts([said])), {}).to_pylist()
    assert row["reason"] is None
    assert not {"Ada", "f" * 32, "order:O-7"} & {str(value) for value in row.values()}
    [coded] = rows_of("t", read_payloads(texts([said | {"reason": "purpose.none"}])), {}).to_pylist()
    assert coded["reason"] == "purpose.none"


def test_an_entry_that_names_a_set_becomes_a_row_for_each_of_it() -> None:
    said = {"kind": "disclosure", "at": 5, "actor": 1, "fields": ["a.b=reveal"], "exposure": "0" * 64, "subjects": 3}
    read = read_payloads(texts([{"kind": "hold", "at": 1}, said]))
    assert named_sets(read) == {1: "0" * 64}
    rows = rows_of("t", read, {1: [4, 9, 2**40]}).to_pylist()
    assert [(row["entry"], row["subject"], row["in_set"]) for row in rows] == [
        (0, None, False),
        (1, 4, True),
        (1, 9, True),
        (1, 2**40, True),
    ]


def test_a_file_is_in_order_of_subject_and_time_with_those_of_nobody_last() -> None:
    payloads = [{"kind": "x", "at": at, "subject": subject} for at, subject in ((3, 2), (1, 2), (2, 1))]
    rows = in_order(rows_of("t", read_payloads(texts([{"kind": "x", "at": 0}, *payloads])), {}))
    assert list(zip(rows["subject"].to_pylist(), rows["at_us"].to_pylist(), strict=True)) == [
        (1, 2),
        (2, 1),
        (2, 3),
        (None, 0),
    ]
