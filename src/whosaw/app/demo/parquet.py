"""The record as data: the trail in Parquet, every row proved against it, and one question asked of it."""

from __future__ import annotations

from pathlib import Path

from whosaw.app.demo.told import Teller
from whosaw.app.services import Services
from whosaw.lake.answers import ask
from whosaw.lake.flow import export
from whosaw.lake.named import Asked
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake


async def bring_into_lake(services: Services, lake: Path, teller: Teller) -> None:
    """Export what was signed, prove it, and ask which classes were seen how often."""
    trail = Trail(services.db, services.settings.trail_folder, services.keys.trail.verifier)
    classes = services.catalog.field_classes
    done = await export(trail, lake, classes)
    report = await verify_lake(trail, lake)
    teller.line(
        f"lake: {done.entries:,} entries became {report.rows:,} rows in {report.files} files; "
        f"{len(report.findings)} of them are not what the trail makes of it"
    )
    answer = ask(str(lake), "exposure", Asked())
    seen = ", ".join(f"{row['class']} of {row['subjects']:,} customers" for row in answer.table.to_pylist())
    teller.line(f"asked of it: what was shown in clear: {seen}")
