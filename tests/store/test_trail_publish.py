"""The trail over HTTP: a stranger rebuilds the tree from what is public; entries are for readers alone."""

from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import psycopg
import pytest

from whosaw.app.server import build_app
from whosaw.app.settings import Settings
from whosaw.app.trailreads import trail_door
from whosaw.gate import add_token
from whosaw.prove import Note, SigningKey, check_inclusion, entry_leaf, open_checkpoint
from whosaw.prove.cosign import CosigningKey, add_signatures
from whosaw.prove.merkle import CompactRange
from whosaw.record import entries_from
from whosaw.record.published import published_checkpoint
from whosaw.record.shelf import Shelf
from whosaw.record.tiles import split_items, tile_path, tiles_of
from whosaw.record.witness.state import Standing, WitnessLine


def payload(number: int):
    return {"kind": "disclosure", "at": number, "actor": number % 7, "subject": number % 10, "purpose": 3}


@pytest.fixture
async def web(company, database_url, tmp_path):
    """The trail's door over a small company with one auditor."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into company.staff values ('A-1', 'auditor', 'EU', null)")
        connection.execute("insert into company.staff values ('A-2', 'auditor', 'EU', '2026-01-01Z')")
    services = SimpleNamespace(
        db=company.db,
        door_db=company.db,
        catalog=company.catalog,
        sources=company.sources,
        clock=company.clock,
        keys=company.keys,
        appender=company.appender,
        tokens=company.tokens,
        settings=Settings(state=tmp_path),
    )
    app = build_app(trail_door(services).router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://trail") as client:
        yield client


@pytest.fixture
async def tokens(company):
    made = {actor: await add_token(company.db, actor, datetime.now(UTC)) for actor in ("A-1", "A-2", "E-1", "X-9")}
    return {actor: {"Authorization": f"Bearer {token}"} for actor, token in made.items()}


async def test_a_stranger_rebuilds_the_signed_root_from_the_public_tiles(company, web):
    for size in (1, 255, 256, 700):
        have = company.appender
        missing = size - len([entry async for entry in entries_from(company.db)])
        await have.append_many([payload(number) for number in range(missing)])
        await company.integrator.step()
        answer = await web.get("/trail/checkpoint")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        head, _ = open_checkpoint(answer.content, [company.keys.trail.verifier])
        assert head.size == size
        tree = CompactRange()
        for level, number, width in tiles_of(size):
            tile = await web.get("/trail/" + tile_path(level, number, width))
            assert tile.status_code == 200
            assert tile.headers["content-type"] == "application/octet-stream"
            assert "immutable" in tile.headers["cache-control"]
            if level == 0:
                tree.extend(split_items(tile.content))
        assert tree.root() == head.root


async def test_a_partial_tile_gives_way_to_the_full_one_whose_beginning_it_is(company, web):
    await company.appender.append_many([payload(number) for number in range(100)])
    await company.integrator.step()
    partial = await web.get("/trail/tile/0/000.p/100")
    assert (await web.get("/trail/tile/0/000")).status_code == 404
    await company.appender.append_many([payload(number) for number in range(200)])
    await company.integrator.step()
    assert (await web.get("/trail/tile/0/000.p/100")).status_code == 404
    assert (await web.get("/trail/tile/0/000")).content[: 100 * 32] == partial.content
    head = await web.head("/trail/tile/0/000")
    assert head.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/010",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/000.p/",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/..%2f..%2f..%2fkeys%2ftrail.key",
        "tile/0/%2e%2e/%2e%2e/policy",
        "tile/0/000%00",
        "tile/0/000%0a",
        "tile/0/" + "x000/" * 200 + "000",
        "tile/entries/000",
        "tile/0/٠٠٠",
        "tile/",
        "../keys/trail.key",
        "policy",
        "lock",
    ],
)
async def test_only_exact_tile_names_are_answered(company, web, path):
    await company.appender.append_many([payload(number) for number in range(300)])
    await company.integrator.step()
    answer = await web.get("/trail/" + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_before_the_first_checkpoint_there_is_nothing(web, tokens):
    assert (await web.get("/trail/checkpoint")).status_code == 404
    assert (await web.get("/trail/witnesses")).json()["status"] == "none"
    assert (await web.get("/trail/entries/0", headers=tokens["A-1"])).status_code == 404


async def test_a_reader_gets_an_entry_that_proves_itself_and_the_look_is_recorded(company, web, tokens):
    await company.appender.append_many([payload(number) for number in range(300)])
    await company.integrator.step()
    answer = await web.get("/trail/entries/77", headers=tokens["A-1"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    head, _ = open_checkpoint(told["checkpoint"].encode(), [company.keys.trail.verifier])
    leaf = entry_leaf(bytes.fromhex(told["salt"]), told["payload"].encode())
    check_inclusion(leaf, 77, head.size, [bytes.fromhex(each) for each in told["proof"]], head.root)
    last = [entry async for entry in entries_from(company.db, 300)][-1].payload
    assert (last["kind"], last["action"], last["object"], last["door"]) == (
        "case_work",
        "look.entry",
        "entry:77",
        "trail",
    )
    assert (await web.get("/trail/entries/301", headers=tokens["A-1"])).status_code == 404


@pytest.mark.parametrize(
    ("who", "status", "kind"),
    [
        (None, 401, "gate.token_refused"),
        ("E-1", 403, "trail.not_a_reader"),  # another role
        ("A-2", 403, "trail.not_a_reader"),  # left the company
        ("X-9", 403, "trail.not_a_reader"),  # not in the directory
    ],
)
async def test_nobody_else_reads_an_entry(company, web, tokens, who, status, kind):
    await company.appender.append_many([payload(number) for number in range(3)])
    await company.integrator.step()
    for headers in [tokens[who]] if who else [{}, {"Authorization": "Bearer ws_00_00"}, {"Authorization": "Basic x"}]:
        answer = await web.get("/trail/entries/1", headers=headers)
        assert answer.status_code == status
        assert answer.json()["type"] == f"urn:whosaw:{kind}"
        assert "hint" in answer.json()
        assert "payload" not in answer.text


async def test_a_suspended_auditor_reads_nothing(company, web, tokens):
    await company.appender.append_many([payload(number) for number in range(3)])
    await company.integrator.step()
    await company.suspensions.suspend("A-1", reason="asked for", by="officer:privacy")
    assert (await web.get("/trail/entries/1", headers=tokens["A-1"])).status_code == 403


@pytest.mark.parametrize("index", ["-1", "01", "1.0", "x", "9" * 30, "%20", "1/2"])
async def test_an_index_is_a_plain_number(company, web, tokens, index):
    await company.appender.append_many([payload(number) for number in range(3)])
    await company.integrator.step()
    assert (await web.get(f"/trail/entries/{index}", headers=tokens["A-1"])).status_code == 404


async def test_the_cosigned_checkpoint_is_served_while_witnesses_answer_and_the_newest_after_the_grace(
    company, tmp_path
):
    def standing(pending: float) -> Standing:
        return Standing(60.0, 3, pending, pending, (WitnessLine("w", 3, 7),))

    await company.appender.append_many([payload(number) for number in range(3)])
    await company.integrator.step()
    shelf = Shelf(company.trail)
    older = Note.parse(shelf.checkpoint())
    witness = CosigningKey(SigningKey.generate("witness.example/w"))
    cosigned = add_signatures(older, [witness.cosign(older.text, 7)]).format()
    shelf.put_cosigned(cosigned)
    await company.appender.append_many([payload(number) for number in range(3)])
    await company.integrator.step()
    assert published_checkpoint(company.trail) == shelf.checkpoint()  # no witnesses are configured any more
    now_s = datetime.now(UTC).timestamp()
    standing(now_s).write(company.trail, now_s)
    assert published_checkpoint(company.trail) == cosigned
    standing(now_s - 61).write(company.trail, now_s)
    assert published_checkpoint(company.trail) == shelf.checkpoint()
