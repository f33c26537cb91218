"""The verdict of a case, computed from what stands in the case, the record, and what the catalog declares.

A person asks for it, or a server that the operator told so (`caserecompute`). What a server computes alone never calls
anybody a finding unless duties, presence and shared accounts were there to be weighed, about him too, and what may
explain the sightings was asked: else nobody has asked yet what would clear him. Whom an answer of the case clears it
puts on no rung. What was not weighed stands in the verdict.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from platform import machine, python_version
from typing import Any, ClassVar

import numpy as np

from whosaw import __version__
from whosaw.answer import Sighting, Snapshot
from whosaw.app import casecautionqueries as cautionqueries
from whosaw.app import casetracequeries as queries
from whosaw.app.casecaution import ON_RUNG, cap, heed, heeded, many, strongest, weighs_less
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.caserecompute import CHANGED
from whosaw.app.casetracecompared import moved, others_of
from whosaw.app.casetracecustomers import ROUTES, read_customers
from whosaw.app.casetracekept import as_kept, opened_by, with_keys
from whosaw.app.errors import AppError
from whosaw.app.lacks import may_clear
from whosaw.app.presence import add_persons, openings_of
from whosaw.app.services import Services
from whosaw.app.tracedeclared import Declared, as_csv, declared, from_csv, read_presence_of, read_work
from whosaw.app.tracefiles import read_presence
from whosaw.app.tracesightings import as_csv as sightings_csv
from whosaw.app.tracesightings import shown_to, sightings_of
from whosaw.app.tracing import Beside, trace_lake
from whosaw.app.unweighed import unweighed
from whosaw.app.watchimported import holds_others
from whosaw.app.watchlake import run_lake
from whosaw.catalog import Tracing
from whosaw.record import trail_size
from whosaw.store.alerts import Severity, raise_alert
from whosaw.store.database import Connection
from whosaw.store.numbers import assign, keys_of
from whosaw.terms import to_us
from whosaw.trace import Rung, Settings, Verdict

BY = "service:case"

_WORDS = {
    "own_order": "own order",
    "dump": "public dump",
    "earlier_case": "an earlier case",  # which one is nobody's business here
    "other": "another source",
}
_SAY_SO = "declare in [trace] what it was given by hand; or say --less where you know that, and what it cleared"
_LAKE_TOO = ("orders", "routes")
"""What an imported log may say where the catalog does not."""
TOO_FEW = "whom nobody opened left out: too few others had work to compare with who complained"
_PRESENT = 25
"""Candidates whose owners' presence is read: those of whom an answer tells every complaint."""


class WeighsLess(AppError, RuntimeError):
    """A verdict would weigh less than one before it, and might name again whom that one cleared."""

    code: ClassVar[str] = "app.trace_weighs_less"
    hint = (
        "declare in [trace] what the earlier verdict was given by hand, or run `whosaw trace` and `whosaw case verdict`"
    )


class Overtaken(AppError, RuntimeError):
    """A verdict that nobody asked for is not kept: people closed its case, or cleared whom it names, meanwhile."""

    code: ClassVar[str] = "app.trace_overtaken"
    hint = "it is computed again by itself as long as the case is open"


class NotComputedHere(AppError, LookupError):
    """A verdict that came as a file can be computed again only from that which whoever filed it has."""

    code: ClassVar[str] = "app.verdict_filed"
    hint = "`whosaw case trace CASE` computes a new one"


@dataclass(frozen=True, slots=True)
class Computed:
    """A verdict that is not kept yet.

    Attributes:
        verdict: as a case keeps it.
        files: what it was computed from, by name, as it is kept.
        evidence: digest of what stood in the case.
    """

    verdict: dict[str, Any]
    files: Mapping[str, str]
    evidence: str

    @property
    def complaints(self) -> int:
        """How many complaints were used."""
        return int(self.verdict["complaints"]["used"])


