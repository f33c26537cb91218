"""The fast check of rows says what the plain definition says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import PayloadRefused, canonical, entry_leaf, read_payload
from whosaw.record import recheck
from whosaw.record.auditqueries import AUDIT_COLUMNS, AuditColumns
from whosaw.record.recheck import RowChecker

SALT = b"s" * 32
BASE = {"actor": 7, "at": 5, "fields": ["customer.email=reveal"], "kind": "disclosure", "purpose": 2, "subject": 9}
PIECES = [
    "true",
    "null",
    " ",
    "\n",
    "-0",
    "1.0",
    "[[",
    ",[",
    '"',
    "\\u0041",
    "{",
    "}",
    ":",
    ",",
    '"at":5',
    "ü",
    "0",
    "\\",
]


def row(text: str, **columns):
    said = {"kind": "disclosure", "at": 5, "actor": 7, "subject": 9, "purpose": 2, "beneficiary": None, **columns}
    raw = text.encode()
    return (0, entry_leaf(SALT, raw), SALT, raw, *(spelled(said[name]) for name in AUDIT_COLUMNS))


def spelled(value):
    """As the database gives a column: a text with its quotes, nothing where it is null."""
    if value is None:
        return b""
    return f'"{value}"'.encode() if isinstance(value, str) else str(value).encode()


def check(checker, *rows):
    return checker.check(AuditColumns.of(rows))


def is_canonical(text: str) -> bool:
    try:
        read_payload(text.encode())
    except PayloadRefused:
        return False
    return True


@given(st.data())
def test_altered_spellings_are_malformed_exactly_where_the_definition_says_so(data):
    checker = RowChecker()
    good = canonical(BASE).decode()
    assert check(checker, row(good)).malformed == []  # the names are known from here on: the fast way is taken
    text = good
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[at + drop :]
    assert (check(checker, row(text)).malformed == []) == is_canonical(text)


@given(
    st.dictionaries(
        st.sampled_from([*BASE, "reason", "would"]),
        st.integers(-9, 9) | st.text(max_size=5).filter(lambda text: "\x00" not in text and text.isprintable()),
    )
)
def test_every_canonical_payload_passes(payload):
    assert check(RowChecker(), row(canonical(payload).decode())).malformed == []


KINDS = ["good", "other", "spelled", "column", "leaf", "broken", "erased"]


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=9))
def test_of_many_rows_exactly_the_wrong_ones_are_named(kinds):
    text, other = canonical(BASE).decode(), canonical(BASE | {"reason": "x", "actor": 8}).decode()
    index, leaf, salt, raw, *columns = row(text)
    made = {
        "good": row(text),
        "other": row(other, actor=8),
        "spelled": row(text.replace('"at":5', '"at": 5')),
        "column": row(text, subject=10),
        "leaf": (index, b"x" * 32, salt, raw, *columns),
        "broken": row(text + "\n"),
        "erased": (index, leaf, None, None, *[b""] * len(columns)),
    }
    checker = RowChecker()
    check(checker, row(text), row(other, actor=8))  # the names are known from here on
    odd = check(checker, *(made[kind] for kind in kinds))
    assert odd.malformed == [at for at, kind in enumerate(kinds) if kind in ("spelled", "broken")]
    assert odd.columns == [at for at, kind in enumerate(kinds) if kind == "column"]
    assert [*odd.leaves] == [at for at, kind in enumerate(kinds) if kind == "leaf"]
    assert odd.erased == [at for at, kind in enumerate(kinds) if kind == "erased"]


def test_columns_and_leaves_are_compared_one_by_one():
    checker, text = RowChecker(), canonical(BASE).decode()
    for name, other in [
        ("kind", "denial"),
        ("at", 6),
        ("actor", None),
        ("subject", 8),
        ("purpose", 3),
        ("beneficiary", "x"),
    ]:
        assert check(checker, row(text), row(text, **{name: other})).columns == [1]
    index, _, *rest = row(text)
    assert check(checker, (index, b"x" * 32, *rest)).leaves == {0: entry_leaf(SALT, text.encode())}


def test_rows_whose_constraints_were_taken_away_are_findings():
    checker, text = RowChecker(), canonical(BASE).decode()
    index, leaf, salt, _, *columns = row(text)
    for broken in [(index, leaf, None, text), (index, leaf, salt, None), (index, leaf, b"short", text)]:
        assert check(checker, (*broken, *columns)).malformed == [0]


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ((1 << 63) - 1, True),
        (1 << 63, False),
        (-(1 << 63), True),
        (-(1 << 63) - 1, False),
        (0, True),
        ("größe", True),
        ('"', True),
        ("\x7f", True),
        ("x" * 65_000, True),
        ("x" * 66_000, False),
        ([], True),
        (["a", "b"], True),
        (["a", 1], True),
        ([1 << 63], False),
        ([["a"]], False),
        (True, False),
        (None, False),
        (1.5, False),
    ],
)
def test_values_at_the_edge_are_judged_as_the_definition_judges_them(value, fine):
    for taught in ("word", 7, ["word"]):
        checker = RowChecker()
        known = row(canonical(BASE | {"note": taught}).decode())
        text = json.dumps(BASE | {"note": value}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert (check(checker, known, row(text)).malformed == []) == fine
        assert is_canonical(text) == fine


def test_more_names_than_are_remembered_are_still_checked():
    checker = RowChecker()
    many = BASE | {f"name_{number}": number for number in range(200)}
    text = canonical(many).decode()
    assert check(checker, row(text), row(text.replace('"name_7":7', '"name_7":07')), row(text)).malformed == [1]


def test_the_columns_stand_in_the_order_in_which_the_database_gives_them():
    assert tuple(recheck._COLUMN_FORMS) == AUDIT_COLUMNS == tuple(sorted(AUDIT_COLUMNS))
