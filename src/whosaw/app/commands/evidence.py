"""``whosaw evidence build|extend``: the bundle of a case, for a court or the police, and what came after it."""

from __future__ import annotations

from pathlib import Path

from whosaw.answer.redaction import Redaction
from whosaw.app.commands.acting import look_at_case, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import Flag, with_services
from whosaw.app.evidence import Built, build_case_evidence, extend_evidence, numbers_of
from whosaw.app.services import Services
from whosaw.prove import Checkpoint


def build(
    case: str,
    /,
    *,
    out: Path | None = None,
    redact: str = "",
    ground: str = "",
    no_report: Flag = False,
) -> int:
    """Write everything about a case that one may see into one bundle that anybody can verify alone; recorded.

    Args:
        case: CASE-1.
        out: where to; a name ending in .zip makes a zip. In the evidence folder where left out.
        redact: numbers of subjects to leave out of this copy, separated by commas; every proof stays valid.
        ground: why, where something is left out.
        no_report: leave the PDF report out, which needs typst.
    """

    async def work(services: Services) -> Built:
        by = await whose_token(services)
        await look_at_case(services, case)
        path = out or services.settings.evidence_folder / f"{case}.zip"
        left_out = Redaction(subjects=numbers_of(redact), ground=ground)
        return await build_case_evidence(services, case, path, by=by, redact=left_out, report=not no_report)

    built = with_services(work)
    say(f"{built.path}: {built.report.entries} entries, {len(built.report.files)} files, verified")
    for line in built.missing:
        say(f"not part of it: {line}")
    say(f"compare the key with the one you published: {built.report.signer}")
    return 0


def extend(bundle: Path, /, *, out: Path | None = None) -> int:
    """Write what proves to whoever holds a bundle that the trail was only added to since it was built.

    It holds signed tree heads and hashes, and nothing of the case: `whosaw verify BUNDLE --later FILE` checks it.

    Args:
        bundle: as it was handed out, a folder or a zip.
        out: where to; beside the bundle where left out.
    """

    async def work(services: Services) -> tuple[Path, Checkpoint]:
        return await extend_evidence(services, bundle, out)

    path, later = with_services(work)
    say(f"{path}: from the bundle's checkpoint to one over {later.size} entries")
    return 0
