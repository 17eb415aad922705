"""All payment results of an application's lines as they came (S1 2.8)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.store.sql import fetch
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.words.flow_words import FAILURES, SOURCES
from models.words.labelled import label_of
from models.words.stages import PaymentState


class _Row(NamedTuple):
    flow_line_id: int
    sequence: int
    status: str
    amount_fen: int
    bank_serial_no: str | None
    reason_code: str | None
    reason_sealed: str | None
    at: datetime
    source: str
    after_end: bool
    taken_at: datetime


class PaymentResult(TypedDict):
    sequence: Annotated[int, Field(description="平台给出的先后次序")]
    status: Annotated[PaymentState, Field(description="发放结果")]
    label: str
    amount_fen: Annotated[int, Field(description="金额（分）")]
    bank_serial_no: Annotated[str | None, Field(description="银行流水号")]
    reason_code: Annotated[str | None, Field(description="失败原因代码")]
    reason_label: str | None
    reason: Annotated[str | None, Field(description="失败原因说明")]
    at: Annotated[datetime, Field(description="银行办理时间")]
    source: Annotated[str, Field(description="结果来源")]
    source_label: str
    after_end: Annotated[bool, Field(description="是否在流程结束以后才到")]
    taken_at: Annotated[datetime, Field(description="本系统入账时间")]


async def results_of(
    session: AsyncSession, vault: Vault, line_ids: Sequence[int], number: str
) -> Mapping[int, list[PaymentResult]]:
    """All results of lines of one application as they came: paid, returned, paid late, settled."""
    rows = await fetch(
        session,
        _Row,
        "SELECT flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code, reason_sealed, at, source,"
        " after_end, taken_at FROM payment WHERE flow_line_id = ANY(:lines) ORDER BY sequence, id",
        lines=list(line_ids),
    )
    found: defaultdict[int, list[PaymentResult]] = defaultdict(list)
    for row in rows:
        found[row.flow_line_id].append(_result(vault, row, number))
    return found


def _result(vault: Vault, row: _Row, number: str) -> PaymentResult:
    status = PaymentState(row.status)
    return {
        "sequence": row.sequence,
        "status": status,
        "label": status.label,
        "amount_fen": row.amount_fen,
        "bank_serial_no": row.bank_serial_no,
        "reason_code": row.reason_code,
        "reason_label": label_of(FAILURES, row.reason_code),
        "reason": vault.open(Sealed.REASON, number, row.reason_sealed) if row.reason_sealed else None,
        "at": row.at,
        "source": row.source,
        "source_label": SOURCES.get(row.source, row.source),
        "after_end": row.after_end,
        "taken_at": row.taken_at,
    }
