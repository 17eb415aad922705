"""What a modified round changes in a rejected line, and in the register and application behind it (S1 2.7)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.makers import ADD_EDITOR
from models.store.register.register import FROM_APPLICATION, PersonsAccount, put_account
from models.store.sql import Value, execute, fetch, fetch_one
from models.store.trail.entries import TrailAct, record
from models.store.vault import Field, Vault, name_index
from models.wire.requests import AccountQuery
from models.wire.words import CardType
from models.words.staff import Role


class CorrectedLine(NamedTuple):
    """A rejected line as it is, and what an order corrects in it."""

    id: int
    application_id: int
    application_no: str
    county_code: str
    person_index: str
    name_sealed: str
    id_number_sealed: str
    phone_sealed: str | None
    town_code: str
    village_code: str
    group_name: str | None
    bank_code: str
    account_sealed: str
    household_registration: str | None
    family_size: int | None
    amount_fen: int
    correction_sealed: str


class _Photo(NamedTuple):
    application_id: int
    kind: str
    file_id: int


CORRECTED = (
    "SELECT l.id, l.application_id, l.application_no, l.county_code, l.person_index, l.name_sealed,"
    " l.id_number_sealed, l.phone_sealed, l.town_code, l.village_code, l.group_name, l.bank_code, l.account_sealed,"
    " l.household_registration, l.family_size, l.amount_fen, o.correction_sealed FROM order_line o"
    " JOIN flow_line l ON l.id = o.flow_line_id"
    " WHERE o.order_id = :order AND o.correction_sealed IS NOT NULL AND (l.state = 'rejected') IS TRUE"
)
# The order is part of a page's bytes: a repeated page must name the same accounts in the same places.
BY_APPLICATION = " ORDER BY l.application_id"
PLAIN = {
    "town_code": "town_code",
    "village_code": "village_code",
    "group": "group_name",
    "bank_code": "bank_code",
    "household_registration": "household_registration",
    "family_size": "family_size",
}
SEALED = {"name": (Field.NAME, "name_sealed"), "phone": (Field.PHONE, "phone_sealed")}
ACCOUNT = {"bank_code", "account_sealed", "account_index"}
# A number that has stayed is of the kind that the register knows it by.
OF_LINE = (
    "(bank_code, account_sealed, account_index) ="
    " (SELECT l.bank_code, l.account_sealed, l.account_index FROM flow_line l WHERE l.id = :line),"
    " card_type = CASE WHEN :typed THEN CAST(:told AS text) ELSE coalesce((SELECT r.card_type FROM register_account r"
    " JOIN flow_line l USING (county_code, person_index) WHERE l.id = :line AND r.account_index = l.account_index),"
    " card_type) END"
)
# A reviewer has confirmed them: they are passed like those that stood at the review.
STORE_PHOTOS = """
WITH passed AS (UPDATE application SET reviewed_at = now()
  WHERE id = ANY(CAST(:ids AS bigint[])) AND reviewed_by IS NOT NULL)
