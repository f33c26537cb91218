"""Take little memory, in a process that imports a log and ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_POOL = "ARROW_DEFAULT_MEMORY_POOL"


class _WithoutPandas:
    """Finds no pandas: pyarrow would load it, and its 30 MB, with the first array, to see whether it is given some."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"no {name} here", name=name)


@contextmanager
def sparing() -> Iterator[None]:
    """Take little memory until the block ends; pyarrow then knows no pandas for as long as the process lives.

    Enter it before pyarrow is loaded: only then is what its arrays took given back to the system at once.
    """
    finder = _WithoutPandas()
    os.environ.setdefault(_POOL, "system")
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
