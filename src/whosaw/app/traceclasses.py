"""The scope of a trace by class of fields: which class each opening of the lake showed, and whose got out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.lake.exposure import Exposure
from whosaw.lake.opened import opened
from whosaw.lake.trail import REVEALED
from whosaw.trace import Accesses, Attribution, ClassScope, scope_by_class
from whosaw.trace.inputs import Bool, Int64

_WITHIN = """
    CREATE TEMP TABLE within AS
    SELECT number, key FROM numbers WHERE space = 'subject' AND key IN (SELECT unnest(?::VARCHAR[]))
    UNION ALL SELECT unnest(?::BIGINT[]), NULL
"""
"""Numbers of some subjects; of one whose reference was erased, the number itself is known."""


def class_scopes(
    lake: Path, exposure: Exposure, found: Attribution, last_us: int, classes: Mapping[str, str]
) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the scope per class as plain values, and what has to be said beside it (empty where nothing).

    Args:
        lake: the folder.
        exposure: what the question was made from.
        found: the answer.
        last_us: the last contact.
        classes: field → class; a field that is not in it is a class of its own.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    if not (found.scope.named or found.scope.held):
        return {}, ""
    scope = found.scope
    within = [exposure.subjects[subject] for subject in (*scope.certain, *scope.probable, *scope.possible)]
    accesses, shown, unsaid = _read(lake, exposure, within, classes)
    if not shown:
        return {}, "no log says which fields were shown: the scope is not known by class of fields"
    told = {
        name: _told(part, exposure)
        for name, part in scope_by_class(accesses, shown, found.scope, last_us, found.method.settings.alpha).items()
    }
    said = f"{unsaid} openings do not say which fields they showed and count for every class" if unsaid else ""
    return told, said


def _told(part: ClassScope, exposure: Exposure) -> dict[str, Any]:
    names = exposure.subjects
    return {
        "certain": [names[subject] for subject in part.certain],
        "probable": [names[subject] for subject in part.probable],
        "possible": [names[subject] for subject in part.possible],
        "bound": part.bound,
        "confidence": part.confidence,
    }


def _read(
    lake: Path, exposure: Exposure, within: list[str], classes: Mapping[str, str]
) -> tuple[Accesses, dict[str, Bool], int]:
    """Return the openings of some subjects, per class a flag per opening, and how many do not say what they showed."""
    with opened(lake) as open_lake:
        words, actor_keys = open_lake.keys("fields"), open_lake.keys("actor")
        open_lake.connection.execute(
            _WITHIN, [within, [int(n[1:]) for n in within if n[:1] == "#" and n[1:].isdigit()]]
        )
        subject_keys = dict(open_lake.rows("SELECT number, key FROM within WHERE key IS NOT NULL"))
        query = "SELECT actor, subject, at_us, coalesce(fields, -1) AS fields FROM accesses"
        query += " WHERE subject IN (SELECT number FROM within)"
        table = open_lake.connection.execute(query).fetchnumpy()
    columns = {name: np.ma.getdata(column).astype(np.int64) for name, column in table.items()}
    at_us = columns["at_us"]
    accesses = Accesses(
        _places(columns["actor"], actor_keys, exposure.actors),
        _places(columns["subject"], subject_keys, exposure.subjects),
        at_us,
        np.zeros(at_us.size, np.bool_),
    )
    distinct, place = np.unique(columns["fields"], return_inverse=True)
    seen = [_classes(words.get(int(each)), classes) for each in distinct]
    silent = np.array([each is None for each in seen], np.bool_)
    flags = {}
    for name in sorted({name for each in seen if each is not None for name in each}):
        flags[name] = np.array([each is None or name in each for each in seen], np.bool_)[place]
    return accesses, flags, int(silent[place].sum())


def _places(numbers: Int64, keys: Mapping[int, str], names: Sequence[str]) -> Int64:
    """Return the positions of the lake's numbers among the references of a question; -1 where it has none."""
    position = {name: at for at, name in enumerate(names)}
    distinct, place = np.unique(numbers, return_inverse=True)
    found = [position.get(keys.get(int(number), f"#{number}"), -1) for number in distinct]
    return np.array(found, np.int64)[place]


def _classes(fields: str | None, classes: Mapping[str, str]) -> frozenset[str] | None:
    """Return the classes that a list `field=effect,…` shows; `None` where the log does not say."""
    if fields is None:
        return None
    shown = [each.removesuffix(REVEALED) for each in fields.split(",") if each.endswith(REVEALED)]
    return frozenset(classes.get(field, field) for field in shown)
