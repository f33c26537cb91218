"""A found list in a trace: whose exports or queries hold its rows, and how far that may move the odds of each account.

Rows alone are no proof: whoever asks the same question gets the same rows. So a list without seeded rows multiplies the
odds of an account by no more than a mark that may have been guessed, each row by a twentieth part of that, and a row
that several accounts had counts for its share alone. Only a seeded row, which one export alone holds, counts as a mark
that nobody can guess. Rows about people who complained are left out: the complaints say it already.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.app.foundholders import Holder, Listed, holders_of
from whosaw.app.foundrows import on_record
from whosaw.app.foundsources import Sources, kept_exports, queries_as_exports, seeded_rows, without_seeds
from whosaw.app.posing import Question
from whosaw.app.presence import Opening, clues_of
from whosaw.app.tracefiles import Known, Presence, TraceFileInvalid, read_rows
from whosaw.lake.errors import SightingsInvalid
from whosaw.terms import iso_seconds
from whosaw.trace import Marks
from whosaw.trace.fingerprint import plain
from whosaw.trace.person import weigh_owner
from whosaw.trace.told import SHOWN, found_line


@dataclass(frozen=True, slots=True)
class Given:
    """A list that turned up, and what to match it with.

    Args:
        sample: CSV of the found rows.
        found_us: when it turned up; exports and openings from then on are none of its sources.
        exports: CSV `reference,actor,file,seeds,at` of exports that were kept; absent, the log's own queries are taken.
        salt: the file whose secret their prints were made with.
        key: the sample's column with the subjects' references; needed where the log's queries are taken.
        prefix: what the log writes before them.
    """

    sample: Path
    found_us: int
    exports: Path | None = None
    salt: Path | None = None
    key: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a list is worth.

    Args:
        found_us: when it turned up.
        rows: distinct rows.
        used: of them, those that say something.
        complainers: of them, those about people who complained, or who are marks themselves.
        strangers: of them, those about nobody who could have been contacted by then.
        later: exports made after the list turned up.
        unkeyed: rows that say nothing for want of the column of references.
        holders: for whom it speaks, the strongest first.
    """

    found_us: int
    rows: int
    used: int
    complainers: int
    strangers: int
    later: int
    unkeyed: int
    holders: tuple[Holder, ...]


