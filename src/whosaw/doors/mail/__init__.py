"""The mail door: mail to aliases and canaries, taken from Postfix over LMTP and handed back to it over SMTP.

Nobody beyond it learns another's address: what is forwarded carries headers of a short list, and addresses of the alias
domain alone. It has no queue of its own. Postfix keeps a mail until this door answered 250, and this door answers 250
only when everything the mail caused is durable and the next hop has taken it: *at least once*, never lost.

Order: `lmtp` (the wire) → `delivery` (what becomes of one mail for one recipient) → `ways` (who is behind an address),
`senders` (is it the party the alias was made for), `hits` (evidence), `letters` and `ids` (what is forwarded).
"""

from whosaw.doors.mail.delivery import MailDoor, Outcome, Persons
from whosaw.doors.mail.errors import MailError
from whosaw.doors.mail.hits import Hits
from whosaw.doors.mail.ids import MessageIds, load_mail_key
from whosaw.doors.mail.lmtp import LmtpServer
from whosaw.doors.mail.senders import Parties, Senders
from whosaw.doors.mail.ways import Ways

__all__ = [
    "Hits",
    "LmtpServer",
    "MailDoor",
    "MailError",
    "MessageIds",
    "Outcome",
    "Parties",
    "Persons",
    "Senders",
    "Ways",
    "load_mail_key",
]
