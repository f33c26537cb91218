from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from whosaw.doors.console import LoginLinks, Sessions
from whosaw.doors.console.logins import _HELD_MOST, _hash

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Seconds:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def once(link: str) -> str:
    return link.partition("once=")[2]


def test_a_link_names_its_viewer_once() -> None:
    links = LoginLinks()
    secret = once(links.issue("E-0005"))
    assert links.redeem(secret) == "E-0005"
    assert links.redeem(secret) is None


def test_a_link_ends_by_the_monotonic_clock() -> None:
    seconds = Seconds()
    links = LoginLinks(600.0, seconds)
    early, late = once(links.issue("E-0005")), once(links.issue("E-0005"))
    seconds.now += 599.9
    assert links.redeem(early) == "E-0005"
    seconds.now += 0.1
    assert links.redeem(late) is None


def test_what_never_was_a_link_opens_nothing() -> None:
    links = LoginLinks()
    links.issue("E-0005")
    for guess in ("", "x", "\x00", "\ud800", "A" * 43, "é" * 500):
        assert links.redeem(guess) is None


def test_a_link_holds_256_random_bits_and_is_not_kept_as_it_is() -> None:
    links = LoginLinks()
    made = [once(links.issue("E-0005")) for _ in range(50)]
    assert len(set(made)) == 50
    assert all(len(secret) == 43 for secret in made)  # 32 bytes in base64url
    assert not any(secret.encode() in key for key in links._passes._held for secret in made)


def test_ended_links_are_forgotten_and_no_number_of_them_fills_the_memory() -> None:
    seconds = Seconds()
    links = LoginLinks(600.0, seconds)
    for _ in range(_HELD_MOST + 10):
        links.issue("E-0005")
    assert len(links._passes._held) == _HELD_MOST
    seconds.now += 600
    links.issue("E-0005")
    assert len(links._passes._held) == 1


def test_a_life_of_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds is none"):
        LoginLinks(0)


def test_a_session_lasts_until_its_end_or_until_it_is_ended() -> None:
    seconds = Seconds()
    sessions = Sessions(3_600.0, seconds)
    first, second = sessions.begin("E-0005"), sessions.begin("E-0009")
    assert (sessions.viewer(first), sessions.viewer(first), sessions.viewer(second)) == ("E-0005", "E-0005", "E-0009")
    sessions.end(second)
    assert sessions.viewer(second) is None
    seconds.now += 3_600
    assert sessions.viewer(first) is None


async def test_a_session_that_was_ended_from_outside_is_over_for_good() -> None:
    ended: set[datetime] = set()

    async def still(viewer: str, since: datetime) -> bool:
        return viewer == "E-0005" and since not in ended

    sessions = Sessions(still=still)
    early, late = sessions.begin("E-0005", NOON), sessions.begin("E-0005", NOON + timedelta(hours=1))
    undated, other = sessions.begin("E-0005"), sessions.begin("E-0009", NOON)
    assert [await sessions.lasting(each) for each in (early, late)] == ["E-0005", "E-0005"]
    assert [await sessions.lasting(each) for each in (undated, other, "never")] == [None, None, None]
    ended.add(NOON)
    assert [await sessions.lasting(each) for each in (early, late)] == [None, "E-0005"]
    ended.clear()
    assert await sessions.lasting(early) is None


async def test_where_nothing_ends_sessions_from_outside_they_last() -> None:
    sessions = Sessions()
    secret = sessions.begin("E-0005")
    assert await sessions.lasting(secret) == "E-0005"


async def test_the_times_of_dead_sessions_do_not_pile_up() -> None:
    sessions = Sessions(60.0)
    secrets = [sessions.begin("E-0005", NOON) for _ in range(3 * _HELD_MOST)]
    assert len(sessions._begun) <= 2 * _HELD_MOST
    assert sessions._begun[_hash(secrets[-1])] == NOON
