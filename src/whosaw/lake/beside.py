"""Work done beside the caller's: one thing at a time, in order, the caller one ahead at most: memory stays small."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec

P = ParamSpec("P")


class Beside:
    """One thread for work that leaves Python's lock alone, such as packing and writing."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[object] | None = None

    def do(self, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have `work` done, once what was asked for before is; what that one raised is raised here."""
        self.wait()
        self._last = self._pool.submit(work, *args, **kwargs)

    def wait(self) -> None:
        """Return when everything is done; what the last work raised is raised here."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def close(self, failed: bool) -> None:
        """End the thread; where the caller `failed` itself, what the work raised is not raised over it."""
        try:
            if not failed:
                self.wait()
        finally:
            self._pool.shutdown(wait=True)
