"""``whosaw trail prune``: let payloads die that are older than the published retention policy keeps them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from whosaw.app.commands.opened import AsJson, Flag, operators_number, with_services
from whosaw.app.commands.output import console, print_json
from whosaw.app.services import Services
from whosaw.app.settings import Settings
from whosaw.record.erasure import Erased, resume, sweep
from whosaw.record.retention import Retention, due
from whosaw.record.retention import prune as prune_trail


def prune(*, policy: Path | None = None, dry_run: Flag = False, as_json: AsJson = False) -> int:
    """Let every payload die that is older than the retention policy keeps it, but never one that is held; recorded.

    The policy is published beside the checkpoint as retention.toml.

    Args:
        policy: the policy, a TOML file; default retention.toml in the state folder.
        dry_run: only count, by kind of entry.
        as_json: print JSON.
    """
    settings = Settings()
    path = policy or settings.state / "retention.toml"
    keeps = Retention.load(path)

    async def work(services: Services) -> tuple[dict[str, int], list[Erased]]:
        counts = await due(services.db, services.clock, keeps)
        if dry_run:
            return counts, []
        settings.trail_folder.mkdir(parents=True, exist_ok=True)
        (settings.trail_folder / "retention.toml").write_bytes(path.read_bytes())
        by = await operators_number(services.db)
        await resume(services.db, services.appender)
        done = await prune_trail(services.db, services.appender, services.clock, keeps, by)
        await sweep(services.db, services.appender, services.clock, by)
        return counts, done

    counts, done = with_services(work)
    if as_json:
        print_json({"policy": keeps.version, "due": counts, "pruned": [asdict(each) for each in done]})
        return 0
    out = console()
    for kind, count in counts.items():
        out.print(Text(f"{count:>9,}  {kind}"))
    total = sum(each.entries for each in done)
    out.print(
        Text(f"{sum(counts.values()):,} payloads are due" if dry_run else f"{total:,} payloads pruned; hashes stay")
    )
    return 0
