"""The signature of a webhook: a receiver with the standard's own library agrees, and nothing altered passes."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from whosaw.store.webhook import REPLAY_S, WebhookForged, check, sign

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of randomness..").decode()
NOW = 1_767_225_600
BODY = b'{"type":"whosaw.alert"}'


def test_a_signed_message_is_what_it_says() -> None:
    for secret in (SECRET, "a secret in words", "whsec_not base64!"):
        assert check(secret, sign(secret, "id-1", NOW, BODY), BODY, NOW) == "id-1"


def test_the_standards_own_library_takes_it() -> None:
    from datetime import UTC, datetime

    now = int(datetime.now(UTC).timestamp())
    assert Webhook(SECRET).verify(BODY, sign(SECRET, "id-1", now, BODY)) == json.loads(BODY)


@pytest.mark.parametrize("off_s", [-REPLAY_S - 1, REPLAY_S + 1])
def test_an_old_or_early_message_is_refused(off_s: int) -> None:
    headers = sign(SECRET, "id-1", NOW, BODY)
    assert check(SECRET, headers, BODY, NOW + REPLAY_S) == "id-1"
    with pytest.raises(WebhookForged):
        check(SECRET, headers, BODY, NOW - off_s)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "1", str(NOW + 1), "v1,AAAA", "é"])
def test_a_header_that_is_missing_or_altered_is_refused(name: str, value: str | None) -> None:
    headers = sign(SECRET, "id-1", NOW, BODY)
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    with pytest.raises(WebhookForged):
        check(SECRET, headers, BODY, NOW)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_no_flipped_byte_passes_and_no_other_secret(place: int, flip: int) -> None:
    altered = bytearray(BODY)
    altered[place] ^= flip
    with pytest.raises(WebhookForged):
        check(SECRET, sign(SECRET, "id-1", NOW, BODY), bytes(altered), NOW)
    with pytest.raises(WebhookForged):
        check("another", sign(SECRET, "id-1", NOW, BODY), BODY, NOW)


def test_the_receiver_of_the_documentation_takes_it_and_refuses_what_was_altered() -> None:
    page = (Path(__file__).parents[3] / "docs/alerts.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.S)
    names: dict[str, Any] = {}
    exec(block, names)
    headers = sign("a secret in words", "id-1", NOW, BODY)
    assert names["is_genuine"]("a secret in words", headers, BODY, NOW)
    assert not names["is_genuine"]("a secret in words", headers, BODY + b" ", NOW)
    assert not names["is_genuine"]("another", headers, BODY, NOW)
    assert not names["is_genuine"]("a secret in words", headers, BODY, NOW + REPLAY_S + 1)


def test_a_receiver_takes_one_of_several_signatures_so_that_secrets_can_be_changed() -> None:
    headers = sign(SECRET, "id-1", NOW, BODY)
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"
    assert check(SECRET, headers, BODY, NOW) == "id-1"
