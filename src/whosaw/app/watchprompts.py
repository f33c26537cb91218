"""Asking employees about single accesses that nothing explains: once a week at most, and only the employee sees it.

What somebody answers himself within a day is half an excuse at most. No answer is no evidence.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from whosaw.answer.delivery import MailLoginRefused, MailServerUnreachable, send_pending
from whosaw.app import watchqueries as queries
from whosaw.app.errors import AppError
from whosaw.app.rounds import every
from whosaw.app.services import Services
from whosaw.app.watchentries import Once, enter
from whosaw.app.watchsecond import prune_seconds
from whosaw.prove import Payload
from whosaw.store.numbers import assign, find, keys_of
from whosaw.store.outbox import Mail, Outbox, OutboxBusy
from whosaw.store.relay import Relay
from whosaw.terms import from_us

if TYPE_CHECKING:
    from whosaw.app.watching import Weighed

ANSWER_H = 24
MAIL_EVERY_S = 300.0
KEPT_DAYS = 400
"""Longer than a run looks back, so that a flag of the last half year is recomputed from the same answers."""
TOPIC = "watch.prompt"
MARK = "-- please answer above this line --"
"""What is below it in a reply is the question, quoted."""

_LOG = logging.getLogger(__name__)
_WEEK = timedelta(days=7)
_DAY_US = 86_400_000_000
_SHARE = 0.02
_LEAST, _MOST = 10, 1_000


class PromptRefused(AppError, ValueError):
    """There is no such prompt to this person, or what he wrote is no answer."""

    code: ClassVar[str] = "app.prompt_refused"
    hint = "`whosaw watch prompts` lists one's own; an answer has 10 to 1,000 characters and is given once"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to an employee.

    Attributes:
        id: its number.
        actor: whom it asks, by number.
        subject: whose record he opened, by number.
        looked_at: when.
        asked_at: when he was asked.
        due_at: until when an answer counts.
        answer: what he wrote, or None.
        answered_at: when.
        shown: how many people's records that ask showed whom nothing explains.
    """

    id: int
    actor: int
    subject: int
    looked_at: datetime
    asked_at: datetime
    due_at: datetime
    answer: str | None
    answered_at: datetime | None
    shown: int = 1

    @classmethod
    def of(cls, row: Sequence[object]) -> Prompt:
        """Return one as it is stored."""
        number, actor, subject, at_us, *rest = row
        return cls(number, actor, subject, from_us(at_us), *rest)  # type: ignore[arg-type]


async def ask(services: Services, weighed: Weighed, until_us: int, once: Once) -> int:
    """Ask about what nothing explains of the run's last day, and return how many people are asked.

    At most 2 % of the week's asks, of the day's (or one, where a day has fewer than fifty), and nobody twice within a
    week. Whom a cut run asked stays asked, and counts.

    Raises:
        RecordError: it could not be recorded, and is not asked.
    """
    from whosaw.watch.excuses import Excuses, asks_of, prompts

    watched, excuses = weighed.watched, weighed.watched.excuses
    accesses = watched.observed.accesses
    week = np.flatnonzero((accesses.at_us >= until_us - 7 * _DAY_US) & (accesses.at_us < until_us))
    day = week[accesses.at_us[week] >= until_us - _DAY_US]
    now = services.clock.now()
    numbers = await assign(services.db, "actor", [each for each in watched.actors if not each.startswith("#")])
    lately = await queries.asked_since(services.db, now - _WEEK)
    free = [numbers.get(watched.actors[int(actor)], 0) not in lately | {0} for actor in accesses.actor[day]]
    before, most = await queries.asked_about(services.db, until_us), 0
    if day.size:
        of_week, of_day = (int(asks_of(accesses.take(rows)).max()) + 1 for rows in (week, day))
        before_week = await queries.asked_about(services.db, until_us, days=7)
        most = max(0, min(max(1, int(_SHARE * of_day)) - before, int(_SHARE * of_week) - before_week))
    day = day[np.array(free, np.bool_)]
    some = Excuses(excuses.excuse[day], excuses.lift[day], excuses.fired[day], excuses.names)
    chosen = day[prompts(some, accesses.take(day), most=most)]
    asked = before
    for row in chosen.tolist():
        key, name = watched.actors[int(accesses.actor[row])], watched.subjects[int(accesses.subject[row])]
        if name.startswith("#"):
            continue
        subject = (await assign(services.db, "subject", [name]))[name]
        at_us, due = int(accesses.at_us[row]), now + timedelta(hours=ANSWER_H)
        same = day[(accesses.at_us[day] == at_us) & (accesses.actor[day] == accesses.actor[row])]
        shown = np.unique(accesses.subject[same[~excuses.explained[same]]]).size
        said: Payload = {"change": "asked", "target": numbers[key], "subject": subject}
        entry = await once.enter(said | ({"shown": shown} if shown > 1 else {}))
        number = await queries.add_prompt(services.db, (numbers[key], subject, at_us, now, due, entry, shown))
        asked += number is not None
    return asked


