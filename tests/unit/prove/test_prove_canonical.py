"""Canonical bytes: one spelling per payload, and nothing that another language would spell otherwise."""

import pytest

from whosaw.prove import PayloadRefused, canonical, entry_bytes, entry_leaf, read_payload
from whosaw.prove.merkle import leaf_hash


def test_canonical_bytes_are_sorted_dense_utf8():
    payload = {
        "subject": 17,
        "at": 1_700_000_000_000_000,
        "fields": ["customer.email=reveal", "größe=mask"],
        "kind": "disclosure",
    }
    assert canonical(payload) == (
        '{"at":1700000000000000,"fields":["customer.email=reveal","größe=mask"],"kind":"disclosure","subject":17}'.encode()
    )


def test_only_what_must_be_escaped_is():
    assert canonical({"reason": 'a"b\\c/\n\t\x01\x7f'}) == b'{"reason":"a\\"b\\\\c/\\n\\t\\u0001\x7f"}'


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        True,
        None,
        {"a": 1},
        [1.5],
        [[1]],
        [None],
        [False],
        1 << 63,
        -(1 << 63) - 1,
        "nul\x00",
        "\ud800",
        (1,),
        b"x",
    ],
)
def test_a_value_without_canonical_form_is_refused(value):
    with pytest.raises(PayloadRefused) as refused:
        canonical({"field": value})
    assert "nul" not in str(refused.value).lower().replace("a nul in", "")


@pytest.mark.parametrize("name", ["", "Kind", "a b", "1a", "a" * 41, "ä", 1])
def test_a_name_that_is_no_word_is_refused(name):
    with pytest.raises(PayloadRefused):
        canonical({name: 1})


def test_an_oversized_payload_is_refused():
    with pytest.raises(PayloadRefused):
        canonical({"a": "x" * 65_536})


@pytest.mark.parametrize(
    "raw",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b'{"a":1.0}',
        b'{"a":-0}',
        b"[]",
        b"",
        b"\xff",
        b'{"a":"\\u0041"}',
        b"[" * 60_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_reading_accepts_the_one_spelling_only(raw):
    with pytest.raises(PayloadRefused):
        read_payload(raw)


def test_reading_gives_back_what_was_written():
    payload = {"a": [1, "x"], "b": -5, "c": "ü"}
    assert read_payload(canonical(payload)) == payload


def test_the_leaf_is_the_hash_of_the_entry_that_commits_to_salt_and_payload():
    # the value was worked out with sha256sum from the formula in the module's documentation
    raw = canonical({"kind": "disclosure"})
    assert entry_bytes(b"s" * 32, raw)[:16] == b"whosaw/entry/v1\n"
    assert len(entry_bytes(b"s" * 32, raw)) == 48
    assert entry_leaf(b"s" * 32, raw) == leaf_hash(entry_bytes(b"s" * 32, raw))
    assert entry_leaf(b"s" * 32, raw).hex() == "644a3ba1ec627d8c2c1dce7580a15f72ebfbc2816081346de5a75958549a5db6"
    assert entry_leaf(b"t" * 32, raw) != entry_leaf(b"s" * 32, raw)
    with pytest.raises(PayloadRefused):
        entry_leaf(b"short", raw)
