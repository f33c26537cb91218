"""How commands print: tables for a terminal, plain text for a pipe, JSON when asked."""

from __future__ import annotations

import json
import shutil
import sys

from rich.console import Console
from rich.table import Table

_PIPE_COLUMNS = 160


def console() -> Console:
    """Return where people read; a pipe gets wide lines without colour instead of a terminal's width."""
    width = None if sys.stdout.isatty() else max(_PIPE_COLUMNS, shutil.get_terminal_size().columns)
    return Console(width=width, highlight=False, soft_wrap=False)


def table(*columns: str, title: str = "") -> Table:
    """Return an empty table in the house style."""
    made = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def print_json(value: object) -> None:
    """Print `value` as JSON, indented, in UTF-8."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
