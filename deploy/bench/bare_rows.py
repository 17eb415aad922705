"""The bare script's statements: the product's tables, COPYs and UPDATEs, without its locks, journals and trail."""

from collections.abc import Sequence

import psycopg

# The product's own columns and indexes, in a schema beside it.
TABLES = ("application", "dataset_line", "flow_line", "payment", "inbox", "register_account", "register_change")
APPLICATION = (
    *("application_no", "county_code", "fund_year", "applicant_kind", "channel", "stage", "name_sealed"),
    *("name_index",),
    *("id_number_sealed", "person_index", "phone_sealed", "town_code", "village_code", "group_name", "bank_code"),
    *("account_sealed", "account_index", "household_registration", "family_size", "item_code", "amount_fen"),
    *("batch_id", "verification", "payments", "entered_by", "version", "created_at", "updated_at"),
)
REGISTER = (
    *("county_code", "person_index", "name_sealed", "name_index", "id_number_sealed", "bank_code", "account_sealed"),
    *("account_index", "card_type", "status", "source", "updated_at"),
)
INCOMING = {
    "application_no": "text",
    "outcome": "text",
    "reason_code": "text",
    "reason_sealed": "text",
    "correct_name_sealed": "text",
    "correct_name_index": "text",
    "bank_name": "text",
}
PAYMENTS = {
    "application_no": "text",
    "sequence": "int",
    "status": "text",
    "amount_fen": "bigint",
    "bank_serial_no": "text",
    "reason_code": "text",
    "reason_sealed": "text",
    "at": "timestamptz",
    "page": "int",
}
TOUCH = "version = version + 1, updated_at = now()"
# What the counter does to a batch before the platform sees it, one statement an act.
REVIEWED = (
    f"UPDATE bare.application SET stage = 'in_review', {TOUCH} WHERE batch_id = %(batch)s",
    f"UPDATE bare.application SET reviewed_by = 'reviewer', {TOUCH} WHERE batch_id = %(batch)s",
    f"UPDATE bare.application SET stage = 'publicised', {TOUCH} WHERE batch_id = %(batch)s",
)
NAMES_CORRECTED = (
    "UPDATE bare.application SET name_sealed = correct_name_sealed, name_index = correct_name_index,"
    " correct_name_sealed = NULL, correct_name_index = NULL, match_outcome = NULL,"
    f" stage = 'publicised', {TOUCH} WHERE batch_id = %(batch)s AND match_outcome = 'name_differs'"
)
SETTLED = (
    "UPDATE bare.application SET stage = 'pending_settlement', settlement_material_at = now(),"
    f" {TOUCH} WHERE batch_id = %(batch)s AND stage = 'matched'",
    f"UPDATE bare.application SET stage = 'in_batch', {TOUCH}"
    " WHERE batch_id = %(batch)s AND stage = 'pending_settlement'",
    f"UPDATE bare.application SET stage = 'withdrawn', withdrawn_reason_sealed = 'x', {TOUCH}"
    " WHERE batch_id = %(batch)s AND stage = 'unmatched'",
    f"UPDATE bare.application SET verification = 'pending', {TOUCH} WHERE batch_id = %(batch)s AND stage = 'in_batch'",
)
LIST = (
    "INSERT INTO bare.dataset_line (dataset_id, position, application_id, application_no, amount_fen)"
    " SELECT %(dataset)s, row_number() OVER (ORDER BY a.id) - 1, a.id, a.application_no, a.amount_fen"
    " FROM bare.application a WHERE a.batch_id = %(batch)s AND a.stage = %(stage)s"
)
ROUND = (
    "INSERT INTO bare.dataset_line (dataset_id, position, application_id, application_no, amount_fen)"
    " SELECT %(dataset)s, row_number() OVER (ORDER BY l.application_id) - 1, l.application_id, l.application_no,"
    " l.amount_fen FROM bare.flow_line l WHERE l.flow_id = %(batch)s AND {which}"
)
SENT = "UPDATE bare.flow_line l SET state = 'under_review', sent = TRUE, updated_at = now() WHERE l.flow_id = %(batch)s"
WHICH = {
    "initial": "l.state = 'unsent' AND l.verification = 'passed'",
    "confirmed": "l.state = 'rejected' AND l.reason_code = 'duplicate_person'",
    "unverified": "l.state = 'unsent' AND l.verification = 'failed'",
}
RESULTS = (
    "UPDATE bare.dataset_line l SET outcome = i.outcome, reason_code = i.reason_code, reason_sealed = i.reason_sealed"
    " FROM incoming i WHERE l.dataset_id = %(dataset)s AND l.application_no = i.application_no"
)
EFFECTS = {
    "beneficiary_init": "UPDATE bare.application a SET stage = CASE i.outcome WHEN 'matched' THEN 'matched'"
    " ELSE 'unmatched' END, match_outcome = i.outcome, correct_name_sealed = i.correct_name_sealed,"
    " correct_name_index = i.correct_name_index, match_bank_name = i.bank_name, updated_at = now(), version ="
    " a.version + 1 FROM incoming i"
    " WHERE a.application_no = i.application_no",
    "verification": "UPDATE bare.application a SET verification = i.outcome,"
    " verification_reason_sealed = i.reason_sealed, updated_at = now(), version = a.version + 1 FROM incoming i"
    " WHERE a.application_no = i.application_no",
    "application_submission": "UPDATE bare.flow_line f SET state = i.outcome, reason_code = i.reason_code,"
    " reason_sealed = i.reason_sealed, payment = CASE i.outcome WHEN 'accepted' THEN 'awaiting' END,"
    " updated_at = now() FROM incoming i WHERE f.flow_id = %(batch)s AND f.application_no = i.application_no",
}
_COPIED = (
    "application_no, county_code, applicant_kind, name_sealed, name_index, id_number_sealed, person_index,"
    " phone_sealed,"
    " town_code, village_code, group_name, household_registration, family_size, item_code, amount_fen, verification,"
    " bank_code,"
    " account_sealed, account_index"
)
FLOW = (
    f"INSERT INTO bare.flow_line (flow_id, application_id, indicator_id, attempt, state, sent, money, payment_sequence,"
    f" updated_at, {_COPIED}) SELECT %(batch)s, id, 1, 1, 'unsent', false, 'reserved', 0, now(), {_COPIED}"
    " FROM bare.application WHERE batch_id = %(batch)s AND stage = 'in_batch' ORDER BY id",
    f"UPDATE bare.application SET stage = 'in_flow', {TOUCH} WHERE batch_id = %(batch)s AND stage = 'in_batch'",
)
PAID = (
    "INSERT INTO bare.payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code,"
    " reason_sealed, at, page, source, after_end, taken_at) SELECT %(batch)s, l.id, i.sequence, i.status,"
    " i.amount_fen, i.bank_serial_no, i.reason_code, i.reason_sealed, i.at, i.page, 'platform', false, now()"
    " FROM incoming i JOIN bare.flow_line l ON l.flow_id = %(batch)s AND l.application_no = i.application_no",
    "UPDATE bare.flow_line l SET payment = i.status, payment_sequence = i.sequence, payment_at = i.at,"
    " payment_reason_code = i.reason_code, reason_sealed = i.reason_sealed, updated_at = now(),"
    " money = CASE i.status WHEN 'paid' THEN 'paid' ELSE 'reserved' END FROM incoming i"
    " WHERE l.flow_id = %(batch)s AND l.application_no = i.application_no",
    "UPDATE bare.application a SET stage = CASE i.status WHEN 'paid' THEN 'paid' ELSE 'in_flow' END, payments = 1,"
    " updated_at = now(), version = a.version + 1 FROM incoming i WHERE a.application_no = i.application_no",
)
ENDED = (
    "UPDATE bare.flow_line SET money = 'released', updated_at = now()"
    " WHERE flow_id = %(batch)s AND payment = 'failed' AND money = 'reserved'",
    f"UPDATE bare.application a SET stage = 'failed', {TOUCH} WHERE batch_id = %(batch)s AND stage = 'in_flow'",
)
FIGURES = (
    "SELECT count(*) FILTER (WHERE payment = 'paid'), coalesce(sum(amount_fen) FILTER (WHERE payment = 'paid'), 0)"
    " FROM bare.flow_line WHERE flow_id = %(batch)s"
)
SHARES = (
    "SELECT {column}, count(*), sum(amount_fen)::bigint FROM bare.flow_line"
    " WHERE flow_id = %(batch)s AND state = 'accepted' GROUP BY 1 ORDER BY 1"
)
TOTAL = (
    "SELECT count(*), sum(amount_fen)::bigint, count(DISTINCT person_index) FROM bare.flow_line"
    " WHERE flow_id = %(batch)s AND state = 'accepted'"
)
Rows = Sequence[Sequence[object]]


async def make_tables(connection: psycopg.AsyncConnection) -> None:
    await connection.execute("CREATE SCHEMA IF NOT EXISTS bare")
    for table in TABLES:
        await connection.execute(f"CREATE TABLE IF NOT EXISTS bare.{table} (LIKE public.{table} INCLUDING ALL)")
    await connection.commit()


async def copy(connection: psycopg.AsyncConnection, table: str, columns: Sequence[str], rows: Rows) -> None:
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    async with connection.cursor() as cursor, cursor.copy(command) as target:
        for row in rows:
            await target.write_row(row)


async def incoming(connection: psycopg.AsyncConnection, columns: dict[str, str], rows: Rows) -> None:
    """A scratch table for the rest of the transaction."""
    body = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    await connection.execute(f"CREATE TEMPORARY TABLE incoming ({body}) ON COMMIT DROP")
    await copy(connection, "incoming", list(columns), rows)
    await connection.execute("ANALYZE incoming")
