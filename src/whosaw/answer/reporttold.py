"""What the report of a bundle says, in plain words: a court reads it without knowing the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from whosaw.answer.bundletexts import LIMITS, Background, Story
from whosaw.answer.case import Snapshot
from whosaw.answer.exculpatory import ITEMS
from whosaw.answer.facts import Facts
from whosaw.answer.ladder import RULES
from whosaw.answer.numbered import by_number, unnamed
from whosaw.answer.origin import origin_lines
from whosaw.answer.plainwords import (
    ALTERNATIVES,
    CASE_STATES,
    FILES,
    FINDINGS,
    QUESTIONS,
    RUNGS,
    STANDINGS,
    STATES,
    STEPS,
    chance_said,
    word_of,
)
from whosaw.trace.explained import by_what, explained_chance, in_words, rows_of
from whosaw.trace.told import told_first

_RIVALS = 5


def tell(
    story: Story, background: Background, numbers: Mapping[str, int | str], names: Sequence[str]
) -> dict[str, Any]:
    """Return the report's texts, as its template takes them.

    Args:
        story: the case.
        background: how it went.
        numbers: of every actor whom a verdict or step names; nobody stands in the report by a key.
        names: of the files of the bundle.
    """
    at = background.built_at or story.case.opened_at
    last: Mapping[str, Any] = story.history[-1].verdict if story.history else {}
    rates, rate_lines = rates_of(last)
    return {
        "title": f"Report on {story.case.id}",
        "subtitle": f"Made on {at:%d %B %Y at %H:%M} UTC from the records in this bundle. {_state(story)} "
        "People stand here as numbers; the operator keeps the table that leads from a number to a person.",
        "answer": [*answer(last, numbers), rates],
        "origin": [f"{line[0].upper()}{line[1:]}." for line in origin_lines(by_number(last, numbers)) if line],
        "known": [unnamed(line, numbers) for line in _known(last, story.facts)],
        "looks": [_look(each) for each in story.history],
        "beside": _beside(last),
        "rivals": _rivals(last, numbers),
        "overlap": _overlap(last, numbers),
        "exculpatory": _exculpatory(last, background, numbers),
        "steps": [_step(each, numbers) for each in story.steps],
        "terms": [
            {
                "what": each.law.what,
                "source": each.law.source,
                "due": f"{each.local_due():%Y-%m-%d %H:%M} ({each.zone})",
                "state": word_of(STANDINGS, each.standing(at)),
            }
            for each in background.clocks
        ],
        "exhibits": [f"{name.partition('/')[2]}: {what}" for name, what in sorted(background.shown.items())],
        "rates": rate_lines,
        "limits": list(LIMITS),
        "not_known": [unnamed(str(each), numbers) for each in last.get("missing", ())],
        "contents": _contents(names),
    }


def answer(last: Mapping[str, Any], numbers: Mapping[str, int | str]) -> list[str]:
    """Return the verdict in sentences that say no more than its numbers do; nobody is called a culprit."""
    if not last.get("candidates"):
        return ["The method named nobody: no complaint could be weighed against the records."]
    best, outside = told_first(last), float(last.get("outside_probability", 1.0))
    who = people(best["actors"], numbers)
    said = [_seen(who, best)] if "of" in best else []
    rung = word_of(RUNGS, str(best.get("rung")))
    rows = rows_of(by_number(last, numbers))
    explained = f"; that it is explained by {by_what(rows)}, {chance_said(explained_chance(rows))}" if rows else ""
    said.append(
        f"The stated probability that {who} is the source is {chance_said(float(best['probability']))}; that it was "
        f"nobody inside, {chance_said(outside)}{explained}. By the rules of the method this is {rung}."
    )
    if sentence := in_words(rows, spoken=True):
        said.append(sentence)
    if last.get("verdict") == "outside":
        said.append("The complaints look like a source outside the company.")
    elif len(best["actors"]) > 1:
        said.append("The records cannot tell these people apart; nobody of them is named alone.")
    said.append("An account is not a person: the records show what was opened under it, not who sat before the screen.")
    return said


def people(actors: Sequence[str], numbers: Mapping[str, int | str]) -> str:
    """Return staff as a reader of the bundle may know them: by number."""
    found = [numbers[actor] for actor in actors]
    known = [str(each) for each in found if isinstance(each, int)]
    who = [f"the holder of staff number {' or '.join(known)}"] if known else []
    return " or ".join([*who, *(each for each in found if isinstance(each, str))])


def rates_of(last: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the measured rates of error as one sentence, and as lines with their counts."""
    measured: Mapping[str, Any] = last.get("measured") or {}
    nobody, inside = measured.get("nobody"), measured.get("inside")
    if not nobody or not inside:
        return "No rates of error of the method are filed with this verdict.", []
    sentence = (
        f"How often the method is wrong was measured on {nobody['cases'] + inside['cases']} made cases whose truth is "
        f"known: with nobody inside it made a finding in {nobody['findings']} of {nobody['cases']}; with somebody "
        f"inside it named an innocent in {inside['innocents_named']} of {inside['cases']}."
    )
    lines = [
        f"{str(measured['line']).capitalize()} (as of {measured['measured']})." if "line" in measured else sentence
    ]
    made: Mapping[str, Any] = last.get("calibration") or {}
    if rates := made.get("rates"):
        lines.append(
            f"On {made['draws']} leaks planted into the operator's own records, and as many lists without "
            f"one: the leaker came first in {rates['leak_first']:.0%}, was a finding in {rates['leak_finding']:.0%}; "
            f"an innocent was a finding in {rates['leak_innocent_finding']:.1%} with a leaker and in "
            f"{rates['nobody_finding']:.1%} without."
        )
    return sentence, lines


