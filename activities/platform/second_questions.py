"""The platform is asked once more after it contradicted itself: once per page; each line keeps its part."""

import json
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlmodel import col, select
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.tries import for_each, with_retries
from models.contracts import Subject
from models.store.database import Database
from models.store.events.contradictions import open_content, seal_row
from models.store.events.contrary import line_content, payment_content, payment_key
from models.store.sql import execute, fetch_one
from models.store.vault import Field, SealBroken, Vault
from models.tables.flows import Contradiction
from models.wire import answers
from models.wire.answers import Wire
from models.words.stages import ContradictionState

Content = dict[str, Any]


class Question(NamedTuple):
    """`about` is the platform's id of what is asked about, or ours of a list or flow."""

    operation: str
    county_code: str
    about: str
    page: int = 0


class SecondQuestions:
    def __init__(self, database: Database, vault: Vault, platform: PlatformClient) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform

    async def ask(self, subject: Subject) -> None:
        """Put the platform's answer beside each open contradiction that it wasn't asked about yet."""
        statement = select(Contradiction).where(
            Contradiction.number == subject.number,
            Contradiction.state == ContradictionState.OPEN,
            col(Contradiction.asked_at).is_(None),
        )
        async with self._database.reading() as session:
            rows = list((await session.exec(statement)).all())
        questions: defaultdict[Question | None, list[tuple[Contradiction, Content]]] = defaultdict(list)
        for row in rows:
            claimed = self._claimed(row)
            questions[_question(subject, row, claimed) if claimed else None].append((row, claimed))
        await for_each(questions.items(), self._settle)

    async def _settle(self, asked: tuple[Question | None, Sequence[tuple[Contradiction, Content]]]) -> None:
        question, about = asked
        await self._keep(about, await self._answer(question))

    def _claimed(self, row: Contradiction) -> Content:
        """Empty where the seal is broken: there is nothing to ask about, and the others must not wait for it."""
        try:
            return open_content(self._vault, row, row.claimed_sealed)
        except SealBroken:
            activity.logger.error("contradiction %s of %s can't be opened", row.id, row.number)
            return {}

    async def _answer(self, question: Question | None) -> Wire | None:
        try:
            return await with_retries(partial(self._asked, question)) if question is not None else None
        except PlatformRefusal:
            return None

    async def _asked(self, question: Question) -> Wire | None:
        operation, county, about, page = question
        if operation == "review":
            return await self._platform.get_review(county, about)
        if operation == "account_change":
            return await self._platform.get_account_change(county, about)
        table, number = ("dataset", "reference") if operation == "results" else ("flow", "flow_no")
        async with self._database.reading() as session:
            statement = f"SELECT platform_id FROM {table} WHERE {number} = :about"
            platform_id = await fetch_one(session, str, statement, about=about)
        if platform_id is None:
            return None
        if operation == "results":
            return await self._platform.get_result_page(county, platform_id, page)
        if page:
            return await self._platform.get_payment_page(county, platform_id, page)
        return await self._platform.get_flow(county, platform_id)

    async def _keep(self, about: Sequence[tuple[Contradiction, Content]], answer: Wire | None) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE contradiction c SET asked_at = now(), asked_sealed = r.sealed"
                " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id bigint, sealed text) WHERE c.id = r.id",
                rows=json.dumps([{"id": row.id, "sealed": self._sealed(row, said, answer)} for row, said in about]),
            )

    def _sealed(self, row: Contradiction, claimed: Content, answer: Wire | None) -> str | None:
        if answer is None:
            return None
        content = json.dumps(_part(row, claimed, answer), ensure_ascii=False)
        return self._vault.seal(Field.DETAIL, seal_row(row.number, row.kind, row.line_key), content)


def _question(subject: Subject, row: Contradiction, claimed: Content) -> Question:
    if row.kind.endswith(".reviewed"):
        return Question("review", subject.county_code, str(claimed["submission_id"]))
    if "submission_id" in claimed:
        return Question("account_change", row.county_code, str(claimed["submission_id"]))
    page = int(claimed.get("page", 0))
    if row.kind.startswith("result_"):
        return Question("results", subject.county_code, row.line_key.partition("#")[0], page)
    return Question("payments", subject.county_code, subject.number, page)


def _part(row: Contradiction, claimed: Content, answer: Wire) -> Content:
    """What the answer says of the line that the contradiction is about; all of it where that is no line."""
    if isinstance(answer, answers.ResultPage) and (number := claimed.get("application_no")):
        lines = {line.application_no: line for line in answer.results}
        return line_content(number, lines.get(number), answer.page)
    if isinstance(answer, answers.PaymentPage):
        key = (str(claimed["application_no"]), int(claimed["attempt"]), int(claimed["sequence"]))
        payments = {payment_key(payment): payment for payment in answer.payments}
        return payment_content(key, payments.get(key), answer.page)
    if isinstance(answer, answers.ResultPage):
        return {"result_pages": answer.result_pages, "page": answer.page}
    return answer.model_dump(mode="json")
