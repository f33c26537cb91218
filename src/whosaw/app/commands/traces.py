"""``whosaw trace``: who could have leaked, how probable each is, and what else may have got out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import App, Parameter
from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.foundlist import Given
from whosaw.app.tracelake import bring_up
from whosaw.app.tracepictures import write_pictures
from whosaw.app.traceplan import in_words
from whosaw.app.traceschema import trace_schema
from whosaw.app.tracing import Beside, trace_each, trace_lake
from whosaw.lake.coveragenote import coverage_line
from whosaw.lake.weakest import weakest_grade
from whosaw.terms import chance, to_us
from whosaw.trace.candidates import EXPLAINED_AT
from whosaw.trace.explained import ASKED, by_what, explained_chance
from whosaw.trace.person import SKEW_S

_IN_WORDS = {
    "finding": "one candidate stands out; a person must add evidence of another kind before anything is done to him",
    "lead": "a reason to look closer and to keep logs; not yet a finding",
    "group": "somebody of a group stands out, but the record cannot tell the group apart",
    "undecided": "the record does not single out anyone; an outside source is not excluded",
    "outside": "the complaints look like an outside source: nobody inside stands out",
}
_BY_DUTY = "the record does not single out anyone: work that is known of may explain it, whoever passed them on"
_BY_QUESTION = "the record does not single out anyone: a source outside may hold what somebody asked for in one go"


app = App(name="trace", help="Say who could have leaked, and how probably.")
app.command(
    "whosaw.app.commands.fingerprints:fingerprint", name="fingerprint", help="Say which export found rows came from."
)
app.command("whosaw.app.commands.fingerprints:prints", name="prints", help="Write the prints of an export, to keep.")
app.command(
    "whosaw.app.commands.tracesightings:sightings", name="sightings", help="Write what was taken in, for --sightings."
)


@app.command(name="index")
def index_lake(*, lake: Path) -> int:
    """Bring the index of a lake up to it, so that `whosaw trace` need not read the whole of a large one.

    Args:
        lake: folder of the lake; its index lies beside it, as NAME.index.
    """
    before = time.perf_counter()
    made = bring_up(lake)
    console().print(
        f"index of {made.rows:,} accesses in {len(made.segments)} parts, up to date after "
        f"{time.perf_counter() - before:.1f} s"
    )
    return 0


@app.command(name="schema")
def schema() -> int:
    """Print the JSON Schema (draft 2020-12) of what `whosaw trace --json` prints."""
    print_json(trace_schema())
    return 0


class TraceOptions(AppError, ValueError):
    """Options of a trace that contradict one another."""

    code: ClassVar[str] = "app.trace_options"
    hint = (
        "ask about one beneficiary, several, or --every-beneficiary; no negative skew; a base rate between 0 and 1; "
        "no engine together with invented leaks; a found list with the time it turned up, and exports or a key"
    )


@app.default
def trace(
    *,
    lake: Path,
    sightings: Path,
    beneficiary: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    every_beneficiary: Annotated[bool, Parameter(negative="")] = False,
    known: Path | None = None,
    accounts: Path | None = None,
    duties: Path | None = None,
    presence: Path | None = None,
    skew_s: float = SKEW_S,
    classes: Path | None = None,
    door: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    calibrate: int = 0,
    pictures: Path | None = None,
    no_index: Annotated[bool, Parameter(negative="")] = False,
    base_rate: float = 0.5,
    engine: str | None = None,
    found: Path | None = None,
    found_at: str | None = None,
    exports: Path | None = None,
    salt: Path | None = None,
    key: str | None = None,
    prefix: str = "",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Say who could have leaked, given whose data turned up outside and when.

    Args:
        lake: folder of the lake, filled by `whosaw import`.
        sightings: CSV with subject,contacted_at and, where known, reported_at,beneficiary,channel,weight,uncertain_days
            and actor.
        beneficiary: whom the complaints are about; given several times, each is asked about and the stated rate is
            shared. Needed where the file names several.
        every_beneficiary: ask about every one that the file names.
        known: CSV with subject,source,probability: outside sources that may explain single complaints.
        accounts: CSV with actor,shared,group: accounts of several people, and sites or employers.
        duties: CSV with actor,what,of,subject,since,until: account management and hand-overs.
        presence: CSV with actor,what,from,until,where: shifts, badges, devices and other logins of the owners.
        skew_s: how many seconds the clocks of those systems may disagree with the log's.
        classes: CSV with field,class: classes of fields by which the scope is told.
        door: account that a door logs in with at the database, as ROLE or ROLE@ADDRESS; may be given several times.
        calibrate: invent so many leaks in this very log, and as many lists without an insider, and say what came of it.
        pictures: folder for two SVG pictures: who had opened whom, and the evidence over time.
        no_index: read the lake itself although `whosaw trace index` made it an index.
        base_rate: probability, before any evidence, that such a leak came from inside; a finding needs the same
            evidence at every base rate.
        engine: what reads the openings of the beneficiary's customers: duckdb, local[*] or spark://HOST:PORT. Left out,
            the index is read where there is one, and otherwise the lake itself.
        found: CSV of a list that turned up; it is matched to exports, or to the queries of the lake.
        found_at: when it turned up, with a zone.
        exports: CSV with reference,actor,file,seeds,at: exports that were kept, or their prints.
        salt: file of the secret that prints were made with.
        key: column of the list that holds the subjects' references; needed where no exports are given.
        prefix: what the log writes before them.
        as_json: print JSON.
    """
    if every_beneficiary and beneficiary:
        raise TraceOptions("every beneficiary and single ones cannot both be asked about")
    if not 0.0 <= skew_s < math.inf or calibrate < 0:
        raise TraceOptions("a skew or a number of invented leaks is negative")
    if not 0.0 < base_rate < 1.0:
        raise TraceOptions("a base rate lies between 0 and 1")
    if engine is not None and calibrate:
        raise TraceOptions("leaks are invented in the whole log, which no engine reads")
    beside = Beside(
        known,
        accounts,
        calibrate,
        presence,
        skew_s,
        classes,
        tuple(door),
        datetime.now(UTC),
        index=not no_index,
        base_rate=base_rate,
        engine=engine,
        duties=duties,
        found=_given(found, found_at, (exports, salt), (key, prefix)),
    )
    if every_beneficiary or len(beneficiary) > 1:
        return _several(trace_each(lake, sightings, beneficiary, beside), _rests_on(lake), pictures, as_json=as_json)
    told = trace_lake(lake, sightings, beneficiary[0] if beneficiary else None, beside=beside)
    told |= _rests_on(lake)
    if pictures is not None:
        write_pictures(told, pictures)
    if as_json:
        print_json(told)
        return 0
    _print(told)
    return 0


