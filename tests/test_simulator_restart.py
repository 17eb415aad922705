"""Killed in the middle and started again with the same state: what was acknowledged is there and goes on."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.simulator.launch import ROOT, start
from deploy.simulator.trial import Trial, ready, refused, trial


def test_a_killed_platform_goes_on_where_it_was(tmp_path: Path) -> None:
    with trial(tmp_path) as platform:
        county = platform.county("500001")
        county.prepare()
        records = ready(platform, county, *["paid"] * 600, "failed:账户冻结", "returned:账户销户")
        county.start()
        platform.set("/time-scale", {"scale": 86_400 * 4.0})
        dataset = county.push("application_submission", records, "initial")
        kill_and_start(platform)
        assert len(county.results(dataset, len(records))) == 602
        assert county.summarise(records)["status"] == "approved"
        county.confirm(records)
        kill_and_start(platform)
        county.receiver.wait_type("flow.payments")
        kill_and_start(platform)
        ended = county.ended()
        assert (ended["paid_count"], ended["failed_count"]) == (600, 2)
        county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["page"] == 3, seconds=15)
        ledger = platform.ask("/ledger")
        assert (ledger["payments"], ledger["returns"], ledger["balanced"]) == (601, 1, True)


def kill_and_start(platform: Trial) -> None:
    platform.kill()
    platform.start_again()


def test_every_acknowledged_request_is_remembered_after_a_kill(tmp_path: Path) -> None:
    with trial(tmp_path, time_scale=1) as platform:
        county = platform.county("500001")
        body = county.policy_body()
        answers = {}
        for turn in range(60):
            answers[f"k{turn}"] = county.probe.post("/policies", body, f"k{turn}").content
        kill_and_start(platform)
        for key, answer in answers.items():
            assert county.probe.post("/policies", body, key).content == answer
        refused(county.probe.post("/policies", body | {"title": "另一"}, "k0"), 422, "IDEMPOTENCY_MISMATCH")
        assert county.probe.upload(b"%PDF-1.7\n500001") == county.file_id


def test_an_event_not_yet_taken_comes_after_a_kill_with_the_same_bytes(tmp_path: Path) -> None:
    with trial(tmp_path) as platform:
        county = platform.county("500001")
        county.receiver.answers[:] = [500] * 2
        submission = county.probe.post("/policies", county.policy_body()).json()["submission_id"]
        first = county.receiver.wait(lambda one: one.data.get("submission_id") == submission)[0]
        kill_and_start(platform)
        again = county.receiver.wait(lambda one: one.data.get("submission_id") == submission, 3)
        assert {(one.webhook_id, one.body) for one in again} == {(first.webhook_id, first.body)}
        assert platform.ask("/health")["stuck"] == 0


def test_switches_and_faults_are_kept(tmp_path: Path) -> None:
    with trial(tmp_path, time_scale=5, seed=11, faults="late=0.25,5xx=0.5", returns_after_end=3) as platform:
        platform.set("/settings", {"clerk": {"policy": "person"}})
        kill_and_start(platform)
        health, faults, settings = platform.ask("/health"), platform.ask("/faults"), platform.ask("/settings")
        assert (health["time_scale"], health["seed"]) == (5, 11)
        assert faults["rates"] == {"late": 0.25, "5xx": 0.5}
        assert (settings["clerk"], settings["returns_after_end"]) == ({"policy": "person"}, 3)


def test_two_starts_with_one_seed_draw_the_same_faults(tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "two"):
        with trial(tmp_path / name, seed=3, faults="5xx=0.3") as platform:
            drawn.append([platform.probes["50"].get("/banks").status_code >= 500 for _ in range(40)])
    assert drawn[0] == drawn[1]
    assert True in drawn[0]
    assert False in drawn[0]


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp_path: Path, word: signal.Signals) -> None:
    with trial(tmp_path) as platform:
        assert platform.probes["50"].get("/banks").is_success
        begun = time.monotonic()
        platform.launched.process.send_signal(word)
        assert platform.launched.process.wait(10) == 0
        assert time.monotonic() - begun < 5


def test_it_says_one_line_when_it_is_ready(tmp_path: Path) -> None:
    with trial(tmp_path) as platform:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        command = [sys.executable, "-m", "deploy.simulator", "--state", str(tmp_path / "x"), "--port", str(port)]
        with subprocess.Popen(
            [*command, "--clients", str(platform.clients_file), "--seed", "5"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as second:
            assert second.stdout is not None
            said = json.loads(second.stdout.readline())
            assert (said["ready"], said["url"], said["seed"]) == (True, f"http://127.0.0.1:{port}", 5)
            second.terminate()


def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with trial(tmp_path / "one") as platform, pytest.raises(RuntimeError):
        start(tmp_path / "two", platform.clients_file, platform.launched.port)


def test_registers_are_loaded_from_the_command_line(tmp_path: Path) -> None:
    data = ROOT / "deploy" / "demo" / "data"
    with trial(tmp_path) as platform:
        command = [sys.executable, "-m", "deploy.simulator", "--state", str(tmp_path), "load"]
        command += ["--register", f"500003={data / 'register-500003-60.csv'}"]
        command += ["--bank-accounts", str(data / "bank-accounts-500001-2000.csv")]
        said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=30)
        assert said.stdout.split() == ["500003", "60", "bank", "accounts", "1976"]
        county = platform.county("500003")
        register = (data / "register-500003-60.csv").read_text("utf-8-sig").splitlines()
        records = [county.record("R1", register[1].split(",")[:4])]
        assert county.judged("beneficiary_init", records)["R1"]["outcome"] == "matched"
