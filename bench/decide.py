"""What a decision costs: Cedar through whosaw beside pycasbin and Rego (regopy), on the same rules.

`python bench/decide.py` builds N rules (10, 200, 2,000), each "role R may see class C for purpose P once verified", and
asks about people drawn from a directory of 100,000, five classes an ask. Every engine answers the same questions, and
their answers are compared before anything is timed. Printed: p50 and p99 of one ask in ms, and the ratio to whosaw with
the memo cold. Exit 1 where whosaw's p99 at 200 rules exceeds 1 ms warm or 3 ms cold. `--write` keeps the page in
docs/measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from whosaw.catalog import Field
from whosaw.decide import ActorFacts, Facts, PolicySet, Verification, decide, schema

PAGE = Path(__file__).parent.parent / "docs" / "measured" / "decide.md"
ACTORS = 100_000
CLASSES = [f"class{n}" for n in range(20)]
PURPOSES = [f"purpose{n}" for n in range(8)]
BARS_MS = {"warm": 1.0, "cold": 3.0}

Rule = tuple[str, str, str]
Ask = tuple[ActorFacts, str, bool, tuple[str, ...]]
Engine = Callable[[Ask], list[bool]]


@dataclass(frozen=True)
class Timed:
    """Milliseconds of single asks."""

    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, engine: Engine, asks: Sequence[Ask]) -> Timed:
        spent = []
        for ask in asks:
            start = time.perf_counter()
            engine(ask)
            spent.append((time.perf_counter() - start) * 1_000)
        return cls(median(spent), quantiles(spent, n=100)[98])

    def __str__(self) -> str:
        return f"{self.p50_ms:.3f} / {self.p99_ms:.3f}"


def rules(count: int, random_: random.Random) -> list[Rule]:
    """Return `count` distinct rules (role, class, purpose)."""
    roles = [f"role{n}" for n in range(max(4, count // 20))]
    every = [(role, klass, purpose) for role in roles for klass in CLASSES for purpose in PURPOSES]
    return random_.sample(every, count)


def asks(count: int, held: Sequence[Rule], random_: random.Random) -> list[Ask]:
    """Return asks of people drawn from the directory: about half of the classes asked are allowed by some rule."""
    roles = sorted({role for role, _, _ in held})
    made = []
    for _ in range(count):
        # who somebody is follows from his place in the directory alone
        own = random.Random(random_.randrange(ACTORS))
        actor = ActorFacts(
            frozenset(own.sample(roles, min(2, len(roles)))),
            own.choice(["EU", "US", "IN"]),
            ended=False,
            suspended=False,
            employer=f"firm{own.randrange(50)}",
            site=f"site{own.randrange(40)}",
        )
        _, klass, purpose = random_.choice([rule for rule in held if rule[0] in actor.roles] or held)
        classes = (klass, *random_.sample([each for each in CLASSES if each != klass], 4))
        made.append((actor, purpose, random_.random() < 0.9, classes))
    return made


def cedar_text(held: Sequence[Rule]) -> str:
    return "\n".join(
        f'@id("r{number}") permit (principal, action == Action::"reveal", resource == Class::"{klass}") '
        f'when {{ context.verified && context.purpose == "{purpose}" && principal.roles.contains("{role}") }};'
        for number, (role, klass, purpose) in enumerate(held)
    )


def whosaw(policies: PolicySet) -> Engine:
    fields = {klass: Field(f"customer.{klass}", "customer", klass, klass, "full") for klass in CLASSES}

    def answer(ask: Ask) -> list[bool]:
        actor, purpose, verified, classes = ask
        reason = "purpose.verified" if verified else "purpose.closed"
        facts = Facts(actor, Verification(purpose, reason), True, "EU")
        decision = decide([fields[klass] for klass in classes], facts, policies)
        return [item.effect == "reveal" for item in decision.fields]

    return answer


def casbin(held: Sequence[Rule]) -> Engine:
    """One request per role and class, as RBAC in pycasbin is written; stops at the first role that is allowed."""
    from casbin import Enforcer, Model
    from casbin.persist.adapters.string_adapter import StringAdapter

    model = Model()
    model.load_model_from_text(
        "[request_definition]\nr = role, klass, purpose, verified\n[policy_definition]\np = role, klass, purpose\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\n"
        "m = r.verified && r.role == p.role && r.klass == p.klass && r.purpose == p.purpose\n"
    )
    lines = "\n".join(f"p, {role}, {klass}, {purpose}" for role, klass, purpose in held)
    enforcer = Enforcer(model, StringAdapter(lines))

    def answer(ask: Ask) -> list[bool]:
        actor, purpose, verified, classes = ask
        return [
            any(enforcer.enforce(role, klass, purpose, verified) for role in sorted(actor.roles)) for klass in classes
        ]

    return answer


def rego(held: Sequence[Rule]) -> Engine:
    """One query for all classes; the rules are data, as is usual with OPA."""
    from regopy import Interpreter

    engine = Interpreter()
    engine.add_module(
        "whosaw",
        """package whosaw
        import rego.v1
        revealed contains klass if {
            some klass in input.classes
            input.verified
            some role in input.roles
            data.rules[role][klass][input.purpose]
        }""",
    )
    table: dict[str, dict[str, dict[str, bool]]] = {}
    for role, klass, purpose in held:
        table.setdefault(role, {}).setdefault(klass, {})[purpose] = True
    engine.add_data({"rules": table})

    def answer(ask: Ask) -> list[bool]:
        actor, purpose, verified, classes = ask
        engine.set_input(
            {"classes": list(classes), "verified": verified, "roles": sorted(actor.roles), "purpose": purpose}
        )
        result = json.loads(str(engine.query("data.whosaw.revealed")))
        shown = set(result["expressions"][0])
        return [klass in shown for klass in classes]

    return answer


def measure(count: int, asked: int) -> dict[str, Timed]:
    random_ = random.Random(count)
    held = rules(count, random_)
    fresh, warming = asks(asked, held, random_), asks(20, held, random_)
    text = cedar_text(held)
    policies = PolicySet(text, schema())
    rivals = {"pycasbin": casbin(held), "Rego (regopy)": rego(held)}
    ours = whosaw(policies)
    for ask in warming:
        for name, engine in rivals.items():
            if engine(ask) != ours(ask):
                raise SystemExit(f"{name} answers otherwise than whosaw: {ask}")
    found = {"whosaw, memo cold": Timed.of(whosaw(PolicySet(text, schema())), fresh)}
    for ask in fresh:
        ours(ask)
    found["whosaw, memo warm"] = Timed.of(ours, fresh)
    for name, engine in rivals.items():
        found[name] = Timed.of(engine, fresh[: max(60, min(asked, 40_000 // count))])
    return found


def main() -> int:
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("--asks", type=int, default=2_000)
    reading.add_argument("--write", action="store_true")
    options = reading.parse_args()
    table = {count: measure(count, options.asks) for count in (10, 200, 2_000)}
    names = list(table[10])
    lines = ["| p50 / p99 ms of one ask (5 classes) | " + " | ".join(f"{n:,} rules" for n in table) + " |"]
    lines.append("|---" * (len(table) + 1) + "|")
    lines += [f"| {name} | " + " | ".join(str(table[n][name]) for n in table) + " |" for name in names]
    lines += ["", "| p50, as a multiple of whosaw with the memo cold | " + " | ".join(f"{n:,}" for n in table) + " |"]
    lines.append("|---" * (len(table) + 1) + "|")
    cold = {n: table[n]["whosaw, memo cold"].p50_ms for n in table}
    lines += [
        f"| {name} | " + " | ".join(f"{table[n][name].p50_ms / cold[n]:.2f}" for n in table) + " |"
        for name in names[1:]
    ]
    reached = {kind: table[200][f"whosaw, memo {kind}"].p99_ms for kind in BARS_MS}
    lines += [
        "",
        "p99 at 200 rules: " + ", ".join(f"{k} {v:.2f} ms (bar {BARS_MS[k]:g})" for k, v in reached.items()) + ".",
    ]
    print("\n".join(lines))
    if options.write:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        head = (
            f"# What a decision costs\n\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python bench/decide.py --write` · "
            f"commit {commit} · {os.cpu_count()} cores, Python {sys.version.split()[0]}, load average "
            f"{os.getloadavg()[0]:.1f} at the end.\n\nAsks by people drawn from a directory of {ACTORS:,}; each rule "
            "lets one role see one class for one verified purpose. All engines were checked to answer alike. pycasbin "
            "looks at every rule for each class and role; Rego is asked once for all classes, over a table; whosaw "
            "asks Cedar, which meets only the policies that can apply, and remembers answers by all that they "
            "depend on.\n\n"
        )
        PAGE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    missed = [kind for kind, got in reached.items() if got > BARS_MS[kind]]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
