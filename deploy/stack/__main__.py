"""`python -m deploy.stack up | demo | down | clean`: the commands behind the Makefile's targets of these names."""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

from deploy.stack.layout import Layout, Options
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import StackError, end_leftovers, live_runners
from deploy.stack.programs import ROOT
from deploy.stack.stack import PARTS, Stack, forget, remove_home

VAR = ROOT / "var"
SUMMARY = VAR / "demo-summary.json"

# Weeks in seconds: how this system asks back and looks around must be as quick as the simulator's platform.
_HURRIED = {
    "PLATFORM_FIRST_ASK_SECONDS": "8",
    "PLATFORM_ASK_SECONDS": "8",
    "PLATFORM_BUSY_RETRY_SECONDS": "2",
    "WATCH_SECONDS": "5",
}

_DEMO_SEED = 20_230_601
_DEMO_FAULTS = {
    "rates": {
        "duplicate": 0.2,
        "repeated": 0.1,
        "reordered": 0.2,
        "early": 0.1,
        "late": 0.1,
        "lost": 0.05,
        "missing_page": 0.1,
        "5xx": 0.03,
        "429": 0.03,
        "timeout_after_accept": 0.03,
    }
}

_tick = threading.Event()


def up() -> int:
    """The stack with what it had stored before, until Ctrl-C."""
    with _running(Options(env=_HURRIED)) as stack:
        _say_where(stack.layout)
        try:
            return _watch(stack, lambda: None)
        except KeyboardInterrupt:
            print("\n正在停止……", flush=True)
            return 0


def demo() -> int:
    """A fresh stack with the simulator's faults on, the demo against it; the demo's exit code."""
    _refuse_while_running()
    end_leftovers(VAR)
    forget(VAR)
    SUMMARY.unlink(missing_ok=True)
    with _running(Options(env=_HURRIED, faults=json.dumps(_DEMO_FAULTS), seed=_DEMO_SEED)) as stack:
        player = subprocess.Popen([sys.executable, "-m", "deploy.demo"], env=_demo_environment(stack), cwd=ROOT)
        try:
            return _watch(stack, player.poll)
        finally:
            player.terminate()
            player.wait()


def down() -> int:
    """Ends a running stack, and what killed runs left behind."""
    stopped = [name for runner in live_runners(VAR / "run") for name in _end_runner(runner)]
    ended = stopped + end_leftovers(VAR)
    print(f"已停止：{'、'.join(ended)}。" if ended else "没有正在运行的部件。")
    return 0


def clean() -> int:
    """Down, then everything stored is removed."""
    down()
    if live_runners(VAR):
        raise StackError("测试正在运行，var/ 没有清除。请等测试结束或停止测试后再运行 make clean。")
    for home in (*(VAR / "tests").glob("*"), VAR):
        remove_home(home)
    print("已清除 var/。")
    return 0


def _end_runner(runner: psutil.Process) -> list[str]:
    runner.terminate()
    try:
        runner.wait(timeout=120)
    except psutil.TimeoutExpired:
        runner.kill()
    return ["本地环境"]


def _refuse_while_running() -> None:
    if live_runners(VAR / "run"):
        raise StackError("本地环境正在运行。请先在那个窗口按 Ctrl-C，或运行 make down。")


@contextmanager
def _running(options: Options) -> Iterator[Stack]:
    """The started stack; the first Ctrl-C or SIGTERM ends the block, further ones don't cut the clearing up short."""

    def end(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    with Stack(VAR, options) as stack:
        signal.signal(signal.SIGINT, end)
        signal.signal(signal.SIGTERM, end)
        try:
            _start(stack)
            yield stack
        finally:
            _ignore_signals()


def _ignore_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _start(stack: Stack) -> None:
    if stack.leftovers:
        print(f"上次运行遗留的 {'、'.join(stack.leftovers)} 已结束。")
    print(f"正在启动 {'、'.join(PARTS)} ……", flush=True)
    begun = time.monotonic()
    stack.start()
    print(f"就绪，用时 {time.monotonic() - begun:.1f} 秒。", flush=True)


def _watch(stack: Stack, outcome: Callable[[], int | None]) -> int:
    """Waits for the outcome, and ends with words when a part ends by itself."""
    while (code := outcome()) is None:
        for name in stack.ended():
            raise StackError(f"{name} 意外退出，日志：{stack.log(name)}")
        _tick.wait(0.3)
    return code


def _say_where(layout: Layout) -> None:
    places = {
        "API": layout.api_url,
        "API 文档": f"{layout.api_url}/docs",
        "Temporal UI": layout.temporal.ui_url,
        "平台模拟器": layout.simulator_url,
        "对象存储 (S3)": layout.objects.endpoint_url,
        "数据库": f"{LOOPBACK}:{layout.ports['postgres']}（密码在 {layout.home.name}/keys/stack.json）",
        "日志": str(layout.logs),
    }
    for name, place in places.items():
        print(f"{name}：{place}")
    print(f"\n各角色的令牌（Authorization: Bearer …），也在 {layout.tokens}：")
    for county, tokens in json.loads(layout.tokens.read_text()).items():
        for role, token in tokens.items():
            print(f"{county} {role}：{token}")
    print("\n按 Ctrl-C 停止。", flush=True)


def _demo_environment(stack: Stack) -> dict[str, str]:
    layout = stack.layout
    return layout.environment() | {
        "API_URL": layout.api_url,
        "TOKENS_FILE": str(layout.tokens),
        "SIMULATOR_URL": layout.simulator_url,
        "WORKER_PID": str(stack.pid("worker")),
        "DEMO_SUMMARY_FILE": str(SUMMARY),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.stack", description=__doc__)
    commands: dict[str, Callable[[], int]] = {"up": up, "demo": demo, "down": down, "clean": clean}
    parser.add_argument("command", choices=commands)
    try:
        return commands[parser.parse_args().command]()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
