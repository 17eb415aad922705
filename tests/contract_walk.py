"""Schemathesis over /openapi.json, with a token of each role and a citizen's session: `make check` runs it.

Two minutes at most. What is asked is the same at every run (the seed is fixed); only how far the rounds get differs,
and the first round always reaches every operation. A failure is told with the curl command that asks for it again.
"""

import asyncio
import copy
import hashlib
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from api.citizens.session import SESSION_COOKIE
from api.main import openapi
from api.server.openapi import operations
from deploy.stack.objects import Access
from models.words.staff import Role
from tests.api_server import api_server
from tests.contract import lies
from tests.everything import lay_everything, numbers_of
from tests.rows import Office

SEED = 20261127
# By even and odd rounds.
MODES = (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
BOUND_SECONDS = 75.0
EXAMPLES = 2
# How often an address has a number that is there.
KNOWN = 0.8
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, as the requests show it."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)


async def test_the_api_keeps_its_contract(
    database_url: str, s3_settings: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with api_server(database_url, tmp_path, s3_settings) as server:
        office = Office(
            server.database, server.vault, server.app, server.http, server.settings.token_key_file, server.staff
        )
        cookie = await lay_everything(office)
        known = await numbers_of(office)
        callers = [Caller(role.value, server.bearer(role)) for role in Role]
        citizen = Caller("citizen", cookies={SESSION_COOKIE: cookie})
        walk = Walk(str(server.http.base_url), callers, citizen, known)
        await asyncio.to_thread(walk.go)
    told = f"{walk.asked} requests in {walk.rounds} rounds, statuses {dict(sorted(walk.statuses.items()))}"
    with capsys.disabled():
        print(told)
    found = [*walk.failures.values(), *sorted(set(lies))]
    assert not found, "\n\n".join(found)


class Walk:
    """Every operation by everyone who may have business with it, round by round until the time is over."""

    def __init__(self, url: str, callers: Sequence[Caller], citizen: Caller, known: Mapping[str, list[str]]) -> None:
        self._url = url
        self._callers, self._citizen = callers, citizen
        self._known = known
        self._http = requests.Session()
        self._secured: set[str] = set()
        # who was told that an operation isn't for the own role isn't sent there again
        self._strangers: set[tuple[str, str]] = set()
        self.asked = self.rounds = 0
        self.statuses: Counter[int] = Counter()
        self.failures: dict[str, str] = {}

    def go(self) -> None:
        schema = schemathesis.openapi.from_dict(self._without_security())
        asked = [found.ok() for found in schema.get_all_operations()]
        # every other round sends what the document forbids
        cases = [{each.label: each.as_strategy(mode) for each in asked} for mode in MODES]
        end = time.monotonic() + BOUND_SECONDS
        for self.rounds in count(1):
            for operation in asked:
                for caller in self._callers_of(operation):
                    if operation.label not in cases[self.rounds % 2]:
                        break
                    if self.rounds > 1 and time.monotonic() > end:
                        return
                    let_in = self._try(operation.label, cases[self.rounds % 2], caller)
                    # in the first round one is enough: each operation is reached, however slow the machine
                    if self.rounds == 1 and let_in:
                        break

    def _without_security(self) -> dict[str, Any]:
        """Who asks is ours to say: a forbidden header would be refused at the door, and no forbidden value get in."""
        told = copy.deepcopy(openapi())
        for path, method, operation in operations(told):
            if operation.pop("security", None):
                self._secured.add(f"{method.upper()} {path}")
        return told

    def _callers_of(self, operation: Any) -> list[Caller]:
        if operation.label not in self._secured:
            return [Caller("nobody")]
        if operation.path.startswith("/citizen/"):
            return [self._citizen]
        return [caller for caller in self._callers if (operation.label, caller.name) not in self._strangers]

    def _try(self, label: str, cases: dict[str, SearchStrategy[Any]], caller: Caller) -> bool:
        """Whether the operation is one for this caller."""
        place = f"{label} {caller.name} {SEED + self.rounds}"
        chosen = random.Random(place)

        @seed(int(hashlib.sha256(place.encode()).hexdigest()[:8], 16))
        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases[label])
        def asked(case: Any) -> None:
            if (label, caller.name) not in self._strangers:
                self._ask(case, caller, chosen)

        try:
            asked()
        except Unsatisfiable:
            # the document forbids nothing here
            del cases[label]
        return (label, caller.name) not in self._strangers

    def _ask(self, case: Any, caller: Caller, chosen: random.Random) -> None:
        for name in case.path_parameters or {}:
            if self._known.get(name) and chosen.random() < KNOWN:
                case.path_parameters[name] = chosen.choice(self._known[name])
        given = {"headers": dict(caller.headers), "cookies": dict(caller.cookies), "session": self._http}
        response = case.call(base_url=self._url, **given)
        self.asked += 1
        self.statuses[response.status_code] += 1
        if response.status_code == 403 and response.json()["code"] == "ROLE_NOT_ALLOWED":
            self._strangers.add((case.operation.label, caller.name))
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                key = f"{case.operation.label} {response.status_code} {type(failure).__name__}"
                self.failures.setdefault(key, f"{key} ({caller.name})\n{failure}\n{case.as_curl_command()}")
