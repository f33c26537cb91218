"""Check the demonstration's claims without any of its code: mailbox, shop tables and truth against the summary.

Reads the summary as JSON on standard input, with the addresses of the shop and of the truth in ``addresses``.
Imports nothing of whosaw. Exit code 0 if every claim holds.
"""

from __future__ import annotations

import json
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import psycopg


def main() -> int:
    summary = json.load(sys.stdin)
    shop = psycopg.connect(summary["addresses"]["shop"])
    truth = json.loads(Path(summary["places"]["truth"]).read_text())
    letters = read_letters(Path(summary["places"]["mailbox"]))
    customers = {email: f"customer:{key}" for key, email in shop.execute("select id, email from customers")}
    recipients = [customers[letter["to"].addresses[0].addr_spec] for letter in letters]
    failures = [
        *counts(summary),
        *told_by_letter(summary, recipients, truth),
        *letters_keep_quiet(summary, letters, shop, truth),
        *named(summary, truth),
        *measures(summary, shop, truth),
        *truth_role(summary, truth),
    ]
    for failure in failures:
        print(f"NOT TRUE  {failure}")
    if not failures:
        print(f"every claim holds: {len(letters)} letters in the mailbox, shop and truth agree with the summary")
    return 1 if failures else 0


def read_letters(folder: Path) -> list:
    files = [path for name in ("new", "cur") if (folder / name).is_dir() for path in (folder / name).iterdir()]
    return [message_from_bytes(path.read_bytes(), policy=default) for path in files]


def counts(summary: dict) -> list[str]:
    asks = summary["asks"]
    wrong = []
    if asks["total"] != asks["allowed"] + asks["masked"] + asks["denied"]:
        wrong.append("asks.total is not allowed + masked + denied")
    if not 0 < asks["live"] <= asks["total"]:
        wrong.append("asks.live is not among the asks")
    if summary["entries"] < asks["total"]:
        wrong.append(f"{summary['entries']} entries cannot hold {asks['total']} asks")
    if not summary["bundle"]["verified"]:
        wrong.append("the bundle was not verified")
    if summary["tamper"]["found"] != summary["tamper"]["altered"] or not summary["tamper"]["altered"]:
        wrong.append("fsck did not name every altered entry")
    return wrong


def told_by_letter(summary: dict, recipients: list[str], truth: dict) -> list[str]:
    wrong = []
    scope = {tier: set(keys) for tier, keys in summary["scope_subjects"].items()}
    sold = {f"customer:{key}" for key in truth["subjects"]}
    notices = summary["notices"]
    if len(recipients) != len(set(recipients)):
        wrong.append("somebody got two letters")
    if len(recipients) != notices["sent"]:
        wrong.append(f"{len(recipients)} letters arrived, {notices['sent']} are claimed")
    if summary["steps"] and set(recipients) != scope["certain"] | scope["probable"]:
        wrong.append("letters went to others than the certain and the probable")
    if not set(recipients) <= scope["certain"] | scope["probable"] | scope["possible"]:
        wrong.append("somebody outside the scope got a letter")
    if len(sold - set(recipients)) != notices["missed"]:
        wrong.append(f"{len(sold - set(recipients))} sold customers were not told, {notices['missed']} are claimed")
    if len(set(recipients) - sold) != notices["needless"]:
        wrong.append(f"{len(set(recipients) - sold)} were told needlessly, {notices['needless']} are claimed")
    return wrong


def letters_keep_quiet(summary: dict, letters: list, shop: psycopg.Connection, truth: dict) -> list[str]:
    """No letter names the seller, the employee, or any other customer."""
    seller = truth["beneficiary"]
    forbidden = {seller, *truth["actors"]}
    forbidden |= set(shop.execute("select name, mail_domain from sellers where id = %s", [seller]).fetchone())
    forbidden |= {row[0] for row in shop.execute("select name from staff where id = any(%s)", [truth["actors"]])}
    forbidden |= {row[0] for row in shop.execute("select id from tickets where seller_id = %s", [seller])}
    names = dict(shop.execute("select email, name from customers").fetchall())
    wrong = []
    for letter in letters:
        own = letter["to"].addresses[0].addr_spec
        text = "".join(part.get_content() for part in letter.walk() if part.get_content_maintype() == "text")
        text += "".join(str(value) for value in letter.values())
        # a customer may happen to have the employee's name, and is addressed by it
        wrong += [f"a letter holds `{word}`" for word in forbidden - {names[own]} if word in text]
        others = [other["to"].addresses[0].addr_spec for other in letters if other is not letter]
        wrong += ["a letter holds another customer's address" for other in others if other != own and other in text]
    return wrong


def named(summary: dict, truth: dict) -> list[str]:
    findings = {actor for each in summary["candidates"] if each["rung"] == "finding" for actor in each["actors"]}
    wrong = [f"{actor} is innocent and was found" for actor in findings - set(truth["actors"])]
    if truth["insider"] and summary["verdict"] == "finding" and findings != set(truth["actors"]):
        wrong.append("the finding does not name whom the truth names")
    if not truth["insider"] and (summary["steps"] or summary["suspension_ms"] is not None):
        wrong.append("steps were taken although nobody inside leaked")
    if summary["truth"]["actors"] != truth["actors"]:
        wrong.append("the summary tells another truth than the truth file")
    return wrong


def measures(summary: dict, shop: psycopg.Connection, truth: dict) -> list[str]:
    wrong = []
    seller, steps = truth["beneficiary"], summary["steps"]
    rows = "select seller_id, measure, statement is not null, coalesce(amount_cents, 0) from seller_measures"
    in_force = shop.execute(f"{rows} where lifted_at is null").fetchall()
    others = {row[0] for row in in_force} - {seller}
    if others:
        wrong.append(f"measures stand against other sellers: {sorted(others)}")
    kinds = {row[1] for row in in_force}
    if ("suspend_seller" in steps) != ("suspended" in kinds) or ("withhold_funds" in steps) != (
        "funds_withheld" in kinds
    ):
        wrong.append("the measures in the shop are not those of the case")
    if any(measure == "suspended" and not stated for _, measure, stated, _ in in_force):
        wrong.append("the seller was suspended without a statement of reasons")
    deleted = shop.execute(
        "select count(*) from reviews where id = any(%s) and deleted_at is not null", [truth["deleted_reviews"]]
    )
    still = deleted.fetchone()[0]
    if "restore_reviews" in steps and still:
        wrong.append(f"{still} of the reviews deleted for money are still deleted")
    return wrong


def truth_role(summary: dict, truth: dict) -> list[str]:
    """The truth in its own role agrees, and the role that the stages use cannot read it."""
    with psycopg.connect(summary["addresses"]["truth"]) as connection:
        rows = connection.execute("select key from truth.fact where kind = 'actor' order by key").fetchall()
    wrong = [] if [row[0] for row in rows] == sorted(truth["actors"]) else ["file and role tell different truths"]
    with psycopg.connect(summary["addresses"]["shop"]) as connection:
        try:
            connection.execute("select * from truth.fact")
            wrong.append("the stages' own role can read the truth")
        except psycopg.errors.InsufficientPrivilege:
            pass
    return wrong


if __name__ == "__main__":
    sys.exit(main())
