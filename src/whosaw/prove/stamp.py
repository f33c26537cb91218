"""Time stamps (RFC 3161) over a checkpoint: an authority outside says that this tree existed at that time.

What is stamped is the checkpoint's body, so cosignatures may be added to the note later. A stamp is not a witness: it
bounds the time of one tree and says nothing about its being the only one.

The one thing here that needs more than ``cryptography``: the extra ``stamp``. Its reader is strict DER; an authority
that sends its certificates in another order than DER's is refused as malformed, so ask for the signer's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from cryptography import x509

from whosaw.prove.checkpoint import Checkpoint
from whosaw.prove.errors import ProveError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_GRANTED = 0
_MOST_BYTES = 65_536


class StampInvalid(ProveError, ValueError):
    """A time stamp is malformed, was refused, is over something else, or does not lead to a trusted certificate."""

    code: ClassVar[str] = "prove.stamp_invalid"
    hint = "compare the authority's certificate with the one it publishes, and the checkpoint with the one stamped"


class StampExtraMissing(ProveError, ImportError):
    """Time stamps need a package that is not installed."""

    code: ClassVar[str] = "prove.stamp_extra_missing"
    hint = "pip install 'whosaw[stamp]'"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a stamp says: the tree existed at `at` (aware, UTC), by the authority's policy and its serial number."""

    at: datetime
    policy: str
    serial: int


@dataclass(frozen=True, slots=True)
class StampRequest:
    """A request as it is sent, and the number that the answer must carry back."""

    body: bytes
    nonce: int


def stamp_request(checkpoint: Checkpoint) -> StampRequest:
    """Return a fresh request for a stamp over `checkpoint`.

    Raises:
        StampExtraMissing: the extra is not installed.
    """
    client = _client()
    builder = client.TimestampRequestBuilder().data(checkpoint.format().encode())
    made = builder.hash_algorithm(client.HashAlgorithm.SHA256).nonce(nonce=True).cert_request(cert_request=True).build()
    return StampRequest(made.as_bytes(), made.nonce)


def read_stamp(reply: bytes, checkpoint: Checkpoint, nonce: int | None = None) -> Stamp:
    """Return what an authority's reply says about `checkpoint`, without asking who signed it.

    Args:
        reply: the authority's answer, DER.
        checkpoint: what should have been stamped.
        nonce: of the request, where this is the answer to one just sent.

    Raises:
        StampInvalid: malformed, refused, over something else, or the answer to another request.
        StampExtraMissing: the extra is not installed.
    """
    return _stamp(_parsed(reply, _client()), checkpoint, nonce)


def check_stamp(reply: bytes, checkpoint: Checkpoint, roots: Sequence[x509.Certificate]) -> Stamp:
    """Return what a stamp over `checkpoint` says, after checking that its signature leads to one of `roots`.

    Certificates are judged as of the stamp's own time: a stamp outlives its signer's certificate.

    Args:
        reply: the authority's answer, DER.
        checkpoint: what should have been stamped.
        roots: at least one trusted certificate, and the intermediate ones where the reply holds only the signer's.

    Raises:
        StampInvalid: malformed, refused, over something else, or not signed under `roots`.
        StampExtraMissing: the extra is not installed.
    """
    client = _client()
    parsed = _parsed(reply, client)
    stamp = _stamp(parsed, checkpoint, None)
    if not roots:
        raise StampInvalid("no certificate to trust was given")
    verifier = client.VerifierBuilder(roots=list(roots)).build()
    try:
        verifier.verify(parsed, _imprint(checkpoint))
    except (client.VerificationError, ValueError) as cause:
        raise StampInvalid(f"the stamp does not verify: {cause}") from cause
    return stamp


def read_roots(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in a PEM file.

    Raises:
        StampInvalid: it holds none, or one is malformed.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as cause:
        raise StampInvalid(f"not certificates: {cause}") from cause


def _stamp(parsed: TimeStampResponse, checkpoint: Checkpoint, nonce: int | None) -> Stamp:
    if parsed.status != _GRANTED:
        raise StampInvalid(f"the authority refused with status {parsed.status}")
    try:
        told = parsed.tst_info
        imprint = told.message_imprint
        if imprint.hash_algorithm != _SHA256 or imprint.message != _imprint(checkpoint):
            raise StampInvalid("the stamp is over something else than this checkpoint")
        if nonce is not None and told.nonce != nonce:
            raise StampInvalid("the stamp answers another request")
        return Stamp(told.gen_time.astimezone(UTC), told.policy.dotted_string, told.serial_number)
    except StampInvalid:
        raise
    except Exception as cause:
        raise StampInvalid("the stamp is malformed") from cause


def _parsed(reply: bytes, client: Any) -> TimeStampResponse:
    if len(reply) > _MOST_BYTES:
        raise StampInvalid(f"a stamp longer than {_MOST_BYTES} bytes")
    try:
        parsed: TimeStampResponse = client.decode_timestamp_response(reply)
    except ValueError as cause:
        raise StampInvalid(f"the stamp is malformed: {cause}") from cause
    return parsed


def _imprint(checkpoint: Checkpoint) -> bytes:
    return sha256(checkpoint.format().encode()).digest()


def _client() -> Any:
    try:
        import rfc3161_client
    except ModuleNotFoundError as cause:
        raise StampExtraMissing("time stamps need `rfc3161-client`, which is not installed") from cause
    return rfc3161_client
