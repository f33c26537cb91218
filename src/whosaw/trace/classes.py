"""Scope per class of fields: whose e-mail address got out, whose telephone number.

A subject is in the scope of a class where an opening that put it into the scope showed a field of that class. An
opening of which the log does not say what it showed counts for every class: the bound stays a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whosaw.trace.errors import InputRefused
from whosaw.trace.inputs import Accesses, Bool
from whosaw.trace.result import Scope


@dataclass(frozen=True, slots=True)
class ClassScope:
    """What of one class got out, in three disjoint lists of subjects, each rising.

    Args:
        certain, probable, possible: as in `Scope`, for openings that showed a field of the class.
        bound: how many subjects at most, where the whole scope is bounded, else `None`.
        confidence: with which the bound holds; `None` likewise.
    """

    certain: tuple[int, ...]
    probable: tuple[int, ...]
    possible: tuple[int, ...]
    bound: int | None
    confidence: float | None


def scope_by_class(
    accesses: Accesses, shown: Mapping[str, Bool], scope: Scope, last_us: int, alpha: float
) -> dict[str, ClassScope]:
    """Return the scope of each class.

    Args:
        accesses: n openings, as the question had them.
        shown: per class n flags: the opening showed a field of it, or the log does not say.
        scope: of the whole question.
        last_us: the last contact; later openings are not covered.
        alpha: 1 - confidence of the whole scope's bound.

    Raises:
        InputRefused: the flags of a class are not one per opening.
    """
    early = accesses.at_us < last_us
    named = early & np.isin(accesses.actor, np.array(scope.named, np.int64))
    held = named | (early & np.isin(accesses.actor, np.array(scope.held, np.int64)))
    whole = np.array(sorted({*scope.certain, *scope.probable, *scope.possible}), np.int64)
    found = {}
    for name, flags in shown.items():
        if flags.shape != accesses.at_us.shape:
            raise InputRefused(f"class `{name}` needs one flag per opening")
        by_named = np.unique(accesses.subject[named & flags])
        certain = np.intersect1d(scope.certain, by_named).astype(np.int64)
        probable = np.intersect1d(scope.probable, by_named).astype(np.int64)
        possible = np.intersect1d(whole, np.unique(accesses.subject[held & flags]))
        possible = np.setdiff1d(possible, np.concatenate([certain, probable]))
        size = certain.size + probable.size + possible.size
        bound = None if not scope.bounded else min(size, size if scope.most is None else scope.most)
        found[name] = ClassScope(
            tuple(certain.tolist()),
            tuple(probable.tolist()),
            tuple(possible.tolist()),
            bound,
            None if bound is None else 1.0 - alpha,
        )
    return found
