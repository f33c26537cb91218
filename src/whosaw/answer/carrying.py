"""What a step does, and what takes it back, by its kind: doors, marketplace, letters, and what else stands behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whosaw.answer import stepqueries as queries
from whosaw.answer.effects import Effects
from whosaw.answer.errors import StepRefused
from whosaw.answer.ladder import RULES
from whosaw.answer.step import Step
from whosaw.store import Database


@dataclass(frozen=True, slots=True)
class Order:
    """Why, by whom and when a step is taken back."""

    reason: str
    by: Sequence[str]
    at: datetime


async def carry(effects: Effects, db: Database, step: Step, at: datetime) -> dict[str, Any]:
    """Bring a step about and return what this call changed.

    Raises:
        StepRefused: ``no_effect`` where nothing here can.
    """
    doors, market = effects.doors, effects.marketplace
    if step.kind == "suspend_actor":
        await doors.suspend_actor(step.target, step.reason, step.approved_by)
        return {}
    if step.kind in {"suspend_seller", "resuspend_seller"}:
        return {"suspended": await market.suspend_seller(step.target, step.params["statement"], step.id)}
    if step.kind == "withhold_funds":
        held_cents = await market.withhold_funds(step.target, step.id)
        await queries.move_funds(db, step.id, "withheld", held_cents, at)
        return {"withheld_cents": held_cents}
    if step.kind == "restore_reviews":
        note = str(step.params.get("note", ""))
        return {"restored": list(await market.restore_reviews(step.params["reviews"], step.id, note=note))}
    if step.kind == "delete_reviews":
        note = str(step.params.get("note", ""))
        return {"deleted": list(await market.delete_reviews(step.params["reviews"], step.id, note=note))}
    return await _carry_other(effects, step)


async def _carry_other(effects: Effects, step: Step) -> dict[str, Any]:
    if step.kind == "notify_subjects":
        return {"letters": dict(await effects.notify(step.case))}
    other = effects.others.get(step.kind)
    if other is not None:
        return dict(await other.do(step.id, step.target, step.params))
    if RULES[step.kind].does:
        raise StepRefused("no_effect", f"nothing here can carry out `{step.kind}`", hint="configure its system")
    return {}


async def take_back(effects: Effects, db: Database, step: Step, order: Order) -> dict[str, Any]:
    """Take a step back and return what this call changed."""
    doors, market = effects.doors, effects.marketplace
    if step.kind == "suspend_actor":
        await doors.restore_actor(step.target, order.reason, order.by)
        return {}
    if step.kind in {"suspend_seller", "resuspend_seller"}:
        return {"unsuspended": await market.unsuspend_seller(step.target, step.id)}
    if step.kind == "withhold_funds":
        released_cents = await market.release_funds(step.target, step.id)
        await queries.move_funds(db, step.id, "released", released_cents, order.at)
        return {"released_cents": released_cents}
    if step.kind == "restore_reviews":
        # only what this step put back: a review that stood all along must not vanish with its undoing
        restored = step.outcome["restored"] if step.outcome else []
        return {"deleted": list(await market.delete_reviews(restored, step.id))}
    if step.kind == "delete_reviews":
        deleted = step.outcome["deleted"] if step.outcome else []
        return {"restored": list(await market.restore_reviews(deleted, step.id))}
    other = effects.others.get(step.kind)
    return {} if other is None else dict(await other.undo(step.id, step.target, step.params))
