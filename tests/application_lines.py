"""Applications for tests: made-up people with right check digits, entered over HTTP or put straight into the rows."""

import asyncio
from collections.abc import Mapping
from typing import Any

from stdnum import luhn

from models.forms.application_form import ApplicationForm, build_form
from models.forms.identity import citizen_id_check_digit
from models.store.applications.rows import Entered, insert_rows, new_rows
from models.store.numbers import Series, take
from models.store.sql import Value, execute
from models.wire.words import ApplicantKind
from models.words.staff import Role
from models.words.stages import Channel
from tests.api_server import COUNTY, YEAR, ApiServer
from tests.statements import rows_of

ENTERED_BY = "operator"


def citizen_id(place: int) -> str:
    """A different person for each number."""
    digits = f"5102231970{1 + place // 28 % 12:02d}{1 + place % 28:02d}{place // 336 % 1000:03d}"
    return digits + citizen_id_check_digit(digits + "0")


def card(place: int) -> str:
    digits = f"62284800{place:010d}"
    return digits + str(luhn.calc_check_digit(digits))


def personal(place: int, **changes: object) -> dict[str, object]:
    """A form as the API takes it."""
    return {
        "kind": "personal",
        "name": "周建国",
        "id_number": citizen_id(place),
        "phone": "13800001234",
        "town_code": f"{COUNTY}100",
        "village_code": f"{COUNTY}100001",
        "group": "6组",
        "bank_code": "ABC",
        "account_no": card(place),
        "household_registration": "agricultural",
        "family_size": 4,
        "item_code": "BT1001",
        "amount_fen": 10_000 + place,
    } | changes


def organization(place: int, **changes: object) -> dict[str, object]:
    form = {"kind": "organization", "name": "城关镇农机合作社", "id_number": "91110000600037341L"}
    whole = personal(place) | form | changes
    return {name: value for name, value in whole.items() if name not in {"household_registration", "family_size"}}


async def enter(
    server: ApiServer, form: Mapping[str, object], *, role: Role = Role.OPERATOR, **more: Any
) -> dict[str, Any]:
    body = {"fund_year": YEAR, "form": form} | {
        name: more.pop(name) for name in ("channel", "batch_no") if name in more
    }
    answer = await server.post(role, "/applications", body, **more)
    assert answer.status_code == 201, answer.text
    entered: dict[str, Any] = answer.json()
    return entered


# The bank card's picture of every application that lacks it, as rows: how pictures come in has tests of its own.
CARD_PHOTOS = """
WITH lacking AS (
  SELECT a.id, a.county_code FROM application a WHERE NOT EXISTS (
    SELECT FROM application_photo p WHERE p.application_id = a.id AND p.kind = 'bank_card')
), stored AS (
  INSERT INTO stored_file (county_code, object_key, sha256, content_type, size, stored_by, stored_at)
  SELECT county_code, 'card/' || id, lpad(id::text, 64, '0'), 'image/jpeg', 10, 'operator', now() FROM lacking
  RETURNING id, object_key
)
INSERT INTO application_photo (application_id, kind, file_id, stored_at)
SELECT l.id, 'bank_card', s.id, now() FROM lacking l JOIN stored s ON s.object_key = 'card/' || l.id
"""


async def put_card_photos(server: ApiServer) -> None:
    async with server.database.transaction() as session:
        await execute(session, CARD_PHOTOS)


async def act(server: ApiServer, role: Role, path: str, selection: object, **more: Any) -> dict[str, Any]:
    """An act that must succeed; `selection` is a list of numbers or a filter."""
    answer = await server.post(role, path, request(selection, more.pop("reason", None)), **more)
    assert answer.status_code in (200, 202), answer.text
    done: dict[str, Any] = answer.json()
    return done


def request(selection: object, reason: str | None = None) -> dict[str, object]:
    chosen = {"application_nos": selection} if isinstance(selection, list) else {"filter": selection}
    return {"selection": chosen} | ({"reason": reason} if reason else {})


async def put_lines(server: ApiServer, count: int, stage: str, **columns: Value) -> list[str]:
    """Many lines at a stage, put there as an import does; gives their numbers."""
    forms: list[ApplicationForm] = await asyncio.to_thread(_forms, count)
    entered = Entered(COUNTY, YEAR, Channel.IMPORT, ENTERED_BY)
    async with server.database.transaction() as session:
        numbers = list(await take(session, Series.APPLICATION, COUNTY, YEAR, count))
        rows = new_rows(server.vault, entered, zip(numbers, forms, strict=True))
        await insert_rows(session, [{**row, "stage": stage, **columns} for row in rows])
    return numbers


def _forms(count: int) -> list[ApplicationForm]:
    return [
        build_form(ApplicantKind.PERSONAL, {k: v for k, v in personal(place).items() if k != "kind"})
        for place in range(count)
    ]


async def stages(server: ApiServer) -> dict[str, int]:
    async with server.database.reading() as session:
        return {
            str(stage): int(n)
            for stage, n in await rows_of(session, "SELECT stage, count(*) FROM application GROUP BY 1")
        }


async def lock_account(server: ApiServer, application_no: str) -> None:
    """A card change of this person is under way."""
    async with server.database.transaction() as session:
        await execute(
            session,
            "INSERT INTO account_lock (county_code, person_index, request_no, since)"
            " SELECT county_code, person_index, 'K1', now() FROM application WHERE application_no = :no",
            no=application_no,
        )
