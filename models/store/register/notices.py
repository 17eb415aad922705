"""系统通知: what a person is told about an account, once per cause (S2)."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.register.register import register_row
from models.store.sql import execute, fetch_int
from models.store.vault import Field, Vault
from models.words.card_stages import NoticeKind


@dataclass(frozen=True)
class News:
    """`cause` names what it is about, e.g. a part and its attempt: told once, however often it is found."""

    county_code: str
    person_index: str
    kind: NoticeKind
    cause: str
    explanation: str
    bank_code: str | None = None
    account_no: str | None = None
    error_code: str | None = None
    request_no: str | None = None
    applied_at: datetime | None = None
    finished_at: datetime | None = None
    result: str | None = None
    operated_at: datetime | None = None


async def notify(session: AsyncSession, vault: Vault, news: News) -> bool:
    """Keep a notice; False when this cause was told already."""
    place = register_row(news.county_code, news.person_index)
    added = await execute(
        session,
        "INSERT INTO notice (county_code, person_index, kind, cause, bank_code, account_sealed, explanation_sealed,"
        " error_code, request_no, applied_at, finished_at, result, operated_at) VALUES (:county, :person, :kind,"
        " :cause, :bank, :account, :explanation, :error, :request, :applied, :finished, :result,"
        " coalesce(:operated, now())) ON CONFLICT (county_code, person_index, cause) DO NOTHING",
        county=news.county_code,
        person=news.person_index,
        kind=news.kind.value,
        cause=news.cause,
        bank=news.bank_code,
        account=vault.seal(Field.ACCOUNT, place, news.account_no) if news.account_no else None,
        explanation=vault.seal(Field.REASON, place, news.explanation),
        error=news.error_code,
        request=news.request_no,
        applied=news.applied_at,
        finished=news.finished_at,
        result=news.result,
        operated=news.operated_at,
    )
    return added == 1


async def is_told(session: AsyncSession, county_code: str, person_index: str, cause: str) -> bool:
    told = await fetch_int(
        session,
        "SELECT count(*) FROM notice WHERE county_code = :county AND person_index = :person AND cause = :cause",
        county=county_code,
        person=person_index,
        cause=cause,
    )
    return told > 0


async def unread_notices(session: AsyncSession, person_index: str, counties: str) -> int:
    """How many the person hasn't read; `counties` is a LIKE pattern."""
    return await fetch_int(
        session,
        "SELECT count(*) FROM notice WHERE person_index = :person AND county_code LIKE :counties AND read_at IS NULL",
        person=person_index,
        counties=counties,
    )


async def mark_read(session: AsyncSession, person_index: str, counties: str, up_to: int) -> int:
    return await execute(
        session,
        "UPDATE notice SET read_at = now() WHERE person_index = :person AND county_code LIKE :counties"
        " AND id <= :up_to AND read_at IS NULL",
        person=person_index,
        counties=counties,
        up_to=up_to,
    )
