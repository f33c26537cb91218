"""Which clock a command goes by: the world's, or in a demonstration's state folder the demonstration's own."""

from __future__ import annotations

from whosaw.app.settings import Settings
from whosaw.terms import Clock, SharedClock, SystemClock


def clock_of(settings: Settings) -> Clock:
    """Return the clock of a state folder. Servers do not ask: they run by the world's clock or not at all."""
    path = settings.state / "clock"
    return SharedClock(path) if path.exists() else SystemClock()
