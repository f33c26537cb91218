"""Record: the trail. Nothing may be revealed before its entry here is durable.

`Appender` commits entries in groups and answers each with a receipt; `Integrator` builds the tree behind it and signs a
checkpoint at least every second; `reader` gives entries and their proofs back; `fsck` derives everything again and
names what does not fit. The stage stands between decide and reveal: it never sees a value of the company's, only
numbers, names of fields and the decision. It must never answer before the commit, and never sign a tree that is not
the continuation of the last one signed.
"""

from whosaw.record.announced import announced_erasures
from whosaw.record.appender import Appender, Limits
from whosaw.record.drafts import Draft
from whosaw.record.errors import (
    AppendFailed,
    AppendTimedOut,
    CheckpointMissing,
    JournalRefused,
    KeyRefused,
    QueueFull,
    RecordError,
    TrailDamaged,
    TrailRolledBack,
    TrailUnavailable,
)
from whosaw.record.findings import Finding, FsckReport
from whosaw.record.fsck import fsck
from whosaw.record.groups import Durable
from whosaw.record.integrator import Integrator
from whosaw.record.journal import Journal, read_journal
from whosaw.record.keys import Keys, load_or_create
from whosaw.record.reader import (
    Entry,
    ProvedEntries,
    entries_at,
    entries_between,
    entries_by_actor,
    entries_by_subject,
    entries_exposing,
    entries_from,
    exposed_subjects,
    prove_entries,
    trail_size,
)

__all__ = [
    "AppendFailed",
    "AppendTimedOut",
    "Appender",
    "CheckpointMissing",
    "Draft",
    "Durable",
    "Entry",
    "Finding",
    "FsckReport",
    "Integrator",
    "Journal",
    "JournalRefused",
    "KeyRefused",
    "Keys",
    "Limits",
    "ProvedEntries",
    "QueueFull",
    "RecordError",
    "TrailDamaged",
    "TrailRolledBack",
    "TrailUnavailable",
    "announced_erasures",
    "entries_at",
    "entries_between",
    "entries_by_actor",
    "entries_by_subject",
    "entries_exposing",
    "entries_from",
    "exposed_subjects",
    "fsck",
    "load_or_create",
    "prove_entries",
    "read_journal",
    "trail_size",
]
