"""Our own programs as parts: the platform's simulator, the worker, the API, and the migration before them."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from deploy.stack import temporal
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import ROOT, Part, StackError

# Nothing here may go through a proxy: every address is loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def simulator(port: int, state: Path, clients: Path, env: Mapping[str, str], flags: list[str]) -> Part:
    return Part(
        name="simulator",
        argv=[*_simulator(state), "--port", str(port), "--clients", str(clients), *flags],
        env=env,
        cwd=ROOT,
        is_ready=lambda _: answers_http(port),
    )


def load_simulator(state: Path, env: Mapping[str, str], knowledge: list[str]) -> None:
    """Tells a new platform what it knows of people; one that has lived knows more than the files."""
    known = state / "known"
    if known.exists():
        return
    state.mkdir(parents=True, exist_ok=True)
    argv = [*_simulator(state), "load", *knowledge]
    done = subprocess.run(argv, env=dict(env), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"平台模拟器读取名册失败：\n{done.stderr.strip()[-2000:]}")
    known.touch()


def worker(name: str, environment: Mapping[str, str], env: Mapping[str, str]) -> Part:
    return Part(
        name=name,
        argv=[sys.executable, "worker.py"],
        env=env,
        cwd=ROOT,
        is_ready=lambda running: temporal.polls(environment, running),
        # The worker finishes its calls to the platform first.
        stop_within_s=60,
    )


def api(name: str, port: int, env: Mapping[str, str]) -> Part:
    return Part(
        name=name,
        argv=[sys.executable, "-m", "api.main"],
        env={**env, "API_HOST": LOOPBACK, "API_PORT": str(port)},
        cwd=ROOT,
        is_ready=lambda _: answers_http(port),
    )


def migrate(owner_url: str, env: Mapping[str, str]) -> None:
    """Brings the database to the newest revision."""
    done = alembic(owner_url, env, "upgrade", "head")
    if done.returncode:
        raise StackError(f"数据库升级失败：\n{done.stderr.strip()[-2000:]}")


def alembic(url: str, env: Mapping[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "alembic", "-c", "deploy/migrations/alembic.ini", *command],
        env={**env, "DATABASE_OWNER_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _simulator(state: Path) -> list[str]:
    return [sys.executable, "-m", "deploy.simulator", "--state", str(state)]


def answers_http(port: int) -> bool:
    """Any answer counts, a 404 too: these programs listen only once they are up."""
    try:
        _direct.open(f"http://{LOOPBACK}:{port}/", timeout=2).close()
    except urllib.error.HTTPError as answer:
        answer.close()
        return True
    except OSError:
        return False
    return True
