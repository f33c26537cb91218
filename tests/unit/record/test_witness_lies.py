"""The asking side against witnesses that lie, drip, flood or fall over: nothing bad is taken, nothing hangs."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from whosaw.prove import Checkpoint, Note, SigningKey, sign_checkpoint
from whosaw.prove.cosign import CosigningKey, cosigners
from whosaw.prove.merkle import LeafTree, leaf_hash
from whosaw.record.shelf import Shelf
from whosaw.record.tiles import TileEdge
from whosaw.record.witness import (
    Circle,
    Pace,
    WitnessesInvalid,
    Witnessing,
    WitnessState,
    read_state,
    shown_by_witnesses,
)
from whosaw.record.witness.state import STATE_FILE, Standing, WitnessLine

LOG = SigningKey.generate("log.example/trail")
KEY = CosigningKey(SigningKey.generate("witness.example/w"))
OTHER = CosigningKey(SigningKey.generate("witness.example/x"))
PACE = Pace(grace_s=0.3, timeout_s=0.6, poll_s=0.02, first_wait_s=0.05, most_wait_s=0.2)
LEAVES = [leaf_hash(b"%d" % number) for number in range(40)]


def sign(size: int, leaves=LEAVES) -> bytes:
    return sign_checkpoint(Checkpoint(LOG.name, size, LeafTree(leaves[:size]).root()), LOG)


@pytest.fixture
def folder(tmp_path):
    """A trail of 20 entries, signed."""
    edge = TileEdge()
    edge.extend(LEAVES[:20])
    shelf = Shelf(tmp_path)
    with shelf.locked():
        shelf.put_tiles(edge.partials())
        shelf.put_checkpoint(sign(20))
    return tmp_path


@pytest.fixture
def serve():
    """Serves a witness whose answers are made by a function of (path, body) writing to the connection."""
    servers = []

    def begin(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.body = self.rfile.read(int(self.headers["Content-Length"]))
                self.give(*answer(self))

            def do_GET(self):
                self.body = b""
                self.give(*answer(self))

            def give(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # the client went away, as it should

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield begin
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


async def ask(folder, url: str, holds, pace: Pace = PACE) -> WitnessState:
    circle = Circle.parse(f"witness w {KEY.verifier} {url}\nquorum w\n".encode())
    task = asyncio.create_task(Witnessing(circle, [LOG.verifier], folder, pace=pace).run())
    began = time.monotonic()
    while not holds(state := read_state(folder)):
        assert time.monotonic() - began < 5, state
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    return state


def good(handler) -> bytes:
    return KEY.cosign(Note.parse(handler.body.partition(b"\n\n")[2]).text, 7).line().encode()


def spoiled(line: bytes) -> bytes:
    """Another character near the end of the signature."""
    return line[:-6] + (b"B" if line[-6:-5] == b"A" else b"A") + line[-5:]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda _: (200, b""), "bad_cosignature"),
        (lambda _: (200, b"nonsense"), "bad_cosignature"),
        (lambda h: (200, spoiled(good(h))), "bad_cosignature"),
        (lambda _: (200, KEY.cosign(Note.parse(sign(19)).text, 7).line().encode()), "bad_cosignature"),
        (lambda _: (200, OTHER.cosign(Note.parse(sign(20)).text, 7).line().encode()), "bad_cosignature"),
        (lambda h: (200, b"a text\n\n" + good(h)), "bad_cosignature"),
        (lambda h: (200, good(h) * 3_000), "too_long"),
        (lambda _: (301, b""), "failed"),
        (lambda _: (500, b""), "failed"),
        (lambda _: (400, b""), "malformed"),
        (lambda _: (403, b""), "refused_key"),
        (lambda _: (404, b""), "refused_origin"),
        (lambda _: (409, b"0\n"), "ahead"),  # it names the size that it was asked from
        (lambda _: (409, b"21\n"), "ahead"),  # its word only: it shows no checkpoint of ours
        (lambda _: (409, b"nonsense"), "ahead"),
        (lambda _: (409, b"9" * 40), "ahead"),
        (lambda _: (422, b""), "refused_proof"),
        (lambda h: (409, b"%d\n" % (int(h.body.split()[1]) % 7 + 1)), "conflict"),
        (lambda _: (time.sleep(1), (200, b""))[1], "timeout"),
    ],
)
async def test_a_bad_answer_is_named_and_leaves_the_checkpoint_as_it_was(folder, serve, answer, word):
    # on a busy machine an answer may come too late once; it is asked again until the deadline of `ask`
    await ask(folder, serve(answer), lambda state: state.status == "unwitnessed" and state.witnesses[0].error == word)
    assert Shelf(folder).checkpoint() == sign(20)
    assert Shelf(folder).cosigned() is None
    assert Shelf(folder).contradictions() == []


async def test_an_answer_that_drips_is_given_up(folder, serve):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)
        return 200, b""

    began = time.monotonic()
    state = await ask(folder, serve(drip), lambda state: state.witnesses and state.witnesses[0].error)
    assert state.witnesses[0].error == "timeout"
    assert time.monotonic() - began < 2


async def test_only_a_checkpoint_of_the_trail_s_own_key_proves_a_contradiction(folder, serve):
    def shows(note):
        return lambda handler: (200, note) if handler.command == "GET" else (409, b"30\n")

    stranger = SigningKey.generate(LOG.name)
    lie = sign_checkpoint(Checkpoint(LOG.name, 30, bytes(32)), stranger)
    state = await ask(folder, serve(shows(lie)), lambda state: state.witnesses and state.witnesses[0].error)
    assert (state.status, state.witnesses[0].error) != ("contradicted", "rolled_back")
    (folder / STATE_FILE).unlink()
    state = await ask(folder, serve(shows(sign(30))), lambda state: state.status == "contradicted")
    assert state.witnesses[0].error == "rolled_back"
    assert Shelf(folder).contradictions() == [sign(30)]


async def test_a_witness_that_is_asked_from_nothing_learns_the_rest_by_the_conflict(folder, serve):
    asked = []

    def answer(handler):
        asked.append(handler.body.partition(b"\n")[0])
        return (409, b"8\n") if len(asked) == 1 else (200, good(handler) + OTHER.cosign("x\n", 1).line().encode())

    state = await ask(folder, serve(answer), lambda state: state.status == "witnessed")
    assert asked == [b"old 0", b"old 8"]
    assert (state.quorum_size, state.witnesses) == (20, (WitnessLine("w", 20, 7),))
    assert [line.name for line in Note.parse(Shelf(folder).cosigned()).signatures] == [LOG.name, KEY.verifier.name]


async def test_a_failing_witness_is_left_alone_longer_and_longer(folder, serve):
    times = []

    def answer(_):
        times.append(time.monotonic())
        return 500, b""

    pace = Pace(grace_s=9, timeout_s=1, poll_s=0.01, first_wait_s=0.1, most_wait_s=0.4)
    await ask(folder, serve(answer), lambda _: len(times) >= 5, pace)
    gaps = [after - before for before, after in pairwise(times)]
    assert all(gap >= wait for gap, wait in zip(gaps, (0.1, 0.2, 0.4, 0.4), strict=False))


async def test_a_line_spoilt_on_the_disk_is_replaced(folder, serve):
    spoilt = Note.parse(sign(20))
    line = OTHER.cosign(spoilt.text, 3)
    bad = type(line)(KEY.verifier.name, KEY.verifier.key_id, line.signature)
    (folder / "checkpoint").write_bytes(Note(spoilt.text, (*spoilt.signatures, bad)).format())
    await ask(folder, serve(lambda handler: (200, good(handler))), lambda state: state.status == "witnessed")
    assert cosigners(Note.parse(Shelf(folder).checkpoint()), [KEY.verifier]) == [(KEY.verifier, 7)]


async def test_what_witnesses_show_counts_only_with_their_own_cosignature(serve):
    note = Note.parse(sign(20))
    whole = Note(note.text, (*note.signatures, KEY.cosign(note.text, 1))).format()
    for answer, got in (
        ((200, whole), ({"w": whole}, {})),
        ((200, sign(20)), ({}, {"w": "not_cosigned"})),
        ((200, b"nonsense"), ({}, {"w": "not_cosigned"})),
        ((404, b""), ({}, {"w": "never_cosigned"})),
        ((500, b""), ({}, {"w": "failed"})),
    ):
        url = serve(lambda _, answer=answer: answer)
        circle = Circle.parse(f"witness w {KEY.verifier} {url}\nquorum w\n".encode())
        assert await shown_by_witnesses(circle, LOG.name) == got
    circle = Circle.parse(f"witness w {KEY.verifier} http://127.0.0.1:9\nquorum w\n".encode())
    assert await shown_by_witnesses(circle, LOG.name) == ({}, {"w": "unreachable"})
    assert (await shown_by_witnesses(Circle.parse(f"witness w {KEY.verifier} {url}\nquorum w\n".encode()), "o"))[1]


# -- the file that names them


@pytest.mark.parametrize(
    "text",
    [
        f"witness w {KEY.verifier} http://w.example\nquorum none\n",  # nobody would be needed
        f"witness w {KEY.verifier}\nquorum w\n",  # nobody can be asked
        f"witness w {KEY.verifier} ftp://w.example\nquorum w\n",
        f"witness w {KEY.verifier} http://\nquorum w\n",
        f"witness w {KEY.verifier} http://user:pw@w.example\nquorum w\n",
        f"witness w {KEY.verifier} http://w.example?x=1\nquorum w\n",
        f"witness w {KEY.verifier} http://w.example:999999\nquorum w\n",
        f"witness w {KEY.verifier} http://w.example\nwitness x {OTHER.verifier}\ngroup g all w x\nquorum g\n",
        f"witness w {KEY.verifier} http://w.example\n",
        "nonsense\n",
        "\x00",
    ],
    ids=range(11),  # the keys are made anew by every process of the tests
)
def test_a_file_whose_quorum_cannot_be_met_is_refused(tmp_path, text):
    (tmp_path / "w").write_text(text)
    with pytest.raises(WitnessesInvalid) as raised:
        Circle.read(tmp_path / "w")
    assert raised.value.hint
    with pytest.raises(WitnessesInvalid, match="cannot read"):
        Circle.read(tmp_path / "absent")


def test_the_published_lines_leave_the_log_to_the_trail_and_nobody_needs_to_be_asked_whom_the_quorum_can_miss():
    text = (
        f"# ours\nlog {LOG.verifier}\nwitness w  {KEY.verifier}  http://w.example/a/\n"
        f"witness x {OTHER.verifier}\ngroup g any w x\nquorum g\n"
    )
    circle = Circle.parse(text.encode())
    assert circle.urls == {"w": "http://w.example/a"}
    assert circle.lines == (
        f"witness w {KEY.verifier} http://w.example/a/\nwitness x {OTHER.verifier}\ngroup g any w x\nquorum g\n"
    )
    note = Note.parse(sign(20))
    whole = Note(note.text, (*note.signatures, KEY.cosign(note.text, 1))).format()
    assert circle.trusting([LOG.verifier]).check(whole)[0].size == 20


# -- the state file


def test_the_state_by_the_file(tmp_path):
    assert read_state(tmp_path) == WitnessState()
    with Shelf(tmp_path).locked():
        Shelf(tmp_path).put_checkpoint(sign(20))

    def standing(quorum_size, pending, error=""):
        return Standing(60.0, quorum_size, 100.0, pending, (WitnessLine("w", 20, 7, error),))

    for made, now_s, status in (
        (standing(20, None), 1_000.0, "witnessed"),
        (standing(10, 1_000.0), 1_060.0, "waiting"),
        (standing(10, 1_000.0), 1_061.0, "unwitnessed"),
        (standing(None, 1_000.0), 1_061.0, "unwitnessed"),
        (standing(10, None), 1_061.0, "unwitnessed"),  # the asker died: it confirmed last at 1,000
        (standing(20, None, "rolled_back"), 1_000.0, "contradicted"),
        (standing(20, None, "unreachable"), 1_000.0, "witnessed"),
    ):
        made.write(tmp_path, 1_000.0)
        state = read_state(tmp_path, now_s)
        assert state.status == status
        assert (": " in state.line()) and state.line().isprintable()
    assert "(w: unreachable)" in state.line()


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", json.dumps({"witnesses": [{"x": 1}]})])
def test_a_state_file_that_cannot_be_read_says_nothing(tmp_path, text):
    (tmp_path / STATE_FILE).write_text(text)
    (tmp_path / "checkpoint").write_text("nonsense")
    assert read_state(tmp_path) == WitnessState()
