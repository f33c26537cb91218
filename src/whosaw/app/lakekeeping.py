"""A server keeps its lake up to the signed trail, where the lake's parts are installed."""

from __future__ import annotations

import asyncio
import logging
from importlib.util import find_spec

from whosaw.app.services import Services
from whosaw.terms import WhosawError

_LOG = logging.getLogger(__name__)
_AGAIN_S = 30.0


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