def weigh_list(
    given: Given, lake: Path, question: Question, known: Mapping[str, Sequence[Known]], now_us: int | None = None
) -> Weighed:
    """Return what a found list is worth for one question.

    Args:
        given: the list.
        lake: for the queries of the log.
        question: whose customers, accounts, openings and complaints are meant.
        known: subject to outside sources that may explain what is said of him.
        now_us: the time of asking; a list that turned up later is refused.

    Raises:
        SightingsInvalid: the list turned up in the future.
        TraceFileInvalid: a file cannot be read, lacks a column, holds no row, or does not say when an export was made.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    if now_us is not None and given.found_us > now_us:
        raise SightingsInvalid(f"the list `{given.sample.name}` turned up in the future")
    exposure = question.exposure
    subjects = None if given.key is None else _subjects(given, given.key, question)
    if given.exports is not None:
        prints, sources = kept_exports(given.sample, given.exports, given.salt, given.found_us)
    elif subjects is not None:
        prints = [b"%d" % at if at >= 0 else f"?{plain(name)}".encode() for at, name in subjects]
        sources = queries_as_exports(lake, question, [at for at, _ in subjects if at >= 0], given.found_us)
    else:
        raise TraceFileInvalid(f"the list `{given.sample.name}` needs exports, or the column of its references")
    if subjects is not None:
        sources = _invented(lake, sources, subjects)
    seeded = seeded_rows(sources, len(prints))  # an invented person is no customer, and no stranger either
    whom = np.array([at for at, _ in subjects] if subjects is not None else [-1] * len(prints), np.int64)
    first = np.array(sorted({row: at for at, row in reversed(list(enumerate(prints)))}.values()), np.int64)
    told_already = np.isin(whom[first], np.concatenate([question.sightings.subject, question.marks.subject]))
    told_already &= whom[first] >= 0
    stranger = (whom[first] < 0) & ~seeded[first] & (subjects is not None)
    kept = first[~told_already & ~stranger]
    nameless = ~seeded[kept] & (subjects is None and _depends_on_whom(question, known))
    listed = Listed(
        prints=[prints[at] for at in kept],
        subject=whom[kept],
        alone=np.array([_unexplained(exposure.subjects, at, known) for at in whom[kept]], np.float64) * ~nameless,
        population=max(1, int((exposure.entered_us < given.found_us).sum())),
    )
    used = replace(sources, own={name: [rows[at] for at in kept] for name, rows in sources.own.items()})
    return Weighed(
        found_us=given.found_us,
        rows=first.size,
        used=kept.size - int(nameless.sum()),
        complainers=int(told_already.sum()),
        strangers=int(stranger.sum()),
        later=sources.later,
        unkeyed=int(nameless.sum()),
        holders=holders_of(listed, used, question, given.found_us) if kept.size else (),
    )


def _depends_on_whom(question: Question, known: Mapping[str, Sequence[Known]]) -> bool:
    """Return whether what a row is worth hangs on whom it is about: who complained, or what else explains him."""
    told = (question.sightings.subject, question.marks.subject, question.duties.duty)
    return bool(known) or any(each.size for each in told)


def list_lacks(weighed: Weighed) -> list[str]:
    """Return what an answer has to say of a list that could not be weighed in full."""
    if not weighed.unkeyed:
        return []
    return [
        f"{weighed.unkeyed} rows of the found list are worth nothing: without --key nobody can tell which of them are "
        "about complainers, or come from a known source or a duty, nor who else had opened them"
    ]


def with_list(marks: Marks, weighed: Weighed, actors: Sequence[str]) -> Marks:
    """Return the marks of a question and those that a found list comes to: each account gains by its own odds.

    Several who had the rows are alternatives, and together explain the list no better than the likeliest of them: so
    all of them hold a first mark with the smallest odds, all but the weakest a second with what is missing to the next
    ones, and so on.

    Args:
        marks: of the question.
        weighed: the list.
        actors: references of the question's actors.
    """
    place = {name: at for at, name in enumerate(actors)}
    levels = sorted({each.odds for each in weighed.holders if each.odds > 1.0})
    held, holder = [], []
    for at, level in enumerate(levels):
        having = [place[each.actor] for each in weighed.holders if each.odds >= level]
        held += [marks.odds.size + at] * len(having)
        holder += having
    steps = np.array([level / before for before, level in zip([1.0, *levels], levels, strict=False)], np.float64)
    nobody = np.full(len(levels), -1, np.int64)
    return Marks(
        subject=np.concatenate([marks.subject, nobody]),
        seen_us=np.concatenate([marks.seen_us, np.full(len(levels), weighed.found_us, np.int64)]),
        odds=np.concatenate([marks.odds, steps]),
        actor=np.concatenate([marks.actor, nobody]),
        held=np.array(held, np.int64),
        holder=np.array(holder, np.int64),
    )


def told_list(weighed: Weighed, presence: Sequence[Presence], skew_s: float) -> dict[str, Any]:
    """Return what a list is worth as plain values for JSON, with one sentence for a person.

    Args:
        weighed: the list.
        presence: what other systems say of the owners of accounts.
        skew_s: how far their clocks may disagree with the log's.
    """
    told = {
        "found_at": iso_seconds(weighed.found_us),
        "rows": weighed.rows,
        "used": weighed.used,
        "complainers": weighed.complainers,
        "strangers": weighed.strangers,
        "later": weighed.later,
        "holders": [_holder(each, presence, skew_s) for each in weighed.holders[:SHOWN]],
    }
    return told | {"line": f"{found_line(told, max(0, len(weighed.holders) - 1))}."}


def _holder(holder: Holder, presence: Sequence[Presence], skew_s: float) -> dict[str, Any]:
    own = [each for each in presence if each.actor == holder.actor]
    owner = None
    if own and holder.made_us:
        clues = list(clues_of(0, Opening(holder.made_us, None), own))
        owner = weigh_owner(clues, 1, skew_s=skew_s).probability
    return {
        "actor": holder.actor,
        "odds": holder.odds,
        "how": holder.how,
        "reference": holder.reference,
        "made_at": iso_seconds(holder.made_us) if holder.made_us else None,
        "rows": holder.rows,
        "seeds": holder.seeds,
        "in_order": holder.in_order,
        "owner": owner,
    }


def _unexplained(names: Sequence[str], subject: int, known: Mapping[str, Sequence[Known]]) -> float:
    """Return the part of a row that no known source outside explains."""
    return math.prod(1.0 - each.probability for each in known.get(names[subject], ())) if subject >= 0 else 1.0


def _subjects(given: Given, key: str, question: Question) -> list[tuple[int, str]]:
    """Return per row of the sample whom of the question's customers it is about (-1 for nobody), and what stands there.

    A list may have been re-typed: case and punctuation count where they alone tell two customers apart.
    """
    names = question.exposure.subjects
    exact = {names[at]: int(at) for at in np.flatnonzero(question.exposure.entered_us < given.found_us)}
    bare: dict[str, int] = {}
    for name, at in exact.items():
        bare[plain(name)] = -1 if plain(name) in bare else at
    cells = [row[key] for _, row in read_rows(given.sample, (key,))]
    if not any(cells):
        raise TraceFileInvalid(f"file `{given.sample.name}` holds no row")
    written = [given.prefix + cell for cell in cells]
    return [(exact.get(name, bare.get(plain(name), -1)), name) for name in written]


def _invented(lake: Path, sources: Sources, subjects: Sequence[tuple[int, str]]) -> Sources:
    """Return the exports without those seeded rows that the list says of somebody real."""
    looks = np.flatnonzero(seeded_rows(sources, len(subjects))).tolist()
    real = on_record(lake, {subjects[at][1] for at in looks})
    return without_seeds(sources, [at for at in looks if subjects[at][0] >= 0 or subjects[at][1] in real])
