"""A payment that failed for an account reason tells the beneficiary that the card must be changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.register.register import register_row
from models.store.sql import Value, copy_rows, drop_scratch, execute, fetch
from models.store.vault import Field, SealBroken, Vault
from models.tables.flows import Flow
from models.wire.words import ACCOUNT_PAYMENT_REASONS
from models.words.card_stages import NoticeKind
from models.words.card_words import reason_words

COLUMNS = (
    "county_code",
    "person_index",
    "kind",
    "cause",
    "bank_code",
    "account_sealed",
    "explanation_sealed",
    "error_code",
    "operated_at",
)


class _Failed(NamedTuple):
    person_index: str
    application_no: str
    payment_sequence: int
    bank_code: str
    account_sealed: str
    payment_reason_code: str
    payment_at: datetime


async def tell_failed(session: AsyncSession, vault: Vault, flow: Flow, lines: str) -> int:
    """One notice for each newest failed result of lines of the flow (`l` in `lines`), but for what is told already."""
    rows = await fetch(
        session,
        _Failed,
        "SELECT l.person_index, l.application_no, l.payment_sequence, l.bank_code, l.account_sealed,"
        f" l.payment_reason_code, l.payment_at FROM {lines} WHERE"
        " l.payment = 'failed' AND l.payment_reason_code = ANY(:reasons) AND l.applicant_kind = 'personal'",
        flow=flow.id,
        reasons=sorted(reason.value for reason in ACCOUNT_PAYMENT_REASONS),
    )
    if not rows:
        return 0
    return await _insert_untold(session, [_notice(vault, flow, row) for row in rows])


def _notice(vault: Vault, flow: Flow, failed: _Failed) -> tuple[Value, ...]:
    """A row of `notice`, in the order of COLUMNS."""
    row = register_row(flow.county_code, failed.person_index)
    words = f"补贴发放失败：{reason_words(failed.payment_reason_code)}，请申请变更账号，变更后补发"
    return (
        flow.county_code,
        failed.person_index,
        NoticeKind.PAYMENT_FAILED.value,
        f"payment/{flow.flow_no}/{failed.application_no}/{failed.payment_sequence}",
        failed.bank_code,
        _sealed_anew(vault, failed.application_no, failed.account_sealed, row),
        vault.seal(Field.REASON, row, words),
        failed.payment_reason_code,
        failed.payment_at,
    )


async def _insert_untold(session: AsyncSession, news: Sequence[tuple[Value, ...]]) -> int:
    names = ", ".join(COLUMNS)
    await execute(session, f"CREATE TEMPORARY TABLE telling ON COMMIT DROP AS SELECT {names} FROM notice WITH NO DATA")
    await copy_rows(session, "telling", COLUMNS, news)
    told = await execute(
        session,
        f"INSERT INTO notice ({names}) SELECT {names} FROM telling"
        " ON CONFLICT (county_code, person_index, cause) DO NOTHING",
    )
    await drop_scratch(session, "telling")
    return told


def _sealed_anew(vault: Vault, number: str, sealed: str, row: str) -> str | None:
    """None where it can't be opened any more: the payment counts, and is told of without the account."""
    try:
        return vault.seal(Field.ACCOUNT, row, vault.open(Field.ACCOUNT, number, sealed))
    except SealBroken:
        return None
