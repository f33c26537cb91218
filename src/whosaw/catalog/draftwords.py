"""Words by which tables and columns are recognised when a catalog is drafted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from whosaw.catalog.personal import words
from whosaw.catalog.tables import Column

_PEOPLE = (
    "customer|client|user|member|patient|account|contact|person|people|seller|buyer|guest|subscriber|shopper|"
    "passenger|tenant|policyholder|cardholder|consumer|merchant|vendor|borrower|student|donor|driver|rider|host|lead|"
    "profile|partner|recipient|applicant|candidate|"
    "kunden?|kundin|kundinnen|nutzer|benutzer|mitglied(?:er)?|verk[aä]ufer|h[aä]ndler|mandant|mandanten|patienten|"
    "cliente|clienti|usuario|utente|utenti|utilisateur|vendeur|vendedor|klant|klanten|gebruiker|klient|klienci"
)
STAFF = (
    r"(?:.* )?(?:staff|employee|agent|operator|colleague|personnel|workforce|worker|support user|admin user|"
    r"mitarbeiter(?:in|innen)?|angestellten?|empleado|employ[eé]|dipendent[ei]|medewerker|pracowni(?:k|cy))s?"
)
PERHAPS_STAFF = r"(?:.* )?(?:user|admin|team member|member)s?"
WORK = (
    r"(?:.* )?(?:ticket|case|conversation|request|inquiry|enquiry|complaint|issue|task|call|chat|claim|incident|"
    r"dispute|work item|work order|job|appointment|review item|moderation item)s?"
)
_ID = r"(?: (?:id|key|no|number|ref|code))?"
ROLE = (
    r"roles?",
    r"role (?:name|code|id)",
    r"(?:job|position)(?: (?:title|name|role))?",
    r"department|team|queue|group",
)
REGION = (r"region(?: code)?", r"country(?: (?:code|iso\d?))?", r"market|territory|locale")
ASSIGNEE = (
    rf"assignee{_ID}",
    rf"assigned(?: to)?(?: (?:user|agent|staff))?{_ID}",
    rf"(?:handled|worked)(?: by)?{_ID}|handler{_ID}",
    rf"(?:agent|operator|case worker|caseworker|rep|representative){_ID}",
    rf"owner{_ID}|owned by{_ID}",
    rf"(?:staff|employee){_ID}",
)
ORIGIN = (
    rf"(?:opened|created|submitted|reported|requested|raised|filed|entered) by{_ID}(?: (?:user|type))?",
    rf"(?:opener|creator|reporter|requester|requestor|submitter|author){_ID}",
    r"origin|source|channel|created via|opened via|via",
)
OPENED = (
    r"opened(?: (?:at|on|time|date))?|open(?:ing)? date",
    r"created(?: (?:at|on|time|date))?|creation (?:date|time)|date created",
    r"(?:started|received|submitted|reported|assigned)(?: (?:at|on))?",
    r"timestamp|at",
)
CLOSED = (
    r"closed(?: (?:at|on|time|date))?|closing date|date closed",
    r"(?:resolved|solved|done|finished|completed|ended|released)(?: (?:at|on))?",
)
STAFF_PARTS: dict[str, Sequence[str]] = {
    "region": REGION,
    "ended": (
        r"(?:left|ended|terminated|deactivated|disabled|departed|resigned|deleted)(?: (?:at|on|date))?",
        r"(?:end|leaving|exit|termination) ?date|last day",
        r"(?:is )?(?:active|enabled)",
    ),
    "employer": (r"employer|agency|vendor|company",),
    "site": (r"site|office|location",),
    "since": (r"since|hired(?: (?:at|on))?|(?:hire|start|joining) ?date|joined(?: (?:at|on))?|started(?: (?:at|on))?",),
    "function": (r"function|business function",),
}


def is_of_people(table: str) -> bool:
    """Return whether a table's name says that it holds people."""
    return re.fullmatch(rf"(?:.* )?(?:{_PEOPLE})s?", words(table)) is not None


def is_called(table: str, pattern: str) -> bool:
    """Return whether a table's name fits one of the patterns above."""
    return re.fullmatch(pattern, words(table)) is not None


def find(columns: Iterable[Column], patterns: Sequence[str]) -> Column | None:
    """Return the column whose name fits the earliest pattern."""
    listed = list(columns)
    for pattern in patterns:
        for column in listed:
            if re.fullmatch(pattern, words(column.name)):
                return column
    return None


def singular(table: str) -> str:
    """Return what one row of a table is called: ``Customers`` is ``customer``, ``inquiries`` ``inquiry``."""
    name = re.sub(r"[^a-z0-9_]", "", words(table).replace(" ", "_")) or "subject"
    if name == "people":
        return "person"
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    if re.search(r"(?:ss|x|ch|sh)es$", name):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us", "is")) else name
