"""What the guarded server says of itself: hits of what it remembers, stages on the clock, samples of its thread."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path

from load import quantiles


class Hits:
    """How often something remembered answered."""

    def __init__(self, gate: object, policies: object) -> None:
        self.work, self.asked, self.memo, self.memo_asked = 0, 0, 0, 0
        finder = gate._disclosing._parts.facts._work
        read, known, memo = finder.work, finder._known, policies.current._memo
        get = memo.get

        async def work(purposes: object, at: object) -> object:
            wanted = list(purposes)
            self.asked += len(wanted)
            self.work += sum(each in known and finder._fresh(known[each], at) for each in wanted)
            return await read(wanted, at)

        def remembered(question: object) -> object:
            answer = get(question)
            self.memo_asked += 1
            self.memo += answer is not None
            return answer

        finder.work, memo.get = work, remembered


class Stages:
    """How long the stages of a batch take on the clock, and how many asks a batch holds; taken anew after each load."""

    def __init__(self, services: object) -> None:
        import whosaw.gate.facts as facts
        import whosaw.record.queries as trail

        self.spent: dict[str, list[float]] = {}
        disclosing, appender = services.gate._disclosing, services.appender
        parts, batcher = disclosing._parts, services.gate._disclosures
        self._time(services.tokens, "actor", "token")
        self._time(services.gate, "disclose", "gate: the whole of it, waiting for a batch included")
        self._time(disclosing._deciding, "_judge", "facts, side by side, and decision")
        self._time(facts, "standing", "… where actors stand (own)")
        self._time(parts.facts, "_read", "… staff directory (company; remembered 5 s)")
        self._time(parts.facts, "regions", "… subject (company)")
        self._time(parts.facts, "work", "… work item (company)")
        self._time(parts.budgets, "spend", "budgets (own), where there are any")
        self._time(appender, "commit", "entry: numbers, waiting, guard, commit")
        self._time(trail, "append", "… commit alone (own, flushed)")
        self._time(trail, "append_numbered", "… numbers and commit alone (own, flushed)")
        self._time(disclosing._fetcher, "rows", "values (company), beside signature and journal")
        write, work = appender._journal.write, batcher._work

        def journaled(signed: object) -> None:
            began = time.perf_counter()
            write(signed)
            self._note("receipt journal (flushed)", time.perf_counter() - began)

        async def batch(asks: list) -> object:
            self._note(self.SIZE, len(asks) / 1000)
            return await work(asks)

        appender._journal.write, batcher._work = journaled, batch

    SIZE = "asks in a batch (number)"

    def _note(self, stage: str, spent_s: float) -> None:
        self.spent.setdefault(stage, []).append(spent_s)

    def _time(self, owner: object, name: str, stage: str) -> None:
        run = getattr(owner, name)

        async def timed(*given: object, **named: object) -> object:
            began = time.perf_counter()
            try:
                return await run(*given, **named)
            finally:
                self._note(stage, time.perf_counter() - began)

        setattr(owner, name, timed)

    def take(self) -> dict[str, tuple[float, float]]:
        """Return stage → median and 99th percentile in ms since the last time."""
        taken = {stage: quantiles([each * 1000 for each in spent]) for stage, spent in self.spent.items() if spent[1:]}
        self.spent.clear()
        return taken


class Samples:
    """Where the event loop's thread is, every 2 ms of processor time: its part of the code, and its function.

    A signal interrupts it; a thread that looks in from outside only ever sees it where it waits.
    """

    PARTS = (
        ("whosaw/doors", "door: token, body, answer"),
        ("whosaw/ask", "door: token, body, answer"),
        ("whosaw/decide", "decide"),
        ("whosaw/reveal", "reveal"),
        ("whosaw/prove", "record: canonical bytes, hashes, signature, receipts"),
        ("whosaw/record", "record: canonical bytes, hashes, signature, receipts"),
        ("whosaw/catalog", "reads of the company's tables"),
        ("sqlalchemy", "reads of the company's tables"),
        ("whosaw/store", "statements: pool, libpq"),
        ("psycopg", "statements: pool, libpq"),
        ("whosaw/gate", "gate: facts, budgets, numbers, entries"),
        ("whosaw/app", "server: uvicorn, Starlette"),
        ("uvicorn", "server: uvicorn, Starlette"),
        ("starlette", "server: uvicorn, Starlette"),
        ("fastapi", "server: uvicorn, Starlette"),
        ("bench/http", "this profile"),
        ("asyncio/runners", "event loop itself (uvloop, in C), system calls"),
    )

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._look)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)

    def _look(self, _: int, frame: object) -> None:
        while frame is not None:
            name = frame.f_code.co_filename
            for piece, part in self.PARTS:
                if piece in name:
                    self.found[part] += 1
                    self.functions[f"{Path(name).stem}.{frame.f_code.co_qualname}"] += 1
                    return
            frame = frame.f_back
        self.found["elsewhere"] += 1
