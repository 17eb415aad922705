"""`python -m deploy.restored --to 2026-11-27T18:30:00+08:00 --by li.wei --reason "磁盘损坏"`: after a restore.

The database came back as it was at an earlier moment (`deploy/operate.md` says how). Of the minutes that are lost the
platform and the bucket know more than the rows. So, with worker and API still stopped and Temporal running:

* every county's trail says so in a signed entry, which names the signed heads in the bucket that lie ahead of it;
* numbers go on well beyond those that may have been given out, so that no key means two things;
* everybody signs in anew;
* runs in Temporal of which no row is open end; all others are woken, and for thirty days a run asks the platform
  whenever it begins to wait: what was called back in the lost minutes doesn't come again.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

import boto3
from botocore.config import Config
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.client import Client

from deploy.spoken import leave, spoken
from models.contracts import RunKind
from models.settings import Settings
from models.store.citizens.sessions import end_all_of_citizens
from models.store.database import Database
from models.store.numbers import skip_lost
from models.store.objects import S3, S3_CONFIG, ObjectStore, s3_arguments
from models.store.people.sessions import end_all_of_staff
from models.store.runs.watch import wake_open_runs
from models.store.sql import execute, fetch, fetch_int, fetch_one
from models.store.trail.heads import ahead, counties, heads_of
from models.store.trail.restorations import Loss, note_restoration
from models.store.vault import LocalVault
from models.tables.base import now
from models.wire.signing import parse_clients
from models.words.calendar import CHINA
from workflows.client import connect

LOGIN = re.compile(r"[a-z0-9._@-]{2,80}")
# Clocks of two machines differ by less.
_SLACK = timedelta(minutes=1)
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
"""
_NOTED = "SELECT count(*) FROM restoration WHERE lost_until = :until"
NOTED = "这次恢复已经记过，可以启动 worker 和 API"
KINDS = frozenset(kind.value for kind in RunKind)


class NotRestored(Exception):
    """Why not, and what to do."""

    said_fully = True


class Done(NamedTuple):
    """What came of it: trails with an entry, heads that these explain, sessions and runs ended, runs woken."""

    trails: int
    heads: int
    sessions: int
    ended: int
    woken: int


