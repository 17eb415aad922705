"""What the platform and the banks know of people: CSV files, loaded whole."""

import csv
import io

from .problems import Problem
from .store import Store

REGISTER = ("id_number", "name", "bank_code", "account_no", "verification", "payment")
ACCOUNTS = ("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status")


def load_register(store: Store, county: str, content: bytes) -> int:
    """Replaces what was known of the persons in the file; others of the county stay."""
    rows = _rows(content, REGISTER)
    with store.transaction():
        store.run_many(
            "DELETE FROM register WHERE county_code = ? AND id_number = ?", ((county, row["id_number"]) for row in rows)
        )
        store.run_many(
            "INSERT OR REPLACE INTO register"
            " (county_code, id_number, name, bank_code, account_no, verification, payment)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((county, *(row[name] for name in REGISTER)) for row in rows),
        )
    return len(rows)


def load_bank_accounts(store: Store, content: bytes) -> int:
    rows = _rows(content, ACCOUNTS)
    with store.transaction():
        store.run_many(
            "INSERT OR REPLACE INTO bank_account"
            " (bank_code, account_no, card_type, holder_name, holder_id_number, status)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (tuple(row[name] for name in ACCOUNTS) for row in rows),
        )
    return len(rows)


def _rows(content: bytes, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise Problem("VALIDATION_FAILED", f"文件缺少列：{'、'.join(missing)}")
    return [{name: (row[name] or "").strip() for name in columns} for row in reader]
