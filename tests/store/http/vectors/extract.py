"""Cut the JSON examples of requests and answers out of the AuthZEN specification.

``python extract.py authorization-api-1_0.md > authzen-1.0.json``. Source: github.com/openid/authzen, the file
``api/authorization-api-1_0.md`` at commit e287920eed842b227e38531c1735b712337ca44d.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

_BLOCK = re.compile(r"^~~~\s*(?:json|http)\n(.*?)^~~~", re.MULTILINE | re.DOTALL)
_SECTIONS = {
    "Access Evaluation API": "evaluation",
    "Access Evaluations API": "evaluations",
    "Subject Search API": "search/subject",
    "Action Search API": "search/action",
}


def main(path: str) -> None:
    """Print by endpoint every request among the examples."""
    text = Path(path).read_text(encoding="utf-8")
    found: dict[str, list[object]] = {name: [] for name in _SECTIONS.values()}
    section = ""
    for part in re.split(r"^(#+ .*)$", text, flags=re.MULTILINE):
        if part.startswith("#"):
            title = re.sub(r"^#+ | \{#.*\}$", "", part)
            level = part.index(" ")
            section = _SECTIONS.get(title, section if level > 2 or title.startswith("The ") else "")
            continue
        for block in _BLOCK.findall(part):
            try:
                example = json.loads(block)
            except ValueError:
                continue
            if section and ("subject" in example or ("evaluations" in example and "decision" not in str(example))):
                found[section].append(example)
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
