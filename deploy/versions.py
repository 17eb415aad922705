"""`python -m deploy.versions`: which builds of the worker Temporal knows, and who takes what.

    python -m deploy.versions                lists them
    python -m deploy.versions current BUILD  runs begin and go on on this one from now on
    python -m deploy.versions drained        deletes those that have nothing left to end
    python -m deploy.versions none           runs go to workers without a build again

By the environment of worker and API: TEMPORAL_… and TEMPORAL_TASK_QUEUE.
"""

import argparse
import asyncio
import os

from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus as Status
from temporalio.service import RPCError, RPCStatusCode

from deploy.spoken import leave, spoken
from workflows.client import connect
from workflows.versions import NO_BUILD, Build, Builds

_STATES = {
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE: "未启用",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT: "当前",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING: "部分启用",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING: "收尾中",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED: "已收尾",
}


class Refused(Exception):
    """What stands in the way, and what to do."""

    said_fully = True


async def told(builds: Builds) -> list[str]:
    """A line a build."""
    return [await _line(builds, build) for build in await builds.all()]


async def make_current(builds: Builds, name: str) -> str:
    found = {build.name: build for build in await builds.all()}
    if name not in found:
        known = "、".join(found) or "没有"
        raise Refused(f"没有版本 {name} 的 worker 来过（已知：{known}）。请先以 WORKER_BUILD_ID={name} 启动 worker。")
    if missing := found[name].missing:
        raise Refused(
            f"版本 {name} 的 worker 没有承担 {'、'.join(missing)}，改用它会使这部分工作停下。"
            "请先启动承担这些的 worker（WORKER_QUEUES），再重试。"
        )
    everywhere = await builds.make_current(name)
    return (
        f"{name} 已是当前版本{'' if everywhere else '（Temporal 还在告知各队列，稍后全部生效）'}。"
        "原版本的 worker 请保留到 python -m deploy.versions 显示它“已收尾”。"
    )


async def delete_drained(builds: Builds) -> list[str]:
    drained = [build for build in await builds.all() if build.is_drained]
    return [await _deleted(builds, build) for build in drained] or ["没有已收尾的版本。"]


async def _deleted(builds: Builds, build: Build) -> str:
    try:
        await builds.delete(build.name)
    except RPCError as error:
        if error.status is not RPCStatusCode.FAILED_PRECONDITION:
            raise
        return f"{build.name} 没有删除：它的 worker 还在，或刚被强行结束。请停止它们，最多五分钟后重试。"
    return f"{build.name} 已删除。"


async def _line(builds: Builds, build: Build) -> str:
    served = "、".join(build.served) or "没有"
    line = f"{build.name}  {_STATES.get(build.status, '未知')}  worker：{served}"
    if build.status != Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING:
        return line
    count = await builds.pinned_runs(build.name)
    line += f"  还有 {count} 个运行要在它上面结束"
    if count and build.missing:
        command = f'temporal workflow terminate --query "{builds.query_of(build.name)}"'
        line += (
            f"，却没有 worker 承担 {'、'.join(build.missing)}：请启动这个版本的 worker，"
            f"或终止这些运行，它们会在当前版本重新开始（{command}）"
        )
    return line


async def _done(said: argparse.Namespace) -> list[str]:
    builds = Builds(await connect(os.environ), os.environ.get("TEMPORAL_TASK_QUEUE", "onecard"))
    match said.command:
        case "current":
            return [await make_current(builds, said.build)]
        case "drained":
            return await delete_drained(builds)
        case "none":
            await builds.make_current(NO_BUILD)
            return ["没有当前版本了：运行交给没有设置 WORKER_BUILD_ID 的 worker。"]
        case _:
            return await told(builds) or ["没有设置版本的 worker 来过（WORKER_BUILD_ID）。"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.versions", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("current").add_argument("build")
    for command in ("drained", "none"):
        commands.add_parser(command)
    said = parser.parse_args()
    for line in asyncio.run(_done(said)):
        print(line)
    return 0


if __name__ == "__main__":
    leave(spoken("python -m deploy.versions", main))
