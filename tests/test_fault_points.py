"""A point ends or freezes its process at its time, in the local stack only; off it does nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.stack.processes import ROOT
from models.fault_points import FaultPoint, arm, reach
from models.settings import Settings
from models.wire.signing import PlatformCredentials

HERE = {
    "database_url": "postgresql+psycopg://app:secret@127.0.0.1:5432/onecard",
    "temporal_address": "127.0.0.1:7233",
    "s3_endpoint_url": "http://127.0.0.1:8333",
    "platform_clients_file": Path("clients.json"),
    "vault_key_file": Path("vault.key"),
    "token_key_file": Path("token.key"),
}
PLATFORM = "http://127.0.0.1:9100/v1"


def settings(points: str | None, **other: object) -> Settings:
    return Settings(**(HERE | {"fault_points": points} | other))  # type: ignore[arg-type]


def client(base_url: str) -> dict[str, PlatformCredentials]:
    given = {"base_url": base_url, "client_id": "c", "secrets": ["s" * 16], "callback_secrets": ["whsec_" + "A" * 32]}
    return {"500000": PlatformCredentials.model_validate(given)}


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"database_url": "postgresql+psycopg://app:secret@db.province.cn/onecard"},
        {"database_url": "postgresql+psycopg://127.0.0.1:x@10.0.0.1/onecard"},
        {"temporal_address": "temporal:7233"},
        {"s3_endpoint_url": None},
        {"s3_endpoint_url": "https://127.0.0.1.example.cn"},
    ],
)
def test_only_where_every_address_is_this_machine(elsewhere: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="local stack"):
        arm(settings("before-call=kill@1", **elsewhere), client(PLATFORM))
    with pytest.raises(ValueError, match="local stack"):
        arm(settings("before-call=kill@1"), client("https://platform.province.cn/v1"))


@pytest.mark.parametrize("wish", ["", "nowhere=kill@1", "before-call=kill", "before-call=kill@0", "before-call=exit@1"])
def test_what_cannot_be_read_is_refused(wish: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        arm(settings(wish), client(PLATFORM))


def test_without_the_setting_it_is_off() -> None:
    arm(settings(None, temporal_address="temporal.province.cn:7233"), client("https://platform.province.cn/v1"))
    for point in FaultPoint:
        reach(point)


def test_the_third_time_the_process_is_gone() -> None:
    with _at_points("after-accepted=kill@3") as process:
        told, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert told.splitlines() == ["1", "2", "fault point after-accepted: SIGKILL"]


def test_it_stands_still_and_goes_on() -> None:
    with _at_points("after-accepted=stop@2,before-call=kill@9") as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate(timeout=30)
    assert (process.returncode, told.splitlines()[-1]) == (0, "4")


def _at_points(wish: str) -> "subprocess.Popen[str]":
    """A process that comes to one point four times."""
    program = (
        "from tests.test_fault_points import *\n"
        f"arm(settings({wish!r}), client(PLATFORM))\n"
        "for time in range(1, 5):\n"
        "    reach(FaultPoint.AFTER_ACCEPTED)\n"
        "    print(time, flush=True)\n"
    )
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
