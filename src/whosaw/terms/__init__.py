"""The words every stage shares: errors, the clock, numbers, and the values that travel from door to door.

Nothing here does I/O, save `durable`, which writes files whole, and nothing here imports another part of whosaw. The
glossary (``docs/glossary.md``) is the authority for what each word means.
"""

from whosaw.terms.chances import chance
from whosaw.terms.clock import Clock, SharedClock, SimulatedClock, SystemClock, from_us, iso_seconds, to_us
from whosaw.terms.errors import WhosawError
from whosaw.terms.numbers import ActorNumber, PurposeNumber, SubjectNumber
from whosaw.terms.stopping import stop_if_cancelled
from whosaw.terms.traits import trait_in, trait_of
from whosaw.terms.values import PurposeRef, SubjectRef

__all__ = [
    "ActorNumber",
    "Clock",
    "PurposeNumber",
    "PurposeRef",
    "SharedClock",
    "SimulatedClock",
    "SubjectNumber",
    "SubjectRef",
    "SystemClock",
    "WhosawError",
    "chance",
    "from_us",
    "iso_seconds",
    "stop_if_cancelled",
    "to_us",
    "trait_in",
    "trait_of",
]
