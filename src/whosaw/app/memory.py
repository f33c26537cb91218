"""A process that serves for long: what it was built of is not looked through again, and its threads give way."""

from __future__ import annotations

import gc
import sys

# objects that were made and not freed before the youngest are looked through: those of one batch of asks fit in it, so
# that a look finds garbage rather than asks that are still under way
_YOUNG = 20_000


# a thread that has written a receipt waits this long for its turn at the interpreter, and not ten times that; and so
# does everybody who is answered by it
_SWITCH_S = 0.0005


def settle_memory() -> None:
    """Call it once, when everything is loaded and before anybody is served.

    Modules, models and policies are several hundred thousand objects that stay; each full collection would walk through
    them all, a fifth of a busy door's time and a pause for whoever asks meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
    sys.setswitchinterval(_SWITCH_S)