def _state(story: Story) -> str:
    return word_of(CASE_STATES, story.case.state)


def _seen(who: str, best: Mapping[str, Any]) -> str:
    return (
        f"Under the account of {who} the data of {best['seen']} of the {best['of']} people who complained had been "
        f"opened before they were contacted; of customers alike in what matters, {float(best['expected']):.1f} would "
        "be expected."
    )


def _known(last: Mapping[str, Any], facts: Facts | None) -> list[str]:
    lines = []
    if facts is not None:
        lines += [
            f"{_count(facts.complaints, 'complaint')}; {facts.verified_complaints} carried a message that the "
            "sender's own domain had signed.",
            f"The data of {_count(facts.certain, 'person', 'people')} certainly got out, of {facts.probable} probably; "
            f"of {facts.possible} more it cannot be ruled out."
            + (f" At most {facts.bound} people in all." if facts.bound is not None else " No upper bound can be given.")
            + (f" The data of {facts.erased} more, who were erased since, got out too." if facts.erased else ""),
            f"What was opened: {', '.join(facts.fields_leaked)}, between {facts.first_on} and {facts.last_on}.",
            "Of the records of that time no entry is missing or altered, as their proofs show."
            if facts.record_complete
            else "That no entry is missing from the records of that time is not proven.",
        ]
        lines.append(facts.covered.line)
    if sentence := str((last.get("nothing_else") or {}).get("sentence", "")):
        lines.append(sentence)
    return lines or ["No letters were written, so no facts stand here beside the answer above."]


def _look(snapshot: Snapshot) -> dict[str, Any]:
    best = told_first(snapshot.verdict) if snapshot.verdict.get("candidates") else {}
    return {
        "complaints": _count(snapshot.complaints, "complaint"),
        "best": float(best.get("probability", 0.0)),
        "said": chance_said(float(best.get("probability", 0.0))),
        "finding": best.get("rung") == "finding",
    }


