"""`python -m deploy.stack up | demo | down | clean`: the commands behind the Makefile's targets of these names."""

import argparse
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from deploy.spoken import spoken
from deploy.stack.layout import Options
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import ROOT, StackError, end_leftovers, live_runners, wait_gone
from deploy.stack.stack import PARTS, Stack, forget, remove_home
from deploy.stack.start_page import start_page

VAR = ROOT / "var"

# Weeks in seconds: how this system asks back and looks around must be as quick as the simulator's platform.
HURRIED = {
    "PLATFORM_FIRST_ASK_SECONDS": "8",
    "PLATFORM_ASK_SECONDS": "8",
    "PLATFORM_BUSY_RETRY_SECONDS": "2",
    "WATCH_SECONDS": "5",
}

# Five days a second: the platform's weeks pass while one reads along.
DEMO_TIME_SCALE = 432_000
DEMO_SEED = 20_230_601
DEMO_FAULTS = (
    "duplicate=0.2,repeated=0.1,reordered=0.2,early=0.1,late=0.1,lost=0.05,missing_page=0.1,"
    "5xx=0.03,429=0.03,timeout_after_accept=0.03"
)

_tick = threading.Event()


def up(home: Path, parts: list[str]) -> int:
    """The stack with what it had stored before, at first with demo data, until Ctrl-C."""
    with _running(home, parts, Options(env=HURRIED, start_page=True)) as stack:
        try:
            if all(map(stack.is_running, PARTS)) and _play(stack, ["seed"], demo_environment(stack)):
                print("演示数据没有备齐，原因见上；环境照常运行。", file=sys.stderr, flush=True)
            if not all(map(stack.is_running, PARTS)):
                _say_where(stack)
                return _watch(stack, lambda: None)
            with start_page(stack.layout) as address:
                print(f"\n在浏览器打开：{address}\n日志：{stack.layout.logs}\n按 Ctrl-C 停止。", flush=True)
                return _watch(stack, lambda: None)
        except KeyboardInterrupt:
            print("\n正在停止……", flush=True)
            return 0


def demo(home: Path, parts: list[str]) -> int:
    """A fresh stack with the simulator's faults on, the demo against it; the demo's exit code."""
    if live_runners(home / "run"):
        raise StackError("本地环境正在运行。请先在那个窗口按 Ctrl-C，或运行 make down。")
    end_leftovers(home)
    forget(home)
    summary = home / "demo-summary.json"
    summary.unlink(missing_ok=True)
    options = Options(env=HURRIED, time_scale=DEMO_TIME_SCALE, faults=DEMO_FAULTS, seed=DEMO_SEED)
    with _running(home, parts, options) as stack:
        return _play(stack, [], demo_environment(stack) | {"DEMO_SUMMARY_FILE": str(summary)})


def _play(stack: Stack, words: list[str], environment: dict[str, str]) -> int:
    """The people of the demo in a process of their own, while the parts are watched; its exit code."""
    player = subprocess.Popen([sys.executable, "-m", "deploy.demo", *words], env=environment, cwd=ROOT)
    try:
        return _watch(stack, player.poll)
    finally:
        player.terminate()
        player.wait()


def down(home: Path) -> int:
    """Ends a running stack, and what killed runs left behind."""
    ended = [_end_runner(runner) for runner in live_runners(home / "run")] + end_leftovers(home)
    print(f"已停止：{'、'.join(ended)}。" if ended else "没有正在运行的部件。")
    return 0


def clean(home: Path) -> int:
    """Down, then everything stored is removed."""
    down(home)
    if live_runners(home):
        raise StackError(f"测试正在运行，{home} 没有清除。请等测试结束或停止测试后再运行 make clean。")
    for place in (home / "tests").glob("*"):
        remove_home(place)
    # They took minutes to build, and hold nothing of anybody's.
    remove_home(home, but="programs")
    print(f"已清除 {home}。")
    return 0


def _end_runner(runner: psutil.Process) -> str:
    runner.terminate()
    if not wait_gone([runner], within_s=120):
        runner.kill()
    return "本地环境"


@contextmanager
def _running(home: Path, parts: list[str], options: Options) -> Iterator[Stack]:
    """The started stack; the first Ctrl-C or SIGTERM ends the block, further ones don't cut the clearing up short."""

    def end(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    with Stack(home, options) as stack:
        signal.signal(signal.SIGINT, end)
        signal.signal(signal.SIGTERM, end)
        try:
            _start(stack, parts)
            yield stack
        finally:
            _ignore_signals()


def _ignore_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _start(stack: Stack, parts: list[str]) -> None:
    if stack.leftovers:
        print(f"上次运行遗留的 {'、'.join(stack.leftovers)} 已结束。")
    print(f"正在启动 {'、'.join(parts)} ……", flush=True)
    begun = time.monotonic()
    stack.start(*parts)
    print(f"就绪，用时 {time.monotonic() - begun:.1f} 秒。", flush=True)


def _watch(stack: Stack, outcome: Callable[[], int | None]) -> int:
    """Waits for the outcome, and ends with words when a part ends by itself."""
    while (code := outcome()) is None:
        for name in stack.ended():
            raise StackError(f"{name} 意外退出，日志：{stack.log(name)}")
        _tick.wait(0.3)
    return code


def _say_where(stack: Stack) -> None:
    layout = stack.layout
    places = {
        "api": ("API", f"{layout.api_url}（文档 {layout.api_url}/docs）"),
        "temporal": (
            "Temporal UI",
            f"{layout.temporal.ui_url}（客户端设置：TEMPORAL_CONFIG_FILE={layout.temporal.profile}）",
        ),
        "simulator": ("平台模拟器", layout.simulator_url),
        "s3": ("对象存储 (S3)", layout.objects.endpoint_url),
        "postgres": ("数据库", f"{LOOPBACK}:{layout.ports['postgres']}，密码在 {layout.home / 'keys' / 'stack.json'}"),
    }
    for part, (name, place) in places.items():
        if stack.is_running(part):
            print(f"{name}：{place}")
    print(f"日志：{layout.logs}")
    if stack.is_running("api"):
        print(f"各角色的令牌（Authorization: Bearer …）在 {layout.tokens}")
    print("\n按 Ctrl-C 停止。", flush=True)


def demo_environment(stack: Stack) -> dict[str, str]:
    layout = stack.layout
    return layout.environment() | {
        "API_URL": layout.api_url,
        "TOKENS_FILE": str(layout.tokens),
        "SIMULATOR_URL": layout.simulator_url,
        "WORKER_PID": str(stack.pid("worker")),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.stack", description=__doc__)
    parser.add_argument("command", choices=("up", "demo", "down", "clean"))
    parser.add_argument("--home", type=Path, default=VAR, help="where everything is stored (var/)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="start only these parts")
    said = parser.parse_args()
    home = said.home.resolve()
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: up(home, said.only),
        "demo": lambda: demo(home, list(PARTS)),
        "down": lambda: down(home),
        "clean": lambda: clean(home),
    }
    return spoken(f"make {said.command}", commands[said.command])


if __name__ == "__main__":
    sys.exit(main())
