"""``whosaw policy show|test|diff|forecast``: what is in force, does it do what was expected, what would a change do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, ClassVar

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.forecast import Forecast
from whosaw.app.forecast import forecast as foresee
from whosaw.app.looks import Look, note_look, operator
from whosaw.app.policytable import check_names, read_table, try_table
from whosaw.app.reach import deeds
from whosaw.app.services import Services
from whosaw.app.settings import Settings
from whosaw.catalog import Catalog, load
from whosaw.decide import PolicySet, load_policies
from whosaw.decide.gains import Gain, Grid, gains, merged

_Files = Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative="")]


class BadDays(AppError, ValueError):
    """The number of days is none."""

    code: ClassVar[str] = "app.bad_days"
    hint = "name between 0.01 and 3660 days"


def show(*, catalog: Path | None = None, text: Flag = False, as_json: AsJson = False) -> int:
    """List the policies that the catalog names, or those that ship with whosaw.

    Args:
        catalog: the catalog file; default WHOSAW_CATALOG, else whosaw.toml in the state folder.
        text: print each policy as written.
        as_json: print JSON.
    """
    policies = load_policies(_catalog(catalog).policy_files)
    if as_json:
        print_json({"version": policies.version, "policies": [asdict(each) for each in policies.policies.values()]})
        return 0
    out = console()
    lines = table("policy", "does", "duties", title=f"policies, version {policies.version}")
    for each in policies.policies.values():
        lines.add_row(Text(each.name), "permits" if each.permits else "forbids", Text(", ".join(each.duties)))
    out.print(lines)
    if text:
        for each in policies.policies.values():
            out.print(Text(f"\n{each.text}"))
    return 0


def test(file: Path, /, *, policies: _Files = (), catalog: Path | None = None, as_json: AsJson = False) -> int:
    """Try a team's own table of expected decisions; exit 1 where one comes out otherwise.

    Args:
        file: a TOML file of [[expect]] tables.
        policies: Cedar files to try instead of those that the catalog names.
        catalog: the catalog file.
        as_json: print JSON.
    """
    expected = read_table(file)
    named = _catalog(catalog) if catalog or not policies else None
    held = load_policies(policies or (named.policy_files if named else ()))
    if named is not None:
        check_names(expected, named)
    outcomes = try_table(expected, held)
    failed = [each for each in outcomes if not each.holds]
    if as_json:
        said = [
            {
                "name": each.expected.name,
                "about": each.expected.about,
                "expected": each.expected.effect,
                "effect": each.effect,
                "policies": list(each.policies),
                "holds": each.holds,
            }
            for each in outcomes
        ]
        print_json({"version": held.version, "passed": not failed, "expectations": said})
        return 1 if failed else 0
    out = console()
    for each in failed:
        by = ", ".join(each.policies) or "no policy permits it"
        out.print(
            Text(f"  FAILED  {each.expected.name}: {each.effect}, not {each.expected.effect} ({by})", style="bold red")
        )
    out.print(Text(f"{len(outcomes) - len(failed)} of {len(outcomes)} decisions as expected, version {held.version}"))
    return 1 if failed else 0


def diff(*files: Path, against: _Files = (), catalog: Path | None = None, as_json: AsJson = False) -> int:
    """Say who gains and who loses what when other policies come into force; exit 1 where anybody does.

    Args:
        files: the Cedar files that would be in force.
        against: the Cedar files to compare with; default those that the catalog names.
        catalog: the catalog file.
        as_json: print JSON.
    """
    held = _catalog(catalog)
    before, after = load_policies(against or held.policy_files), load_policies(files)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        asked = shown.add_task("situations")
        found = merged(
            gains(before, after, _grid(held), told=lambda done, whole: shown.update(asked, completed=done, total=whole))
        )
    if as_json:
        lines = [asdict(gain) | {"situations": count} for gain, count in found]
        print_json({"before": before.version, "after": after.version, "changes": lines})
    else:
        _print_diff(found, before, after)
    return 1 if found else 0


def forecast(*, days: float = 30.0, policies: _Files = (), as_json: AsJson = False) -> int:
    """Say per team what enforcement, or other policies, would have changed in the last days.

    Args:
        days: how many days back.
        policies: Cedar files to try; default those in force, enforced everywhere.
        as_json: print JSON.
    """
    if not 0.01 <= days <= 3660:
        raise BadDays(f"`{days}` is no number of days")
    tried = load_policies(policies) if policies else None

    async def work(services: Services) -> Forecast:
        look = Look(operator(), "look.forecast", f"days:{days:g}")
        await note_look(services.db, services.appender, services.clock, look)
        return await foresee(services, tried or services.policies.current, days)

    found = with_services(work)
    if as_json:
        print_json(asdict(found))
    else:
        _print_forecast(found)
    return 0


def _catalog(path: Path | None) -> Catalog:
    return load(path or Settings().catalog_path)


def _grid(catalog: Catalog) -> Grid:
    """Return what is asked besides what the policies speak of themselves."""
    budgets = (budget.roles for budget in catalog.budgets.values())
    return Grid(
        roles=frozenset().union(*budgets),
        classes=frozenset(field.klass for field in catalog.fields.values()),
        actions=frozenset(deeds(catalog)),
        purposes=frozenset(catalog.purposes),
    )


def _print_diff(found: Sequence[tuple[Gain, int]], before: PolicySet, after: PolicySet) -> None:
    out = console()
    out.print(Text(f"policies {before.version} → {after.version}", style="bold"))
    if not found:
        out.print("nobody gains or loses anything")
        return
    lines = table("role", "", "what", "for", "before", "after", "where")
    for gain, count in found:
        where = gain.situation
        stated = where.purpose
        if where.reason != "purpose.verified":
            stated = f"{where.purpose}: {where.reason}" if where.purpose else where.reason
        stated += ", with a grant" if where.granted else ", with broken glass" if where.broken_glass else ""
        lines.add_row(
            Text(where.role),
            Text("gains", style="yellow") if gain.more else Text("loses", style="red"),
            Text(gain.about),
            Text(stated),
            Text(_by(gain.before, gain.before_policies, gain.before_duties)),
            Text(_by(gain.after, gain.after_policies, gain.after_duties)),
            Text(_place(gain, count)),
        )
    out.print(lines)


def _by(effect: str | None, policies: Sequence[str], duties: Sequence[str]) -> str:
    bound = f"{effect or 'deny'}{''.join(f', {duty}' for duty in duties)}"
    return f"{bound} ({', '.join(policies)})" if policies else bound


def _place(gain: Gain, count: int) -> str:
    where = gain.situation
    said = f"{where.region} → {where.subject_region}"
    said += "".join(f", {word}" for word in (where.employer, where.site, where.function) if word)
    return said if count == 1 else f"{count} places, as {said}"


def _print_forecast(found: Forecast) -> None:
    out = console()
    out.print(
        Text(
            f"since {found.since:%Y-%m-%d %H:%M} UTC: {found.entries:,} asks decided again by policies "
            f"{found.policy_version}, enforced",
            style="bold",
        )
    )
    if found.left_out:
        out.print(Text(f"{found.left_out:,} left out: the directory no longer lists who asked", style="yellow"))
    if not found.lines:
        out.print("nothing would have come out otherwise")
        return
    lines = table("team", "for", "what", "was", "would be", "asks", "people")
    for line in found.lines:
        style = "red" if line.less else "yellow"
        cells = (line.team, line.purpose or "(no purpose)", line.about, line.before)
        lines.add_row(*map(Text, cells), Text(line.after, style=style), f"{line.asks:,}", f"{line.people:,}")
    out.print(lines)
    out.print(Text(f"{found.unchanged:,} answers come out the same", style="dim"))
