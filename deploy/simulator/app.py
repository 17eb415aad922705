"""Plugs the platform together: the contract under /v1, the back door under /admin, pages for clerk and phone."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import accounts, desk, faces, flows, judging, payments, phone, reviews, switchboard
from .admin import Admin
from .agenda import Act, Agenda
from .delivery import Delivery
from .gate import Gate
from .pages import LIVE_SCRIPT, is_local, live_script
from .world import World

ACTS: dict[str, Act] = {
    "policy": reviews.decide_review,
    "indicator": reviews.decide_review,
    "summary": reviews.decide_review,
    "beneficiary_init": judging.judge_init,
    "verification": judging.judge_verification,
    "application_submission": judging.judge_round,
    "account_change": accounts.decide_change,
    "payment_page": payments.publish_page,
    "flow_end": payments.end_paid,
    "cancellation": flows.end_cancelled,
    "face_expiry": faces.expire,
}

log = logging.getLogger("simulator")


def build(world: World) -> ASGIApp:
    agenda, delivery = Agenda(world, ACTS), Delivery(world)
    gate = Gate(world, agenda, delivery)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loops = [asyncio.create_task(agenda.run()), asyncio.create_task(delivery.run())]
        for loop in loops:
            loop.add_done_callback(_complain)
        yield
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await delivery.stop()
        world.store.close()

    pages = [*desk.routes(world, agenda), *phone.routes(world), *switchboard.routes(world, agenda)]
    pages.append(Route(LIVE_SCRIPT, live_script, methods=["GET"]))
    inner = Starlette(routes=[*Admin(world, agenda).routes(), *pages], lifespan=lifespan)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            await gate(scope, receive, send)
        elif scope["type"] == "http" and not is_local(_host(scope), (scope["client"] or ("",))[0]):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await inner(scope, receive, send)

    return entry


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def _complain(loop: asyncio.Task[None]) -> None:
    if not loop.cancelled() and loop.exception() is not None:
        log.error("a loop of the platform died", exc_info=loop.exception())
