"""The index beside a lake: brought up to it when asked, and read in its stead by questions about one beneficiary.

A lake of a hundred million accesses does not fit into memory; what was opened of one beneficiary's customers does. The
index lies beside the lake as `NAME.index`. Which files of the lake went in is checked with every question, so what is
out of date is refused, never answered from.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whosaw.app.traceindex import MANIFEST, DiskIndex, IndexRefused, open_index, read_index, write_index
from whosaw.app.traceindexbuild import COLUMNS, Columns, add_segment, begin, remove_segments
from whosaw.lake.completeness import Completeness, measure
from whosaw.lake.engine import from_files
from whosaw.lake.errors import BeneficiaryUnknown, NotALake
from whosaw.lake.exposure import IRREGULAR, NEVER, ORDERED, OWNERS, WORK, Exposure
from whosaw.lake.manifest import read_manifest
from whosaw.lake.mapping import Kind
from whosaw.lake.opened import Opened, opened
from whosaw.lake.routes import Routes, routes_of
from whosaw.trace.inputs import Accesses, Int64

_BATCH_ROWS = 1 << 20


def index_folder(lake: Path) -> Path:
    """Return where the index of a lake lies."""
    folder = lake.resolve()
    return folder.with_name(f"{folder.name}.index")


def has_index(lake: Path) -> bool:
    """Return whether a lake has one."""
    return (index_folder(lake) / MANIFEST).exists()


def is_behind(lake: Path) -> bool:
    """Return whether a lake holds accesses that its index does not, or the index something that the lake lost."""
    try:
        manifest = read_manifest(lake.resolve())
        parts = manifest.parts("accesses") + manifest.parts("tickets")
        if not manifest.parts("accesses") and not has_index(lake):
            return False
        open_index(index_folder(lake), [lake.resolve() / part for part in parts])
    except NotALake:
        return False
    except IndexRefused:
        return True
    return False


def bring_up(lake: Path) -> DiskIndex:
    """Bring the index of a lake up to it; what is in and has not changed stays as it is.

    Small segments are merged with what is new, so that their number grows with the logarithm of the lake. One process
    does it at a time; another one waits.

    Raises:
        IndexRefused: something else lies where the index belongs.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    folder = index_folder(lake)
    with opened(lake) as open_lake, _alone(folder):
        parts, tickets = (_files(open_lake, lake.resolve(), kind) for kind in ("accesses", "tickets"))
        if not _is_usable(folder):
            begin(folder, has_reasons=False)
        manifest = read_index(folder)
        idle = {name: size for name, size in manifest["beside"].items() if parts.get(name) == size}
        stale = _stale(open_lake, lake.resolve(), manifest, parts, tickets)
        kept = {name for each in manifest["segments"] if each["name"] not in stale for name in each["files"]}
        new = {name: size for name, size in parts.items() if name not in kept and name not in idle}
        _merge(manifest, stale, new)
        files = from_files(lake.resolve(), sorted(new)) if new else ""
        if new and open_lake.rows(f"SELECT 1 FROM {files} WHERE subject IS NOT NULL LIMIT 1"):
            add_segment(folder, new, _sorted_rows(open_lake, files), instead_of=frozenset(stale))
        else:
            idle |= new  # files without a row that names its subject
            remove_segments(folder, frozenset(stale))
        accepted = [source for source in open_lake.manifest.sources if source.kind == "accesses" and source.accepted]
        told = {
            "has_reasons": any(source.says_why for source in accepted),
            "beside": tickets | idle,
            "facts": {"completeness": _plain(measure(open_lake))},
        }
        write_index(folder, read_index(folder) | told)
        return open_index(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process writes the index."""
    handle = os.open(folder.with_name(f".{folder.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def exposure_from_index(lake: Path, beneficiary: str | None, subjects: Iterable[str]) -> Exposure | None:
    """Return what `load_exposure` does, of the beneficiary's customers and some more subjects alone.

    Args:
        lake: the folder.
        beneficiary: whose orders say who could have been contacted.
        subjects: who turned up, by reference.

    Returns:
        None where no orders say who could have been contacted: then everybody could, and the lake itself is read.

    Raises:
        IndexRefused: the index is older than the lake, or damaged.
        BeneficiaryUnknown: the lake knows beneficiaries, but not this one.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    disk = open_index(index_folder(lake))
    with opened(lake) as open_lake:
        disk.refuse_unless(_files(open_lake, lake.resolve(), "accesses") | _files(open_lake, lake.resolve(), "tickets"))
        customers = customers_of(open_lake, lake, beneficiary, subjects)
    if customers is None:
        return None
    accesses = disk.accesses_of(customers.numbers)
    return exposed(
        replace(customers, has_reasons=disk.has_reasons),
        (accesses, disk.actors()),
        _completeness(disk.facts["completeness"]),
    )


@dataclass(frozen=True, slots=True)
class Customers:
    """Whom a question is about, and all that a lake says of it but the accesses.

    Args:
        numbers: n numbers of the subjects in the lake, rising.
        names: their references.
        entered_us: n times of the first order; `NEVER` for those who turned up without one.
        work: columns `subject` (positions among the n), `at_us`, `in_context`, `kind`.
        routes: of the n, what decides who serves each.
        actors: number → reference of everybody that any log names.
        service: references of machines.
        has_reasons: whether any log says why accesses happened.
        own_trail: whether every access comes from whosaw's own trail.
    """

    numbers: Int64
    names: tuple[str, ...]
    entered_us: Int64
    work: dict[str, Any]
    routes: Routes
    actors: dict[int, str]
    service: frozenset[str]
    has_reasons: bool
    own_trail: bool


def customers_of(open_lake: Opened, lake: Path, beneficiary: str | None, subjects: Iterable[str]) -> Customers | None:
    """Return a beneficiary's customers and some more subjects.

    Args:
        open_lake: the lake.
        lake: its folder, for messages.
        beneficiary: whose orders say who could have been contacted.
        subjects: who turned up, by reference.

    Returns:
        None where no orders say who could have been contacted.

    Raises:
        BeneficiaryUnknown: the lake knows beneficiaries, but not this one.
    """
    if beneficiary is None:
        return None
    whom = open_lake.number("beneficiary", beneficiary)
    if whom is None:
        if open_lake.rows("SELECT 1 FROM numbers WHERE space = 'beneficiary' LIMIT 1"):
            raise BeneficiaryUnknown(f"no log in lake `{lake}` names beneficiary `{beneficiary}`")
        return None
    ordered = _columns(open_lake, ORDERED, whom)
    if not ordered["subject"].size:
        return None
    numbers, names = _subjects(open_lake, whom, list(subjects))
    entered_us = np.full(numbers.size, NEVER, np.int64)
    entered_us[np.searchsorted(numbers, ordered["subject"])] = ordered["at_us"]
    work = _columns(open_lake, _WORK, whom)
    known = np.isin(work["subject"], numbers)
    work = {name: column[known] for name, column in work.items()}
    sources = [s for s in open_lake.manifest.sources if s.kind == "accesses" and s.accepted]
    return Customers(
        numbers=numbers,
        names=names,
        entered_us=entered_us,
        work=work | {"subject": np.searchsorted(numbers, work["subject"])},
        routes=routes_of(open_lake, numbers),
        actors=open_lake.keys("actor"),
        service=frozenset(open_lake.manifest.service()),
        has_reasons=any(source.says_why for source in sources),
        own_trail=bool(sources) and all(source.grade == "trail" for source in sources),
    )


def exposed(customers: Customers, opened_by: tuple[Accesses, Int64], completeness: Completeness) -> Exposure:
    """Return what a lake says about a beneficiary.

    Args:
        customers: whom the question is about.
        opened_by: the accesses, subjects as positions among the customers, actors as the lake numbers them; and the
            numbers of all actors, rising.
        completeness: of the lake's accesses.
    """
    accesses, actor_numbers = opened_by
    actors = tuple(customers.actors.get(number, f"#{number}") for number in actor_numbers.tolist())
    return Exposure(
        actor=np.searchsorted(actor_numbers, accesses.actor),
        subject=accesses.subject,
        at_us=accesses.at_us,
        irregular=accesses.irregular,
        has_reasons=customers.has_reasons,
        entered_us=customers.entered_us,
        entered_by="orders",
        work_subject=customers.work["subject"],
        work_at_us=customers.work["at_us"],
        work_in_context=customers.work["in_context"].astype(np.bool_),
        actors=actors,
        subjects=customers.names,
        service=np.array([name in customers.service for name in actors], np.bool_),
        own_trail=customers.own_trail,
        completeness=completeness,
        work_kind=customers.work["kind"].astype(np.int64),
        routes=customers.routes,
    )


# here for some files and some subjects alone, not for the lake
_ROWS = f"""
    SELECT seen.subject, seen.actor, seen.at_us, {IRREGULAR.format(accesses="seen")} AS irregular
    FROM {{files}} AS seen LEFT JOIN owners ON owners.ticket = seen.ticket AND owners.subject = seen.subject
    WHERE seen.subject IS NOT NULL ORDER BY seen.subject
"""
_WORK = WORK.format(
    chosen="(SELECT * FROM tickets WHERE subject IN (SELECT subject FROM orders WHERE beneficiary = $whom))"
)


def _is_usable(folder: Path) -> bool:
    """Return whether an index that can be extended lies there; one of another version is built anew."""
    try:
        open_index(folder)
    except IndexRefused:
        return False
    return True


def _files(open_lake: Opened, folder: Path, kind: Kind) -> dict[str, int]:
    """Return name → bytes of the lake's files of one kind."""
    return {part: (folder / part).stat().st_size for part in open_lake.manifest.parts(kind)}


def _stale(
    open_lake: Opened, folder: Path, manifest: dict[str, Any], parts: dict[str, int], tickets: dict[str, int]
) -> set[str]:
    """Return the segments that cannot stay: a file of theirs is gone, or it is not known any more whose a ticket is."""
    segments = manifest["segments"]
    stale = {each["name"] for each in segments if any(parts.get(n) != size for n, size in each["files"].items())}
    old = sorted(name for each in segments if each["name"] not in stale for name in each["files"])
    unchecked = "ticket IS NOT NULL AND verified IS NULL"
    if not old or not open_lake.rows(f"SELECT 1 FROM {from_files(folder, old)} WHERE {unchecked} LIMIT 1"):
        return stale
    held = {name: size for name, size in manifest["beside"].items() if name not in parts}
    if stale or any(tickets.get(name) != size for name, size in held.items()):
        return {each["name"] for each in segments}  # what the lost rows said of tickets is lost
    fresh = [
        f"SELECT ticket FROM {from_files(folder, sorted(names))} WHERE {which}"
        for names, which in ((parts.keys() - set(old), unchecked), (tickets.keys() - held.keys(), "true"))
        if names
    ]
    if not fresh:
        return stale
    again = f"{unchecked} AND ticket IN ({' UNION '.join(fresh)})"
    files = {each["name"]: from_files(folder, sorted(each["files"])) for each in segments}
    return {name for name, own in files.items() if open_lake.rows(f"SELECT 1 FROM {own} WHERE {again} LIMIT 1")}


def _merge(manifest: dict[str, Any], stale: set[str], new: dict[str, int]) -> None:
    """Take up segments that are no larger than twice what is new: their number grows with the lake's logarithm."""
    sized = sorted((sum(each["files"].values()), each["name"], each["files"]) for each in manifest["segments"])
    for size, name, files in sized:
        if name not in stale and new and size <= 2 * sum(new.values()):
            stale.add(name)
            new |= files


def _sorted_rows(open_lake: Opened, files: str) -> Iterator[Columns]:
    """Yield the rows of some files, sorted by subject."""
    open_lake.connection.execute(f"CREATE TEMP TABLE owners AS WITH {OWNERS} FROM owner")
    found = open_lake.connection.execute(_ROWS.format(files=files)).to_arrow_reader(_BATCH_ROWS)
    for batch in found:
        if batch.num_rows:
            numbers = {name: batch.column(name).cast(pa.int64()).to_numpy() for name in COLUMNS[:3]}
            yield numbers | {"irregular": batch.column("irregular").to_numpy(zero_copy_only=False)}


def _subjects(open_lake: Opened, whom: int, more: list[str]) -> tuple[Int64, tuple[str, ...]]:
    """Return the numbers, rising, and the references of whoever ordered, and of some more."""
    rows = open_lake.rows(
        """
        WITH wanted AS (
            SELECT subject AS number FROM orders WHERE beneficiary = ?
            UNION SELECT number FROM numbers WHERE space = 'subject' AND key IN (SELECT unnest(?::VARCHAR[]))
        )
        SELECT wanted.number, coalesce(key, '#' || wanted.number) FROM wanted
        LEFT JOIN numbers ON space = 'subject' AND numbers.number = wanted.number ORDER BY 1
        """,
        [whom, more],
    )
    return np.array([number for number, _ in rows], np.int64), tuple(key for _, key in rows)


def _columns(open_lake: Opened, query: str, whom: int) -> dict[str, Any]:
    found = open_lake.connection.execute(query, {"whom": whom}).fetchnumpy()
    return {name: np.ma.getdata(column) for name, column in found.items()}


def _plain(measured: Completeness) -> dict[str, Any]:
    times = {name: at.isoformat() if (at := getattr(measured, name)) else None for name in ("first", "last")}
    return asdict(measured) | times


def _completeness(plain: dict[str, Any]) -> Completeness:
    times = {name: datetime.fromisoformat(plain[name]) if plain[name] else None for name in ("first", "last")}
    return Completeness(**(plain | times | {"grades": tuple(plain["grades"])}))
