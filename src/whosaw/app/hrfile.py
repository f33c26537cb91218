"""The paper of a case for the personnel department: what the record says about one person, and what speaks for him.

It holds no customer, and of the person the staff key alone. It is written once, private to the server's user, and taken
away where the step is undone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from whosaw.answer.bundletexts import LIMITS
from whosaw.answer.case import Cases
from whosaw.answer.exculpatory import ITEMS, answers
from whosaw.answer.numbered import by_number
from whosaw.answer.queries import hearings
from whosaw.answer.reporttold import rates_of
from whosaw.answer.step import step_of
from whosaw.answer.stepqueries import steps
from whosaw.app.services import Services
from whosaw.terms.durable import write_whole
from whosaw.trace.explained import by_what, explained_chance, in_words, rows_of


class HrFile:
    """Writes and withdraws the paper; it lies under ``hr`` in the state folder."""

    def __init__(self, services: Services) -> None:
        """Read cases over these services."""
        self._services = services

    async def do(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write it; where it stands already it stays as it is."""
        del params
        path = self._path(case)
        told = await self._told(case.partition("/")[0], target)
        written = await asyncio.to_thread(_write, path, json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return {"file": path.name, "written": written}

    async def undo(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take it away; copies that left the house must be asked back by people."""
        del target, params
        path = self._path(case)
        there = await asyncio.to_thread(path.exists)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return {"withdrawn": there}

    def _path(self, step: str) -> Path:
        return self._services.settings.state / "hr" / f"{step.replace('/', '-')}.json"

    async def _told(self, case: str, actor: str) -> dict[str, Any]:
        db = self._services.db
        history = await Cases(db, self._services.clock).verdicts(case)
        last = history[-1].verdict if history else {}
        named = [each for each in last.get("candidates", ()) if actor in each["actors"]]
        mine: Mapping[str, Any] = named[0] if named else {}
        found = {row[0]: row for row in await answers(db, case, actor)}
        measures = [step_of(row) for row in await steps(db, case)]
        return {
            "case": case,
            "person": actor,
            "written_at": self._services.clock.now().isoformat(),
            "verdict": {
                "says": mine.get("rung", "no_signal"),
                "probability": mine.get("probability", 0.0),
                "nobody_inside": last.get("outside_probability", 1.0),
                **_explained(last, actor),
            },
            "what_may_clear": {
                item: {"finding": found[item][1], "text": found[item][2]} if item in found else "nobody asked"
                for item in ITEMS
            },
            "heard": [{"at": _at(at), "said": said} for at, said in await hearings(db, case, actor)],
            "measures": [
                {"step": each.id, "what": each.kind, "state": each.state, "approvals": len(each.approved_by)}
                for each in measures
                if each.target == actor and each.state != "planned"
            ],
            "rates_of_error": rates_of(last)[0],
            "limits": list(LIMITS),
        }


def _explained(last: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Return what duties and questions explain; in a sentence that of the person's own, for others are not named here.

    Args:
        last: the verdict.
        actor: the person's staff key.
    """
    rows = rows_of(by_number(last, {actor: actor}))
    if not rows:
        return {"explained": 0.0}
    own = [each for each in rows if each.get("actor") == actor]
    return {"explained": explained_chance(rows), "explained_by": by_what(rows), "explained_in_words": in_words(own)}


def _at(at: datetime) -> str:
    return at.isoformat()


def _write(path: Path, text: str) -> bool:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        return False
    write_whole(path, text)
    return True
