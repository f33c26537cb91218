"""What the door says: answers of the gate as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import JSONResponse

from whosaw.ask import ActionAsk, BulkAsk
from whosaw.decide import Decision
from whosaw.doors.http.problems import denied_response
from whosaw.gate import Deed, Disclosure, Found
from whosaw.gate.acting import SECOND_PERSON_NEEDED
from whosaw.gate.lookups import NOBODY
from whosaw.prove import Receipt, encode_receipt
from whosaw.reveal import Aliased, Masked, Refused, Value

NOT_STORED = {"Cache-Control": "no-store"}
Members = Mapping[str, object]


def disclosed(answer: Disclosure, receipt: Members, repeats: Members) -> JSONResponse:
    """Return the answer to one ask; `repeats` holds the receipt of the first where this is a repeat."""
    if answer.values and all(isinstance(value, Refused) for value in answer.values.values()):
        return denied_response(answer.decision.reason, receipt, {"ask": answer.ask.id, **repeats})
    told = {"ask": answer.ask.id, **_one(answer), "receipt": receipt, **repeats}
    return JSONResponse(told, headers=NOT_STORED)


def disclosed_bulk(ask: BulkAsk, answers: Sequence[Disclosure], repeats: Members) -> JSONResponse:
    """Return the answer to a bulk ask: one part a subject, each with the place of its receipt among `receipts`."""
    places: dict[int, int] = {}
    receipts: list[Receipt] = []
    parts = []
    for answer in answers:
        place = places.setdefault(answer.receipt.index, len(receipts))
        if place == len(receipts):
            receipts.append(answer.receipt)
        parts.append({**_one(answer), "receipt": place})
    encoded = [encode_receipt(receipt) for receipt in receipts]
    if all(isinstance(value, Refused) for answer in answers for value in answer.values.values()):
        reason = answers[0].decision.reason
        return denied_response(reason, encoded[0], {"ask": ask.id, **_digest(reason, ask), **repeats})
    return JSONResponse({"ask": ask.id, "answers": parts, "receipts": encoded, **repeats}, headers=NOT_STORED)


def found(answer: Found, receipt: Members, repeats: Members) -> JSONResponse:
    """Return the answer to a lookup: nobody, and somebody who may not be named, look alike."""
    reason = answer.decision.reason
    if answer.subject is None and reason != NOBODY:
        return denied_response(reason, receipt, {"ask": answer.ask.id, **repeats})
    subject = None if answer.subject is None else str(answer.subject)
    told = {"ask": answer.ask.id, "subject": subject, "reason": reason, "receipt": receipt, **repeats}
    return JSONResponse(told, headers=NOT_STORED)


def decided(answer: Deed, receipt: Members, repeats: Members) -> JSONResponse:
    """Return the answer to an action: only what is answered 200 may be done."""
    reason = answer.decision.reason
    if answer.decision.outcome != "allow":
        return denied_response(reason, receipt, {"ask": answer.ask.id, **_digest(reason, answer.ask), **repeats})
    told: dict[str, object] = {"ask": answer.ask.id, **_outcome(answer.decision), "receipt": receipt}
    if len(answer.receipts) > 1:
        told["receipts"] = [encode_receipt(each) for each in answer.receipts]
    return JSONResponse({**told, **repeats}, headers=NOT_STORED)


def _one(answer: Disclosure) -> dict[str, object]:
    described: dict[str, object] = {"subject": str(answer.ask.subject), **_outcome(answer.decision)}
    described["fields"] = {name: _value(value) for name, value in answer.values.items()}
    return described


def _outcome(decision: Decision) -> dict[str, object]:
    outcome: dict[str, object] = {"decision": decision.outcome, "reason": decision.reason}
    if decision.would is not None:
        outcome["would"] = decision.would
    return outcome


def _value(value: Value) -> dict[str, object]:
    if isinstance(value, Masked):
        return {"isMasked": True, "maskedPresentation": value.presentation, "rule": value.rule}
    if isinstance(value, Refused):
        return {"isDenied": True, "rule": value.rule}
    if isinstance(value, Aliased):
        return {"value": value.address, "isAlias": True, "rule": value.rule}
    return {"value": value.value}


def _digest(reason: str, ask: BulkAsk | ActionAsk) -> dict[str, object]:
    """Return what a second person is asked to approve, where one is needed."""
    return {"digest": ask.digest} if reason == SECOND_PERSON_NEEDED else {}
