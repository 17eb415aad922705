"""Whether the API works, for a balancer and for ops; nothing secret, so no token."""

import asyncio
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client

from api.counter.parts import parts_of
from models.store.database import Database, Pool
from models.store.sql import loose_one

router = APIRouter(tags=["运维"])
_WITHIN = timedelta(seconds=2)
_OLDEST = (
    "SELECT extract(epoch FROM now() - (SELECT min(created_at) FROM outbox WHERE delivered_at IS NULL)),"
    " extract(epoch FROM now() - (SELECT min(received_at) FROM inbox WHERE state = 'received')),"
    " current_setting('transaction_read_only') = 'off'"
)


@router.get("/health", summary="运行状况")
async def health(request: Request) -> JSONResponse:
    """503 only without the database: with Temporal away everything is still taken and kept; read-only, it is shown."""
    parts = parts_of(request)
    waiting, temporal = await asyncio.gather(_waiting(parts.database.pool(Pool.CALLBACKS)), _reaches(parts.temporal))
    outbox, inbox, writable = waiting or (None, None, False)
    body = {
        "status": "ok" if writable and temporal else "degraded" if waiting else "down",
        "database": waiting is not None,
        "database_writable": writable,
        "temporal": temporal,
        "oldest_undelivered_outbox_seconds": outbox,
        "oldest_undelivered_inbox_seconds": inbox,
        "unreadable_values": parts.shown.broken_values,
    }
    return JSONResponse(body, 200 if waiting else 503)


async def _waiting(database: Database) -> tuple[float | None, float | None, bool] | None:
    try:
        async with database.reading() as session:
            row = await loose_one(session, _OLDEST)
    except (SQLAlchemyError, OSError):
        return None
    assert row is not None
    outbox, inbox = (round(float(age), 1) if age is not None else None for age in row[:2])
    return outbox, inbox, bool(row[2])


async def _reaches(client: Client | None) -> bool:
    if client is None:
        return False
    try:
        return await client.service_client.check_health(timeout=_WITHIN)
    except Exception:  # whatever it is, it isn't reachable
        return False
