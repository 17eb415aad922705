"""The simulator and a receiver for each of two provinces while a trial lasts; may be killed and started again."""

import base64
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from .county import County, Person, Record
from .launch import Launched, clients_json, start
from .probe import Json, Probe, Receiver

CALLBACK_SECRETS = [
    "whsec_" + base64.b64encode(word).decode() for word in (b"first-callback-key!!", b"second-callback-key!")
]
REQUEST_SECRETS = ["request-secret-old", "request-secret-new"]


class Trial:
    def __init__(self, state: Path, options: dict[str, object], receivers: dict[str, Receiver]) -> None:
        self.state, self.receivers = state, receivers
        self._options = options
        self.clients_file = clients_json(
            [
                {
                    "client_id": f"client-{province}",
                    "province_code": f"{province}0000",
                    "secrets": REQUEST_SECRETS,
                    "callback_url": receiver.url,
                    "callback_secrets": CALLBACK_SECRETS,
                }
                for province, receiver in receivers.items()
            ],
            state / "clients.json",
        )
        self.launched = self._start(0)
        self.admin = httpx.Client(base_url=f"{self.launched.url}/admin", timeout=20, trust_env=False)
        self.probes = {p: Probe(self.launched.url, f"client-{p}", REQUEST_SECRETS[0]) for p in receivers}

    def county(self, code: str) -> County:
        return County(self.probes[code[:2]], self.receivers[code[:2]], code)

    def ask(self, path: str) -> Json:
        said: Json = self.admin.get(path).raise_for_status().json()
        return said

    def set(self, path: str, body: object) -> Json:
        said: Json = self.admin.put(path, json=body).raise_for_status().json()
        return said

    def load(self, county: str, rows: Sequence[str]) -> None:
        """Register rows: id, name, bank, account, verification, payment."""
        head = "id_number,name,bank_code,account_no,verification,payment"
        self.admin.post(f"/registers/{county}", content="\n".join([head, *rows]).encode()).raise_for_status()

    def people(self, county: str, *fates: str, verification: str = "passed") -> list[Person]:
        """Puts one person of its own into the county's register for each payment fate."""
        made = [
            (f"{county}19800101{place:03d}X", f"赵{place}·𬶋", "ICBC", f"62{county}{place:08d}")
            for place in range(len(fates))
        ]
        self.load(county, [",".join((*person, verification, fate)) for person, fate in zip(made, fates, strict=True)])
        return list(made)

    def at_desk(self, *kinds: str) -> None:
        """A person reviews these kinds, and only these."""
        self.set("/settings", {"clerk": dict.fromkeys(kinds, "person")})

    def decide(self, ref: str, *, approve: bool = True, **other: object) -> None:
        self.admin.post(f"/clerk/{ref}", json={"approve": approve, **other}).raise_for_status()

    def kill(self) -> None:
        self.launched.process.send_signal(signal.SIGKILL)
        self.launched.process.wait()

    def start_again(self) -> None:
        """On the same port with the same state, and only what the state itself remembers."""
        self._options = {}
        self.launched = self._start(self.launched.port)

    def close(self) -> int:
        self.admin.close()
        for probe in self.probes.values():
            probe.http.close()
        self.launched.process.terminate()
        return self.launched.process.wait(10)

    def _start(self, port: int) -> Launched:
        extra = [part for name, value in self._options.items() for part in (f"--{name}", str(value))]
        return start(self.state, self.clients_file, port, extra=extra)


@contextmanager
def trial(state: Path, **options: object) -> Iterator[Trial]:
    """`options` are those of the command line with underscores: time_scale=0, seed=7, faults="lost=0.1"."""
    named = {name.replace("_", "-"): value for name, value in {"time_scale": 0, **options}.items()}
    with ExitStack() as stack:
        receivers = {province: stack.enter_context(Receiver()) for province in ("50", "43")}
        running = Trial(state, named, receivers)
        try:
            yield running
        finally:
            running.close()


def ready(trial: Trial, county: County, *fates: str) -> list[Record]:
    """Verified lines of new people, one for each payment fate."""
    return county.verified(county.lines(trial.people(county.code, *fates)))


def refused(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem document, held against what it should be."""
    said: Json = answer.json()
    if (answer.status_code, said.get("code")) != (status, code):
        raise AssertionError(f"expected {status} {code}, got {answer.status_code} {answer.text[:500]}")
    return said


def codes(said: Json) -> set[str]:
    errors = said["errors"]
    assert isinstance(errors, list)
    return {error["code"] for error in errors}
