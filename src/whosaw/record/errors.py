"""The errors of the record. `TrailUnavailable` is what a door sees: not recorded, so nothing may be revealed."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class RecordError(WhosawError):
    """Base of what can go wrong with the trail."""

    code: ClassVar[str] = "record.error"


class TrailUnavailable(RecordError, ConnectionError):
    """An entry was not recorded, or it is not known that it was: nothing may be revealed on it."""

    code: ClassVar[str] = "record.unavailable"
    hint = "nothing was revealed; ask again when the trail's database answers"


class QueueFull(TrailUnavailable):
    """More entries wait for the trail than it takes; refused at once."""

    code: ClassVar[str] = "record.queue_full"


class AppendTimedOut(TrailUnavailable, TimeoutError):
    """The entry was not durable before the deadline."""

    code: ClassVar[str] = "record.timed_out"


class AppendFailed(TrailUnavailable):
    """The commit of the batch failed, or its outcome is unknown, which counts as not recorded."""

    code: ClassVar[str] = "record.append_failed"


class TrailDamaged(RecordError, RuntimeError):
    """The stored trail contradicts what was signed or published of it."""

    code: ClassVar[str] = "record.damaged"
    hint = "sign and reveal nothing on this trail; run `whosaw fsck`, which names the entries"


class TrailRolledBack(TrailDamaged):
    """The database holds a smaller or a different trail than the last signed checkpoint."""

    code: ClassVar[str] = "record.rolled_back"
    hint = "the database was restored from an older copy or altered; run `whosaw fsck` before anything is signed again"


class KeyRefused(RecordError, PermissionError):
    """A key file is missing, readable by others, or not a key of this trail."""

    code: ClassVar[str] = "record.key_refused"


class JournalRefused(RecordError, OSError):
    """The receipt journal cannot be used: another process writes it, or its disk fails."""

    code: ClassVar[str] = "record.journal_refused"


class CheckpointMissing(RecordError, LookupError):
    """No signed checkpoint covers the entries that should be proved."""

    code: ClassVar[str] = "record.checkpoint_missing"
    hint = "checkpoints follow entries within about a second while the integrator runs; check that it does"


class EntryErased(RecordError, LookupError):
    """An entry was erased or pruned: its leaf is in the tree, and nobody can say any more what it said."""

    code: ClassVar[str] = "record.entry_erased"
    hint = "bundles that were made before the erasure still prove it"
