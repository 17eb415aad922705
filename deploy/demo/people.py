"""The people of a county as they come to the counter: a token each, a key per act, long polls where it has to wait."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]
LOOK_EVERY_SECONDS = 0.15
# What is done in a moment is seen in a moment; what takes longer is looked at more rarely.
FIRST_LOOK_SECONDS, LOOK_GROWTH = 0.03, 1.25
LONG_POLL_SECONDS = 20  # the longest that the API waits
# What a clerk would press again: the list is being fetched, the service is just starting again.
AGAIN = {502, 503, 504}


class Refused(Exception):
    """The API said no; the problem document is what it said."""

    def __init__(self, status: int, problem: Json) -> None:
        words = " ".join(str(problem.get(part, "")) for part in ("code", "title", "detail", "errors"))
        super().__init__(f"{status} {words}")
        self.status = status
        self.problem = problem


class Person:
    """Somebody with a token; repeats an act under the same key when the API was away."""

    def __init__(self, http: httpx.Client, token: str, timeout: float = 120.0) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = timeout

    def get(self, path: str, **query: str | int | bool) -> Json:
        answer: Json = self._send("GET", path, params=query).json()
        return answer

    def wait(self, what: str, path: str, ready: Callable[[Json], bool], seconds: float = 300.0) -> Json:
        """Look until it is so; the API answers when the stage is another one than what was seen last."""
        deadline = time.monotonic() + seconds
        seen = self.get(path)
        while not ready(seen):
            if time.monotonic() > deadline:
                raise _waited_in_vain(what, seconds, seen)
            seen = self.get(path, wait=LONG_POLL_SECONDS, stage=str(seen.get("stage") or seen.get("state")))
        return seen

    def content(self, path: str) -> bytes:
        return self._send("GET", path).content

    def post(self, path: str, body: object = None, key: str | None = None) -> Json:
        answer: Json = self._send("POST", path, key=key or uuid.uuid4().hex, json=body).json()
        return answer

    def put(self, path: str, body: object) -> Json:
        answer: Json = self._send("PUT", path, key=uuid.uuid4().hex, json=body).json()
        return answer

    def whole(self, path: str, purpose: str = "review") -> Json:
        """What stands at an address, in clear."""
        return self.post(f"{path}/disclosures", {"purpose": purpose})

    def upload(self, path: str, name: str, data: bytes, **fields: str) -> Json:
        files = {"file": (name, data, "application/octet-stream")}
        answer: Json = self._send("POST", path, key=uuid.uuid4().hex, files=files, data=fields).json()
        return answer

    def file_id(self, name: str, data: bytes) -> int:
        return int(self.upload("/files", name, data)["file_id"])

    def pages(self, path: str, **query: str | int | bool) -> list[Json]:
        """All rows of a list, page by page."""
        rows: list[Json] = []
        after: str | int | None = None
        while True:
            more = {} if after is None else {"after": after}
            page = self.get(path, limit=500, **query, **more)
            rows += page["items"]
            after = page["next"]
            if after is None:
                return rows

    def _send(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                answer = self._http.request(method, path, headers=headers, **options)
                if answer.status_code not in AGAIN or time.monotonic() > deadline:
                    break
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_EVERY_SECONDS)
        if answer.is_error:
            raise Refused(answer.status_code, _problem(answer))
        return answer


class County:
    """The people of one county."""

    def __init__(self, http: httpx.Client, code: str, tokens: Mapping[str, str]) -> None:
        self.code = code
        self.admin = Person(http, tokens["county_admin"])
        self.operator = Person(http, tokens["operator"])
        self.reviewer = Person(http, tokens["reviewer"])
        self.second_reviewer = Person(http, tokens["second_reviewer"])


def counties(http: httpx.Client, tokens_file: Path) -> dict[str, County]:
    tokens = json.loads(tokens_file.read_text())
    return {code: County(http, code, roles) for code, roles in tokens.items()}


def figure(rows: list[Json], name: str) -> Json:
    """Count and fen of one state in a list of labelled figures; zero where the state isn't there."""
    for row in rows:
        if name in (row.get("state"), row.get("stage"), row.get("payment")):
            return {"count": row["count"], "fen": row.get("fen", row.get("total_fen"))}
    return {"count": 0, "fen": 0}


def wait_for(what: str, look: Callable[[], Json], ready: Callable[[Json], bool], seconds: float = 300.0) -> Json:
    """Look again and again, as somebody at a screen does, until it is so."""
    deadline, pause = time.monotonic() + seconds, FIRST_LOOK_SECONDS
    while not ready(seen := look()):
        if time.monotonic() > deadline:
            raise _waited_in_vain(what, seconds, seen)
        time.sleep(pause)
        pause = min(pause * LOOK_GROWTH, LOOK_EVERY_SECONDS)
    return seen


def _waited_in_vain(what: str, seconds: float, seen: Json) -> TimeoutError:
    told = {key: seen[key] for key in ("stage", "stage_label", "figures", "run", "outcome") if key in seen}
    brief = json.dumps(told, ensure_ascii=False)
    return TimeoutError(f"{what} 等了 {seconds:.0f} 秒还没有结果；最后看到：{brief}")


def _problem(answer: httpx.Response) -> Json:
    try:
        problem: Json = answer.json()
    except ValueError:
        return {"code": "NO_PROBLEM_DOCUMENT", "title": answer.text[:200]}
    return problem
