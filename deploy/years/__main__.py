"""`python -m deploy.years`: finished fund years leave the working database, and are looked at where they are put back.

    python -m deploy.years                                             what is here, how big, what stands in the way
    python -m deploy.years move 2023 --by li.wei --reason "年度归档"    every county's year, or --county 500001
    python -m deploy.years abandon 2023 --county 500001 --by li.wei --reason "…"    as if no move had begun
    python -m deploy.years put-back 2023 --county 500001 --into URL    into an empty database of the same schema

By the environment of a worker, and DATABASE_OWNER_URL: only the tables' owner may take lines out.
"""

import argparse
import asyncio
import os
import sys
from typing import Any, cast

import boto3
from botocore.config import Config
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.restored import LOGIN
from deploy.spoken import spoken
from deploy.years.copies import NotMoved, Spoiled
from deploy.years.listing import counties_of, listed
from deploy.years.moving import Mover
from deploy.years.putting_back import Shelf, put_back
from models.fault_points import arm
from models.settings import Settings
from models.store.database import Database
from models.store.objects import S3, S3_CONFIG, ObjectStore, s3_arguments
from models.store.vault import LocalVault

# Whoever works goes before: a part that doesn't get its rows is tried again.
_LIMITS: dict[str, Any] = {"options": "-c lock_timeout=2s -c jit=off -c random_page_cost=1.1"}


def main(argv: list[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    try:
        settings = Settings()
    except ValidationError:
        raise NotMoved("请像运行 worker 那样给出环境变量（DATABASE_URL、S3_…、VAULT_KEY_FILE 等）") from None
    arm(settings, {})
    return asyncio.run(_done(asked, settings))


async def _done(asked: argparse.Namespace, settings: Settings) -> int:
    engine = create_async_engine(_address(asked), connect_args=_LIMITS, hide_parameters=True)
    database = Database(engine)
    try:
        match asked.command:
            case "move":
                return await _move(asked, settings, database)
            case "abandon":
                return await _abandon(asked, settings, database)
            case "put-back":
                return await _put_back(asked, settings, database)
            case _:
                print("\n".join(await listed(database, settings)) or "库中没有申请。")
                return 0
    except Spoiled as error:
        raise NotMoved(f"文件库给回的与写入的不一致（{error}），没有再移出：请检查文件库后再运行一次") from error
    finally:
        await engine.dispose()


def _address(asked: argparse.Namespace) -> str:
    address: str | None = asked.into if asked.command == "put-back" else os.environ.get("DATABASE_OWNER_URL")
    if not address:
        raise NotMoved("请设置 DATABASE_OWNER_URL：移出以 onecard_owner 进行，DATABASE_URL 的用户无权删除")
    return address


async def _move(asked: argparse.Namespace, settings: Settings, database: Database) -> int:
    """County by county: what keeps one here is told, and the others go."""
    counties = [asked.county] if asked.county else await counties_of(database, asked.year)
    refused = 0
    for county in counties:
        try:
            sums = await _mover(asked, settings, database, county).move()
        except NotMoved as error:
            refused += 1
            print(error, file=sys.stderr)
            continue
        print(f"{county} 的 {asked.year} 年度已移出：{sums.lines} 笔，{sums.fen} 分，其中已发放 {sums.paid_fen} 分。")
    if not counties:
        print(f"库中没有 {asked.year} 年度的申请。")
    return 1 if refused else 0


async def _abandon(asked: argparse.Namespace, settings: Settings, database: Database) -> int:
    await _mover(asked, settings, database, asked.county).abandon()
    print(f"{asked.county} 的 {asked.year} 年度不再移出：明细都在库中，照常办理。")
    return 0


def _mover(asked: argparse.Namespace, settings: Settings, database: Database, county: str) -> Mover:
    if not LOGIN.fullmatch(asked.by):
        raise NotMoved(f"--by {asked.by} 不是登录名：只能用小写字母、数字和 . _ @ -，2 至 80 个")
    return Mover(database, *_places(settings), settings, county, asked.year, asked.by, asked.reason)


async def _put_back(asked: argparse.Namespace, settings: Settings, database: Database) -> int:
    vault, objects = _places(settings)
    sums = await put_back(database, Shelf(vault, objects, asked.county, asked.year))
    print(
        f"{asked.county} 的 {asked.year} 年度已放回：{sums.lines} 笔，{sums.fen} 分，其中已发放 {sums.paid_fen} 分，"
        "与移出时所签的相符。请只用 API 打开这个库，不要启动 worker。"
    )
    return 0


def _places(settings: Settings) -> tuple[LocalVault, ObjectStore]:
    vault = LocalVault.from_file(settings.vault_key_file)
    s3 = boto3.client("s3", config=Config(**S3_CONFIG), **s3_arguments(settings))
    return vault, ObjectStore(cast(S3, s3), settings.s3_bucket, vault)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.years", description="已办完的资金年度移出与放回")
    commands = parser.add_subparsers(dest="command")
    move = commands.add_parser("move", help="移出一个年度")
    move.add_argument("year", type=int)
    move.add_argument("--county", help="只移出这个区县；不写即全部")
    left = commands.add_parser("abandon", help="撤回已开始、还没有移出一笔的移出")
    left.add_argument("year", type=int)
    left.add_argument("--county", required=True)
    for command in (move, left):
        command.add_argument("--by", required=True, help="谁办理的，登录名")
        command.add_argument("--reason", required=True, help="为什么")
    back = commands.add_parser("put-back", help="放回一个空库，供查阅")
    back.add_argument("year", type=int)
    back.add_argument("--county", required=True)
    back.add_argument("--into", required=True, help="空库的地址，以其所有者登录")
    return parser


if __name__ == "__main__":
    sys.exit(spoken("python -m deploy.years", main))
