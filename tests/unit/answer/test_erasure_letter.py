"""The letter to who asked to be erased."""

from __future__ import annotations

from datetime import date

from whosaw.answer.erasureanswer import ErasureAnswer, FieldAnswer, erasure_text


def test_what_is_kept_on_one_ground_is_said_in_one_sentence_and_a_case_is_a_ground_in_words() -> None:
    day, later = date(2026, 9, 17), date(2027, 1, 2)
    kept = [
        FieldAnswer("customer.email", "kept", "CASE-1", day),
        FieldAnswer("customer.name", "kept", "CASE-1", day),
        FieldAnswer("customer.phone", "kept", "the court of Acme asked", later),
    ]
    made = ErasureAnswer("R-1", "Acme", "2026-03-21T00:00:00", "passport", "2026-03-01T00:00:00", False, tuple(kept))
    said = [line for line in erasure_text(made, {"customer.email": "e-mail address"}).splitlines() if "Kept" in line]
    assert said == [
        "Kept, and used for nothing else: e-mail address, customer.name. Ground: legal claims and their proof (GDPR "
        "art. 17(3)(e)), our reference CASE-1. This is looked at again by 2026-09-17; before it ends you are told.",
        "Kept, and used for nothing else: customer.phone. Ground: the court of Acme asked. This is looked at again by "
        "2027-01-02; before it ends you are told.",
    ]