def main(argv: list[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    if not LOGIN.fullmatch(asked.by):
        raise NotRestored(f"--by {asked.by} 不是登录名：只能用小写字母、数字和 . _ @ -，2 至 80 个")
    until = _instant(asked.until) if asked.until else now()
    loss = Loss(_instant(asked.to), until, asked.by, asked.reason)
    if loss.restored_to >= loss.lost_until:
        raise NotRestored("恢复到的时刻（--to）须早于丢失的终点（--until，不写即现在），请核对")
    try:
        settings = Settings()
    except ValidationError:
        raise NotRestored("请像运行 worker 那样给出环境变量（DATABASE_URL、S3_…、VAULT_KEY_FILE 等）") from None
    done = asyncio.run(_restored(settings, loss))
    print(
        f"已记入 {done.trails} 个区县的留痕，说明了走在前面的 {done.heads} 个签存；{done.sessions} 个登录已结束；"
        f"结束了 Temporal 里没有对应记录的 {done.ended} 个运行，唤醒 {done.woken} 个。现在可以启动 worker 和 API。"
    )
    if loss.lost_until - loss.restored_to >= timedelta(days=settings.publicity_days):
        print(
            f"丢失的时间不短于公示期（{settings.publicity_days} 天）：其间录入的申请可能已经发放，"
            "请先与平台核对其发放明细，再录入这段时间的申请。",
            file=sys.stderr,
        )
    return 0


async def _restored(settings: Settings, loss: Loss) -> Done:
    client = await connect(settings.temporal_environment)
    engine = create_async_engine(settings.database_url.get_secret_value())
    vault = LocalVault.from_file(settings.vault_key_file)
    s3 = boto3.client("s3", config=Config(**S3_CONFIG), **s3_arguments(settings))
    objects = ObjectStore(cast(S3, s3), settings.s3_bucket, vault)
    database = Database(engine)
    try:
        await _require_rest(database, loss)
        clients = parse_clients(settings.platform_clients_file.read_bytes())
        places = sorted({*await counties(database, objects), *clients})
        heads = {county: await _heads_ahead(database, objects, county) for county in places}
        async with database.transaction() as session:
            await _note(session, loss)
            await skip_lost(session, places, _years(loss))
            sessions = await end_all_of_staff(session) + await end_all_of_citizens(session)
            woken = await wake_open_runs(session)
            for county, lost in heads.items():
                await note_restoration(session, vault, county, loss, lost)
        ended = await _end_unknown(database, client, settings.temporal_task_queue)
    finally:
        await engine.dispose()
    return Done(len(places), sum(map(len, heads.values())), sessions, ended, woken)


async def _require_rest(database: Database, loss: Loss) -> None:
    """Nobody works yet, and the rows aren't younger than they are said to be; the note of it is itself younger."""
    async with database.reading() as session:
        if await fetch_int(session, _NOTED, until=loss.lost_until):
            raise NotRestored(NOTED)
        if await fetch_int(session, _OTHERS):
            raise NotRestored("还有 worker 或 API 连着数据库：请先全部停止，记下恢复之后再启动")
        newest = await fetch_one(session, datetime, "SELECT max(at) FROM trail_entry HAVING max(at) IS NOT NULL")
    if newest is not None and newest > loss.restored_to + _SLACK:
        raise NotRestored(f"留痕最后一条在 {newest.astimezone(CHINA):%Y-%m-%d %H:%M:%S}，晚于 --to 所说的时刻，请核对")


async def _heads_ahead(database: Database, objects: ObjectStore, county: str) -> list[str]:
    keys = await heads_of(objects, county)
    async with database.reading() as session:
        last = await fetch_int(session, "SELECT sequence FROM trail_head WHERE county_code = :county", county=county)
    return ahead(keys, last)


async def _note(session: AsyncSession, loss: Loss) -> None:
    """Once for each: a second time would skip numbers and end sessions for nothing."""
    noted = await execute(
        session,
        "INSERT INTO restoration (restored_to, lost_until, at) VALUES (:to, :until, now()) ON CONFLICT DO NOTHING",
        to=loss.restored_to,
        until=loss.lost_until,
    )
    if not noted:
        raise NotRestored(NOTED)


def _years(loss: Loss) -> Sequence[int]:
    return sorted({moment.astimezone(CHINA).year for moment in (loss.restored_to, loss.lost_until)})


async def _end_unknown(database: Database, client: Client, queue: str) -> int:
    """Runs whose rows are lost, or say that they are over: a Temporal that came back younger than the rows has them."""
    listed = client.list_workflows(f"ExecutionStatus = 'Running' AND TaskQueue = '{queue}'", page_size=1000)
    running = {one.id async for one in listed if one.id.partition("/")[0] in KINDS}
    async with database.reading() as session:
        known = await fetch(session, str, "SELECT workflow_id FROM run WHERE closed_at IS NULL")
    unknown = running.difference(known)
    for workflow_id in unknown:
        await client.get_workflow_handle(workflow_id).terminate(reason="database restored: no open row")
    return len(unknown)


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotRestored(f"{text} 不是时刻：请写成 2026-11-27T18:30:00+08:00 的样子") from None
    if moment.tzinfo is None:
        raise NotRestored(f"{text} 没有时区：请写成 2026-11-27T18:30:00+08:00 的样子")
    return moment.astimezone(UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.restored", description="数据库恢复到较早的时刻之后")
    parser.add_argument("--to", required=True, help="恢复到何时，例如 2026-11-27T18:30:00+08:00")
    parser.add_argument("--until", help="到何时为止的记录没有了（原库停止的时刻）；不写即现在")
    parser.add_argument("--by", required=True, help="谁恢复的，登录名")
    parser.add_argument("--reason", required=True, help="为什么恢复")
    return parser


if __name__ == "__main__":
    leave(spoken("restored", main))
