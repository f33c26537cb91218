"""What a server does with its record, where the parts of the lake are installed: lake, index, coverage, watch."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from whosaw.app.coverageday import note_coverage
from whosaw.app.parts import lake_installed
from whosaw.app.rounds import every
from whosaw.app.services import Services
from whosaw.app.watchday import due

_LOG = logging.getLogger(__name__)
_AGAIN_S = 30.0
_COVERAGE_EVERY_S = 300.0
_WATCH_EVERY_S = 600.0
_INDEX_EVERY_S = 300.0


async def keep_lake(services: Services) -> None:
    """Bring what is signed into the lake of the state folder, for ever; what goes wrong is logged and tried again.

    Nothing here may stop a server from serving: the lake is made anew from the trail at any time.
    """
    if not lake_installed():
        return
    from whosaw.lake.flow import follow
    from whosaw.lake.trailread import Trail

    trail = Trail(services.door_db, services.settings.trail_folder, services.keys.trail.verifier)
    classes = services.catalog.field_classes

    async def step() -> None:
        await follow(trail, services.settings.state / "lake", classes)

    await every(_AGAIN_S, step, failed="the lake is not kept up to the trail")


async def keep_coverage(services: Services) -> None:
    """Write down each day how much was covered, and remove what of the lake is past its day; for ever."""

    async def step() -> None:
        await note_coverage(services)
        await asyncio.to_thread(purge_lake, services)

    await every(_COVERAGE_EVERY_S, step, failed="the day's coverage is put off")


async def keep_watch(services: Services) -> None:
    """Have yesterday weighed each day, by a process of its own so that no ask waits for it; for ever."""
    if services.catalog.watch is None or not lake_installed():
        return

    async def step() -> None:
        if await due(services):
            await apart(services, "watch is put off", "watch", "daily", "--json")

    await every(_WATCH_EVERY_S, step, failed="watch is put off")


async def keep_index(services: Services) -> None:
    """Bring the index beside the lake of the state folder up to it, by a process of its own, for ever.

    A question that finds the index older than the lake is refused; the imports of a day should not make an investigator
    wait.
    """
    if not lake_installed():
        return

    async def step() -> None:
        await follow_lake(services)

    await every(_INDEX_EVERY_S, step, failed="the index is not brought up to the lake")


async def follow_lake(services: Services) -> bool:
    """Bring the index up to the lake where it is not; return whether it was not."""
    from whosaw.app.tracelake import is_behind

    lake = services.settings.state / "lake"
    if not await asyncio.to_thread(is_behind, lake):
        return False
    await apart(services, "the index is not brought up to the lake", "trace", "index", "--lake", str(lake))
    return True


async def apart(services: Services, failed: str, *words: str) -> None:
    """Run a command of this program as a process that gives way to the server; what goes wrong is logged."""
    settings = services.settings
    places = {"WHOSAW_STATE": str(settings.state), "WHOSAW_CATALOG": str(settings.catalog_path)}
    command = ("nice", sys.executable, "-m", "whosaw", *words)
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | places, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        line = said.decode("utf-8", "replace").strip().partition("\n")[0]
        _LOG.warning("%s: %s", failed, line if line.startswith("error: ") else f"exit code {process.returncode}")


def purge_lake(services: Services) -> int:
    """Remove rejected rows and kept columns that are past their day; return how many files went.

    Raises:
        LakeUnwritable, LakeDamaged: the lake cannot be changed.
    """
    lake = services.settings.state / "lake"
    if not lake_installed() or not (lake / "LAKE.json").exists():
        return 0
    from whosaw.lake.errors import LakeBusy
    from whosaw.lake.expiry import expired, purge
    from whosaw.lake.folder import writing

    now = services.clock.now()
    if not expired(lake, now):
        return 0
    try:
        with writing(lake) as held:
            return purge(held.folder, now)
    except LakeBusy:  # the import that is under way removes them itself
        return 0
