"""The commands. Each is imported when it is called, so that one extra's absence hurts no other command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches

from cyclopts import App, CycloptsError
from rich.console import Console

from whosaw import __version__

app = App(
    name="whosaw",
    help="Who saw this person's data, why, and who passed it on.",
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
# the summaries stand here, because a command is imported only when it is called
app.command("whosaw.app.commands.who:who", name="who", help="Say who saw a customer, which fields, why, by which door.")
app.command("whosaw.app.commands.imports:import_", name="import", help="Import a log you already have into a lake.")
app.command("whosaw.app.commands.traces:app", name="trace", help="Say who could have leaked, and how probably.")
app.command("whosaw.app.commands.serving:serve", name="serve", help="Serve the HTTP door and the console.")
app.command("whosaw.app.commands.init:init", name="init", help="Draft a catalog from a living database.")
app.command(
    "whosaw.app.commands.catalogcheck:check", name="check", help="Try the catalog against the living databases."
)
app.command(
    "whosaw.app.commands.checking:fsck", name="fsck", help="Re-derive the trail's hashes, name what is altered."
)
app.command("whosaw.app.commands.why:why", name="why", help="Explain a decision, and say what would change it.")
app.command("whosaw.app.commands.demo:demo", name="demo", help="Play the whole story on this machine.")
policy = App(name="policy", help="What is in force, and what a change would do.")
policy.command("whosaw.app.commands.policy:show", name="show", help="List the policies.")
policy.command("whosaw.app.commands.policy:test", name="test", help="Try a table of expected decisions.")
policy.command("whosaw.app.commands.policy:diff", name="diff", help="Say who gains and who loses by a change.")
policy.command("whosaw.app.commands.policy:forecast", name="forecast", help="Say what enforcement would have changed.")
app.command(policy)
user = App(name="user", help="Give staff personal tokens; stop them and let them in again.")
user.command("whosaw.app.commands.users:add", name="add", help="Make a personal token and print it once.")
user.command("whosaw.app.commands.users:revoke", name="revoke", help="End every personal token of somebody.")
user.command("whosaw.app.commands.users:suspend", name="suspend", help="Stop somebody at every door, at once.")
user.command("whosaw.app.commands.users:restore", name="restore", help="Let somebody in again.")
user.command("whosaw.app.commands.identity:password", name="password", help="Give somebody a local password.")
app.command(user)
passkey = App(name="passkey", help="Passkeys of local accounts: a link to make one, a list, taking one away.")
passkey.command("whosaw.app.commands.passkeys:invite", name="invite", help="Print a link to make a passkey, once.")
passkey.command("whosaw.app.commands.passkeys:list_", name="list", help="List passkeys.")
passkey.command("whosaw.app.commands.passkeys:remove", name="remove", help="Take a passkey away, at once.")
app.command(passkey)
scim = App(name="scim", help="Credentials by which the company's identity provider keeps the staff here.")
scim.command("whosaw.app.commands.identity:scim_add", name="add", help="Make a credential and print it once.")
scim.command("whosaw.app.commands.identity:scim_list", name="list", help="List the credentials.")
scim.command("whosaw.app.commands.identity:scim_revoke", name="revoke", help="Revoke a credential, at once.")
app.command(scim)
trail = App(
    name="trail", help="Read the record: its latest entries, its state, proofs, exports; and let old payloads die."
)
trail.command("whosaw.app.commands.trail:tail", name="tail", help="Print the latest entries, and follow.")
trail.command("whosaw.app.commands.trail:show", name="show", help="Say how the trail stands.")
trail.command("whosaw.app.commands.trail:prove", name="prove", help="Write one entry with its proof.")
trail.command("whosaw.app.commands.trail:export", name="export", help="Write entries as JSON, one a line.")
trail.command("whosaw.app.commands.pruning:prune", name="prune", help="Let payloads die that outlived the policy.")
app.command(trail)
witness = App(name="witness", help="Watch other people's trails.")
witness.command(
    "whosaw.app.commands.witness:serve", name="serve", help="Run a witness that cosigns what is consistent."
)
app.command(witness)
app.command("whosaw.app.commands.erasing:erase", name="erase", help="Erase what the record holds about a person.")
hold = App(name="hold", help="Keep what a court or a claim needs, whoever asks for its erasure.")
hold.command("whosaw.app.commands.holds:add", name="add", help="Hold everything about a person; recorded.")
hold.command("whosaw.app.commands.holds:narrow", name="narrow", help="Let a hold need fewer fields; recorded.")
hold.command("whosaw.app.commands.holds:lift", name="lift", help="Lift a hold; recorded.")
hold.command("whosaw.app.commands.holds:list_", name="list", help="List the standing holds.")
app.command(hold)
lake = App(name="lake", help="The record as data: bring it into Parquet, ask it, prove it.")
lake.command("whosaw.app.commands.lake:query", name="query", help="Ask a named question, or run a SELECT.")
lake.command("whosaw.app.commands.lake:export", name="export", help="Bring the trail into the lake, exactly once.")
lake.command("whosaw.app.commands.lake:verify", name="verify", help="Prove every row of the lake against the trail.")
lake.command("whosaw.app.commands.coverage:coverage_", name="coverage", help="Say who reached data around the doors.")
lake.command("whosaw.app.commands.lakeerasing:erase", name="erase", help="Erase a key from a lake.")
app.command(lake)
key = App(name="key", help="Who signs, and letting another key sign.")
key.command("whosaw.app.commands.keys:show", name="show", help="Show every public key of this trail.")
key.command("whosaw.app.commands.keys:rotate", name="rotate", help="Let a new key sign from here on.")
app.command(key)
grant = App(name="grant", help="Ask for access that others approve, decide about it; take it against policy, loudly.")
grant.command("whosaw.app.commands.grants:kinds", name="kinds", help="List what can be asked for, and who approves.")
grant.command("whosaw.app.commands.grants:request", name="request", help="Ask for a grant.")
grant.command("whosaw.app.commands.grants:list_", name="list", help="List requests and grants in force.")
grant.command("whosaw.app.commands.grants:approve", name="approve", help="Approve somebody else's request.")
grant.command("whosaw.app.commands.grants:refuse", name="refuse", help="Refuse somebody else's request.")
grant.command("whosaw.app.commands.grants:revoke", name="revoke", help="End a grant before its time.")
grant.command("whosaw.app.commands.glass:break_", name="break", help="Take access against policy, now; loud.")
grant.command("whosaw.app.commands.glass:close", name="close", help="End one's own broken glass before its time.")
grant.command("whosaw.app.commands.glass:list_", name="glass", help="List broken glass and its reviews.")
grant.command("whosaw.app.commands.glass:review", name="review", help="Say whether broken glass was justified.")
grant.command("whosaw.app.commands.functions:propose", name="propose", help="Propose a function for somebody.")
grant.command("whosaw.app.commands.functions:confirm", name="confirm", help="Confirm somebody else's proposal.")
grant.command("whosaw.app.commands.functions:end", name="withdraw", help="Take a function or a proposal back.")
grant.command("whosaw.app.commands.functions:list_", name="functions", help="List functions that two signed.")
app.command(grant)
code = App(name="code", help="The code of conduct: no acknowledgement, no access.")
code.command("whosaw.app.commands.code:publish", name="publish", help="Publish a version of the code.")
code.command("whosaw.app.commands.code:ack", name="ack", help="Acknowledge the code.")
code.command("whosaw.app.commands.code:missing", name="missing", help="Show by team who has not acknowledged it.")
code.command("whosaw.app.commands.code:show", name="show", help="Show the versions of the code, and a text.")
app.command(code)
alert = App(name="alert", help="What must not stay quiet: read it, and see whether it went out.")
alert.command("whosaw.app.commands.alerts:list_", name="list", help="List alerts that are unread.")
alert.command("whosaw.app.commands.alerts:read", name="read", help="Note that one has read alerts.")
alert.command("whosaw.app.commands.alerts:send", name="send", help="Send now what is due.")
app.command(alert)
mail = App(name="mail", help="Mail to aliases and canaries, behind Postfix.")
mail.command("whosaw.app.commands.mail:serve", name="serve", help="Take mail from Postfix over LMTP.")
mail.command("whosaw.app.commands.mail:postfix", name="postfix", help="Print what Postfix needs.")
mail.command("whosaw.app.commands.mail:hits", name="hits", help="List mail from strangers, and its disclosures.")
app.command(mail)
canary = App(name="canary", help="Persons who do not exist, whose data only a leak can spread.")
canary.command("whosaw.app.commands.canary:plan", name="plan", help="Say how many canaries are needed, and where.")
canary.command("whosaw.app.commands.canary:add", name="add", help="Make a canary and print its address, once.")
canary.command("whosaw.app.commands.canary:list_", name="list", help="List the canaries.")
canary.command("whosaw.app.commands.canary:retire", name="retire", help="End a canary.")
canary.command("whosaw.app.commands.canary:hits", name="hits", help="List hits, and what could have spread each.")
app.command(canary)
watch = App(name="watch", help="Explain accesses first; weigh the rest, and say how many innocents that accuses.")
watch.command("whosaw.app.commands.watch:actors", name="actors", help="Weigh what no record explains.")
watch.command("whosaw.app.commands.watch:reviews", name="reviews", help="Find rings, bursts and bought deletions.")
watch.command("whosaw.app.commands.watch:sellers", name="sellers", help="Find sellers who are one, and brokers.")
watch.command("whosaw.app.commands.watchtrade:wording", name="wording", help="List appeals worded by their approver.")
watch.command("whosaw.app.commands.watchtrade:restore", name="restore", help="Plan to restore bought deletions.")
watch.command("whosaw.app.commands.watch:replay", name="replay", help="Recompute a flag, bit for bit.")
watch.command("whosaw.app.commands.watchqueue:queue", name="queue", help="List what no record explains, by time.")
watch.command("whosaw.app.commands.watchsecond:second", name="second", help="Decide once more, blind.")
for _name, _help in (
    ("daily", "Weigh yesterday now, where no server did."),
    ("flags", "List the flags of the server."),
    ("verdict", "Decide about a flag."),
    ("case", "Open the case that a flag is about."),
    ("prompts", "List the questions to oneself."),
    ("answer", "Say why one opened a record."),
    ("live", "List what holds people up now."),
    ("release", "Let somebody go on whose asks were held up."),
):
    watch.command(f"whosaw.app.commands.watchdesk:{_name}", name=_name, help=_help)
for _name, _help in (
    ("explain", "Declare what explains flagged looks though nobody recorded it."),
    ("agree", "Agree to what another reviewer declared."),
    ("withdraw", "Take such an explanation back."),
    ("explanations", "List what was declared to explain looks."),
):
    watch.command(f"whosaw.app.commands.watchexplain:{_name}", name=_name, help=_help)
app.command(watch)
case = App(name="case", help="Investigate: what is known, who works on it, until when, and what is done.")
for _module, _function, _name, _help in (
    ("case", "open_", "open", "Open a case about who profits."),
    ("case", "list_", "list", "List the cases."),
    ("case", "show", "show", "Show a case; people as numbers."),
    ("case", "state", "state", "Bring a case into another state."),
    ("case", "verdict", "verdict", "Add an answer of trace to the case's history."),
    ("casetrace", "trace", "trace", "Compute the verdict of a case from what stands in it."),
    ("casetrace", "recompute", "recompute", "Compute the verdicts that wait for further evidence to be weighed."),
    ("case", "who_knew", "who-knew", "Show or note who knew what when; decide on awareness."),
    ("case", "people", "people", "Show or name who works on a case."),
    ("caseclocks", "clocks", "clocks", "Show, start and meet terms of law."),
    ("caseclocks", "calendar", "calendar", "Write the terms as a calendar."),
    ("casesteps", "steps", "steps", "List the steps of a case."),
    ("casesteps", "plan", "plan", "Plan a step."),
    ("casesteps", "approve", "approve", "Approve a step."),
    ("casesteps", "do", "do", "Carry out an approved step, once."),
    ("casesteps", "undo", "undo", "Take a step back."),
    ("casesteps", "resume", "resume", "Finish what a crash cut."),
    ("casesteps", "clear", "clear", "Ask what may clear a person."),
    ("casesteps", "hear", "hear", "Note a hearing."),
    ("caseintake", "sightings", "sightings", "List the sightings of a case."),
    ("caseintake", "alternatives", "alternatives", "Look for what else explains each sighting."),
    ("caseintake", "clusters", "clusters", "Show which messages come from one hand."),
    ("caseexhibit", "exhibit", "exhibit", "Keep a file that was found as an exhibit, or list them."),
    ("caseexhibit", "copies", "copies", "Write copies in words of their own, or say whose copy leaked."),
    ("caseretention", "retention", "retention", "List closed cases whose time is over; end them."),
    ("caseredress", "appeal", "appeal", "File an appeal against a measure, or decide one."),
    ("caseredress", "correct", "retract", "Tell whoever was shown an accusation that it fell."),
    ("caseredress", "corrections", "corrections", "Read one's own corrections."),
    ("casepeople", "unmask", "unmask", "Ask or approve who is behind a number."),
    ("casepeople", "unmaskings", "unmaskings", "List every unmasking of every case."),
    ("casepeople", "entities", "entities", "Show or note what belongs together."),
    ("casepeople", "report", "report", "Report an offer of money for data; nothing about you is kept."),
    ("casepeople", "reports", "approaches", "List such reports, take one up, answer it."),
):
    case.command(f"whosaw.app.commands.{_module}:{_function}", name=_name, help=_help)
app.command(case)
notice = App(name="notice", help="Letters and forms, all written from the facts of a case.")
for _function, _name, _help in (
    ("facts", "facts", "Print the facts of a case."),
    ("forms", "forms", "Write what authority, press and colleagues are told."),
    ("risk", "risk", "Decide how high the risk for the people affected is."),
    ("dry_run", "dry-run", "Write every letter as a file; send nothing."),
    ("list_", "list", "Say how the letters of a case stand."),
    ("bounce", "bounce", "Take in reports about letters that came back."),
    ("settle", "settle", "Decide letters that may have arrived."),
    ("post", "post", "Write what mail did not deliver, for the post."),
    ("told", "told", "Note that somebody was told by another channel."),
):
    notice.command(f"whosaw.app.commands.casenotice:{_function}", name=_name, help=_help)
app.command(notice)
seller = App(name="seller", help="Those who profited.")
seller.command("whosaw.app.commands.caseredress:statement", name="statement", help="Write a statement of reasons.")
app.command(seller)
access = App(name="access", help="What a person is told who asks who looked at his data.")
access.command("whosaw.app.commands.caseaccess:access", name="answer", help="Answer a person; recorded and signed.")
access.command(
    "whosaw.app.commands.caseerasure:erasure", name="erasure", help="Answer who asks to be erased, by field."
)
access.command("whosaw.app.commands.caseaccess:hold", name="hold", help="Hold back what an inquiry keeps covert.")
access.command("whosaw.app.commands.caseaccess:release", name="release", help="Release it; say who is owed an answer.")
access.command("whosaw.app.commands.caseaccess:owed", name="owed", help="List holds, and who must be answered again.")
app.command(access)
evidence = App(name="evidence", help="What a court or the police can verify alone.")
evidence.command("whosaw.app.commands.evidence:build", name="build", help="Write the bundle of a case.")
evidence.command(
    "whosaw.app.commands.evidence:extend", name="extend", help="Prove that the trail only grew since a bundle."
)
app.command(evidence)
sighting = App(name="sighting", help="What came from outside: complaints, tables of contacts.")
sighting.command("whosaw.app.commands.caseintake:add", name="add", help="Take complaints in: .eml or .csv.")
sighting.command("whosaw.app.commands.caseintake:poll", name="poll", help="Take in what lies in a Maildir.")
sighting.command("whosaw.app.commands.caseintake:list_", name="list", help="List sightings.")
app.command(sighting)


@app.command(name="verify")
def verify(*arguments: str) -> None:
    """Check an evidence bundle offline (`whosaw verify --help`)."""
    raise SystemExit(f"call it as: whosaw verify {' '.join(arguments)}")  # the entry point answers it before


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return its exit code."""
    errors = Console(stderr=True)
    if (wrong := _misspelled(arguments)) is not None:
        return _usage(errors, wrong)
    try:
        outcome = app(list(arguments), console=Console(), error_console=errors)
    except CycloptsError as problem:
        return _usage(errors, str(problem).strip())
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    return outcome if isinstance(outcome, int) else 0


def _misspelled(arguments: Sequence[str]) -> str | None:
    """Say what is wrong where the first word is no command: to say it, cyclopts would import every command there is."""
    names = [name for name in app if not name.startswith("-")]
    if not arguments or arguments[0].startswith("-") or arguments[0] in names:
        return None
    meant = "".join(f' Did you mean "{name}"?' for name in get_close_matches(arguments[0], names, n=1))
    return f'Unknown command "{arguments[0]}".{meant} Available commands: {", ".join(names)}.'


def _usage(errors: Console, wrong: str) -> int:
    errors.print(f"error: {wrong} [app.usage]", markup=False, highlight=False, soft_wrap=True)
    errors.print("hint: whosaw --help lists the commands", markup=False, highlight=False, soft_wrap=True)
    return 2


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
