"""How many requests a person and a county may have open in one process, so that everybody else is served meanwhile."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from fastapi import Request

from api.server.problems import Problem
from models.words.refusals import Refusal

PER_PERSON, PER_COUNTY = 40, 200
# Those that only wait for a change hold nothing, and are counted by themselves.
WAITING_PER_PERSON, WAITING_PER_COUNTY = 40, 400


class OpenRequests:
    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, request: Request, county: str, person: str) -> Iterator[None]:
        """From its first moment to its last; raises 429 for one too many."""
        waits = "wait" in request.query_params
        kind = "waiting" if waits else "open"
        of_person, of_county = (WAITING_PER_PERSON, WAITING_PER_COUNTY) if waits else (PER_PERSON, PER_COUNTY)
        with ExitStack() as counted:
            counted.enter_context(self._counted(f"{kind}/{county}", of_county, "本县"))
            counted.enter_context(self._counted(f"{kind}/{county}/{person}", of_person, "您"))
            yield

    @contextmanager
    def _counted(self, whose: str, most: int, word: str) -> Iterator[None]:
        if self._open[whose] >= most:
            detail = f"{word}同时打开的请求已有 {most} 个，没有作任何改动，请等前面的请求办完再试"
            raise Problem(429, Refusal.TOO_MANY_REQUESTS, "同时办理的请求太多", detail, headers={"Retry-After": "1"})
        self._open[whose] += 1
        try:
            yield
        finally:
            self._open[whose] -= 1
            if not self._open[whose]:
                del self._open[whose]
