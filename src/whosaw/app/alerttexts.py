"""What each code of an alert says in a sentence."""

from __future__ import annotations

from whosaw.answer.clocks import ALERT_TEXTS as CLOCK_TEXTS
from whosaw.answer.corrections import ALERT_TEXTS as CORRECTION_TEXTS
from whosaw.answer.covert import ALERT_TEXTS as COVERT_TEXTS
from whosaw.app.alertaging import ALERT_TEXTS as AGING_TEXTS
from whosaw.app.alertwitness import ALERT_TEXTS as WITNESS_TEXTS
from whosaw.app.caserecompute import ALERT_TEXTS as RECOMPUTE_TEXTS
from whosaw.app.coverageday import ALERT_TEXTS as COVERAGE_TEXTS
from whosaw.app.policies import ALERT_TEXTS as POLICY_TEXTS
from whosaw.app.watchalerts import ALERT_TEXTS as WATCH_TEXTS
from whosaw.doors.mail.hits import ALERT_TEXTS as MAIL_TEXTS
from whosaw.gate.friction import ALERT_TEXTS as FRICTION_TEXTS
from whosaw.gate.glass import ALERT_TEXTS as GLASS_TEXTS
from whosaw.gate.notifying import ALERT_TEXTS as NOTIFY_TEXTS
from whosaw.gate.suspension import ALERT_TEXTS as SUSPENSION_TEXTS

_TEXTS = {
    **GLASS_TEXTS,
    **NOTIFY_TEXTS,
    **POLICY_TEXTS,
    **COVERAGE_TEXTS,
    **CLOCK_TEXTS,
    **CORRECTION_TEXTS,
    **COVERT_TEXTS,
    **RECOMPUTE_TEXTS,
    **AGING_TEXTS,
    **WITNESS_TEXTS,
    **SUSPENSION_TEXTS,
    **WATCH_TEXTS,
    **FRICTION_TEXTS,
    **MAIL_TEXTS,
}
CODES = frozenset(_TEXTS)
"""Every code that has a sentence."""


def sentence(code: str) -> str:
    """Return what a code says; one that nobody described says its own name."""
    return _TEXTS.get(code, f"Something happened that must not stay quiet: {code}.")
