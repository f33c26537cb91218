"""The whole of it as `serve` wires it: settings name the witnesses, and everything that shows the trail knows."""

import asyncio
import signal
from datetime import UTC, datetime

import httpx
import pytest
from tests.catalogs import head, settle

from whosaw.app.commands.checking import fsck
from whosaw.app.commands.witness import NotALogKey
from whosaw.app.commands.witness import serve as serve_witness
from whosaw.app.recordreads import RecordReads
from whosaw.app.server import build_app
from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.app.trailstate import read_standing
from whosaw.app.witnessed import standing_line
from whosaw.prove import Policy, SigningKey
from whosaw.prove.cosign import CosigningKey
from whosaw.prove.stamp import StampInvalid
from whosaw.record import KeyRefused, load_or_create
from whosaw.record.published import published_checkpoint
from whosaw.record.witness import WitnessesInvalid, read_state
from whosaw.terms import SystemClock


@pytest.fixture
def state(company, database_url, tmp_path):
    return settle(
        tmp_path / "state",
        head()
        + """
[actors]
source = "company"
query = "select id as key, roles, region, ended from company.staff"
""",
        database_url,
    )


@pytest.fixture
def keys(state):
    """In place of the folder's own: the keys that the services will find."""
    return load_or_create(state / "keys", SystemClock())


async def reached(folder, status):
    async with asyncio.timeout(10):
        while (found := read_state(folder)).status != status or not found.size:
            await asyncio.sleep(0.02)
    return found


async def healthz(folder) -> dict[str, str]:
    transport = httpx.ASGITransport(app=build_app(trail=folder))
    async with httpx.AsyncClient(transport=transport, base_url="http://whosaw.example") as http:
        return (await http.get("/healthz")).json()


async def test_what_the_services_sign_is_cosigned_published_and_shown_and_a_weaker_start_publishes_no_weaker_policy(
    state, keys, database_url, witnesses, circle
):
    (member,) = witnesses(1)
    (state / "witnesses").write_text(circle([member]).lines)
    settings = Settings(state=state, witnesses=state / "witnesses", witness_grace_s=1.0)
    async with open_services(settings, SystemClock(), database_url, door="serve") as services:
        signing = asyncio.create_task(services.keep_signed())
        await services.suspensions.suspend("E-1", reason="x", by="officer")
        await reached(settings.trail_folder, "witnessed")
        policy = Policy.parse((settings.trail_folder / "policy").read_bytes())
        head, _ = policy.check(published_checkpoint(settings.trail_folder))
        reads = RecordReads(services.db, settings.trail_folder, keys.trail.verifier)
        shown = await reads.state()
        assert shown.checkpoint.size == head.size
        assert [line.name for line in shown.witnesses] == [member.name]
        assert abs((shown.witnesses[0].cosigned_at - datetime.now(UTC)).total_seconds()) < 60
        assert (await healthz(settings.trail_folder))["witnesses"] in ("witnessed", "waiting")
        assert not [gap for gap in (await reads.completeness()).gaps if "unwitnessed" in gap]
        member.send(signal.SIGSTOP)
        await services.suspensions.suspend("E-2", reason="x", by="officer")
        await reached(settings.trail_folder, "unwitnessed")
        lost = await reads.state()
        assert lost.witnesses == ()
        assert lost.caution.startswith("unwitnessed: the quorum cosigned ")
        assert (await healthz(settings.trail_folder))["witnesses"] == "unwitnessed"
        assert lost.caution in (await reads.completeness()).gaps
        assert lost.caution in standing_line(settings.trail_folder)
        standing = await read_standing(services.db, settings.trail_folder, keys.trail.verifier, SystemClock())
        assert standing.witnesses == lost.caution
        signing.cancel()
        await asyncio.wait([signing])
    before = (settings.trail_folder / "policy").read_bytes()
    async with open_services(Settings(state=state), SystemClock(), database_url, door="command"):
        assert (settings.trail_folder / "policy").read_bytes() == before


async def test_fsck_asks_the_witnesses_and_says_from_where_on_a_roll_back_is_excluded(
    state, keys, database_url, witnesses, circle, monkeypatch, capsys
):
    first, second = witnesses(2)
    (state / "witnesses").write_text(circle([first, second]).lines)
    for name, value in (("STATE", state), ("DATABASE", database_url), ("WITNESSES", state / "witnesses")):
        monkeypatch.setenv(f"WHOSAW_{name}", str(value))
    settings = Settings()
    async with open_services(settings, SystemClock(), database_url, door="serve") as services:
        signing = asyncio.create_task(services.keep_signed())
        await services.suspensions.suspend("E-1", reason="x", by="officer")
        size = (await reached(settings.trail_folder, "witnessed")).size
        signing.cancel()
        await asyncio.wait([signing])
    second.stop()
    assert await asyncio.to_thread(fsck) == 0
    printed = capsys.readouterr().out
    assert f"roll-back before entry {size} is excluded" in printed
    assert "the witness w2 shows no checkpoint: unreachable" in printed
    assert f"witnessed: the quorum cosigned the checkpoint over {size} entries" in printed


async def test_settings_that_cannot_be_used_stop_the_start(state, keys, database_url):
    (state / "witnesses").write_text("quorum none\n")
    (state / "roots.pem").write_text("nonsense")
    for given, error in (
        ({"witnesses": state / "witnesses"}, WitnessesInvalid),
        ({"witnesses": state / "absent"}, WitnessesInvalid),
        ({"stamps": "http://127.0.0.1:9/tsr", "stamp_roots": state / "roots.pem"}, StampInvalid),
        ({"stamps": "http://127.0.0.1:9/tsr", "stamp_roots": state / "absent"}, StampInvalid),
    ):
        with pytest.raises(error):
            async with open_services(Settings(state=state, **given), SystemClock(), database_url, door="serve"):
                pass


def test_the_witness_command_refuses_what_is_no_trail_s_key_and_a_key_of_another_name(tmp_path):
    log = SigningKey.generate("log.example/trail")
    for bad in ("nonsense", str(CosigningKey(log).verifier)):
        with pytest.raises(NotALogKey):
            serve_witness(folder=tmp_path / "w", log=[bad], port=0)
    assert not (tmp_path / "w").exists()


def test_the_witness_command_says_where_it_listens_and_its_key_and_ends_when_told(tmp_path, witnesses):
    (member,) = witnesses(1)
    assert member.url.startswith("http://127.0.0.1:")
    assert (member.verifier.name, member.verifier.kind) == (member.name, 4)
    assert member.shown("0" * 64).status_code == 404
    assert member.post(b"nonsense").status_code == 400
    assert member.post(b"x" * 70_000).status_code == 413
    process = member.process
    member.stop(signal.SIGTERM)
    assert process.returncode == 0
    with pytest.raises(KeyRefused, match="not of"):
        serve_witness(folder=member.folder, name="witness.example/other", log=member.logs, port=0)
