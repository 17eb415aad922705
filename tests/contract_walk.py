"""Schemathesis over /openapi.json, with a token of each role and a citizen's session: `make check` runs it.

Two minutes at most. What is asked is the same at every run (the seed is fixed); only how far the rounds get differs,
and the first round always reaches every operation. A failure is told with the curl command that asks for it again.
"""

import asyncio
import copy
import hashlib
import random
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.platform.rows_journal import PostgresJournal
from api.citizens.session import SESSION_COOKIE
from api.main import openapi
from api.server.openapi import operations
from deploy.stack.objects import Access
from models.contracts import RunKind, Subject
from models.store.events.contradictions import Claim, keep_claim
from models.store.events.inbox import body_row
from models.store.register.entries import EntryForm, open_entry
from models.store.runs.runs import open_run
from models.store.vault import Field
from models.tables.applications import ApplicationImport
from models.tables.base import now
from models.tables.batches import BeneficiaryList
from models.tables.cards import CheckRound, FaceLogin
from models.tables.records import Inbox
from models.wire.words import CardType, Operation
from models.words.card_stages import LoginStage
from models.words.stages import ImportStage, InboxState, Role
from tests.api_server import COUNTY, PROVINCE, ApiServer, api_server
from tests.card_ground import Cards, card, person
from tests.contract import lies
from tests.rows import YEAR, Office, add_file, add_summary, citizen_id
from tests.statements import rows_of
from tests.test_orders_api import mixed_flow, order

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
# Where the numbers of what is there are found, by the name that addresses have for them.
NUMBERS = {
    "province_code": f"SELECT '{PROVINCE}'",
    "kind": "SELECT DISTINCT kind FROM catalog_list",
    "file_id": "SELECT id FROM stored_file",
    "policy_no": "SELECT policy_no FROM policy",
    "indicator_no": "SELECT indicator_no FROM indicator",
    "application_no": "SELECT application_no FROM application",
    "batch_no": "SELECT batch_no FROM batch",
    "flow_no": "SELECT flow_no FROM flow",
    "item_code": "SELECT DISTINCT item_code FROM application",
    "account_id": "SELECT id FROM register_account",
    "part_no": "SELECT part_no FROM card_change_part",
    "request_no": "SELECT request_no FROM card_change",
    "login_no": "SELECT login_no FROM face_login",
    "entry_no": "SELECT entry_no FROM village_entry",
    "round_no": "SELECT round_no FROM check_round",
    "list_no": "SELECT list_no FROM beneficiary_list",
    "import_no": "SELECT import_no FROM application_import",
    "order_no": "SELECT order_no FROM operator_order",
    "inbox_id": "SELECT id FROM inbox",
    "answer_id": "SELECT id FROM odd_answer",
    "contradiction_id": "SELECT id FROM contradiction",
}


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
        cookie = await _rows(server)
        known = await _known(server)
        callers = [Caller(role.value, server.bearer(role)) for role in Role]
        citizen = Caller("citizen", cookies={SESSION_COOKIE: cookie})
        walk = Walk(str(server.http.base_url), callers, citizen, known)
        await asyncio.to_thread(walk.go)
    told = f"{walk.asked} requests in {walk.rounds} rounds, statuses {dict(sorted(walk.statuses.items()))}"
    with capsys.disabled():
        print(told)
    found = [*walk.failures.values(), *sorted(set(lies))]
    assert not found, "\n\n".join(found)


async def _rows(server: ApiServer) -> str:
    """A flow with a line of each kind and its summary, people with accounts, one who changes it; gives its session."""
    office = Office(
        server.database, server.vault, server.app, server.http, server.settings.token_key_file, server.staff
    )
    flow_no, lines = await mixed_flow(office)
    for kind, line in (("withdrawal", "accepted"), ("modified", "rejected")):
        (await office.post("/orders", order(kind, flow_no, lines[line]))).raise_for_status()
    await add_summary(office, flow_no)
    await _in_the_county(server)
    await _from_the_platform(server, flow_no)
    cards = Cards(server.database, server.vault)
    for number in (1, 2):
        await cards.settle(person(server.vault, number), card(number), COUNTY)
    await cards.in_review(person(server.vault, 1), card(11), COUNTY)
    await cards.act(lambda session: _runs(session, flow_no))
    return await _citizen(server)