def _given(
    found: Path | None, found_at: str | None, kept: tuple[Path | None, Path | None], column: tuple[str | None, str]
) -> Given | None:
    """Return the list that turned up, and what it is matched with."""
    if found is None:
        if found_at is not None or any(kept) or any(column):
            raise TraceOptions("exports and columns are those of a found list, and none is given")
        return None
    if kept[0] is None and kept[1] is not None:
        raise TraceOptions("a secret of prints is given, and no exports that it could be of")
    if kept[0] is None and column[0] is None:
        raise TraceOptions(f"the list `{found.name}` needs exports, or the column of its references")
    try:
        at = datetime.fromisoformat(found_at or "")
    except ValueError as error:
        raise TraceOptions(f"when the list `{found.name}` turned up is no ISO 8601 time") from error
    if at.tzinfo is None:
        raise TraceOptions(f"the time at which the list `{found.name}` turned up carries no zone")
    return Given(found, to_us(at), *kept, *column)


def _rests_on(lake: Path) -> dict[str, Any]:
    grade = asdict(weakest := weakest_grade(lake)) | {"line": weakest.line}
    return {"grade": grade, "coverage": coverage_line(lake)}


def _several(told: dict[str, Any], rests_on: Mapping[str, Any], pictures: Path | None, *, as_json: bool) -> int:
    """Print the answers of several beneficiaries, one below the other."""
    for place, each in enumerate(told["questions"], 1):
        each.update(rests_on)
        if pictures is not None:
            write_pictures(each, pictures / str(place))  # a number: a beneficiary's key is no name of a folder
    if as_json:
        print_json(told)
        return 0
    out = console()
    for each in told["questions"]:
        out.print(Text(f"about {each['beneficiary']}", style="bold"))
        _print(each)
        out.print()
    out.print(
        f"{len(told['questions'])} questions share the stated rate of {told['alpha']:g}: each has "
        f"{told['alpha_each']:.3g}"
    )
    if told["in_several"]:
        out.print(Text(f"probable in more than one: {', '.join(told['in_several'])}"))
    return 0


