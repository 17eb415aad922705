"""A county's season act by act over HTTP, each by whomever a test names: for who may do what after what."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from models.store.events.contradictions import Claim, keep_claim
from models.store.sql import execute, fetch_int
from models.tables.loads import RegisterLoad
from models.words.calendar import china_today
from models.words.card_stages import LoadStage
from models.words.makers import Act
from models.words.staff import Role
from tests.application_lines import CARD_PHOTOS
from tests.rows import (
    OPERATOR,
    YEAR,
    Line,
    Office,
    account_no,
    add_applications,
    add_catalogs,
    add_file,
    add_indicator,
    add_policy,
    add_summary,
    citizen_id,
    set_lines,
)

# The order in which a season's acts come; a card change is the citizen's and meets none of them.
ORDER = tuple(act for act in Act if act is not Act.CARD_DECIDED)
BY_REVIEWERS = frozenset(
    {
        Act.LINE_APPROVED,
        Act.OBJECTION_DECIDED,
        Act.ENTRY_DECIDED,
        Act.LOAD_DECIDED,
        Act.ORDER_DECIDED,
        Act.SUMMARY_REVIEWED,
        Act.PAYMENT_CONFIRMED,
        Act.PAYMENT_SETTLED,
        Act.CONTRADICTION_DECIDED,
    }
)
EVERYBODY: Mapping[Act, str] = {act: act.value.replace("_", ".") for act in Act}


@dataclass
class Season:
    """One county; `people` says who does which act, everybody else is somebody else."""

    office: Office
    county: str
    people: Mapping[Act, str] = field(default_factory=dict)
    # the contradiction at the season's end is about the flow, or about the 村社申报
    about_entry: bool = False
    numbers: dict[str, str] = field(default_factory=dict)

    def who(self, act: Act) -> str:
        return self.people.get(act, EVERYBODY[act])

    async def play(self, until: Act | None = None) -> None:
        """Everything before `until`, or all of it."""
        await self.begin()
        for act in ORDER:
            if act is until:
                return
            answer = await self.do(act)
            assert answer is None or answer.status_code < 300, (act, answer.text)

    async def begin(self) -> None:
        async with self.office.database.transaction() as session:
            await add_catalogs(session, self.county)
            policy = await add_policy(session, self.office.vault, self.county, entered_by=self.who(Act.POLICY_ENTERED))
            money = await add_indicator(session, 10_000, self.county, entered_by=self.who(Act.INDICATOR_ENTERED))
            lines = [Line(amount_fen=100, stage="pending_settlement")]
            [other] = await add_applications(session, self.office.vault, lines, None, self.county)
        self.numbers |= {"policy": policy, "money": money, "other": other}

    async def do(self, act: Act, who: str | None = None) -> httpx.Response | None:
        """One act; None for those that the platform alone checks."""
        steps: Mapping[Act, Callable[[str], Awaitable[httpx.Response]]] = {
            Act.LINE_ENTERED: self._enter_line,
            Act.LINE_EDITED: self._edit_line,
            Act.LINE_APPROVED: self._approve_line,
            Act.BATCH_PREPARED: self._prepare_batch,
            Act.OBJECTION_ENTERED: self._enter_objection,
            Act.OBJECTION_DECIDED: self._decide_objection,
            Act.ENTRY_ENTERED: self._enter_entry,
            Act.ENTRY_DECIDED: self._decide_entry,
            Act.LOAD_ENTERED: self._confirm_load,
            Act.LOAD_DECIDED: self._decide_load,
            Act.FLOW_STARTED: self._start_flow,
            Act.ORDER_ENTERED: self._enter_order,
            Act.ORDER_DECIDED: self._decide_order,
            Act.SUMMARY_REVIEWED: self._review_summary,
            Act.SUMMARY_SUBMITTED: self._submit_summary,
            Act.PAYMENT_CONFIRMED: self._confirm_payment,
            Act.PAYMENT_SETTLED: self._settle,
            Act.CONTRADICTION_DECIDED: self._decide_contradiction,
        }
        return await steps[act](who or self.who(act)) if act in steps else None

    async def file(self, content_type: str = "application/pdf") -> int:
        async with self.office.database.transaction() as session:
            return await add_file(session, self.county, content_type)

    async def _post(self, path: str, body: Mapping[str, object], who: str, role: Role) -> httpx.Response:
        return await self.office.post(path, body, who, self.county, role=role)

    def _form(self, amount_fen: int) -> dict[str, object]:
        person = int(self.county)
        return {
            "kind": "personal",
            "name": "王小梅",
            "id_number": citizen_id(person),
            "phone": "13312345835",
            "town_code": "500001100",
            "village_code": "V-01",
            "bank_code": "BANK-A",
            "account_no": account_no(person),
            "item_code": "ITEM-01",
            "amount_fen": amount_fen,
            "household_registration": "agricultural",
            "family_size": 3,
        }

    async def _enter_line(self, who: str) -> httpx.Response:
        answer = await self._post("/applications", {"fund_year": YEAR, "form": self._form(500)}, who, Role.OPERATOR)
        self.numbers["line"] = str(answer.json().get("application_no"))
        return answer

    async def _edit_line(self, who: str) -> httpx.Response:
        """Edited twice, last by somebody else: an earlier editor is no less one."""
        for person, version in ((who, 1), ("another.editor", 2)):
            answer = await self.office.http.put(
                f"/applications/{self.numbers['line']}",
                json={"version": version, "form": self._form(500 - version)},
                headers=self.office.headers(person, self.county, None, Role.OPERATOR),
            )
            assert answer.status_code == 200, answer.text
        await self.office.run(CARD_PHOTOS)
        return await self._post("/application-submissions", self._line(), OPERATOR, Role.OPERATOR)

    def _line(self, number: str = "line") -> dict[str, object]:
        return {"selection": {"application_nos": [self.numbers[number]]}}

    async def _approve_line(self, who: str) -> httpx.Response:
        return await self._post("/application-approvals", self._line(), who, Role.REVIEWER)

    async def _prepare_batch(self, who: str) -> httpx.Response:
        answer = await self._post("/batches", {"fund_year": YEAR, "title": "第一批"}, who, Role.OPERATOR)
        number = self.numbers["batch"] = str(answer.json()["batch_no"])
        image = await self.file("image/png")
        await self.office.run(
            "WITH b AS (UPDATE batch SET stage = 'verified', publicity_start = current_date - 30, publicity_address ="
            " '公示栏' WHERE batch_no = :batch RETURNING id), i AS (INSERT INTO batch_image SELECT id, :image, 1 FROM b"
            ") UPDATE application SET stage = 'in_batch', batch_id = b.id, verification = 'passed', match_outcome ="
            " 'matched' FROM b WHERE county_code = :county",
            batch=number,
            image=image,
            county=self.county,
        )
        return answer

    async def _enter_objection(self, who: str) -> httpx.Response:
        body = {"application_no": self.numbers["line"], "reason": "此户已不种地"}
        answer = await self._post("/objections", body, who, Role.OPERATOR)
        self.numbers["objection"] = str(answer.json()["objection_no"])
        return answer

    async def _decide_objection(self, who: str) -> httpx.Response:
        body = {"upheld": False, "opinion": "经核实仍在耕种"}
        return await self._post(f"/objections/{self.numbers['objection']}/decision", body, who, Role.REVIEWER)

    async def _enter_entry(self, who: str) -> httpx.Response:
        person = int(self.county) + 7
        body = {
            "name": "李大山",
            "id_number": citizen_id(person),
            "card_type": "passbook",
            "bank_code": "BANK-A",
            "account_no": account_no(person),
            "photo_file_id": await self.file("image/jpeg"),
        }
        answer = await self._post("/village-entries", body, who, Role.OPERATOR)
        number = self.numbers["entry"] = str(answer.json()["entry_no"])
        await self.office.run("UPDATE village_entry SET stage = 'entered' WHERE entry_no = :number", number=number)
        return answer

    async def _decide_entry(self, who: str) -> httpx.Response:
        return await self._post(f"/village-entries/{self.numbers['entry']}/confirmation", {}, who, Role.REVIEWER)

    async def _confirm_load(self, who: str) -> httpx.Response:
        """Somebody else handed the file in: who says that what had stopped it is meant is its maker, too."""
        number = self.numbers["load"] = f"{self.county}-G{YEAR}-0001"
        async with self.office.database.transaction() as session:
            file_id = await add_file(session, self.county)
            session.add(
                RegisterLoad(
                    load_no=number,
                    county_code=self.county,
                    as_of=china_today(),
                    file_id=file_id,
                    stage=LoadStage.TO_CONFIRM,
                    entered_by="another.enterer",
                )
            )
        answer = await self._post(f"/register-loads/{number}/continuation", {"reason": "共用"}, who, Role.OPERATOR)
        await self.office.run("UPDATE register_load SET stage = 'entered' WHERE load_no = :number", number=number)
        return answer

    async def _decide_load(self, who: str) -> httpx.Response:
        return await self._post(f"/register-loads/{self.numbers['load']}/confirmation", {}, who, Role.REVIEWER)

    async def _start_flow(self, who: str) -> httpx.Response:
        numbers = self.numbers
        body = {"batch_no": numbers["batch"], "policy_nos": [numbers["policy"]], "indicator_nos": [numbers["money"]]}
        answer = await self._post("/flows", body, who, Role.OPERATOR)
        numbers["flow"] = str(answer.json()["flow_no"])
        await set_lines(self.office, [numbers["line"], numbers["other"]], "accepted")
        await self._flow_is("settling")
        return answer

    async def _enter_order(self, who: str) -> httpx.Response:
        body = {"kind": "withdrawal", "flow_no": self.numbers["flow"], "reason": "重复", **self._line("other")}
        answer = await self._post("/orders", body, who, Role.OPERATOR)
        self.numbers["order"] = str(answer.json()["order_no"])
        return answer

    async def _decide_order(self, who: str) -> httpx.Response:
        answer = await self._post(f"/orders/{self.numbers['order']}/confirmation", {}, who, Role.REVIEWER)
        if answer.status_code == 200:
            done = "UPDATE operator_order SET state = 'done' WHERE order_no = :no"
            await self.office.run(done, no=self.numbers["order"])
            await set_lines(self.office, [self.numbers["other"]], "withdrawn", payment=None, money="released")
            await add_summary(self.office, self.numbers["flow"])
        return answer

    async def _review_summary(self, who: str) -> httpx.Response:
        body = {"passed": True, "opinion": "同意", "form_file_id": await self.file()}
        return await self._post(f"/flows/{self.numbers['flow']}/summary/review", body, who, Role.REVIEWER)

    async def _submit_summary(self, who: str) -> httpx.Response:
        answer = await self._post(f"/flows/{self.numbers['flow']}/summary/submission", {}, who, Role.OPERATOR)
        if answer.status_code == 200:
            await self.office.run(
                "UPDATE summary s SET stage = 'approved' FROM flow f WHERE f.id = s.flow_id AND f.flow_no = :flow"
                " AND s.number = f.summary_no",
                flow=self.numbers["flow"],
            )
            await self._flow_is("summary_approved")
        return answer

    async def _confirm_payment(self, who: str) -> httpx.Response:
        path = f"/flows/{self.numbers['flow']}/summary/payment-confirmation"
        answer = await self._post(path, {"application_count": 1, "total_fen": 498}, who, Role.REVIEWER)
        if answer.status_code == 200:
            await self._flow_is("ended")
            await set_lines(self.office, [self.numbers["line"]], "accepted", payment="unresolved")
        return answer

    async def _settle(self, who: str) -> httpx.Response:
        body = {**self._line(), "status": "paid", "reason": "银行回单", "proof_file_id": await self.file()}
        answer = await self._post(f"/flows/{self.numbers['flow']}/settlements", body, who, Role.REVIEWER)
        if answer.status_code == 200:
            await self._contradict()
        return answer

    async def _contradict(self) -> None:
        for subject in ("flow", "entry"):
            number = self.numbers[subject]
            claim = Claim(self.county, number, "said twice", "", {"paid": 1}, {"paid": 2}, None)
            async with self.office.database.transaction() as session:
                await keep_claim(session, self.office.vault, claim)
                statement = "SELECT id FROM contradiction WHERE number = :number"
                self.numbers[f"contradiction of {subject}"] = str(await fetch_int(session, statement, number=number))

    async def _decide_contradiction(self, who: str) -> httpx.Response:
        number = self.numbers["contradiction of entry" if self.about_entry else "contradiction of flow"]
        body = {"take": "applied", "reason": "已核对"}
        return await self._post(f"/contradictions/{number}/decision", body, who, Role.REVIEWER)

    async def _flow_is(self, stage: str) -> None:
        """What the flow's run would have brought it to."""
        async with self.office.database.transaction() as session:
            statement = "UPDATE flow SET stage = :stage WHERE flow_no = :flow"
            await execute(session, statement, stage=stage, flow=self.numbers["flow"])