async def mail_prompts(services: Services) -> None:
    """Mail the open questions that were not mailed yet, each once; those that cannot go out now wait in the outbox.

    Without a mail server in the settings nothing is mailed: the questions stand on the page and in the command.
    """
    smtp = services.settings.smtp
    if smtp is None:
        return
    outbox = Outbox(services.db)
    mailed = await outbox.keys(TOPIC)
    waiting = [Prompt.of(row) for row in await queries.open_prompts(services.db, services.clock.now())]
    fresh = [each for each in waiting if str(each.id) not in mailed]
    keys = await keys_of(services.db, "actor", [each.actor for each in fresh])
    rows = await services.directory(sorted(keys.values()))
    addresses = {number: str(rows.get(key, {}).get("mail") or "") for number, key in keys.items()}
    mails = [_letter(services, each, addresses[each.actor]) for each in fresh if "@" in addresses.get(each.actor, "")]
    await outbox.queue(TOPIC, mails, services.clock.now())
    if not await queries.mails_wait(services.db, TOPIC):
        return
    try:
        await send_pending(outbox, Relay.read(smtp.get_secret_value()), clock=services.clock)
    except OutboxBusy:
        _LOG.warning("another process sends mail; prompts go out with it")
    except (MailServerUnreachable, MailLoginRefused) as problem:
        _LOG.warning("prompts wait: %s", problem)


async def keep_prompts(services: Services) -> None:
    """Mail what could not go out before, and let answers die in time; for ever. Idle where nobody is asked anything."""
    watching = services.catalog.watch
    if watching is None or not (watching.prompts or watching.second is not None):
        return

    async def step() -> None:
        await mail_prompts(services)
        await prune_prompts(services)

    await every(MAIL_EVERY_S, step, failed="prompts wait")


async def prune_prompts(services: Services) -> int:
    """Let questions and answers die that are older than a flag can rest on; return how many.

    The entries that they were asked and answered stay in the trail, with the hash of the answer.
    """
    await prune_seconds(services, KEPT_DAYS)
    return await queries.prune_prompts(services.db, services.clock.now() - timedelta(days=KEPT_DAYS))


def _letter(services: Services, prompt: Prompt, address: str) -> Mail:
    """Return the mail: it names no customer, for it leaves the house."""
    origin = services.keys.origin.partition("/")[0] or "whosaw"
    identifier = sha256(f"{services.keys.origin}\n{prompt.id}\n{prompt.asked_at.isoformat()}".encode()).hexdigest()[:32]
    message = EmailMessage()
    message["From"] = services.settings.mail_from
    message["To"] = address
    message["Subject"] = f"Why did you open {'this record' if prompt.shown == 1 else 'these records'}?"
    message["Message-ID"] = f"<{identifier}@{origin}>"
    message["Date"] = prompt.asked_at
    reply = _reply_address(services, prompt)
    if reply:
        message["Reply-To"] = reply
    what = "a record" if prompt.shown == 1 else f"{prompt.shown:,} records"
    opened = f"On {prompt.looked_at:%Y-%m-%d} at {prompt.looked_at:%H:%M} (UTC) you opened {what}"
    message.set_content(
        f"{f'{MARK}{chr(10)}{chr(10)}' if reply else ''}{opened}, and no ticket, call or other work record explains "
        f"{'it' if prompt.shown == 1 else 'them'}.\n\nPlease say why, by {prompt.due_at:%Y-%m-%d %H:%M} (UTC):\n"
        f"{'in a reply to this mail, ' if reply else ''}on the page /console/prompts of whosaw, or with\n\n"
        f"    whosaw watch answer {prompt.id} --because '...'\n\n"
        "This asks and accuses nobody. Your answer is recorded; only you see this question.\n"
    )
    return Mail(str(prompt.id), f"<{identifier}@{origin}>", address, message.as_bytes())


def _reply_address(services: Services, prompt: Prompt) -> str:
    """Return the address that a reply goes to; empty where whosaw receives no mail."""
    if services.catalog.aliases is None:
        return ""
    from whosaw.app.watchreplies import reply_address
    from whosaw.doors.mail import load_mail_key

    return reply_address(load_mail_key(services.settings.keys_folder), services.catalog.aliases.domain, prompt)


async def prompts_to(services: Services, key: str) -> list[Prompt]:
    """Return the prompts to one person, the newest first."""
    number = await find(services.db, "actor", key)
    return [] if number is None else [Prompt.of(row) for row in await queries.prompts_of(services.db, number)]


async def subjects_of(services: Services, prompts: Sequence[Prompt]) -> dict[int, str]:
    """Return how the subjects of a person's own prompts are called: he opened them, and is asked about them."""
    return await keys_of(services.db, "subject", [each.subject for each in prompts])


async def answer(services: Services, identifier: int, text: str, *, by: str) -> Prompt:
    """Record what somebody answers to a prompt of his own.

    Raises:
        PromptRefused: it is not his, has an answer already, or the text is too short or too long.
        RecordError: it could not be recorded, and is not stored.
    """
    number = await find(services.db, "actor", by)
    row = await queries.prompt(services.db, identifier)
    if row is None or number is None or row[1] != number:
        raise PromptRefused(f"there is no prompt {identifier} to this person")
    said = one_line(text)
    if not _LEAST <= len(said) <= _MOST:
        raise PromptRefused(f"{len(said)} characters are no answer")
    if row[6] is not None:
        raise PromptRefused(f"prompt {identifier} has its answer")
    digest = sha256(said.encode()).hexdigest()
    entry = await enter(services, {"change": "answered", "prompt": identifier, "sha256": digest}, by=by)
    if not await queries.answer(services.db, identifier, (said, services.clock.now(), entry)):
        raise PromptRefused(f"prompt {identifier} has its answer")
    return Prompt.of(await queries.prompt(services.db, identifier) or ())


def one_line(text: str) -> str:
    """Return an answer as it is kept: its words with one space between any two."""
    return " ".join(text.split())
