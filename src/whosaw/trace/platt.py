"""Calibrated probabilities for display: a logistic curve fitted to stated against true (Platt 1999).

They never open a rung: the guarantee belongs to the raw posterior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.errors import InputRefused
from whosaw.trace.evidence import Float
from whosaw.trace.inputs import Bool

_EDGE = 1e-9
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Scale:
    """logit(p') = intercept + slope · logit(p).

    Args:
        intercept, slope: the curve; the slope is never negative.
        cases: how many it was fitted to.
    """

    intercept: float
    slope: float
    cases: int

    def apply(self, stated: Float) -> Float:
        """Return calibrated probabilities of raw ones."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.intercept + self.slope * _logit(stated)))))


def fit_scale(stated: Float, true: Bool) -> Scale:
    """Fit the curve by Newton's method, with Platt's targets instead of 0 and 1 and a slight pull to the identity.

    Args:
        stated: n raw probabilities.
        true: n flags.

    Raises:
        InputRefused: the arrays differ in length, or all cases came out alike.
    """
    if stated.shape != true.shape:
        raise InputRefused("every stated probability needs one outcome")
    good, bad = int(true.sum()), int((~true).sum())
    if good == 0 or bad == 0:
        raise InputRefused("a scale needs cases that came true and cases that did not")
    target = np.where(true, (good + 1.0) / (good + 2.0), 1.0 / (bad + 2.0))
    columns = np.stack([np.ones(stated.size), _logit(stated)], axis=1)
    home, pull = np.array([0.0, 1.0]), np.array([0.01, 0.1])
    at = home.copy()
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(columns @ at, -500, 500)))
        gradient = columns.T @ (target - p) - pull * (at - home)
        curvature = (columns * (p * (1.0 - p))[:, None]).T @ columns + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        length = np.abs(step).max()
        at = at + step * min(1.0, 2.0 / max(length, _EDGE))
        if length < _EDGE:
            break
    return Scale(float(at[0]), float(max(0.0, at[1])), stated.size)


def calibration_error(stated: Float, true: Bool, bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance of stated and observed over equal-width bins."""
    if not stated.size:
        return 0.0
    place = np.minimum((stated * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    gap = np.bincount(place, stated, minlength=bins) - np.bincount(place, true, minlength=bins)
    return float(np.abs(gap[count > 0]).sum() / stated.size)


def brier(stated: Float, true: Bool) -> float:
    """Return the mean squared distance of stated probabilities and outcomes."""
    return float(((stated - true) ** 2).mean()) if stated.size else 0.0


def _logit(p: Float) -> Float:
    inside = np.clip(p, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(inside / (1.0 - inside)))
