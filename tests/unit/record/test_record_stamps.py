"""Stamping the trail's checkpoints at authorities over HTTP; what is kept verifies later."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from whosaw.prove import Checkpoint, SigningKey, sign_checkpoint
from whosaw.prove.stamp import StampInvalid
from whosaw.record.shelf import Shelf
from whosaw.record.stamps import Stamping, authority_id, read_stamps
from whosaw.record.witness.web import Web

LOG = SigningKey.generate("log.example/trail")


def publish(folder, size: int) -> None:
    shelf = Shelf(folder)
    with shelf.locked():
        shelf.put_checkpoint(sign_checkpoint(Checkpoint(LOG.name, size, bytes([size]) * 32), LOG))


@pytest.fixture
def serve():
    """Serves an authority over HTTP; returns its address and the requests it got."""
    servers = []

    def begin(answer):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(self.headers["Content-Type"])
                status, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/tsr", asked

    yield begin
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


async def step(stamping) -> bool:
    async with Web(5.0) as web:
        return await stamping.step(web)


async def test_every_checkpoint_is_stamped_once_by_every_authority(tmp_path, authority, serve):
    urls, counts = zip(*(serve(lambda query: (200, authority.reply(query))) for _ in range(2)), strict=True)
    stamping = Stamping(urls, LOG.verifier, tmp_path, roots=authority.roots)
    assert not await step(stamping)  # nothing is signed yet
    for size in (5, 5, 9):
        publish(tmp_path, size)
        assert await step(stamping)
    kept = read_stamps(tmp_path, LOG.verifier, authority.roots)
    assert [each.size for each in kept] == [5, 5, 9, 9]
    assert {each.authority for each in kept} == {authority_id(url) for url in urls}
    assert [list(each) for each in counts] == [["application/timestamp-query"] * 2] * 2


async def test_an_authority_that_fails_keeps_no_stamp_and_does_not_stop_the_other(tmp_path, authority, stranger, serve):
    good, _ = serve(lambda query: (200, authority.reply(query)))
    bad = [
        serve(answer)[0]
        for answer in (
            lambda _: (500, b""),
            lambda _: (200, b"nonsense"),
            lambda _: (200, bytes(100_000)),
            lambda query: (200, stranger.reply(query)),
        )
    ]
    publish(tmp_path, 5)
    stamping = Stamping([*bad, "http://127.0.0.1:9/tsr", good], LOG.verifier, tmp_path, roots=authority.roots)
    assert not await step(stamping)
    assert [each.authority for each in read_stamps(tmp_path, LOG.verifier, authority.roots)] == [authority_id(good)]


async def test_a_kept_stamp_that_was_exchanged_is_named(tmp_path, authority, serve):
    url, _ = serve(lambda query: (200, authority.reply(query)))
    stamping = Stamping([url], LOG.verifier, tmp_path, roots=authority.roots)
    for size in (5, 9):
        publish(tmp_path, size)
        await step(stamping)
    one, other = (tmp_path / "stamps" / str(size) / f"{authority_id(url)}.tsr" for size in (5, 9))
    other.write_bytes(one.read_bytes())
    with pytest.raises(StampInvalid, match="over 9 entries: the stamp is over something else"):
        read_stamps(tmp_path, LOG.verifier)


async def test_openssl_agrees_that_the_stamp_is_over_the_checkpoint_s_three_lines(tmp_path, authority, serve):
    url, _ = serve(lambda query: (200, authority.reply(query)))
    publish(tmp_path, 5)
    await step(Stamping([url], LOG.verifier, tmp_path))
    kept = tmp_path / "stamps" / "5"
    (tmp_path / "body").write_text("".join((kept / "checkpoint").read_text().splitlines(keepends=True)[:3]))
    reply = kept / f"{authority_id(url)}.tsr"
    authority.openssl("ts", "-verify", "-in", str(reply), "-data", str(tmp_path / "body"), "-CAfile", "ca.pem")
