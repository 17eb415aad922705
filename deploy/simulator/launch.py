"""Starts the simulator as a process of its own and waits until it answers; for the local stack and for tests."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Launched:
    """`url` is the base without /v1; the process is the caller's to end (SIGTERM stops it cleanly)."""

    process: subprocess.Popen[str]
    url: str
    port: int
    seed: int


def start(
    state: Path,
    clients_file: Path,
    port: int = 0,
    *,
    time_scale: float | None = None,
    seed: int | None = None,
    faults: str | None = None,
    extra: Sequence[str] = (),
    log: Path | None = None,
) -> Launched:
    """Port 0 takes a free one. Raises RuntimeError when the simulator ends before it is ready."""
    state, clients_file = state.resolve(), clients_file.resolve()
    command = [
        sys.executable,
        "-m",
        "deploy.simulator",
        "--state",
        str(state),
        "--clients",
        str(clients_file),
        "--port",
        str(port),
    ]
    for name, value in (("--time-scale", time_scale), ("--seed", seed), ("--faults", faults)):
        if value is not None:
            command += [name, str(value)]
    state.mkdir(parents=True, exist_ok=True)
    with (log or state / "simulator.log").open("ab") as errors:
        process = subprocess.Popen(
            [*command, *extra], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the simulator ended with {process.wait()}; see its log under {state}")
    said = json.loads(line)
    return Launched(process, str(said["url"]), int(said["port"]), int(said["seed"]))


def clients_json(clients: Sequence[dict[str, object]], path: Path) -> Path:
    """Writes the clients file: client_id, province_code, secrets, callback_url, callback_secrets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(clients), ensure_ascii=False, indent=1), "utf-8")
    return path
