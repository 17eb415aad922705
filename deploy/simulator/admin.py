"""The back door for tests and the local stack, loopback only: switches, clerk, registers, ledger, faults."""

import time
from collections.abc import Awaitable, Callable

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .admin_requests import (
    DecisionWish,
    EndWish,
    FaceWish,
    FlowWish,
    InvalidationWish,
    LockWish,
    RedeliverWish,
    ScaleWish,
)
from .agenda import Agenda, Decision
from .clock import stamp
from .desk import board
from .events import Data, publish
from .faces import move_face_session
from .faults import Plan
from .flows import end_flow, need_free_county
from .ledger import ledger
from .pages import require_own
from .problems import Problem, from_validation
from .registers import load_bank_accounts, load_register
from .world import Switches, World, new_id

Endpoint = Callable[[Request], Awaitable[object]]


class Admin:
    def __init__(self, world: World, agenda: Agenda) -> None:
        self._world = world
        self._agenda = agenda

    def routes(self) -> list[Route]:
        table: tuple[tuple[str, str, Endpoint], ...] = (
            ("GET", "/health", self.health),
            ("GET", "/faults", self.faults),
            ("PUT", "/faults", self.set_faults),
            ("GET", "/settings", self.settings),
            ("PUT", "/settings", self.set_settings),
            ("PUT", "/time-scale", self.set_time_scale),
            ("GET", "/clerk", self.clerk),
            ("POST", "/clerk/{ref}", self.decide),
            ("POST", "/registers/{county_code}", self.load_register),
            ("POST", "/bank-accounts", self.load_bank_accounts),
            ("POST", "/clients/reload", self.reload_clients),
            ("POST", "/flows", self.begin_flow),
            ("POST", "/flows/{flow_id}/end", self.end_flow),
            ("PUT", "/province-locks/{province_code}", self.lock_province),
            ("DELETE", "/province-locks/{province_code}", self.unlock_province),
            ("GET", "/events", self.events),
            ("POST", "/redeliver", self.redeliver),
            ("GET", "/ledger", self.ledger),
            ("GET", "/evidence/{flow_id}", self.evidence),
            ("POST", "/invalidate", self.invalidate),
            ("POST", "/face-sessions/{face_session_id}", self.face),
        )
        return [Route(f"/admin{path}", _answering(endpoint), methods=[method]) for method, path, endpoint in table]

    async def health(self, request: Request) -> object:
        store, clock = self._world.store, self._world.clock
        return {
            "status": "ok",
            "seed": self._world.faults.seed,
            "time_scale": clock.scale,
            "business_seconds": clock.now(),
            "agenda": store.number("SELECT count(*) FROM agenda WHERE waiting = 0"),
            "waiting_for_clerk": store.number("SELECT count(*) FROM agenda WHERE waiting = 1"),
            "stuck": store.number("SELECT count(*) FROM agenda WHERE waiting = 2"),
            "undelivered": store.number("SELECT count(*) FROM event WHERE status = 'pending'"),
        }

    async def faults(self, request: Request) -> object:
        store = self._world.store
        after = int(request.query_params.get("after", "0"))
        log = store.rows("SELECT * FROM fault_log WHERE seq > ? ORDER BY seq LIMIT 10000", after)
        counts = {row[0]: row[1] for row in store.rows("SELECT kind, count(*) FROM fault_log GROUP BY kind")}
        plan = self._world.faults.plan.model_dump(mode="json")
        return {"seed": self._world.faults.seed, **plan, "counts": counts, "log": [dict(row) for row in log]}

    async def set_faults(self, request: Request) -> object:
        self._world.faults.change(Plan.model_validate_json(await request.body()))
        return self._world.faults.plan.model_dump(mode="json")

    async def settings(self, request: Request) -> object:
        return self._world.switches.model_dump()

    async def set_settings(self, request: Request) -> object:
        """Only the named ones change."""
        wished = orjson.loads(await request.body())
        self._world.change_switches(Switches.model_validate({**self._world.switches.model_dump(), **wished}))
        self._agenda.release()
        return self._world.switches.model_dump()

    async def set_time_scale(self, request: Request) -> object:
        scale = ScaleWish.model_validate_json(await request.body()).scale
        self._world.clock.set_scale(scale)
        self._world.wake()
        return {"scale": scale}

    async def clerk(self, request: Request) -> object:
        return {"items": board(self._world, self._agenda)}

    async def decide(self, request: Request) -> object:
        wish = DecisionWish.model_validate_json(await request.body())
        self._agenda.decide(request.path_params["ref"], Decision(wish.approve, wish.opinion, wish.rejected_lines))
        return {"decided": request.path_params["ref"]}

    async def load_register(self, request: Request) -> object:
        county = request.path_params["county_code"]
        return {"rows": load_register(self._world.store, county, await request.body())}

    async def load_bank_accounts(self, request: Request) -> object:
        return {"rows": load_bank_accounts(self._world.store, await request.body())}

    async def reload_clients(self, request: Request) -> object:
        self._world.clients.reload()
        self._world.wake()
        return {"reloaded": True}

    async def begin_flow(self, request: Request) -> object:
        county = FlowWish.model_validate_json(await request.body()).county_code
        client = self._world.clients.of_county(county)
        flow = new_id("flow")
        with self._world.store.transaction():
            need_free_county(self._world, county)
            self._world.store.run(
                "INSERT INTO flow (flow_id, client_id, county_code, batch_no, by_hand, body)"
                " VALUES (?, ?, ?, '', 1, '{}')",
                flow,
                client.client_id if client else None,
                county,
            )
        return {"flow_id": flow}

    async def end_flow(self, request: Request) -> object:
        """Ends a flow begun by hand; its client hears of it only when wished, since it never began it."""
        announce = EndWish.model_validate_json(await request.body() or b"{}").announce
        flow, store = request.path_params["flow_id"], self._world.store
        with store.transaction():
            if store.row("SELECT 1 FROM flow WHERE flow_id = ? AND by_hand = 1 AND status = 'active'", flow) is None:
                raise Problem("NOT_FOUND", "没有此手工流程，或已结束")
            if not announce:
                store.run("UPDATE flow SET client_id = NULL WHERE flow_id = ?", flow)
            end_flow(self._world, flow, "disbursed")
        self._world.wake()
        return {"ended": flow}

    async def lock_province(self, request: Request) -> object:
        county = LockWish.model_validate_json(await request.body()).county_code
        self._world.store.run(
            "INSERT OR REPLACE INTO province_lock VALUES (?, ?)", request.path_params["province_code"], county
        )
        return {"holder": county}

    async def unlock_province(self, request: Request) -> object:
        self._world.store.run("DELETE FROM province_lock WHERE province_code = ?", request.path_params["province_code"])
        return {"holder": None}

    async def events(self, request: Request) -> object:
        status, kind = request.query_params.get("status"), request.query_params.get("type")
        columns = (
            "webhook_id, client_id, lane, type, status, fault, attempts, deliveries, wanted, created_at, delivered_at"
        )
        if request.query_params.get("body") == "1":
            columns += ", CAST(body AS TEXT) AS body"
        rows = self._world.store.rows(
            f"SELECT {columns} FROM event WHERE status = coalesce(?, status)"
            " AND type = coalesce(?, type) AND client_id = coalesce(?, client_id) ORDER BY seq LIMIT 10000",
            status,
            kind,
            request.query_params.get("client_id"),
        )
        counts = {
            row[0]: row[1] for row in self._world.store.rows("SELECT status, count(*) FROM event GROUP BY status")
        }
        return {"counts": counts, "items": [dict(row) for row in rows]}

    async def redeliver(self, request: Request) -> object:
        """One event again, delivered or lost ones too; without a name all that are pending or given up."""
        wish = RedeliverWish.model_validate_json(await request.body() or b"{}")
        store, again = self._world.store, "UPDATE event SET status = 'pending', next_at = ?"
        if wish.webhook_id is not None:
            wanted = "CASE status WHEN 'pending' THEN wanted + 1 ELSE deliveries + 1 END"
            count = store.run(f"{again}, wanted = {wanted} WHERE webhook_id = ?", time.time(), wish.webhook_id)
        else:
            count = store.run(f"{again} WHERE status IN ('pending', 'expired')", time.time())
        self._world.wake()
        return {"again": count}

    async def ledger(self, request: Request) -> object:
        with_lines = request.query_params.get("lines", "1") != "0"
        return ledger(self._world, request.query_params.get("county_code"), with_lines=with_lines)

    async def evidence(self, request: Request) -> object:
        rows = self._world.store.rows(
            "SELECT application_no, documents, times FROM evidence WHERE flow_id = ?", request.path_params["flow_id"]
        )
        return {"items": [{**dict(row), "documents": orjson.loads(row["documents"])} for row in rows]}

    async def invalidate(self, request: Request) -> object:
        wish = InvalidationWish.model_validate_json(await request.body())
        client = self._world.clients.of_county(wish.county_code)
        if client is None:
            raise Problem("NOT_FOUND", "没有该省的客户端")
        at, data = _invalidation(wish)
        status = {"account_frozen": "frozen", "account_closed": "closed", "not_a_subsidy_account": "not_subsidy"}.get(
            wish.reason_code
        )
        with self._world.store.transaction():
            self._world.store.run(
                "INSERT INTO invalidation (client_id, at, body) VALUES (?, ?, ?)",
                client.client_id,
                at,
                orjson.dumps(data).decode(),
            )
            if status is not None:
                self._world.store.run(
                    "UPDATE bank_account SET status = ? WHERE bank_code = ? AND account_no = ?",
                    status,
                    wish.bank_code,
                    wish.account_no,
                )
            publish(self._world, client.client_id, new_id("inv"), "account.invalidated", data)
        self._world.wake()
        return data

    async def face(self, request: Request) -> object:
        wish, session = FaceWish.model_validate_json(await request.body()), request.path_params["face_session_id"]
        reason = wish.reason_code or ("face_mismatch" if wish.status == "failed" else None)
        with self._world.store.transaction():
            move_face_session(
                self._world, session, wish.status, reason_code=reason, name=wish.name, id_number=wish.id_number
            )
        self._world.wake()
        return {"face_session_id": session, "status": wish.status}


def _invalidation(wish: InvalidationWish) -> tuple[float, Data]:
    at = round(time.time(), 3)
    return at, {**wish.model_dump(), "invalidated_at": stamp(at)}


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        status = 200
        try:
            if request.method != "GET":
                # a form of elsewhere needs nobody's leave to be sent here, whatever its content
                require_own(request)
            said = await endpoint(request)
        except ValidationError as error:
            problem = from_validation(error)
            status, said = problem.status, problem.wire()
        except ValueError:
            problem = Problem("VALIDATION_FAILED", "请求不是合格的 JSON 或参数")
            status, said = problem.status, problem.wire()
        except Problem as problem:
            status, said = problem.status, problem.wire()
        return Response(orjson.dumps(said), status_code=status, media_type="application/json")

    return answer
