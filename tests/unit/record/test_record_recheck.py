"""The fast check of rows says what the plain definition says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import PayloadRefused, canonical, entry_leaf, read_payload
from whosaw.record import recheck
from whosaw.record.auditqueries import SEEN_AGAIN
from whosaw.record.auditrows import AUDIT_COLUMNS, AuditBlock, AuditColumns
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


def joined(rows):
    """Rows as the database joins them into a block, where it can."""
    whole = sum(
        len(leaf) == 32 and (not any(columns) if raw is None else salt is not None and len(salt) == 32)
        for _, leaf, salt, raw, *columns in rows
    )
    kept = [(at, leaf, salt or b"", raw, columns) for at, (_, leaf, salt, raw, *columns) in enumerate(rows) if raw]
    numbers = [[columns[AUDIT_COLUMNS.index(name)] for *_, columns in kept] for name in ("at", "actor", "purpose")]
    lines = [
        b"\n".join([raw, b",".join([actor, at, purpose, subject, kind]), beneficiary])
        for _, _, _, raw, (actor, at, beneficiary, kind, purpose, subject) in kept
    ]
    indices = b"".join(at.to_bytes(8, "big") for at in range(len(rows)))
    erased = b"".join(at.to_bytes(8, "big") for at, row in enumerate(rows) if row[3] is None)
    parts = [b"".join(row[1] for row in rows), b"".join(salt for _, _, salt, *_ in kept), b"\n".join(lines)]
    parts += [
        b"".join(int(each).to_bytes(8, "big", signed=True) for each in column if each)
        for column in [*numbers, numbers[1]]
    ]
    return AuditBlock.of((len(rows), whole), indices, erased, parts)


def check(checker, *rows):
    """What a block of rows is found to be, and the same rows each for itself."""
    rows = [(at, *row[1:]) for at, row in enumerate(rows)]
    plainly = RowChecker().check(AuditColumns.of(rows))
    block = joined(rows)
    if block is None:
        return plainly
    odd = checker.check_block(block)
    for name in ("leaves", "malformed", "columns", "erased"):
        assert getattr(odd, name) == getattr(plainly, name)
    assert {*odd.single} <= {*plainly.single}
    return odd


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


def test_what_is_like_the_entries_before_it_is_not_looked_at_singly():
    checker, text = RowChecker(), canonical(BASE).decode()
    assert len(check(checker, *[row(text)] * 3).single) == 3
    assert check(checker, *[row(text)] * 3).single == []
    wrong = row(text, actor=8)
    assert check(checker, row(text), wrong, row(text)).single == [(1, text.encode())]


@pytest.mark.parametrize("more", [*({name: 7} for name in SEEN_AGAIN), {"kind": "erasure"}, {"kind": "pruning"}])
def test_what_the_rest_of_the_check_must_read_is_always_looked_at_singly(more):
    checker, text = RowChecker(), canonical(BASE).decode()
    special = canonical(BASE | more)
    made = row(special.decode(), kind=more.get("kind", "disclosure"))
    for _ in range(3):
        found = check(checker, row(text), made, row(text))
        assert (1, special) in found.single
    assert found.single == [(1, special)]


@pytest.mark.parametrize(
    "change",
    [
        {"counted": (3, 2)},
        {"indices": b"".join(at.to_bytes(8, "big") for at in (0, 1, 3))},
        {"leaves": bytes(95)},
        {"salts": bytes(64)},
        {"lines": b"{}\n,1,,,\n\n{}\n,1,,,\n"},
        {"lines": b"{}\n,1,,,\n\n{}\n,1,,,\n\n{}\n,1,,,\n\n"},
        {"at": bytes(16)},
    ],
    ids=str,
)
def test_rows_that_are_not_all_whole_and_in_place_are_no_block(change):
    parts = {"leaves": bytes(96), "salts": bytes(96), "lines": b"\n".join([b"{}\n,1,,,\n"] * 3), "at": bytes(24)}
    said = {"counted": (3, 3), "indices": b"".join(at.to_bytes(8, "big") for at in range(3))} | parts
    made = [said, said | change]
    blocks = [
        AuditBlock.of(each["counted"], each["indices"], b"", [*(each[name] for name in parts), b"", b"", b""])
        for each in made
    ]
    assert blocks[0] is not None
    assert blocks[1] is None


def test_a_text_that_runs_on_into_the_next_entry_hides_neither():
    checker, text = RowChecker(), canonical(BASE | {"note": "x"}).decode()
    assert check(checker, *[row(text)] * 2).malformed == []
    cut, rest = text[: text.index('"x"') + 2], text[text.index('"x"') + 2 :]  # together one payload over six lines
    bare = row(cut, kind=None)  # no quote in its columns either
    assert check(checker, row(text), bare, row(rest), row(text)).malformed == [1, 2]
    assert check(checker, bare, row(rest)).malformed == [0, 1]


@pytest.mark.parametrize("spelled", ["\\u0078", "\\/", "\x1f", "x\\u0000"])
def test_a_text_in_another_spelling_is_malformed(spelled):
    checker, text = RowChecker(), canonical(BASE | {"note": "x"}).decode()
    other = text.replace('"x"', f'"{spelled}"')
    for _ in range(2):
        assert check(checker, row(text), row(other), row(text)).malformed == [1]


@pytest.mark.parametrize("name", ["beneficiary", "kind"])
@pytest.mark.parametrize("value", ['x","y', "x\ny", "größe", ""])
def test_a_column_that_seems_to_continue_is_compared_whole(name, value):
    checker = RowChecker()
    text = canonical(BASE | {"beneficiary": "b"}).decode()
    said = canonical(BASE | {"beneficiary": "b", name: value}).decode()
    fine = {"beneficiary": "b", name: value}
    for _ in range(2):
        assert check(checker, row(text, beneficiary="b"), row(said, **fine)).columns == []
        assert check(checker, row(said, beneficiary="b"), row(text, **fine)).columns == [0, 1]


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


@pytest.mark.parametrize("value", [0, -5, 10**18, (1 << 63) - 1])
def test_a_number_out_of_the_ordinary_is_like_others_from_then_on_or_looked_at_singly(value):
    checker, text = RowChecker(), canonical(BASE).decode()
    said = canonical(BASE | {"actor": value}).decode()
    for _ in range(2):
        assert check(checker, row(text), row(said, actor=value), row(text)).columns == []
        assert check(checker, row(text), row(said, actor=3), row(text)).columns == [1]


def test_rows_whose_constraints_were_taken_away_are_findings():
    checker, text = RowChecker(), canonical(BASE).decode()
    index, leaf, salt, raw, *columns = row(text)
    for broken in [(index, leaf, None, raw), (index, leaf, salt, None), (index, leaf, b"short", raw)]:
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
