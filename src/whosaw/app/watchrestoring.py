"""Bought deletions taken back: their list becomes the step of a case that restores them, for others to approve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from whosaw.answer import Case, Step, Steps
from whosaw.app.errors import AppError


class NothingToRestore(AppError, LookupError):
    """No deletions look bought for whom the case is about."""

    code: ClassVar[str] = "app.nothing_to_restore"
    hint = "`whosaw watch reviews --deletions` lists all that look bought, and for whom"


def bought_for(told: Sequence[Mapping[str, Any]], beneficiary: str) -> list[Mapping[str, Any]]:
    """Return those bought deletions that favour one beneficiary, the strongest first.

    Args:
        told: `bought_deletions` of `watch_reviews`.
        beneficiary: as the case names it, ``seller:S-88``; the reviews' file may say ``S-88``.

    Raises:
        NothingToRestore: there are none.
    """
    names = {beneficiary, beneficiary.partition(":")[2]}
    found = [each for each in told if each["target"] in names and each["restore"]]
    if not found:
        raise NothingToRestore("no deletions look bought for whom this case is about")
    return found


async def plan_restoration(
    steps: Steps, case: Case, told: Sequence[Mapping[str, Any]], *, by: str, note: str = ""
) -> Step:
    """Return the case's step that restores what was bought away, planned now if there is none; nothing is done yet.

    Args:
        steps: of cases.
        case: about whom the deletions favoured.
        told: `bought_deletions` of `watch_reviews`.
        by: who plans it.
        note: what the writers of these reviews are told; empty tells them nothing.

    Raises:
        NothingToRestore: no deletions look bought for him.
        StepRefused: the case does not carry the step, or the planner is under suspicion.
    """
    found = bought_for(told, case.beneficiary)
    reviews = sorted({review for each in found for review in each["restore"]})
    # the step's reason is read by whoever approves it, and names nobody
    lists = "; ".join(
        f"{len(each['restore'])} reviews, confidence {each['confidence']:.2f}, evidence {each['evidence']}"
        for each in found
    )
    reason = f"deletions of sound reviews that favour one seller ({lists} against chance)"
    params = {"reviews": reviews} | ({"note": note} if note else {})
    return await steps.plan(case.id, "restore_reviews", case.id, by=by, reason=reason, params=params)