def _print(told: Mapping[str, Any]) -> None:
    out = console()
    duties: Sequence[Mapping[str, Any]] = told.get("duties", ())
    explained = told["verdict"] == "undecided" and explained_chance(duties) > EXPLAINED_AT
    said = _IN_WORDS[told["verdict"]]
    if explained:
        said = _BY_QUESTION if duties[0]["what"] == ASKED else _BY_DUTY
    out.print(Text(f"{told['verdict']}: {said}", style="bold"))
    out.print(Text(told["verdict_in_words"]))
    if told["candidates"]:
        rows = table("candidate", "probability", "rung", "evidence", "opened", "expected")
        for each in told["candidates"][:10]:
            rows.add_row(
                Text("/".join(each["actors"])),
                chance(each["probability"]),
                each["rung"],
                f"{each['e_value']:,.3g} : 1",
                f"{each['seen']} of {each['of']}",
                f"{each['expected']:.2f}",
            )
        rows.add_row("nobody inside", chance(told["outside_probability"]), "", "", "", "")
        if duties:
            rows.add_row(f"explained by {by_what(duties)}", chance(explained_chance(duties)), "", "", "", "")
        out.print(rows)
    scope = told["scope"]
    bound = f"at most {scope['bound']}" if scope["bounded"] else "no bound can be given"
    out.print(
        f"scope: {len(scope['certain'])} certain, {len(scope['probable'])} probable, "
        f"{len(scope['possible'])} possible; {bound}"
    )
    if scope["bounded"]:
        out.print(f"if at most two leaked, no more than {scope['most']} subjects got out through them")
    for name, part in scope["by_class"].items():
        most = "" if part["bound"] is None else f"; at most {part['bound']} with {part['confidence']:.0%} confidence"
        sizes = ", ".join(f"{len(part[tier])} {tier}" for tier in ("certain", "probable", "possible"))
        out.print(Text(f"  {name}: {sizes}{most}"))
    out.print(Text(told["nothing_else"]["sentence"]))
    _print_beyond(told)
    for sentence in told["missing"]:
        out.print(Text(f"missing: {sentence}", style="dim"))
    out.print(Text(f"completeness: {told['completeness'].get('line', told['completeness'])}", style="dim"))
    out.print(Text(told["grade"]["line"], style="dim"))
    out.print(Text(told["coverage"], style="dim"))


def _print_beyond(told: Mapping[str, Any]) -> None:
    """Print base rates, what would decide it, groups, and the error rates of the method."""
    out, duties = console(), told.get("duties", ())
    if told["candidates"]:
        best = told["candidates"][0]
        for row in told["base_rates"]:
            out.print(
                f"if {row['inside']:g} of such leaks came from inside: {'/'.join(row['first'])} "
                f"{chance(row['probability'])}, nobody inside {chance(row['outside_probability'])}"
                + (f", explained by {by_what(duties)} {chance(row['explained'])}" if duties else "")
            )
        if best["to_finding"] is not None and best["rung"] != "finding":
            out.print(f"would decide it: about {best['to_finding']} more complaints, or a canary that only one opened")
        elif explained_chance([row for row in duties if row["actor"] in best["actors"]]) > EXPLAINED_AT:
            out.print("would decide it: complainers whom that does not explain, or a canary that only one opened")
        if best["to_clear"]:
            out.print(f"would clear the first: {best['to_clear']} more complainers in a row whom he had not opened")
    for duty in duties[:3]:
        out.print(Text(f"explained by {duty['line']}: {chance(duty['probability'])}"))
    if told.get("found"):
        out.print(Text(told["found"]["line"]))
    if told.get("canaries"):
        out.print(Text(in_words(told["canaries"])))
    for candidate in told["candidates"][:3]:
        if person := candidate.get("person"):
            out.print(
                f"{candidate['actors'][0]}: that the owner used the account himself {chance(person['owner'])} "
                f"(openings for {person['for']}, against {person['against']}, unknown {person['unknown']}; clocks "
                f"within {told['skew_s']:g} s), hence he himself {chance(person['himself'])}"
            )
    for group in told.get("groups", ())[:3]:
        out.print(
            f"group {group['group']}: {chance(group['probability'])} (before the complaints {chance(group['prior'])})"
        )
    out.print(Text(told["measured"]["line"], style="dim"))
    made = told.get("calibration")
    if made:
        rates = made["rates"]
        out.print(
            Text(
                f"on this log, {made['draws']} invented leaks and lists without an insider: finding although nobody "
                f"inside {rates['nobody_finding']:.3f}, lead {rates['nobody_lead']:.3f}; leaker first "
                f"{rates['leak_first']:.3f}, a finding {rates['leak_finding']:.3f}"
                + (
                    f"; calibrated probability of the first {chance(made['probability'], 3)}"
                    if made["probability"]
                    else ""
                ),
                style="dim",
            )
        )
