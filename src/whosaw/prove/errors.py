"""The errors of the proofs: a check that fails raises, nothing returns a flag that could be ignored."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class ProveError(WhosawError):
    """Base of what can be wrong with a proof or with what it is made of."""

    code: ClassVar[str] = "prove.error"


class ProofMismatch(ProveError, ValueError):
    """A proof does not lead from what it should prove to the tree it names."""

    code: ClassVar[str] = "prove.mismatch"
    hint = "what you hold and what the trail signed are not the same; ask for a fresh proof and compare"


class NoteInvalid(ProveError, ValueError):
    """A signed note, a key or a text inside a note is malformed, or no known key signed it."""

    code: ClassVar[str] = "prove.note_invalid"
    hint = "check that the file is whole and that the verifier key belongs to this trail"


class PayloadRefused(ProveError, ValueError):
    """A payload has no canonical form: only integers, strings and lists of them under plain names do."""

    code: ClassVar[str] = "prove.payload_refused"


class ExposureInvalid(ProveError, ValueError):
    """A set of subjects is malformed, or not the one that an entry names."""

    code: ClassVar[str] = "prove.exposure_invalid"
    hint = "take the set again from where the entry came from; its file is verified exactly as it was written"


class ReceiptInvalid(ProveError, ValueError):
    """A receipt is malformed, or its signature or path does not hold."""

    code: ClassVar[str] = "prove.receipt_invalid"
    hint = "check that the receipt is whole and that the verifier key belongs to the receipts of this trail"


class PolicyInvalid(ProveError, ValueError):
    """A policy file breaks the format."""

    code: ClassVar[str] = "prove.policy_invalid"
    hint = "the format is c2sp.org/tlog-policy: lines log, witness, group and exactly one quorum"


class BundleInvalid(ProveError, ValueError):
    """An evidence bundle is not whole, not ours, or was altered; the message says where."""

    code: ClassVar[str] = "prove.bundle_invalid"
    hint = "take the bundle again from where it was published; a bundle is verified exactly as it was written"
