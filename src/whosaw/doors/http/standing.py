"""The routes about where people stand: oneself, the code of conduct, and who is suspended."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from whosaw.ask.strict import members, read_text, stated_in
from whosaw.doors.http.bodies import read_body, read_query
from whosaw.doors.http.grants import BYTES_MOST
from whosaw.doors.http.people import Desk, moment
from whosaw.doors.http.told import NOT_STORED
from whosaw.gate.stopping import Stop


@dataclass(frozen=True, slots=True)
class StandingRoutes:
    """What leads to the standing of people."""

    desk: Desk

    async def me(self, request: Request) -> Response:
        """Say who asks, how he stands, and what is left of his budgets; told to a suspended one too."""
        read_query(request)
        actor, at = await self.desk.entrance.actor(request), self.desk.clock.now()
        person = await self.desk.person(actor)
        facts, stands = person.facts, person.standing
        code = await self.desk.people.conducts.current()
        left = await self.desk.people.leftovers.of(actor, facts.roles, at)
        told = {
            "actor": actor,
            "roles": sorted(facts.roles),
            "region": facts.region,
            "suspended": facts.suspended,
            "ended": facts.ended,
            "acknowledged": facts.acknowledged,
            "code": None if code is None else code.version,
            "grants": [
                {
                    "id": each.id,
                    "kind": each.kind,
                    "classes": sorted(each.classes),
                    "action": each.action,
                    "subject": each.subject,
                    "purpose": each.purpose,
                    "until_at": moment(each.until),
                }
                for each in stands.grants
            ],
            "glass": [
                {
                    "id": each.id,
                    "classes": sorted(each.classes),
                    "subject": each.subject,
                    "until_at": moment(each.until),
                }
                for each in stands.glass
            ],
            "budgets": [
                {
                    "counted": each.counted,
                    "window": each.window,
                    "spent": each.spent,
                    "soft": each.soft,
                    "hard": each.hard,
                    "left": each.left,
                }
                for each in left
            ],
        }
        return JSONResponse(told, headers=NOT_STORED)

    async def code(self, request: Request) -> Response:
        """Show the code of conduct in force, and whether this person's acknowledgement of it holds."""
        read_query(request)
        actor = await self.desk.actor(request)
        conducts = self.desk.people.conducts
        code = await conducts.current()
        facts = (await self.desk.person(actor)).facts
        told = {
            "version": None if code is None else code.version,
            "sha256": None if code is None else code.sha256,
            "in_force_at": None if code is None else moment(code.in_force_at),
            "text": None if code is None else await conducts.text(code),
            "acknowledged": facts.acknowledged,
        }
        return JSONResponse(told, headers=NOT_STORED)

    async def acknowledge(self, request: Request) -> Response:
        """Note that this person acknowledges a version of the code."""
        actor = await self.desk.actor(request)
        values = members((await read_body(request, BYTES_MOST)).value, {"version"})
        version = None if values.get("version") is None else read_text(values["version"], "version")
        code = await self.desk.people.conducts.acknowledge(actor, version, "http")
        told = {"version": code.version, "sha256": code.sha256, "in_force_at": moment(code.in_force_at)}
        return JSONResponse(told, headers=NOT_STORED)

    async def suspend(self, request: Request) -> Response:
        """Stop somebody at every door."""
        by, stop = await self._stop(request, None)
        changed = await self.desk.people.stopping.suspend(stop, self.desk.people.stoppers)
        return await self._stands(stop, by, suspended=True, changed=changed)

    async def lift(self, request: Request) -> Response:
        """Let somebody in again."""
        by, stop = await self._stop(request, str(request.path_params["actor"]))
        changed = await self.desk.people.stopping.lift(stop, self.desk.people.stoppers)
        return await self._stands(stop, by, suspended=False, changed=changed)

    async def suspended(self, request: Request) -> Response:
        """List who is stopped now."""
        read_query(request)
        actor = await self.desk.actor(request)
        found = await self.desk.people.stopping.stopped(actor, self.desk.people.stoppers)
        items = [
            {"actor": each.actor, "since": moment(each.since), "kind": each.kind, "ordered_by": each.ordered_by}
            for each in found
        ]
        return JSONResponse({"items": items}, headers=NOT_STORED)

    async def _stands(self, stop: Stop, by: str, *, suspended: bool, changed: bool) -> Response:
        told = {"actor": stop.actor, "suspended": suspended, "changed": changed, "by": by}
        # asked last: stopping somebody must not wait for the company's database
        return JSONResponse(told | {"listed": await self.desk.listed(stop.actor)}, headers=NOT_STORED)

    async def _stop(self, request: Request, actor: str | None) -> tuple[str, Stop]:
        by = await self.desk.actor(request)
        known = {"reason"} if actor is not None else {"actor", "reason"}
        values = members((await read_body(request, BYTES_MOST)).value, known)
        named = read_text(values.get("actor"), "actor") if actor is None else actor
        return by, Stop(named, stated_in(values) or "", by, "http")
