"""All payment results of an application's lines as they came (S1 2.8)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.views import LineRow
from models.store.sql import loose
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.words.flow_words import FAILURES, SOURCES
from models.words.stages import PaymentState


async def results_of(
    session: AsyncSession, vault: Vault, line_ids: Sequence[int], number: str
) -> Mapping[int, list[dict[str, object]]]:
    """All results of lines of one application as they came: paid, returned, paid late, settled."""
    rows = await loose(
        session,
        "SELECT flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code, reason_sealed, at, source,"
        " after_end, taken_at FROM payment WHERE flow_line_id = ANY(:lines) ORDER BY sequence, id",
        lines=list(line_ids),
    )
    found: defaultdict[int, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        found[row.flow_line_id].append(_result(vault, row, number))
    return found


def _result(vault: Vault, row: LineRow, number: str) -> dict[str, object]:
    return {
        "sequence": row.sequence,
        "status": row.status,
        "label": PaymentState(row.status).label,
        "amount_fen": row.amount_fen,
        "bank_serial_no": row.bank_serial_no,
        "reason_code": row.reason_code,
        "reason_label": FAILURES.get(row.reason_code or ""),
        "reason": vault.open(Sealed.REASON, number, row.reason_sealed) if row.reason_sealed else None,
        "at": row.at,
        "source": row.source,
        "source_label": SOURCES.get(row.source, row.source),
        "after_end": row.after_end,
        "taken_at": row.taken_at,
    }
