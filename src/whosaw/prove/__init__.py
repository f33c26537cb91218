"""Prove: what an outsider needs to check the trail, and what the trail needs to be checkable.

Canonical bytes and commitments (`canonical`), the Merkle tree (`merkle`), signed notes and keys (`note`), checkpoints
(`checkpoint`), receipts (`receipt`), one-file proofs (`proof`), sets of subjects beside an entry (`exposure`), trust
policies (`policy`) and evidence bundles (`bundle`). Pure: it reads no clock and no database, depends on
``cryptography`` alone, and touches the disk only to read or write a bundle. Every check raises; nothing returns a flag
that could be ignored.
"""

from whosaw.prove.bundle import BundleReport, verify_bundle, write_bundle
from whosaw.prove.bundle_entries import BundleEntry
from whosaw.prove.canonical import Payload, canonical, entry_bytes, entry_leaf, read_payload
from whosaw.prove.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from whosaw.prove.errors import (
    BundleInvalid,
    ExposureInvalid,
    NoteInvalid,
    PayloadRefused,
    PolicyInvalid,
    ProofMismatch,
    ProveError,
    ReceiptInvalid,
)
from whosaw.prove.exposure import check_exposure, exposure_hash, read_exposure
from whosaw.prove.later import write_later
from whosaw.prove.merkle import check_consistency, check_inclusion
from whosaw.prove.note import Note, SigningKey, VerifierKey, sign_note
from whosaw.prove.policy import Policy
from whosaw.prove.proof import TlogProof
from whosaw.prove.receipt import Receipt, SignedBatch, check_receipt, decode_receipt, encode_receipt, sign_batch

__all__ = [
    "BundleEntry",
    "BundleInvalid",
    "BundleReport",
    "Checkpoint",
    "ExposureInvalid",
    "Note",
    "NoteInvalid",
    "Payload",
    "PayloadRefused",
    "Policy",
    "PolicyInvalid",
    "ProofMismatch",
    "ProveError",
    "Receipt",
    "ReceiptInvalid",
    "SignedBatch",
    "SigningKey",
    "TlogProof",
    "VerifierKey",
    "canonical",
    "check_consistency",
    "check_exposure",
    "check_inclusion",
    "check_receipt",
    "decode_receipt",
    "encode_receipt",
    "entry_bytes",
    "entry_leaf",
    "exposure_hash",
    "open_checkpoint",
    "read_exposure",
    "read_payload",
    "sign_batch",
    "sign_checkpoint",
    "sign_note",
    "verify_bundle",
    "write_bundle",
    "write_later",
]
