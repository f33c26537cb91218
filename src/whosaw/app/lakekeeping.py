"""A server keeps its lake up to the signed trail, where the lake's parts are installed, and measures the coverage."""

from __future__ import annotations

import asyncio
import logging
from importlib.util import find_spec

from whosaw.app.coverageday import note_coverage
from whosaw.app.services import Services
from whosaw.terms import WhosawError

_LOG = logging.getLogger(__name__)
_AGAIN_S = 30.0
_COVERAGE_EVERY_S = 300.0


async def keep_lake(services: Services) -> None:
    """Bring what is signed into the lake of the state folder, for ever; what goes wrong is logged and tried again.

    Nothing here may stop a server from serving: the lake is made anew from the trail at any time.
    """
    if find_spec("duckdb") is None or find_spec("pyarrow") is None:
        return
    from whosaw.lake.flow import follow
    from whosaw.lake.trailread import Trail

    trail = Trail(services.door_db, services.settings.trail_folder, services.keys.trail.verifier)
    classes = services.catalog.field_classes
    while True:
        try:
            await follow(trail, services.settings.state / "lake", classes)
        except WhosawError as problem:
            _LOG.warning("the lake is not kept up to the trail: %s [%s]; %s", problem, problem.code, problem.hint)
        except Exception as problem:  # the text of a driver's error may quote a value
            _LOG.error("the lake is not kept up to the trail: %s", type(problem).__name__)
        await asyncio.sleep(_AGAIN_S)


async def keep_coverage(services: Services) -> None:
    """Write down each day how much was covered, and remove what of the lake is past its day; for ever.

    What goes wrong is logged and tried again; nothing here may stop a server from serving.
    """
    while True:
        try:
            await note_coverage(services)
            await asyncio.to_thread(purge_lake, services)
        except WhosawError as problem:
            _LOG.warning("the day's coverage is put off: %s [%s]; %s", problem, problem.code, problem.hint)
        except Exception as problem:  # the text of a driver's error may quote a value
            _LOG.error("the day's coverage is put off: %s", type(problem).__name__)
        await asyncio.sleep(_COVERAGE_EVERY_S)


def purge_lake(services: Services) -> int:
    """Remove rejected rows and kept columns that are past their day; return how many files went.

    Raises:
        LakeUnwritable, LakeDamaged: the lake cannot be changed.
    """
    lake = services.settings.state / "lake"
    if find_spec("duckdb") is None or find_spec("pyarrow") is None or not (lake / "LAKE.json").exists():
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
