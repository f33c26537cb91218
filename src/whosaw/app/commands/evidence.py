"""``whosaw evidence build|extend``: the bundle of a case, for a court or the police, and what came after it."""

from __future__ import annotations

from pathlib import Path

from whosaw.answer.redaction import Redaction
from whosaw.app.commands.acting import look_at_case, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import Flag, UnknownPerson, number_of, person, with_services
from whosaw.app.evidence import Built, build_case_evidence, extend_evidence
from whosaw.app.services import Services
from whosaw.prove import Checkpoint
from whosaw.store.numbers import was_given


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
        redact: whom to leave out of this copy, as customer:C-17 or by the number in the record, separated by commas;
            every proof stays valid.
        ground: why, where something is left out.
        no_report: leave the PDF report out, which needs typst.
    """

    async def work(services: Services) -> Built:
        by = await whose_token(services)
        await look_at_case(services, case)
        path = out or services.settings.evidence_folder / f"{case}.zip"
        left_out = Redaction(subjects=await _subjects(services, redact), ground=ground)
        return await build_case_evidence(services, case, path, by=by, redact=left_out, report=not no_report)

    built = with_services(work)
    say(f"{built.path}: {built.report.entries} entries, {len(built.report.files)} files, verified")
    for line in built.missing:
        say(f"not part of it: {line}")
    say(f"compare the key with the one you published: {built.report.signer}")
    return 0


async def _subjects(services: Services, text: str) -> frozenset[int]:
    """Return the numbers of the people that a list names.

    Raises:
        UnknownPerson: the record has no number of one, or never gave this number: he who is meant would stay in the
            copy.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return frozenset([await _number(services, part) for part in parts])


async def _number(services: Services, part: str) -> int:
    if not part.isdecimal():
        return await number_of(services.db, person(part))
    if not await was_given(services.db, "subject", int(part)):
        raise UnknownPerson(
            f"the record gave nobody the number `{part}`",
            hint="a company's own key is written with its kind: `customer:17`",
        )
    return int(part)


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
