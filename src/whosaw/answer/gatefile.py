"""Whether the gate was open or closed at each look of the named actors, and by which version of the access policies.

A court may need to know: misusing a permission is one thing, going past a closed gate another (Van Buren v. United
States, 2021).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from whosaw.prove import BundleEntry


def gate_file(entries: Sequence[BundleEntry], named: Collection[int], policies: Collection[str]) -> dict[str, Any]:
    """Return the gate's decisions on what the named actors asked for, entry by entry and counted.

    Args:
        entries: of the bundle.
        named: numbers of the named actors.
        policies: names of the policy files in the bundle.
    """
    looks = []
    for entry in entries:
        payload: Mapping[str, Any] = json.loads(entry.payload)
        if payload.get("actor") not in named or payload.get("kind") not in {"disclosure", "denial", "action"}:
            continue
        looks.append(
            {
                "entry": entry.index,
                "actor": payload["actor"],
                "gate": "closed" if payload["kind"] == "denial" or payload.get("decision") == "deny" else "open",
                "decision": payload.get("decision"),
                "mode": payload.get("mode"),
                "reason_verified": payload.get("verified"),
                "under": payload.get("under"),
                "policy": payload.get("policy"),
            }
        )
    versions = sorted({str(each["policy"]) for each in looks if each["policy"]})
    return {
        "looks": looks,
        "counted": [
            {
                "actor": actor,
                "open": tally["open"],
                "closed": tally["closed"],
                "open_without_verified_reason": sum(
                    each["actor"] == actor and each["gate"] == "open" and each["reason_verified"] == "no"
                    for each in looks
                ),
            }
            for actor in sorted(named)
            for tally in [Counter(each["gate"] for each in looks if each["actor"] == actor)]
        ],
        "policies": [{"version": each, "in_bundle": any(each in name for name in policies)} for each in versions],
    }


def gate_lines(said: Mapping[str, Any]) -> list[str]:
    """Return it in sentences for the report."""
    lines = []
    for each in said["counted"]:
        opened, closed, without = each["open"], each["closed"], each["open_without_verified_reason"]
        lines.append(
            f"Of {opened + closed} entries under staff number {each['actor']} in this bundle the gate was open at "
            f"{opened}, {without} of them without a verified reason, and closed at {closed}, where nothing was "
            "shown or done."
        )
    known = [each["version"] for each in said["policies"] if each["in_bundle"]]
    gone = [each["version"] for each in said["policies"] if not each["in_bundle"]]
    if known:
        lines.append(f"Decided by the access rules of version {', '.join(known)}, which lie under policies.")
    if gone:
        lines.append(f"Not in this bundle: the access rules of version {', '.join(gone)}.")
    return lines