async def trace_case(services: Services, case: str, *, by: str | None = None, less: bool = False) -> Snapshot:
    """Compute the verdict of a case and add it to its history, with what went in; both or neither.

    Args:
        services: everything opened.
        case: the case.
        by: who asks for it, who may work on the case; None where the server does it by itself.
        less: he knows that it weighs less than an earlier one.

    Raises:
        UnknownCase: there is no such case.
        StepRefused: who asks may not work on it any more.
        NoSightings: it has none.
        WeighsLess: an earlier verdict weighed more, and nobody who asked said that he knows.
        Overtaken: nobody asked, and meanwhile the case was closed, or an answer of it cleared whom this names.
        TraceRecordInvalid, CatalogError, StoreError, LakeError, TraceError: it cannot be computed.
    """
    work = case_work(services)
    about = (await work.cases.get(case)).beneficiary
    before = await work.cases.verdicts(case)
    if not less:
        _refuse_less(services, case, [each.verdict for each in before], by)
    computed = await compute(services, case, about, alone=by is None)
    if by is not None:
        await work.desk.check(case, by)  # it took a while: he may have come under suspicion meanwhile
    return await _keep(services, work, case, computed, by, less=less)


def _refuse_less(
    services: Services,
    case: str,
    before: Sequence[Mapping[str, Any]],
    by: str | None,
    now: Mapping[str, Any] | None = None,
) -> None:
    """Refuse a verdict that weighs less than one before it; without `now`, one that could only weigh less."""
    if less := weighs_less(before, {*declared(services).tracing.records, *_LAKE_TOO}, now):
        said = f"an earlier verdict of `{case}` weighed {' and '.join(less)}, which this one does not"
        raise WeighsLess(said) if by is None else WeighsLess(said, hint=_SAY_SO)


async def compute(services: Services, case: str, about: str, *, alone: bool) -> Computed:
    """Compute a verdict from what stands in a case now; raises as `trace_case`.

    Args:
        services: everything opened.
        case: the case.
        about: its beneficiary.
        alone: nobody asked for it.
    """
    until = services.clock.now()
    digest = await queries.evidence(services.db, case)
    files = await _files_of(services, case)
    read = declared(services)
    await read_work(services, read, about)
    of_customers = await read_customers(services, read, about, until)
    files |= read.files
    files["classes.csv"] = as_csv(("field", "class"), list(services.catalog.field_classes.items()))
    entries = await trail_size(services.db)
    told = await _answer(services, about, (until, entries), files, read)
    kept = await as_kept(services.db, files | read.files, read.involved)
    told["missing"] += read.not_weighed
    also, whole = await unweighed(services, case, about, read, told)
    changed = await moved(services, case, kept, (about, until))
    also, whole = [*of_customers, *changed, *also], whole and not may_clear(changed)
    told["missing"] += also
    async with services.db.connection() as connection:
        heed(told, await cautionqueries.cleared(connection, case), alone=alone)
    capped = alone and not whole
    if capped:
        cap(told)
    told["inputs"] = {
        "asked": "nobody" if alone else "a person",
        "capped": capped,
        "until": until.isoformat(),
        "entries": entries,
        "catalog": services.catalog.version,
        "whosaw": __version__,
        "program": program(),
        "evidence": digest,
        "weighed": sorted({*read.tracing.records, *read.rows}),
        "not_weighed": [*read.not_weighed, *also],
        "rows": read.rows,
        "skew_s": read.tracing.skew_s,
        "files": {name: sha256(content.encode()).hexdigest() for name, content in sorted(kept.items())},
    }
    return Computed(_plain(told), kept, digest)


def program() -> str:
    """Return what computes: another version, library or processor may round otherwise, and end in another last bit."""
    return f"whosaw {__version__}, numpy {np.__version__}, python {python_version()}, {machine()}"


