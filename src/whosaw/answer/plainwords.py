"""Words for a reader who does not know the program: a court, the police, somebody who asks what stands about him.

Every word that the tables of a case use has its words here; a test takes each kind, state and question there is.
"""

from __future__ import annotations

from collections.abc import Mapping

from whosaw.terms import chance

STEPS: Mapping[str, str] = {
    "preserve": "records about the people concerned secured against deletion",
    "talk_actor": "a talk with the member of staff",
    "warn_actor": "a warning to the member of staff",
    "revoke_sessions": "running sign-ins of the member of staff ended",
    "suspend_actor": "the member of staff's access to customers' data stopped",
    "propose_dismissal": "dismissal of the member of staff proposed",
    "hr_file": "the case handed to the personnel department",
    "warn_seller": "a warning to the seller",
    "suspend_seller": "the seller's account suspended, with reasons",
    "resuspend_seller": "the seller's account suspended again, after a reinstatement that was not in order",
    "withhold_funds": "the seller's balance held back",
    "terminate_seller": "the contract with the seller ended",
    "hand_over": "the case handed to the authorities",
    "delete_reviews": "reviews removed",
    "restore_reviews": "removed reviews put back",
    "notify_subjects": "letters to the people affected",
}
STATES: Mapping[str, str] = {
    "planned": "planned, not carried out",
    "doing": "begun, and not confirmed as done",
    "done": "done",
    "undoing": "being taken back",
    "undone": "done, and later taken back",
}
CASE_STATES: Mapping[str, str] = {
    "suspected": "There is a suspicion that nobody has looked into yet.",
    "investigating": "The case is being investigated.",
    "contained": "What was found has been stopped.",
    "notified": "The people affected have been told.",
    "closed": "The case is closed.",
}
QUESTIONS: Mapping[str, str] = {
    "device": "Was the device used by this person alone?",
    "presence": "Was this person at work at those times?",
    "shared_account": "Does anybody else know or use the account?",
    "session_elsewhere": "Was the account signed in at another place at the same time?",
    "alternatives": "What else could explain the complaints?",
}
FINDINGS: Mapping[str, str] = {
    "clears": "asked; the answer speaks for this person",
    "does_not_clear": "asked; the answer does not speak for this person",
    "unknown": "asked; it cannot be found out",
    "open": "not asked",
}
ALTERNATIVES: Mapping[str, str] = {
    "own_order": "the customer's own earlier order from the same seller",
    "dump": "a list that was public before",
    "earlier_case": "an earlier leak that the customer was told about",
    "other": "another source that was noted",
}
RUNGS: Mapping[str, str] = {
    "finding": "a finding (the strongest statement the method makes; still a probability, not a proof of guilt)",
    "lead": "a lead (a reason to look further, not to act)",
    "no_signal": "no signal (not enough to say anything of this account)",
}
STANDINGS: Mapping[str, str] = {
    "running": "running",
    "overdue": "over, and not met",
    "met": "met",
    "late": "met late",
    "waiting": "not yet allowed",
    "free": "allowed",
    "held": "held back at the request of the police",
}
ENTRY_KINDS: Mapping[str, str] = {
    "disclosure": "looks at customers' data",
    "denial": "requests that were refused",
    "action": "actions on customers or sellers",
    "lookup": "searches for a customer by an exact address or number",
    "case_work": "work on cases",
    "grant": "exceptions asked for or given",
    "break_glass": "emergency access",
    "conduct": "confirmations of the code of conduct",
    "search": "questions about who could see a customer",
    "watch": "work on conspicuous accesses",
    "lake_query": "questions to the records as a whole",
    "suspension": "stops of access that this person ordered, or lifted",
    "hold": "legal holds that this person set or lifted",
    "function": "functions that this person gave or took",
}
FILES: Mapping[str, str] = {
    "README.txt": "what the bundle holds and how to check it",
    "verify.py": "the checking program: one file, nothing but Python",
    "case.json": "the case and the complaints",
    "verdicts.json": "what the method said after each complaint",
    "steps.json": "what was done, on whose approval",
    "facts.json": "what the letters were written from",
    "gate.json": "whether the gate was open at each look, and by which access rules",
    "method.json": "the method, its settings, its measured rates of error",
    "exculpatory.json": "what speaks for those named",
    "history.json": "states of the case, who knew what when, terms of law",
    "case.jsonld": "the same for other programs (CASE 1.5, UCO)",
    "redacted.jsonl": "entries left out of this copy, each with its proof",
    "letters": "letters of each wording",
    "mails": "complaints as they came",
    "policies": "access rules that decided the entries",
    "exhibits": "files that people found, as they are",
    "stamps": "time stamps of outside authorities",
}


def word_of(words: Mapping[str, str], name: str) -> str:
    """Return the words for a name; one without any is written with spaces, so that nothing is left out."""
    return words.get(name, name.replace("_", " "))


def chance_said(probability: float) -> str:
    """Return a probability as a sentence says it, with three decimals."""
    return chance(probability, 3, spoken=True)
