"""The child process in which statements are parsed; it may die, and then the statement is unread.

PostgreSQL's parser recurses: 20,000 additions overflow eight megabytes of stack and end the process. So it runs here,
on a thread with a large stack, and nothing else does. Each request and answer is a JSON line.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

STACK_BYTES = 256 << 20
NOT_SQL = "not_sql"
TOO_DEEP = "too_deep"


def main() -> None:
    """Answer requests until the input ends."""
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=_serve)
    thread.start()
    thread.join()


def _serve() -> None:
    import postgast
    from google.protobuf.message import DecodeError

    from whosaw.ask.sqlkeys import KeyTable, Unread
    from whosaw.ask.sqlwalk import Walk

    sys.setrecursionlimit(20_000)
    tables: list[KeyTable] = []

    def answer(statement: str, parameters: list[str | None]) -> dict[str, Any]:
        try:
            parsed = postgast.parse(statement).stmts
            found = Walk(tables, parameters).read(parsed)
        except postgast.PgQueryError:
            return {"unread": NOT_SQL}
        except (DecodeError, RecursionError):
            return {"unread": TOO_DEEP}
        if isinstance(found, Unread):
            return {"unread": found.reason}
        return {
            "keys": {table: sorted(keys) for table, keys in found.keys.items()},
            "others": sorted(found.others),
            "calls": sorted(found.calls),
            "writes_only": found.writes_only,
        }

    for line in sys.stdin:
        request = json.loads(line)
        if "tables" in request:
            tables[:] = [KeyTable(*entry) for entry in request["tables"]]
            continue
        answers = [answer(statement, parameters) for statement, parameters in request["statements"]]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
