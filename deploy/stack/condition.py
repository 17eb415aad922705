"""What is wrong with a stack, running or not: ports, leftovers, retention, database revision."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
from temporalio.service import RPCError

from deploy.doctor import Finding
from deploy.stack import postgres, programs, temporal
from deploy.stack.ports import LOOPBACK, is_free
from deploy.stack.processes import leftovers, live_runners
from models.store.database_role import POWERS, refusal
from workflows.certificates import trouble_with
from workflows.client import profile_of


def examine(home: Path) -> Iterator[Finding]:
    left = leftovers(home)
    names = "、".join(left)
    yield Finding("遗留进程", f"上次运行遗留 {names}：请运行 make down。" if left else "")
    running = bool(live_runners(home / "run"))
    ports = _ports(home)
    if not running:
        yield _free(ports)
    where = _given_temporal() or _local_temporal(home, running)
    yield _retention(where) if where else Finding("Temporal 保留期：未运行，启动时设为 90 天")
    url = os.environ.get("DATABASE_URL") or _local_database(home, ports, running)
    yield _revision(url) if url else Finding("数据库版本：未运行，启动时升级到最新")
    if url:
        yield from _role(url)


def _ports(home: Path) -> dict[str, int]:
    file = home / "ports.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _free(ports: dict[str, int]) -> Finding:
    taken = [f"{port}（{name}）" for name, port in ports.items() if not is_free(port)]
    # Not a fault: the next start takes others by itself, only bookmarked addresses change.
    return Finding(f"端口：{'、'.join(taken)} 已被其他程序占用，下次启动会自动换用空闲端口" if taken else "端口")


def _given_temporal() -> dict[str, str]:
    """What this shell says of it, by the SDK's own names; nothing where it names neither an address nor a file."""
    given = {name: value for name, value in os.environ.items() if name.startswith("TEMPORAL_")}
    if "TEMPORAL_CONFIG_FILE" in given:
        return given
    return {"TEMPORAL_NAMESPACE": temporal.NAMESPACE} | given if "TEMPORAL_ADDRESS" in given else {}


def _local_temporal(home: Path, running: bool) -> dict[str, str] | None:
    profile = home / "keys" / "temporal.toml"
    return {"TEMPORAL_CONFIG_FILE": str(profile)} if running and profile.exists() else None


def _local_database(home: Path, ports: dict[str, int], running: bool) -> str | None:
    if not running or "postgres" not in ports:
        return None
    password = json.loads((home / "keys" / "stack.json").read_text())["postgres_passwords"][postgres.APP]
    return f"postgresql+psycopg://{postgres.APP}:{password}@{LOOPBACK}:{ports['postgres']}/{postgres.DATABASE}"


def _retention(where: dict[str, str]) -> Finding:
    try:
        profile = profile_of(where)
        kept = temporal.retention(where)
    except (RPCError, RuntimeError, OSError) as error:
        trouble = asyncio.run(trouble_with(where))
        return Finding(f"Temporal {where.get('TEMPORAL_ADDRESS', '')}".strip(), trouble or _unreached(where, error))
    what = f"Temporal 保留期 {kept.days} 天"
    command = f"temporal operator namespace update --address {profile.address} --retention 90d -n {profile.namespace}"
    return Finding(what, "" if kept >= temporal.RETENTION else f"少于 90 天，运行链接会提前失效：请运行 {command}")


def _unreached(where: dict[str, str], error: Exception) -> str:
    return f"无法连接或没有命名空间 {where.get('TEMPORAL_NAMESPACE', '')}：{error}"


def _revision(url: str) -> Finding:
    done = programs.alembic(url, dict(os.environ), "current")
    if done.returncode:
        return Finding("数据库", f"无法读取版本：{done.stderr.strip()[-300:]}")
    current = done.stdout.strip()
    outdated = "(head)" not in current
    command = "DATABASE_OWNER_URL=… alembic -c deploy/migrations/alembic.ini upgrade head"
    return Finding(f"数据库版本 {current or '空'}", f"不是最新：请运行 {command}" if outdated else "")


def _role(url: str) -> Iterator[Finding]:
    try:
        with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5) as connection:
            row = connection.execute(POWERS).fetchone()
    except psycopg.OperationalError:
        return  # said already, of its revision
    assert row is not None
    yield Finding(f"数据库用户 {row[0]}", refusal(row[0]) if row[1] else "")