async def compute_again(services: Services, case: str, seq: int) -> tuple[dict[str, Any], list[str], str]:
    """Compute a kept verdict once more, from what was kept with it and the record up to its time.

    Returns:
        The verdict; which parts of it are not those of then, none where it is the same to the last bit; and what had
        computed it (`program`).

    Raises:
        NotComputedHere: it came as a file, or there is none of this number.
        CatalogError, StoreError, LakeError, TraceError: it cannot be computed.
    """
    work = case_work(services)
    about = (await work.cases.get(case)).beneficiary
    then = next((each.verdict for each in await work.cases.verdicts(case) if each.seq == seq), {})
    files = await with_keys(services.db, await queries.inputs_of(services.db, case, seq))
    if not files or "inputs" not in then:
        raise NotComputedHere(f"verdict {seq} of `{case}` was not computed from the case")
    inputs = then["inputs"]
    presence = files.pop("presence.csv", None)
    kept = Declared(Tracing(skew_s=inputs["skew_s"]), files={} if presence is None else {"presence.csv": presence})
    until = datetime.fromisoformat(inputs["until"]), int(inputs["entries"])
    told = await _answer(services, about, until, files, kept, again=True)
    told["missing"] += inputs["not_weighed"]
    heed(told, heeded(then), alone=inputs["asked"] == "nobody")
    if inputs["capped"]:
        cap(told)
    now = _plain(told | {"inputs": inputs})
    differs = sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    return now, differs, str(inputs.get("program", f"whosaw {inputs['whosaw']}"))


async def _files_of(services: Services, case: str) -> dict[str, str]:
    """Return the sightings of a case, and what else may explain them, as the files of a trace.

    Hits of canaries and aliases by mail from the same senders count, unless they stand in another case: whoever reads
    this one may not know of that.
    """
    found = [each for each in await sightings_of(services, case=case) if each.case in (case, None)]
    keys = await keys_of(services.db, "subject", (each.subject for each in found))
    files = {"sightings.csv": sightings_csv(found, keys, await shown_to(services, found))}
    known = await _known(services, case, found, keys)
    return files | ({"known.csv": as_csv(("subject", "source", "probability"), known)} if known else {})


async def _known(
    services: Services, case: str, found: Sequence[Sighting], keys: Mapping[int, str]
) -> list[tuple[str, str, str]]:
    """Return what else may explain the complaints; one source explains a customer once, however often he complained."""
    whose = {each.id: keys.get(each.subject, f"#{each.subject}") for each in found}
    most: dict[tuple[str, str, str], float] = {}
    for each in await case_work(services).alternatives.list(case):
        if each.sighting in whose:
            source = (whose[each.sighting], each.kind, each.source)
            most[source] = max(most.get(source, 0.0), each.probability)
    return [(subject, _WORDS[kind], repr(chance)) for (subject, kind, _), chance in most.items()]


async def _answer(
    services: Services,
    about: str,
    upto: tuple[datetime, int],
    files: Mapping[str, str],
    read: Declared,
    *,
    again: bool = False,
) -> dict[str, Any]:
    """Return what trace says of the record up to a time and an entry; presence is read into `read`, or is there."""
    until, entries = upto
    others = await asyncio.to_thread(lambda: others_of(files, about, _contacted_us(files["sightings.csv"])))
    async with run_lake(services, 0, to_us(until), before=entries, others=others) as (lake, left_out):
        folder = lake.parent / "asked"
        gone = left_out.erased_subject + left_out.erased_actor + left_out.sets_unread
        whole = not gone and not holds_others(services.settings.state / "lake")
        told = await asyncio.to_thread(_trace, (lake, folder), about, files, until, whole)
        if left_out.customers:
            told["missing"].append(f"{many(left_out.customers, 'customer')} {TOO_FEW}")
        first = [each["actors"][0] for each in told["candidates"][:_PRESENT] if len(each["actors"]) == 1]
        if not again:
            read.involved = await asyncio.to_thread(opened_by, lake, files.get("duties.csv", ""))
            await read_presence_of(services, read, openings_of(told, first))
        if "presence.csv" in read.files:
            path = folder / "presence.csv"
            path.write_text(read.files["presence.csv"], encoding="utf-8")
            skew_s = read.tracing.skew_s
            await asyncio.to_thread(lambda: add_persons(told, lake, read_presence(path), skew_s))
    return told


def _contacted_us(sightings: str) -> dict[str, int]:
    """Return by customer when he was contacted, at the earliest, as a file of sightings says."""
    found: dict[str, int] = {}
    for row in from_csv(sightings)[1]:
        at_us = to_us(datetime.fromisoformat(row["contacted_at"]))
        found[row["subject"]] = min(found.get(row["subject"], at_us), at_us)
    return found


