"""The whole stack seen from outside: people who play counties, the platform's back door, and what must hold."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import httpx
import psycopg
from rich.console import Console

from deploy.demo.people import County, Json, Refused, counties, figure, wait_for
from deploy.demo.play import Ground, Play
from deploy.demo.report import Report
from deploy.stack import Stack
from models.words.calendar import china_today
from tests.county_files import CountyFile, Expected

Found = TypeVar("Found")
# Short, so that what takes minutes and days outside takes a second here.
QUICK = {
    "WATCH_SECONDS": "1",
    "RELAY_POLL_SECONDS": "0.3",
    "PLATFORM_TIMEOUT_SECONDS": "5",
    "PLATFORM_BUSY_RETRY_SECONDS": "1",
    "PLATFORM_MISSING_PAGE_SECONDS": "2",
    "WORKER_GRACE_SECONDS": "20",
}
UNDECIDED: LiteralString = (
    "SELECT number, kind, line_key, state, taken, hindrance, inbox_id FROM contradiction WHERE state <> 'settled'"
)
DAYS = 86_400.0
TOTAL_FEN = 400_000_000
LISTS = (
    *("/applications", "/application-imports", "/batches", "/beneficiary-lists", "/flows", "/orders", "/policies"),
    *("/indicators", "/register", "/runs", "/trail", "/inbox"),
)


class _Line:
    """A connection that is kept: who waits looks fifty times a second, and a new one takes longer than any look."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = threading.Lock()
        self._connection: psycopg.Connection | None = None

    def rows(self, statement: LiteralString, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._turn:
            # where the server has died since the last look, this finds out
            with suppress(psycopg.OperationalError):
                return self._read(statement, values)
            return self._read(statement, values)

    def _read(self, statement: LiteralString, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True)
        return self._connection.execute(statement, values or None).fetchall()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@dataclass
class Whole:
    """One running stack."""

    stack: Stack
    http: httpx.Client
    people: Mapping[str, County] = field(init=False)
    plays: list["Future[str]"] = field(default_factory=list)
    # What a test causes on purpose: a run that the watch must start again, events that nobody but asking brings.
    ended_runs: set[str] = field(default_factory=set)
    loses_events: bool = False

    def __post_init__(self) -> None:
        self.people = counties(self.http, self.stack.layout.tokens)
        self._line = _Line(self.stack.layout.database_url.replace("postgresql+psycopg://", "postgresql://"))
        weakref.finalize(self, self._line.close)

    def until(self, what: str, look: Callable[[], Found], seconds: float = 60.0) -> Found:
        """The first true thing that `look` finds; a play that fails meanwhile fails the wait."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            for play in self.plays:
                if play.done():
                    play.result()
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {seconds:.0f} s, last seen {found!r}\n{self.situation()}")
            time.sleep(0.02)
        return found

    def situation(self) -> str:
        """For who reads a failure: what runs and reviewers wait for, what wasn't delivered, the ends of our logs."""
        open_runs = self.rows("SELECT workflow_id, stage, waiting_for, restarts FROM run WHERE closed_at IS NULL")
        waiting = self.rows("SELECT workflow_id, signal, tries, last_error FROM outbox WHERE delivered_at IS NULL")
        unapplied = self.rows("SELECT id, event_type, number, state, effect FROM inbox WHERE applied_at IS NULL")
        undecided = self.rows(UNDECIDED)
        logs = [f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in self._our_logs()]
        return "\n".join(map(str, (open_runs, waiting, unapplied, undecided, *logs)))

    def _our_logs(self) -> list[Path]:
        return [
            path for path in self.stack.layout.logs.iterdir() if path.name.startswith(("worker", "api", "simulator"))
        ]

    def begin(self, play: Callable[[], str]) -> "Future[str]":
        """A play in a thread of its own, so that the test's thread can break things meanwhile."""
        future: Future[str] = Future()

        def run() -> None:
            try:
                future.set_result(play())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        self.plays.append(future)
        return future

    def play(self, county: str) -> Play:
        return Play(self.people[county], china_today().year, Report(Console(quiet=True)))

    def rows(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        return self._line.rows(statement, values)

    def one(self, statement: LiteralString, *values: object) -> Any:
        """The first column of the first row; None when there is none."""
        found = self.rows(statement, *values)
        return found[0][0] if found else None

    def platform(self, method: str, path: str, wish: object = None, **query: str | int) -> Json:
        url = f"{self.stack.layout.simulator_url}/admin{path}"
        answer = httpx.request(method, url, json=wish, params=query, timeout=30, trust_env=False)
        answer.raise_for_status()
        told: Json = answer.json()
        return told

    def days_a_second(self, days: float) -> None:
        self.platform("PUT", "/time-scale", {"scale": days * DAYS})

    def ledger(self, county: str) -> Json:
        return self.platform("GET", "/ledger", county_code=county)

    def quiet(self) -> bool:
        health = self.platform("GET", "/health")
        return not (health["agenda"] or health["undelivered"])

    def flow_no(self, county: str) -> str | None:
        found: str | None = self.one("SELECT max(flow_no) FROM flow WHERE county_code = %s", county)
        return found

    def at_stage(self, county: str, *stages: str, seconds: float = 90.0) -> str:
        """Wait in the database, where an API that is away can't keep us from seeing it."""
        statement: LiteralString = (
            "SELECT stage FROM flow WHERE county_code = %s AND stage = ANY(%s) ORDER BY id DESC LIMIT 1"
        )
        found: str = self.until(
            f"flow of {county} at {stages}", lambda: self.one(statement, county, list(stages)), seconds=seconds
        )
        return found

    def restarts(self, workflow_id: str) -> int:
        return int(self.one("SELECT restarts FROM run WHERE workflow_id = %s", workflow_id) or 0)


@contextmanager
def opened(stack: Stack) -> Iterator[Whole]:
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        whole = Whole(stack, http)
        yield whole
        heard_by_itself(whole)


def prepared_batch(play: Play, *files: CountyFile) -> str:
    """Up to a verified, publicised batch."""
    batch_no = play.open_batch("批次")
    for file in files:
        play.import_file(batch_no, file.name, file.data, file.kind)
    play.review_and_publicise(batch_no)
    play.initialise(batch_no)
    match_the_rest(play, batch_no)
    play.verify(batch_no)
    play.publicise_batch(batch_no)
    return batch_no


def match_the_rest(play: Play, batch_no: str) -> None:
    operator = play.county.operator
    query: dict[str, str | int] = {"batch_no": batch_no, "stage": "unmatched", "limit": 1}
    if operator.get("/applications", match_outcome="name_differs", **query)["items"]:
        play.correct_names(batch_no)
        play.initialise(batch_no)
    play.settle_batch(batch_no)
    if operator.get("/applications", **query)["items"]:
        play.withdraw_unmatched(batch_no)


def pay(play: Play, ground: Ground, batch_no: str) -> str:
    """The flow from 申请提交 to its end."""
    flow_no = first_round_out(play, play.start_flow(batch_no, ground))
    play.settle_lines(flow_no)
    play.confirm_payment(flow_no, play.pass_summary(flow_no, refused_first=False))
    play.wait_for_end(flow_no)
    return flow_no


def first_round_out(play: Play, flow_no: str) -> str:
    """Settling it is called before its first round is out, too."""
    wait_for("第一次申请提交", lambda: play.flow(flow_no), lambda seen: bool(seen["rounds"]))
    return flow_no


def pay_whole(play: Play, *files: CountyFile) -> str:
    return pay_next(play, play.prepare_ground(TOTAL_FEN, refused_first=False), *files)


def pay_next(play: Play, ground: Ground, *files: CountyFile) -> str:
    """A further flow on the same ground."""
    return pay(play, ground, prepared_batch(play, *files))


class Burst:
    """Threads that all begin at the same moment."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count)
        self._count = count

    def run(self, act: Callable[[], Found]) -> list[Found]:
        def begin() -> Found:
            self._barrier.wait()
            return act()

        with ThreadPoolExecutor(max_workers=self._count) as pool:
            return [future.result() for future in [pool.submit(begin) for _ in range(self._count)]]


# What must hold at the end


def balances(whole: Whole, county: str, flow_no: str, end: Expected) -> None:
    """The county's figures, the platform's ledger and what the files say are the same."""
    whole.until(f"{county}: returns all here", lambda: whole.quiet() and _same_as_ledger(whole, county, flow_no, end))
    flow = whole.people[county].operator.get(f"/flows/{flow_no}")
    paid = figure(flow["figures"]["payments"], "paid")
    failed = figure(flow["figures"]["payments"], "failed")
    assert (paid["count"], paid["fen"]) == (end.paid_lines, end.paid_fen), flow["figures"]
    assert failed["count"] == end.failed_lines, flow["figures"]
    batch = whole.people[county].operator.get(f"/batches/{flow['batch_no']}")
    assert batch["line_count"] == end.lines
    assert figure(batch["stages"], "withdrawn")["count"] == end.withdrawn_lines
    assert flow["status"] == "ended"
    all_paid = whole.ledger(county)["net_fen"]
    money = whole.rows(
        "SELECT sum(total_fen), sum(reserved_fen), sum(paid_fen) FROM indicator WHERE county_code = %s", county
    )
    assert money == [(TOTAL_FEN, 0, all_paid)]


def _same_as_ledger(whole: Whole, county: str, flow_no: str, end: Expected) -> bool:
    books = whole.ledger(county)
    assert books["balanced"], books["overpaid"]
    lines = [line for line in books["applications"] if line["client_reference"] == flow_no]
    net = [line["paid_count"] - line["returned_count"] for line in lines]
    fen = sum(count * line["amount_fen"] for count, line in zip(net, lines, strict=True))
    paid = whole.rows(
        "SELECT count(*), coalesce(sum(l.amount_fen), 0)::bigint FROM flow_line l JOIN flow f ON f.id = l.flow_id"
        " WHERE f.flow_no = %s AND l.payment = 'paid'",
        flow_no,
    )
    return (sum(net), fen) == (end.paid_lines, end.paid_fen) == tuple(paid[0])


def nothing_left_over(whole: Whole) -> None:
    """Every acknowledged callback has its one effect, nothing waits for Temporal, nothing was paid twice."""
    whole.until(
        "all events applied",
        lambda: not whole.one("SELECT count(*) FROM inbox WHERE state IN ('received', 'delivered')"),
    )
    whole.until("outbox empty", lambda: not whole.one("SELECT count(*) FROM outbox WHERE delivered_at IS NULL"))
    assert whole.rows("SELECT state, effect, count(*) FROM inbox WHERE applied_at IS NULL GROUP BY 1, 2") == []
    delivered = {event["webhook_id"] for event in whole.platform("GET", "/events", status="delivered")["items"]}
    stored = {row[0] for row in whole.rows("SELECT event_id FROM inbox WHERE source = 'callback'")}
    assert delivered <= stored
    whole.until("contradictions settled", lambda: not whole.one("SELECT 1 FROM contradiction WHERE state <> 'settled'"))
    assert whole.rows("SELECT flow_line_id FROM payment GROUP BY 1 HAVING count(*) > 2") == []


def heard_by_itself(whole: Whole) -> None:
    """Whatever died meanwhile: every run heard what was for it, without the watch and without asking the platform."""
    restarted = whole.rows("SELECT workflow_id, restarts, stage FROM run WHERE restarts > 0")
    assert [row for row in restarted if row[0] not in whole.ended_runs] == []
    asked = whole.rows("SELECT event_type, number, event_id FROM inbox WHERE source = 'asked'")
    assert whole.loses_events or asked == []


def trail_holds(whole: Whole, *codes: str) -> None:
    for code in codes:
        told = whole.people[code].admin.get("/trail/verification")
        assert told["intact"], told


def no_foreign_rows(whole: Whole, mine: str, other: str, other_flow: str) -> None:
    """No list of mine names anything of the other county, and its things are not there for me."""
    for path in LISTS:
        rows = whole.people[mine].reviewer.pages(path)
        assert f"{other}-" not in repr(rows), path
    for person in (whole.people[mine].operator, whole.people[mine].reviewer):
        assert _status(person.get, f"/flows/{other_flow}") == 404
        assert _status(person.get, f"/flows/{other_flow}/lines") == 404


def _status(get: Callable[[str], Json], path: str) -> int:
    try:
        get(path)
    except Refused as refused:
        return refused.status
    return 200


def no_personal_data_outside(whole: Whole, known: str, *files: CountyFile) -> None:
    """Not in logs, Temporal's file or object keys; `known` must be in Temporal's, or the search is blind."""
    secrets = {secret.encode() for file in files for secret in file.secrets}
    home = whole.stack.layout.home
    kept = whole.stack.layout.temporal_store.files()
    contents = {place: place.read_bytes() for place in (*(home / "logs").iterdir(), *kept)}
    assert any(known.encode() in contents[place] for place in kept)
    for place, content in contents.items():
        assert not [secret.decode() for secret in secrets if secret in content], place.name
    keys = "\n".join(object_keys(whole)).encode()
    assert keys
    assert not [secret.decode() for secret in secrets if secret in keys]


def object_keys(whole: Whole) -> Iterator[str]:
    client = whole.stack.layout.objects.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="onecard"):
        yield from (entry["Key"] for entry in page.get("Contents", []))
    client.close()
