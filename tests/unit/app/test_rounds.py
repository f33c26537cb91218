"""Work between requests: a failed round is followed by the next; a cancellation ends it whatever the round does."""

from __future__ import annotations

import asyncio
import logging

import pytest

from whosaw.app.rounds import every


async def test_a_cancellation_that_a_round_drops_still_ends_the_work() -> None:
    began, took = asyncio.Event(), 0

    async def step() -> None:
        nonlocal took
        took += 1
        began.set()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:  # as asyncio.wait_for of Python 3.11 does when a result comes with it
            return

    work = asyncio.create_task(every(0.001, step))
    await began.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, 5)
    assert took == 1


async def test_a_round_that_fails_is_told_without_its_words_and_followed_by_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    took, third = 0, asyncio.Event()

    async def step() -> None:
        nonlocal took
        took += 1
        if took == 3:
            third.set()
        raise ValueError("anna@home.example")

    with caplog.at_level(logging.ERROR):
        work = asyncio.create_task(every(0.001, step))
        await asyncio.wait_for(third.wait(), 5)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert "put off: ValueError" in caplog.text
    assert "anna@home.example" not in caplog.text
