"""The lines that Postfix needs: mail for the alias domain goes to whosaw, and what whosaw hands back goes out."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.doors.mail.lmtp import SIZE_MOST


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where whosaw and Postfix meet.

    Attributes:
        domain: of the aliases.
        listen: where whosaw takes mail: ``127.0.0.1:24024`` or ``unix:/run/whosaw/lmtp``.
        next_hop: where Postfix takes back what is forwarded: HOST:PORT on loopback.
        hostname: the name of this mail server, as its certificate and its MX record have it.
        canary_domain: of the canaries' addresses; empty where they are in `domain`.
    """

    domain: str
    listen: str
    next_hop: str
    hostname: str
    canary_domain: str = ""

    @property
    def domains(self) -> list[str]:
        """The domains whose mail comes here."""
        return [self.domain, *([self.canary_domain] if self.canary_domain not in ("", self.domain) else [])]

    @property
    def transport(self) -> str:
        """Whosaw as Postfix names it."""
        return f"lmtp:{self.listen}" if self.listen.startswith("unix:") else f"lmtp:inet:{self.listen}"


def main_cf(wiring: Wiring) -> str:
    """Return the lines for main.cf."""
    return f"""\
# mail for aliases comes from outside to this server and goes to whosaw, one recipient at a time
relay_domains = {", ".join(wiring.domains)}
transport_maps = inline:{{ {", ".join(f"{{ {each} = {wiring.transport} }}" for each in wiring.domains)} }}
lmtp_destination_recipient_limit = 1
# no addresses are listed anywhere: every one of the domain is taken, so that nobody can find out which exist
relay_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
message_size_limit = {SIZE_MOST}
# an overloaded or stopped whosaw delays mail; nothing of it comes back to a sender who may be forged
soft_bounce = no
lmtp_connection_cache_on_demand = no
"""


def main_cf_outside(wiring: Wiring) -> str:
    """Return further lines for main.cf of a server on the internet: TLS, and a reminder of what stands in DNS."""
    return f"""\
myhostname = {wiring.hostname}
smtpd_tls_cert_file = /etc/letsencrypt/live/{wiring.hostname}/fullchain.pem
smtpd_tls_key_file = /etc/letsencrypt/live/{wiring.hostname}/privkey.pem
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtp_tls_security_level = may
smtp_tls_protocols = >=TLSv1.2
smtpd_helo_required = yes
disable_vrfy_command = yes
# DNS: {wiring.domain} has an MX record to {wiring.hostname}, an SPF record that names it, and a DMARC record;
# sign what leaves for {wiring.domain} with DKIM (opendkim or rspamd as a milter on the service below)
"""


def master_cf(wiring: Wiring) -> str:
    """Return the lines for master.cf: the service that takes back what whosaw forwards."""
    return f"""\
{wiring.next_hop} inet n - n - - smtpd
  -o syslog_name=postfix/whosaw
  -o mynetworks=127.0.0.0/8,[::1]/128
  -o smtpd_client_restrictions=permit_mynetworks,reject
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_restrictions=
  -o smtpd_tls_security_level=none
"""


def srs(wiring: Wiring) -> str:
    """Return the lines for postsrsd, for whatever else this Postfix forwards."""
    return f"""\
# What whosaw forwards has a sender of {wiring.domain} and needs no SRS. Other mail that this Postfix forwards (.forward
# files, virtual aliases) does: Debian's postsrsd rewrites its sender, so that SPF holds. In /etc/default/postsrsd:
#   SRS_DOMAIN={wiring.hostname}
#   SRS_EXCLUDE_DOMAINS={wiring.domain}
# and in main.cf:
#   sender_canonical_maps = tcp:localhost:10001
#   sender_canonical_classes = envelope_sender
#   recipient_canonical_maps = tcp:localhost:10002
#   recipient_canonical_classes = envelope_recipient,header_recipient
"""
