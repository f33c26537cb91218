"""The entry point. ``verify`` runs on the standard library and ``prove`` alone, so that a stranger can run it.

Every other command needs an extra, and says which where it is not installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from whosaw import __version__
from whosaw.terms import WhosawError

if TYPE_CHECKING:
    from whosaw.prove import BundleReport


class FileUnreadable(WhosawError, OSError):
    """A file named on the command line cannot be read."""

    code: ClassVar[str] = "app.file_unreadable"


_EXTRA = {"import": "lake", "trace": "lake"}
_BASE_HELP = """\
usage: whosaw verify BUNDLE [--policy FILE] [--handover FILE] [--later FILE] [--json]

This installation can verify evidence bundles. Every other command needs an extra:
    pip install 'whosaw[lake]'    import and trace logs
    pip install 'whosaw[all]'     everything
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well, 1 an error with a hint, 2 wrong usage, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["verify"]:
            return _verify(given[1:])
        if given == ["--version"]:
            _print(__version__)
            return 0
        return _run(given)
    except WhosawError as problem:
        _say(problem.diagnostics())
        return 1
    except KeyboardInterrupt:
        _say("interrupted: nothing is left half-written, and the command can be run again")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _run(given: list[str]) -> int:
    try:
        from whosaw.app.cli import run
    except ModuleNotFoundError as missing:
        return _name_extra(given, missing)
    try:
        return run(given)
    except ImportError as problem:
        # the command line library wraps what went wrong when it imported a command
        cause = problem if isinstance(problem, ModuleNotFoundError) else problem.__cause__
        if not isinstance(cause, ModuleNotFoundError):
            raise
        return _name_extra(given, cause)


def _name_extra(given: Sequence[str], missing: ModuleNotFoundError) -> int:
    if (missing.name or "").partition(".")[0] == "whosaw":
        raise missing
    if not given or given[0] in {"--help", "-h"}:
        _print(_BASE_HELP.rstrip())
        return 0
    command = given[0]
    extra = (
        "lake" if command == "who" and any(word.startswith("--lake") for word in given) else _EXTRA.get(command, "all")
    )
    _say(f"error: `{command}` needs `{missing.name}`, which is not installed [app.missing_extra]")
    _say(f"hint: pip install 'whosaw[{extra}]'")
    return 2


def _verify(given: Sequence[str]) -> int:
    from whosaw.prove import Policy, verify_bundle
    from whosaw.prove.handover import follow_policy

    parser = argparse.ArgumentParser(
        prog="whosaw verify", description="Check an evidence bundle offline: no server, no database, no network."
    )
    parser.add_argument("bundle", type=Path, help="the bundle: a folder or a .zip")
    parser.add_argument(
        "--policy", type=Path, help="whose signatures you trust: a file that did not come with the bundle"
    )
    parser.add_argument(
        "--handover",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="with --policy: a hand-over that the trail published, followed from the keys you trust; may be repeated",
    )
    parser.add_argument(
        "--later",
        type=Path,
        metavar="FILE",
        help="what `whosaw evidence extend` made of this bundle: that the trail was only added to since",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(given)
    policy = Policy.parse(_read(options.policy)) if options.policy else None
    if policy is not None:
        policy = follow_policy(policy, [_read(path) for path in options.handover])
    report = verify_bundle(options.bundle, policy, later=_read(options.later) if options.later else None)
    _print(json.dumps(asdict(report) | {"verified": True}, indent=2) if options.json else _told(report))
    return 0


def _told(report: BundleReport) -> str:
    lines = [
        f"verified: {report.entries} entries and {len(report.files)} files under one signed checkpoint",
        f"trail:    {report.origin}, {report.size} entries when it was signed",
        f"signer:   {report.signer}",
        *(f"witness:  {name} cosigned it on {_when(at)}" for name, at in report.witnessed),
    ]
    if report.later:
        lines.append(
            f"later:    the trail had {report.later} entries, and was only added to since the bundle was built"
        )
        lines += [f"witness:  {name} cosigned that on {_when(at)}" for name, at in report.later_witnessed]
    if report.sets:
        lines.append(f"sets:     of subjects, for {len(report.sets)} entries that name one")
    if report.without_sets:
        lines.append(f"sets:     {len(report.without_sets)} entries name one that is not in the bundle")
    if report.simulated:
        lines.append("note:     this trail was written under a simulated clock: a demonstration, not evidence")
    if report.trusted:
        asked = ", and as many witnesses cosigned as it asks for" if report.witnessed else ""
        lines.append(f"trust:    the signer is in your policy{asked}")
    else:
        lines.append("trust:    compare the signer with the key the operator published, or pass --policy FILE")
    return "\n".join(lines)


def _when(seconds: int) -> str:
    """Return a time of a cosignature, which a witness may set to anything."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d at %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"second {seconds} since 1970"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise FileUnreadable(f"cannot read `{path}`: {cause.strerror}") from cause


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
