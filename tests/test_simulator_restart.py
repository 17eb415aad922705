"""Killed in the middle and started again with the same state: what was acknowledged is there and goes on."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.simulator.faults import Faults, Kind, Plan
from deploy.simulator.launch import ROOT, start
from deploy.simulator.store import Store
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


def test_it_stops_cleanly_and_keeps_its_switches(tmp_path: Path) -> None:
    with trial(tmp_path, time_scale=5, seed=11, faults="late=0.25,5xx=0.5", returns_after_end=3) as platform:
        platform.set("/settings", {"clerk": {"policy": "person"}})
        stop(platform, signal.SIGTERM)
        platform.start_again()
        health, faults, settings = platform.ask("/health"), platform.ask("/faults"), platform.ask("/settings")
        assert (health["time_scale"], health["seed"]) == (5, 11)
        assert faults["rates"] == {"late": 0.25, "5xx": 0.5}
        assert (settings["clerk"], settings["returns_after_end"]) == ({"policy": "person"}, 3)
        stop(platform, signal.SIGINT)


def stop(platform: Trial, word: signal.Signals) -> None:
    begun = time.monotonic()
    platform.launched.process.send_signal(word)
    assert platform.launched.process.wait(10) == 0
    assert time.monotonic() - begun < 5


def test_one_seed_draws_the_same_faults_and_each_start_its_own(tmp_path: Path) -> None:
    drawn = []
    for folder, seed in (("one", 3), ("two", 3), ("other", 4), ("one", 3)):
        store = Store(tmp_path / folder)
        faults = Faults(store, seed, Plan(rates={Kind.LATE: 0.3}))
        drawn.append([faults.strikes(Kind.LATE, "flow.payments") for _ in range(100)])
        store.close()
    first, same, other, again = drawn
    assert first == same
    assert len({tuple(draws) for draws in (first, other, again)}) == 3
    assert all(10 < sum(draws) < 50 for draws in drawn)


def test_it_says_where_it_listens_and_loads_registers_beside_it(tmp_path: Path) -> None:
    with trial(tmp_path / "one", seed=5) as platform:
        assert (platform.launched.seed, platform.launched.url) == (5, f"http://127.0.0.1:{platform.launched.port}")
        with pytest.raises(RuntimeError):
            start(tmp_path / "two", platform.clients_file, platform.launched.port)
        load_from_the_command_line(platform)


def load_from_the_command_line(platform: Trial) -> None:
    data = ROOT / "deploy" / "demo" / "data"
    command = [sys.executable, "-m", "deploy.simulator", "--state", str(platform.state), "load"]
    command += ["--register", f"500003={data / 'register-500003-60.csv'}"]
    command += ["--bank-accounts", str(data / "bank-accounts-500001-2000.csv")]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=30)
    assert said.stdout.split() == ["500003", "60", "bank", "accounts", "1976"]
    county = platform.county("500003")
    register = (data / "register-500003-60.csv").read_text("utf-8-sig").splitlines()
    records = [county.record("R1", register[1].split(",")[:4])]
    assert county.judged("beneficiary_init", records)["R1"]["outcome"] == "matched"