def _trace(
    folders: tuple[Path, Path], about: str, files: Mapping[str, str], until: datetime, whole: bool
) -> dict[str, Any]:
    lake, folder = folders
    folder.mkdir(mode=0o700)
    paths: dict[str, Path] = {}
    for name, content in files.items():
        paths[name] = folder / name
        paths[name].write_text(content, encoding="utf-8")
    beside = Beside(
        known=paths.get("known.csv"),
        accounts=paths.get("accounts.csv"),
        classes=paths["classes.csv"],
        now=until,
        duties=paths.get("duties.csv"),
        routes=paths.get(ROUTES),
    )
    told = trace_lake(lake, paths["sightings.csv"], about, None if whole else Settings(complete=False), beside)
    if not whole:
        told["missing"].append("the record has parts that others wrote, or that are gone: no bound is given")
    return told


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict as it comes back from the database, whose JSON knows no infinity."""
    most = {"Infinity": sys.float_info.max, "-Infinity": -sys.float_info.max}
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str), parse_constant=most.get)
    return plain


async def _keep(
    services: Services, work: CaseWork, case: str, computed: Computed, by: str | None, *, less: bool
) -> Snapshot:
    """Keep a verdict, what went in, from what evidence it is, and an alert where it changed, in one transaction."""
    now, verdict = services.clock.now(), computed.verdict
    before = await work.cases.verdicts(case)
    if not less:
        _refuse_less(services, case, [each.verdict for each in before], by, verdict)
    after = Snapshot(0, now, computed.complaints, verdict)
    numbers = await assign(services.db, "actor", sorted(after.suspected()))
    changed = by is None and _standing(after) != _standing(before[-1] if before else None)

    async def beside(connection: Connection, seq: int) -> None:
        # the row of the case is locked: nobody adds a verdict now, and what came since this one was computed is heeded
        if not less:
            since = await cautionqueries.verdicts_between(connection, case, before[-1].seq if before else 0, seq)
            _refuse_less(services, case, since, by, verdict)
        if by is None:
            cleared = await cautionqueries.cleared(connection, case)
            if after.suspected() & set(cleared) or not await cautionqueries.is_open(connection, case):
                raise Overtaken(f"`{case}` was closed meanwhile, or somebody was cleared whom its new verdict names")
        await queries.add_inputs(connection, case, seq, computed.files)
        await queries.weighed(connection, case, computed.evidence, now)
        if changed:
            about: dict[str, int | str] = {"case": case, "verdict": seq}
            about |= {"before": _word(before), "after": verdict["verdict"]}
            if numbers:
                about["suspected"] = ".".join(str(numbers[actor]) for actor in strongest(verdict)[:5])
            severity: Severity = "high" if numbers or (before and before[-1].suspected()) else "medium"
            await raise_alert(connection, "case", severity, CHANGED, about, at=now)
        # last, when nothing refuses it any more: a cut from here to the commit leaves an entry whose number comes again
        text = json.dumps(verdict, sort_keys=True)
        await work.notes.add(case, "case.verdict", by=by or BY, text=text, more={"seq": seq})

    return await work.cases.add_verdict(case, verdict, complaints=computed.complaints, beside=beside)


def _word(before: Sequence[Snapshot]) -> str:
    """Return the word of the newest verdict; a file that was added may say anything, and an alert leaves the house."""
    word = str(before[-1].verdict.get("verdict")) if before else "none"
    return word if word in {"none", *map(str, (*Verdict, *Rung))} else "other"


def _standing(said: Snapshot | None) -> tuple[str, frozenset[tuple[str, ...]]]:
    """Return what a change of which people must hear: the word, and who stands on which rung."""
    if said is None:
        return "", frozenset()
    candidates: Sequence[Mapping[str, Any]] = said.verdict.get("candidates") or ()
    on_rung = (each for each in candidates if each.get("rung") in ON_RUNG)
    return str(said.verdict.get("verdict")), frozenset((each["rung"], *each["actors"]) for each in on_rung)