async def _in_the_county(server: ApiServer) -> None:
    """What else there is one of: a village entry, a round of checks, a list, an import with its file."""
    form = EntryForm(CardType.BANK_CARD, "BANK-A", 0, "王三", citizen_id(3), card(3), "存折遗失")
    async with server.database.transaction() as session:
        file_id = await add_file(session, content_type="image/png")
        await open_entry(session, server.vault, COUNTY, replace(form, photo_file_id=file_id), "op.li")
        round_ = CheckRound(round_no=f"{COUNTY}-V{YEAR}-1", province_code=PROVINCE, trigger="manual", asked_by="op.li")
        session.add(round_)
        a_list = BeneficiaryList(
            county_code=COUNTY,
            fund_year=YEAR,
            list_no=f"{COUNTY}-N{YEAR}-1",
            line_count=1,
            total_fen=1,
            entered_by="op.li",
        )
        session.add(a_list)
        session.add(
            ApplicationImport(
                county_code=COUNTY,
                fund_year=YEAR,
                import_no=f"{COUNTY}-I{YEAR}-1",
                applicant_kind="personal",
                file_id=file_id,
                stage=ImportStage.IMPORTED,
                entered_by="op.li",
            )
        )


async def _from_the_platform(server: ApiServer, flow_no: str) -> None:
    """An event that nobody could read, an answer outside the contract, and two of one thing that can't both be so."""
    sealed = server.vault.seal_body(body_row(PROVINCE, "evt-1"), b'{"type": "policy.reviewed"}')
    async with server.database.transaction() as session:
        event = Inbox(
            province_code=PROVINCE,
            event_id="evt-1",
            event_type="policy.reviewed",
            county_code=COUNTY,
            body_sha256="0",
            body=sealed,
            state=InboxState.QUARANTINED,
            effect="UNREADABLE",
        )
        session.add(event)
        await keep_claim(
            session, server.vault, Claim(COUNTY, flow_no, "result_line", "", {"said": 1}, {"said": 2}, None)
        )
    journal = PostgresJournal(server.database, server.vault)
    await journal.odd_answer(COUNTY, Operation.SUBMIT_POLICY, None, 200, b"<html>")


async def _runs(session: AsyncSession, flow_no: str) -> None:
    await open_run(session, Subject(kind=RunKind.SUBSIDY_FLOW, number=flow_no, county_code=COUNTY), "settling")


async def _citizen(server: ApiServer) -> str:
    secret, who = secrets.token_urlsafe(32), person(server.vault, 1)
    number = f"{PROVINCE}-L2026-000001"
    async with server.database.transaction() as session:
        session.add(
            FaceLogin(
                login_no=number,
                province_code=PROVINCE,
                channel="app",
                browser_hash=hashlib.sha256(b"browser").hexdigest(),
                address_index="a",
                stage=LoginStage.PASSED,
                person_index=who.person_index,
                name_sealed=server.vault.seal(Field.NAME, number, who.name),
                id_number_sealed=server.vault.seal(Field.ID_NUMBER, number, who.id_number),
                session_hash=hashlib.sha256(secret.encode()).hexdigest(),
                session_opened_at=now(),
                last_seen_at=now(),
                ended_at=now(),
            )
        )
    return secret


async def _known(server: ApiServer) -> dict[str, list[str]]:
    async with server.database.reading() as session:
        return {name: [str(row[0]) for row in await rows_of(session, sql)] for name, sql in NUMBERS.items()}


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
