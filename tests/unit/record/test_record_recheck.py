"""The fast check of rows says what the plain definition says."""

from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import PayloadRefused, canonical, entry_leaf, read_payload
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
    leaf = entry_leaf(SALT, text.encode())
    return (0, leaf, SALT, text, *(said[name] for name in ("kind", "at", "actor", "subject", "purpose", "beneficiary")))


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
    assert checker.check([row(good)]).malformed == []  # the names are known from here on: the fast way is taken
    text = good
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[at + drop :]
    assert (checker.check([row(text)]).malformed == []) == is_canonical(text)


@given(
    st.dictionaries(
        st.sampled_from([*BASE, "reason", "would"]),
        st.integers(-9, 9) | st.text(max_size=5).filter(lambda text: "\x00" not in text and text.isprintable()),
    )
)
def test_every_canonical_payload_passes(payload):
    assert RowChecker().check([row(canonical(payload).decode())]).malformed == []


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
        assert checker.check([row(text), row(text, **{name: other})]).columns == [1]
    index, _, *rest = row(text)
    assert checker.check([(index, b"x" * 32, *rest)]).leaves == {0: entry_leaf(SALT, text.encode())}


def test_rows_whose_constraints_were_taken_away_are_findings():
    checker, text = RowChecker(), canonical(BASE).decode()
    index, leaf, salt, _, *columns = row(text)
    for broken in [(index, leaf, None, text), (index, leaf, salt, None), (index, leaf, b"short", text)]:
        assert checker.check([(*broken, *columns)]).malformed == [0]
