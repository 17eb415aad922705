"""A point ends or freezes its process at its time, in the local stack only; off it does nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.main import serve
from deploy.stack.processes import ROOT
from models.fault_points import FaultPoint, arm, reach
from models.settings import Settings
from models.store.vault import create_vault_key_file
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
        {"api_host": "0.0.0.0"},
    ],
)
def test_only_where_every_address_is_this_machine(elsewhere: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="local stack"):
        arm(settings("before-call=kill@1", **elsewhere), client(PLATFORM))
    with pytest.raises(ValueError, match="local stack"):
        arm(settings("before-call=kill@1"), client("https://platform.province.cn/v1"))


async def test_no_other_process_leads_to_the_start_page(tmp_path: Path) -> None:
    """Whoever serves a county has none, and refuses to start with one."""
    assert settings(None).start_page_url is None
    with pytest.raises(ValueError, match="start_page_url"):
        settings(None, start_page_url="http://onecard.county.cn:8080")
    kept = {"platform_clients_file": tmp_path / "clients.json", "vault_key_file": tmp_path / "vault.key"}
    known = {"base_url": PLATFORM, "client_id": "c", "secrets": ["s" * 16], "callback_secrets": ["whsec_" + "A" * 32]}
    kept["platform_clients_file"].write_text(json.dumps({"500000": known}))
    create_vault_key_file(kept["vault_key_file"])
    with pytest.raises(ValueError, match="START_PAGE_URL is for the local stack"):
        await serve(settings(None, start_page_url="http://127.0.0.1:8080", temporal_address="temporal:7233", **kept))


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
