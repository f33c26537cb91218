"""The two servers, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from fastapi import APIRouter, Request
from inside import Hits, Samples, Stages
from starlette.responses import JSONResponse


async def serve(kind: str, folder: Path, url: str) -> None:
    """Serve one of the two until standard input closes; both check the token and read the row in the same way."""
    from whosaw.app.httpdoor import http_door
    from whosaw.app.memory import settle_memory
    from whosaw.app.server import Server, bind, build_app
    from whosaw.app.services import open_services
    from whosaw.app.settings import Settings
    from whosaw.catalog.statements import subject_statement
    from whosaw.terms import SystemClock

    settings = Settings(state=folder, catalog=folder / "whosaw.toml", requests_per_s=1e6)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, SystemClock(), url, door=kind))
        field = services.catalog.fields["customer.email"]
        statement = subject_statement(services.catalog.subjects["customer"], [field])

        async def bare(request: Request) -> JSONResponse:
            await services.tokens.actor(request.headers["authorization"].removeprefix("Bearer "))
            key = (await request.json())["subject"].partition(":")[2]
            (row,) = await services.sources["company"].rows(statement, keys=[key])
            return JSONResponse({"fields": {"customer.email": {"value": row["f0"]}}})

        router = APIRouter(prefix="/v1")
        router.add_api_route("/disclosures", bare, methods=["POST"])
        guarded = kind == "guarded"
        hits = Hits(services.gate, services.policies) if guarded else None
        profiled = guarded and os.environ.get("BENCH_PROFILE")
        samples, stages = (Samples(), Stages(services)) if profiled else (None, None)
        door = http_door(services) if guarded else None
        app = build_app(door.router, direct=door.direct) if door else build_app(router)
        server = Server(app, bind("127.0.0.1", 0))
        settle_memory()  # both, as `whosaw serve` does
        tasks = [asyncio.create_task(server.run())]
        if guarded:
            tasks.append(asyncio.create_task(services.integrator.run()))
        await server.started()
        print(server.address, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):  # a line asks for the stages since the last one
            print(json.dumps(stages.take() if stages else {}), flush=True)
        if hits is not None:
            counts = {"work": [hits.work, hits.asked], "memo": [hits.memo, hits.memo_asked]}
            print(
                json.dumps(
                    counts
                    | {"samples": samples.found if samples else {}, "functions": samples.functions if samples else {}}
                ),
                flush=True,
            )
        server.stop()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait(tasks)
