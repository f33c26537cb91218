"""A dry run: every letter as a file, nothing queued and nothing sent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from whosaw.answer.facts import Facts
from whosaw.answer.notices import Obliged, Recipient, undecided, write_mail


def write_letters(
    folder: Path, facts: Facts, recipients: Mapping[int, Recipient], at: datetime, obliged: Obliged = undecided
) -> tuple[int, tuple[int, ...]]:
    """Write a case's letters into a folder as ``NUMBER.eml``; return how many, and whom mail cannot reach.

    Args:
        folder: made if absent.
        facts: of the case.
        recipients: name and address by subject's number.
        at: the time written as the letters' date.
        obliged: says whether a law asks for a letter to persons of a place.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written, unreachable = 0, []
    for person in facts.persons:
        recipient = recipients.get(person.subject)
        mail = write_mail(facts, person, recipient, at, obliged) if recipient else None
        if mail is None:
            unreachable.append(person.subject)
            continue
        path = folder / f"{person.subject}.eml"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(mail.message)
        written += 1
    return written, tuple(unreachable)
