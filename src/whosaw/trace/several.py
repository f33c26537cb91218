"""Several beneficiaries at once: one question each, and the stated rate holds for all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from whosaw.trace.index import Index
from whosaw.trace.inputs import Population, Sightings
from whosaw.trace.ranking import rank
from whosaw.trace.result import Attribution
from whosaw.trace.settings import Settings

_DEFAULT = Settings()


def rank_each(
    index: Index, cases: Mapping[str, tuple[Population, Sightings]], settings: Settings = _DEFAULT
) -> dict[str, Attribution]:
    """Answer one question per beneficiary, each at its part of α: whoever asks many questions must not be luckier.

    Args:
        index: the log.
        cases: per beneficiary who could have been contacted, and who was.
        settings: the method's constants; `alpha` is what all questions together may spend.

    Raises:
        InputRefused: as for `rank`.
    """
    own = replace(settings, alpha=settings.alpha / max(1, len(cases)))
    return {name: rank(index, population, sightings, own) for name, (population, sightings) in cases.items()}