INSERT INTO application_photo (application_id, kind, file_id, stored_at)
SELECT id, kind, file_id, now()
FROM unnest(CAST(:ids AS bigint[]), CAST(:kinds AS text[]), CAST(:files AS bigint[])) AS new (id, kind, file_id)
ON CONFLICT (application_id, kind) DO UPDATE SET file_id = excluded.file_id, stored_at = now()
"""


def fields_of(vault: Vault, line: CorrectedLine) -> dict[str, Any]:
    """What an order corrects in a line."""
    fields: dict[str, Any] = json.loads(vault.open(Field.CORRECTION, line.application_no, line.correction_sealed))
    return fields


def queries_of(vault: Vault, lines: Sequence[CorrectedLine]) -> tuple[AccountQuery, ...]:
    """What the bank is asked: the account as it would be after the correction."""
    queries = []
    for line in lines:
        number = line.application_no
        fields = fields_of(vault, line)
        queries.append(
            AccountQuery(
                name=fields.get("name") or vault.open(Field.NAME, number, line.name_sealed),
                id_number=vault.open(Field.ID_NUMBER, number, line.id_number_sealed),
                bank_code=fields.get("bank_code") or line.bank_code,
                account_no=fields.get("account_no") or vault.open(Field.ACCOUNT, number, line.account_sealed),
                card_type=CardType(fields["card_type"]) if fields.get("card_type") else None,
            )
        )
    return tuple(queries)


async def apply_corrections(session: AsyncSession, vault: Vault, lines: Sequence[CorrectedLine], actor: str) -> None:
    """Correct lines and applications, in the order of the applications, then the register, in that of the people."""
    corrected = [(line, fields_of(vault, line)) for line in sorted(lines, key=lambda line: line.application_id)]
    for line, fields in corrected:
        await _apply(session, vault, line, fields, actor)
    # behind the applications, as whoever puts one photo does
    photos = await _put_photos(session, corrected)
    for line, fields in corrected:
        before = _before(vault, line) | {"photos": photos.get(line.application_id, {})}
        # what kind of account it was is not the line's
        detail = {"before": {name: before.get(name) for name in fields}, "after": fields}
        number, role = line.application_no, Role.OPERATOR.value
        await record(session, vault, TrailAct(line.county_code, actor, role, "line_corrected", number, detail))
    moved = [line for line, fields in corrected if {"account_no", "bank_code"} & fields.keys()]
    for line in sorted(moved, key=lambda line: line.person_index):
        await _register(session, vault, line, actor)


async def _put_photos(
    session: AsyncSession, corrected: Sequence[tuple[CorrectedLine, dict[str, Any]]]
) -> dict[int, dict[str, int]]:
    """New photos for the round and for the evidence; gives the files that were there before, by application."""
    new = [
        (line.application_id, kind, file_id)
        for line, fields in corrected
        for kind, file_id in fields.get("photos", {}).items()
    ]
    if not new:
        return {}
    ids, kinds, files = (list(column) for column in zip(*new, strict=True))
    before: dict[int, dict[str, int]] = {}
    statement = "SELECT application_id, kind, file_id FROM application_photo WHERE application_id = ANY(:ids)"
    for application_id, kind, file_id in await fetch(session, _Photo, statement, ids=ids):
        before.setdefault(application_id, {})[kind] = file_id
    await execute(session, STORE_PHOTOS, ids=ids, kinds=kinds, files=files)
    return before


def _before(vault: Vault, line: CorrectedLine) -> dict[str, Any]:
    number = line.application_no
    before = {name: getattr(line, column) for name, column in PLAIN.items()}
    for name, (kind, column) in SEALED.items():
        sealed = getattr(line, column)
        before[name] = vault.open(kind, number, sealed) if sealed else None
    return before | {
        "account_no": vault.open(Field.ACCOUNT, number, line.account_sealed),
        "amount_fen": line.amount_fen,
    }


async def _apply(session: AsyncSession, vault: Vault, line: CorrectedLine, fields: dict[str, Any], actor: str) -> None:
    """Correct the line and its application; the amount is only ever lowered."""
    number = line.application_no
    changes: dict[str, Value] = {column: fields[name] for name, column in PLAIN.items() if name in fields}
    changes |= {
        column: vault.seal(kind, number, fields[name]) for name, (kind, column) in SEALED.items() if name in fields
    }
    if "name" in fields:
        changes["name_index"] = name_index(vault, fields["name"])
    if "account_no" in fields:
        changes["account_sealed"] = vault.seal(Field.ACCOUNT, number, fields["account_no"])
        changes["account_index"] = vault.index(Field.ACCOUNT, fields["account_no"])
    if "amount_fen" in fields:
        changes["amount_fen"] = min(int(fields["amount_fen"]), line.amount_fen)
    if not fields:
        return
    settings = "".join(f"{column} = :{column}, " for column in changes)
    # a lower amount frees money: by the trigger `flow_line_update`, on the indicators that the caller has locked
    await execute(session, f"UPDATE flow_line SET {settings}updated_at = now() WHERE id = :id", id=line.id, **changes)
    await _correct_application(session, line, fields, changes, actor)


async def _correct_application(
    session: AsyncSession, line: CorrectedLine, fields: dict[str, Any], changes: Mapping[str, Value], actor: str
) -> None:
    """As its line, and of the account the whole: the bank was asked about the line's, of which one half may be new."""
    values = {column: value for column, value in changes.items() if column not in ACCOUNT}
    settings = [f"{column} = :{column}" for column in values]
    if ACCOUNT & changes.keys():
        settings.append(OF_LINE)
        values |= {"line": line.id, "typed": "account_no" in fields, "told": fields.get("card_type")}
    await execute(
        session,
        f"UPDATE application a SET {', '.join([*settings, ADD_EDITOR])}, updated_at = now(), version = version + 1"
        " WHERE id = :id",
        id=line.application_id,
        editor=actor,
        **values,
    )


async def _register(session: AsyncSession, vault: Vault, line: CorrectedLine, actor: str) -> None:
    row = await fetch_one(
        session,
        PersonsAccount,
        "SELECT person_index, application_no AS number, name_sealed, id_number_sealed, bank_code, account_sealed,"
        " account_index, card_type FROM application WHERE id = :id",
        id=line.application_id,
    )
    assert row is not None
    await put_account(session, vault, line.county_code, row, FROM_APPLICATION, actor)
