"""Whether the API works, for a balancer and for ops; nothing secret, so no token."""

import asyncio
from datetime import timedelta
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from typing_extensions import TypedDict

from api.counter.parts import parts_of
from api.server.rendering import Rendered
from models.store.database import Database, Pool
from models.store.sql import fetch_one
from models.wire.vocabulary import unknown_words
from workflows.certificates import trouble_with

router = APIRouter(tags=["运维"])
_WITHIN = timedelta(seconds=2)
_OLDEST = (
    "SELECT CAST(extract(epoch FROM now() - (SELECT min(created_at) FROM outbox WHERE delivered_at IS NULL)) AS float)"
    " AS outbox, CAST(extract(epoch FROM now() - (SELECT min(received_at) FROM inbox WHERE state = 'received'))"
    " AS float) AS inbox, current_setting('transaction_read_only') = 'off' AS writable"
)


class _Waiting(NamedTuple):
    """The age in seconds of the oldest that waits, and whether rows can be written."""

    outbox: float | None
    inbox: float | None
    writable: bool


class HealthView(TypedDict):
    status: Annotated[
        Literal["ok", "degraded", "down"],
        Field(
            description="ok 正常；degraded 照常受理和保存，但数据库不能写、Temporal 连不上或不前进；down 连不上数据库"
        ),
    ]
    database: Annotated[bool, Field(description="连得上数据库")]
    database_writable: Annotated[bool, Field(description="数据库可以写入")]
    temporal: Annotated[bool, Field(description="连得上 Temporal")]
    temporal_trouble: Annotated[str | None, Field(description="连不上 Temporal 是证书的缘故时，是什么、怎么办")]
    temporal_canary_seconds: Annotated[
        float | None, Field(description="上一次试运行结束到现在几秒；没有设置试运行时为空")
    ]
    temporal_stalled: Annotated[bool, Field(description="试运行接连没有结束：Temporal 连得上，运行却不前进")]
    oldest_undelivered_outbox_seconds: Annotated[float | None, Field(description="待送达 Temporal 的最早一件等了几秒")]
    oldest_undelivered_inbox_seconds: Annotated[float | None, Field(description="待分派的最早一件来件等了几秒")]
    unreadable_values: Annotated[int, Field(description="本进程启动以来看到的无法读取的存储值个数")]


@router.get(
    "/health",
    summary="运行状况",
    response_model=HealthView,
    responses={503: {"model": HealthView, "description": "连不上数据库"}},
)
async def health(request: Request) -> Response:
    """503 only without the database: with Temporal away everything is still taken and kept; read-only, it is shown."""
    parts = parts_of(request)
    waiting, temporal = await asyncio.gather(
        _waiting(parts.database.pool(Pool.CALLBACKS)), _reaches(parts.relay.client if parts.relay else None)
    )
    writable, canary = waiting is not None and waiting.writable, parts.canary
    stalled = canary is not None and canary.stalled
    answer: HealthView = {
        "status": "ok" if writable and temporal and not stalled else "degraded" if waiting else "down",
        "database": waiting is not None,
        "database_writable": writable,
        "temporal": temporal,
        "temporal_trouble": None if temporal else await trouble_with(parts.settings.temporal_environment),
        "temporal_canary_seconds": _rounded(canary.age) if canary else None,
        "temporal_stalled": stalled,
        "oldest_undelivered_outbox_seconds": _rounded(waiting.outbox) if waiting else None,
        "oldest_undelivered_inbox_seconds": _rounded(waiting.inbox) if waiting else None,
        "unreadable_values": parts.shown.broken_values + unknown_words(),
    }
    return Rendered(answer, 200 if waiting else 503)


async def _waiting(database: Database) -> _Waiting | None:
    try:
        async with database.reading() as session:
            return await fetch_one(session, _Waiting, _OLDEST)
    except (SQLAlchemyError, OSError):
        return None


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 1) if seconds is not None else None


async def _reaches(client: Client | None) -> bool:
    if client is None:
        return False
    try:
        return await client.service_client.check_health(timeout=_WITHIN)
    except Exception:  # whatever it is, it isn't reachable
        return False
