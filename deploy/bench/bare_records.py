"""What the bare script writes and sends of a line: rows to COPY, sealed as the product seals them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deploy.bench.bare_ground import Ground
from deploy.bench.bare_platform import Json
from deploy.bench.lines import COUNTY
from models.forms.account_numbers import card_type_of
from models.store.vault import Field, LocalVault, name_index

Row = Sequence[object]


def record_of(ground: Ground, number: str, cells: Sequence[object]) -> Json:
    """A row of the file as the platform wants it."""
    name, id_number, phone, town, village, group, bank, account, _, size, item, yuan = map(str, cells)
    place = ground.towns[town]
    return {
        "application_no": number,
        "attempt": 1,
        "applicant_kind": "personal",
        "name": name,
        "id_number": id_number,
        "phone": phone,
        "town_code": place["code"],
        "village_code": next(each["code"] for each in place["villages"] if each["name"] == village),
        "group": group,
        "household_registration": "agricultural",
        "family_size": int(float(size)),
        "item_code": ground.items[item],
        "amount_fen": round(float(yuan) * 100),
        "bank_code": ground.banks[bank],
        "account_no": account,
    }


def application_row(vault: LocalVault, record: Json, batch: int, year: int) -> Row:
    no, seal, index, at = record["application_no"], vault.seal, vault.index, datetime.now(UTC)
    return (
        *(no, COUNTY, year, "personal", "import", "draft", seal(Field.NAME, no, record["name"])),
        name_index(vault, record["name"]),
        *(seal(Field.ID_NUMBER, no, record["id_number"]), index(Field.ID_NUMBER, record["id_number"])),
        *(seal(Field.PHONE, no, record["phone"]), record["town_code"], record["village_code"], record["group"]),
        *(record["bank_code"], seal(Field.ACCOUNT, no, record["account_no"])),
        *(index(Field.ACCOUNT, record["account_no"]), "agricultural", record["family_size"], record["item_code"]),
        *(record["amount_fen"], batch, "none", 0, "bare", 1, at, at),
    )


def account_row(vault: LocalVault, record: Json) -> Row:
    seal, index = vault.seal, vault.index
    person = index(Field.ID_NUMBER, record["id_number"])
    row, account = f"{COUNTY}/{person}", record["account_no"]
    return (
        *(COUNTY, person, seal(Field.NAME, row, record["name"]), name_index(vault, record["name"])),
        *(seal(Field.ID_NUMBER, row, record["id_number"]), record["bank_code"], seal(Field.ACCOUNT, row, account)),
        *(index(Field.ACCOUNT, account), card_type_of(account).value, "valid", "bare", datetime.now(UTC)),
    )


def result_row(vault: LocalVault, result: Json) -> Row:
    no, reason, name = result["application_no"], result.get("reason"), result.get("correct_name")
    return (
        *(no, result["outcome"], result.get("reason_code"), vault.seal(Field.REASON, no, reason) if reason else None),
        *((vault.seal(Field.NAME, no, name), name_index(vault, name)) if name else (None, None)),
        result.get("bank_name"),
    )


def payment_row(vault: LocalVault, page: int, payment: Json) -> Row:
    no, reason = payment["application_no"], payment.get("reason")
    return (
        *(no, payment["sequence"], payment["status"], payment["amount_fen"], payment.get("bank_serial_no")),
        *(payment.get("reason_code"), vault.seal(Field.REASON, no, reason) if reason else None),
        *(datetime.fromisoformat(payment["at"]), page),
    )
