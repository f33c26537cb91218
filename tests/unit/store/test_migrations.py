"""The migrations are one line: two that follow the same one would leave every database where it is."""

from __future__ import annotations

from importlib import resources
from itertools import pairwise
from pathlib import Path

from alembic.script import ScriptDirectory


def test_migrations_have_one_head_and_their_files_stand_in_their_order() -> None:
    scripts = ScriptDirectory(str(resources.files("whosaw.store") / "migrations"))
    (head,) = scripts.get_heads()
    line = [each.revision for each in scripts.iterate_revisions(head, "base")]
    files = [each.stem.partition("_")[0] for each in Path(scripts.versions).glob("[0-9]*.py")]
    assert sorted(files) == sorted(line), "each file is a step of the line"
    assert all(later > earlier for later, earlier in pairwise(line))