def _rivals(last: Mapping[str, Any], numbers: Mapping[str, int | str]) -> list[dict[str, str]]:
    candidates: Sequence[Mapping[str, Any]] = last.get("candidates") or ()
    return [
        {
            "who": ", ".join(str(numbers[actor]) for actor in each["actors"]),
            "chance": chance_said(float(each["probability"])),
            "seen": f"{each['seen']} of {each['of']}" if "of" in each else "",
            "rung": word_of(RUNGS, str(each.get("rung"))).partition(" (")[0],
        }
        for each in candidates[:_RIVALS]
    ]


def _beside(last: Mapping[str, Any]) -> str:
    """Return what stands beside the candidates on their scale, in a sentence."""
    said = f"That it was nobody inside had the probability {chance_said(float(last.get('outside_probability', 1.0)))}"
    if rows := rows_of(last):
        said += f"; that it is explained by {by_what(rows)}, {chance_said(explained_chance(rows))}"
    return f"{said} (at the last)."


def _overlap(last: Mapping[str, Any], numbers: Mapping[str, int | str]) -> list[dict[str, Any]]:
    """Return a row for each rival of whom every complaint is known: by time of contact, how he had opened the person.

    A cell is ``reason``, ``without`` (opened without a reason that holds) or ``not`` (not opened before the contact).
    """
    rows = []
    candidates: Sequence[Mapping[str, Any]] = last.get("candidates") or ()
    for each in candidates[:_RIVALS]:
        hits = sorted(each.get("hits") or (), key=lambda hit: str(hit["contacted_at"]))
        cells = ["not" if hit["opened_at"] is None else "without" if hit["irregular"] else "reason" for hit in hits]
        if cells:
            found = [numbers[actor] for actor in each["actors"]]
            known = ", ".join(str(number) for number in found if isinstance(number, int))
            who = [f"Staff number {known}"] if known else []
            rows.append({"who": ", ".join([*who, *(word for word in found if isinstance(word, str))]), "cells": cells})
    return rows


def _exculpatory(last: Mapping[str, Any], background: Background, numbers: Mapping[str, int | str]) -> dict[str, Any]:
    asked = []
    for actor, answers in background.cleared.items():
        found = {each.item: each for each in answers}
        lines = [
            {
                "question": QUESTIONS[item],
                "finding": word_of(FINDINGS, found[item].finding if item in found else "open"),
            }
            for item in ITEMS
        ]
        asked.append({"who": f"Staff number {actor}", "lines": lines})
    kinds = Counter(each.kind for each in background.alternatives)
    outside = chance_said(float(last.get("outside_probability", 1.0)))
    rows = rows_of(by_number(last, numbers))
    explained = [f"The probability that it is explained by {by_what(rows)}: {chance_said(explained_chance(rows))}."]
    said = [
        f"The probability that nobody inside is the source: {outside}.",
        *(explained if rows else ()),
        *filter(None, [in_words(rows, spoken=True)]),
        *(
            f"{_count(count, 'complaint')} may have another explanation: {word_of(ALTERNATIVES, kind)}."
            for kind, count in sorted(kinds.items())
        ),
    ]
    if not kinds:
        said.append("No other explanation of a complaint was noted.")
    return {"lines": said, "asked": asked}


def _step(step: Any, numbers: Mapping[str, int | str]) -> dict[str, str]:
    about = RULES[step.kind].about
    whom = ""
    if about == "actor":
        number = numbers[step.target]
        whom = f" (staff number {number})" if isinstance(number, int) else f" ({number})"
    return {
        "what": word_of(STEPS, step.kind).capitalize() + whom,
        "state": word_of(STATES, step.state),
        "approvals": str(len(step.approved_by)),
        "entry": str(step.entry) if step.entry is not None else "none",
    }


def _contents(names: Sequence[str]) -> list[str]:
    counted = Counter(name.partition("/")[0] for name in names)
    return [
        f"{name}: {word_of(FILES, name)}" + (f" ({_count(count, 'file')})" if count > 1 else "")
        for name, count in counted.items()
    ]


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
