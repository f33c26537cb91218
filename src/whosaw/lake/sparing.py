"""Take little memory, in a process that imports a log and ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


class _WithoutPandas:
    """Finds no pandas: pyarrow would load it, and its 30 MB, with the first array, to see whether it is given some."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"no {name} here", name=name)


@contextmanager
def sparing() -> Iterator[None]:
    """Take little memory until the block ends; pyarrow then knows no pandas for as long as the process lives.

    What arrays took is given back to the system at once, and not kept for the next ones.
    """
    finder = _WithoutPandas()
    before = pa.default_memory_pool()
    sys.meta_path.insert(0, finder)
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
        sys.meta_path.remove(finder)
