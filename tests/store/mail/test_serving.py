"""`whosaw mail serve` killed in the middle of a mail: evidence is durable, and Postfix brings the mail again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.catalogs import settle
from tests.store.conftest import NOON, Company
from tests.store.mail.conftest import DOMAIN, STRANGER, letter
from tests.store.mail.private_postfix import free_port, private_postfix, swaks, why_not

from whosaw.answer.mailbox import Mailbox
from whosaw.app.postfixtext import Wiring, main_cf, master_cf
from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.ask import Ask
from whosaw.reveal import Aliased
from whosaw.terms import PurposeRef, SubjectRef, SystemClock

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(why_not()), reason=why_not())]
WAIT_S = 60


@asynccontextmanager
async def serving(state: Path, url: str, lmtp: int, hop: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command until it listens; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "whosaw", "mail", "serve"),
        *("--listen", f"127.0.0.1:{lmtp}", "--next-hop", f"127.0.0.1:{hop}", "--dns", "127.0.0.1:1"),
        env={**os.environ, "WHOSAW_STATE": str(state), "WHOSAW_DATABASE": url},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        said = await asyncio.wait_for(process.stdout.readline(), WAIT_S)
        assert b"takes mail at" in said
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def test_a_killed_server_loses_no_mail(
    company: Company, catalog_text: str, database_url: str, tmp_path: Path
) -> None:
    del company  # its tables are the company's
    state = settle(tmp_path / "state", catalog_text, database_url)
    async with open_services(Settings(state=state), SystemClock(), database_url, door="test") as services:
        with_ticket = PurposeRef.parse("ticket:T-1")
        answer = await services.gate.disclose(
            Ask("E-1", SubjectRef.parse("customer:C-1"), ("customer.email",), with_ticket, "http", NOON, "1" * 32)
        )
        alias = answer.values["customer.email"]
        assert isinstance(alias, Aliased)
        # the alias was made at the ask's own time, long before the server's clock
        async with services.db.connection() as connection:
            await connection.execute("update mail_alias set expires_at = now() + interval '1 day'")
        folder = Path(tempfile.mkdtemp(prefix="whosaw-postfix-"))
        back, lmtp = free_port(), free_port()
        wiring = Wiring(DOMAIN, f"127.0.0.1:{lmtp}", f"127.0.0.1:{back}", "mx.test")
        mail = tmp_path / "mail.eml"
        mail.write_bytes(letter(STRANGER, alias.address))
        stuck = asyncio.Event()

        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            stuck.set()
            await reader.read()
            writer.close()
            await writer.wait_closed()

        hole = await asyncio.start_server(swallow, "127.0.0.1", 0)
        with (
            Mailbox(tmp_path / "world") as world,
            private_postfix(folder, main_cf(wiring), master_cf(wiring), world.port) as postfix,
        ):
            async with serving(state, database_url, lmtp, hole.sockets[0].getsockname()[1]) as process:
                sent = await asyncio.to_thread(swaks, postfix.port, STRANGER, alias.address, mail)
                assert sent == 0
                await asyncio.wait_for(stuck.wait(), WAIT_S)
                process.kill()
            hole.close()
            assert world.files() == []
            async with serving(state, database_url, lmtp, back):
                await asyncio.to_thread(postfix.flush)
                for _ in range(WAIT_S * 10):
                    if world.files():
                        break
                    await asyncio.sleep(0.1)
                assert len(world.files()) == 1, postfix.log()[-3_000:]
        shutil.rmtree(folder)
        async with services.db.connection() as connection:
            rows = await connection.execute(
                "select count(*), min(entry), (select count(*) from sighting) from mail_hit"
            )
            assert await rows.fetchone() == (1, answer.receipt.index, 1)
    assert len(list((state / "complaints").glob("*.eml"))) == 1
