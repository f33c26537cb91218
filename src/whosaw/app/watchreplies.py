"""Answers to watch's questions that come as replies to the mail: bound to one question and one employee, signed, once.

A question's mail names an address of its own under the catalog's alias domain: its number and 130 bits that only this
house can make, from the question, whom it asks and when. A reply counts as his where it comes from his address in the
directory and his domain signed it; who merely learned the address answers nothing in his name. What a machine sends
by itself (an absence notice) is no answer. Whoever's reply is not taken is told why, at his address in the directory.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from typing import Literal

from whosaw.answer.signature import Lookup, check_dkim
from whosaw.app import watchqueries as queries
from whosaw.app.services import Services
from whosaw.app.watchprompts import MARK, Prompt, PromptRefused, answer, one_line
from whosaw.doors.mail.delivery import NextHop
from whosaw.doors.mail.ids import load_mail_key
from whosaw.doors.mail.letters import Read, read
from whosaw.store.numbers import keys_of

BYTES_MOST = 256 * 1024
_SIGNS = 26
_ADDRESS = re.compile(r"q(\d{1,18})\.([a-z2-7]{26})")
_ATTRIBUTION = re.compile(r"^.{0,300}(wrote|schrieb|écrit|escribió)\s?:\s*$", re.IGNORECASE)
_ORIGINAL = re.compile(r"^\s*(-{2,}\s*(original|forwarded) |_{10,}|from:\s|von:\s)", re.IGNORECASE)
_HEADER = re.compile(
    r"^\s*(from|von|de|sent|gesendet|envoyé|enviado|date|datum|to|an|à|para|subject|betreff|objet|asunto)\s?:\s",
    re.IGNORECASE,
)

Taken = Literal["answered", "refused", "unknown"]


def reply_address(key: bytes, domain: str, prompt: Prompt) -> str:
    """Return the address that answers one question to one employee.

    Args:
        key: of the mail door, 32 bytes.
        domain: of the catalog's aliases.
        prompt: the question.
    """
    said = f"whosaw/prompt-reply/v1\n{prompt.id}\n{prompt.actor}\n{prompt.asked_at.isoformat()}".encode()
    made = base64.b32encode(hmac.digest(sha256(b"prompt\0" + key).digest(), said, "sha256")).decode().lower()
    return f"q{prompt.id}.{made[:_SIGNS]}@{domain}"


def own_words(text: str) -> str:
    """Return what somebody wrote himself: without the quoted question, its attribution and his signature.

    A line of his own that looks like an attribution (`the customer wrote:`) stays, where no quote follows it.
    """
    kept: list[str] = []
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if MARK in line or line.startswith(">") or line.rstrip() == "--":
            break
        after = next((each for each in lines[at + 1 :] if each.strip()), "")
        quoted = after.lstrip().startswith(">") or MARK in after
        if (_ATTRIBUTION.match(line) and quoted) or (_ORIGINAL.match(line) and (quoted or _HEADER.match(after))):
            break
        kept.append(line)
    while kept and (not kept[-1].strip() or kept[-1].rstrip().endswith(">:")):
        kept.pop()
    return "\n".join(kept).strip()


@dataclass(frozen=True, slots=True)
class Replies:
    """Takes replies for the mail door.

    Attributes:
        services: everything opened.
        dns: answers with the keys of signatures.
        next_hop: takes what is told to an employee.
    """

    services: Services
    dns: Lookup
    next_hop: NextHop

    async def take(self, sender: str, recipient: str, raw: bytes) -> Taken | None:
        """Take a mail; None where the address is none of a question.

        Args:
            sender: of the envelope; empty for reports.
            recipient: of the envelope.
            raw: the mail.

        Raises:
            NextHopFailed, WhosawError: it was not taken; the same mail must be brought again.
        """
        local, _, domain = recipient.strip().lower().rpartition("@")
        aliases = self.services.catalog.aliases
        named = _ADDRESS.fullmatch(local)
        if aliases is None or domain != aliases.domain or named is None:
            return None
        row = await queries.prompt(self.services.db, int(named[1]))
        if row is None:
            return "unknown"
        prompt, key = Prompt.of(row), load_mail_key(self.services.settings.keys_folder)
        if not hmac.compare_digest(reply_address(key, domain, prompt), f"{local}@{domain}"):
            return "unknown"
        seen = read(raw)
        if not sender or seen.automatic:
            return "unknown"  # a report or an absence notice, and no answer of his
        employee = (await keys_of(self.services.db, "actor", [prompt.actor])).get(prompt.actor, "")
        address = str((await self.services.directory([employee])).get(employee, {}).get("mail") or "")
        why = await self._refusal(raw, seen, address) or await self._answered(prompt, raw, employee)
        if not why:
            return "answered"
        if "@" in address:
            await self.next_hop("", address, self._told(address, prompt, why))
        return "refused"

    async def _refusal(self, raw: bytes, seen: Read, address: str) -> str:
        if len(raw) > BYTES_MOST:
            return f"the mail has more than {BYTES_MOST // 1024} KiB"
        if not address or seen.sender.lower() != address.lower():
            return "it does not come from your address in the directory"
        signed = check_dkim(raw, sender_domain=seen.domain, dns=self.dns, at=self.services.clock.now())
        return "" if signed.verdict == "pass" else "your domain did not sign it, so anybody could have sent it"

    async def _answered(self, prompt: Prompt, raw: bytes, employee: str) -> str:
        body = message_from_bytes(raw, policy=default).get_body(("plain",))
        try:
            text = own_words(str(body.get_content())) if body is not None else ""
        except (LookupError, ValueError):
            text = ""
        if not text:
            return "there is no plain text of your own in it, above the quoted question"
        try:
            done = await answer(self.services, prompt.id, text, by=employee)
        except PromptRefused as refused:
            row = await queries.prompt(self.services.db, prompt.id)
            if row is None or Prompt.of(row).answer != one_line(text):
                return str(refused)
            done = Prompt.of(row)  # the same mail again: it was recorded, and what came of it could not be told
        late = done.answered_at is not None and done.answered_at > done.due_at
        return "it came after the day in which it counts; it is recorded, and changes nothing" if late else ""

    def _told(self, address: str, prompt: Prompt, why: str) -> bytes:
        message = EmailMessage()
        message["From"] = self.services.settings.mail_from
        message["To"] = address
        message["Subject"] = "Your answer was not taken"
        message["Date"] = self.services.clock.now()
        message["Auto-Submitted"] = "auto-replied"
        message.set_content(
            f"A reply to question {prompt.id} was not taken: {why}.\n\nIf it was yours, answer on the page "
            f"/console/prompts of whosaw, or with\n\n    whosaw watch answer {prompt.id} --because '...'\n"
        )
        return message.as_bytes()
