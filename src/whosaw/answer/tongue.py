"""Which language a text is in, so that people who read it can be found; a guess that is not sure says nothing."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_CHARACTERS_LEAST = 40
_CHARACTERS_MOST = 4_000
_SURE = 0.9
_NOT_WORDS = re.compile(r"https?://\S+|\S+@\S+|[\d>|=_*#-]+")


def tongue_of(text: str) -> str:
    """Return the language of a text as ISO 639-1 (``en``), or nothing where it is short or not sure.

    Addresses and quotation marks of mail programs are left out: they are words of no language.
    """
    words = " ".join(_NOT_WORDS.sub(" ", text[:_CHARACTERS_MOST]).split())
    if len(words) < _CHARACTERS_LEAST and not _dense(words):
        return ""
    language, probability = _identifier().classify(words)
    return str(language) if probability >= _SURE else ""


def _dense(words: str) -> bool:
    """Whether a text is written in signs that are words, of which a dozen say as much as forty letters."""
    return sum("\u3040" <= each <= "\u9fff" or "\uac00" <= each <= "\ud7af" for each in words) >= _CHARACTERS_LEAST // 4


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
