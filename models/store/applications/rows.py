"""Forms become rows: sealed to their application number, one by one or many thousands by COPY."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.application_form import ApplicationForm, PersonalForm
from models.store.sql import Value, copy_rows, drop_scratch, execute, fetch, fetch_one
from models.store.vault import Field, Vault, name_index
from models.tables.base import now
from models.words.stages import ApplicationStage, Channel

# Numbers of our own make are given out by us only: one that a file invents would collide with a later one.
_OWN_NUMBER = re.compile(r"[0-9]{6}-S[0-9]{4}-[0-9]+")
LIVE = "a.stage NOT IN ('withdrawn', 'closed')"


@dataclass(frozen=True)
class Entered:
    """What a new row has beside its form; whoever confirmed an import that had stopped made its lines too."""

    county_code: str
    fund_year: int
    channel: Channel
    entered_by: str
    batch_id: int | None = None
    import_id: int | None = None
    confirmed_by: str | None = None

    @property
    def edited_by(self) -> list[str]:
        other = self.confirmed_by
        return [other] if other is not None and other != self.entered_by else []


def sealed_columns(vault: Vault, application_no: str, form: ApplicationForm) -> dict[str, Value]:
    """The columns that come from a form, personal ones sealed."""
    personal = form if isinstance(form, PersonalForm) else None
    household = personal.household_registration if personal else None
    return {
        "applicant_kind": form.kind.value,
        "name_sealed": vault.seal(Field.NAME, application_no, form.name),
        "name_index": name_index(vault, form.name),
        "id_number_sealed": vault.seal(Field.ID_NUMBER, application_no, form.id_number),
        "person_index": vault.index(Field.ID_NUMBER, form.id_number),
        "phone_sealed": vault.seal(Field.PHONE, application_no, form.phone),
        "town_code": form.town_code,
        "village_code": form.village_code,
        "group_name": form.group,
        "bank_code": form.bank_code,
        "account_sealed": vault.seal(Field.ACCOUNT, application_no, form.account_no),
        "account_index": vault.index(Field.ACCOUNT, form.account_no),
        "card_type": form.card_type.value if form.card_type else None,
        "household_registration": household.value if household else None,
        "family_size": personal.family_size if personal else None,
        "item_code": form.item_code,
        "amount_fen": form.amount_fen,
    }


def new_row(vault: Vault, entered: Entered, application_no: str, form: ApplicationForm) -> dict[str, Value]:
    """All columns of a fresh draft but its id."""
    at = now()
    return {
        "application_no": application_no,
        "county_code": entered.county_code,
        "fund_year": entered.fund_year,
        "channel": entered.channel.value,
        "stage": ApplicationStage.DRAFT.value,
        **sealed_columns(vault, application_no, form),
        "batch_id": entered.batch_id,
        "import_id": entered.import_id,
        "verification": "none",
        "payments": 0,
        "entered_by": entered.entered_by,
        "edited_by": entered.edited_by,
        "version": 1,
        "created_at": at,
        "updated_at": at,
    }


def new_rows(
    vault: Vault, entered: Entered, numbered: Iterable[tuple[str, ApplicationForm]]
) -> list[Mapping[str, Value]]:
    """Rows for `insert_rows`; takes about a second for 20,000, so callers with a loop do it in a thread."""
    return [new_row(vault, entered, application_no, form) for application_no, form in numbered]


async def insert_rows(session: AsyncSession, rows: Sequence[Mapping[str, Value]]) -> int:
    """Put fresh rows into the table by COPY."""
    columns = list(rows[0])
    return await copy_rows(session, "application", columns, (list(row.values()) for row in rows))


async def stage_rows(session: AsyncSession, rows: Sequence[Mapping[str, Value]]) -> None:
    """Put fresh rows where only this transaction sees them, and nobody has to wait for it."""
    columns = list(rows[0])
    await execute(
        session,
        f"CREATE TEMPORARY TABLE IF NOT EXISTS applications_coming ON COMMIT DROP AS SELECT {', '.join(columns)}"
        " FROM application WITH NO DATA",
    )
    await copy_rows(session, "applications_coming", columns, (list(row.values()) for row in rows))


async def drop_staged(session: AsyncSession) -> None:
    await drop_scratch(session, "applications_coming")


async def insert_staged(session: AsyncSession) -> int:
    """What was staged goes into the table, in its order."""
    of_the_table = "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0"
    columns = await fetch_one(session, str, f"{of_the_table} AND attrelid = 'applications_coming'::regclass")
    return await execute(session, f"INSERT INTO application ({columns}) SELECT {columns} FROM applications_coming")


def is_reserved(application_no: str) -> bool:
    """Whether a number that somebody brings looks like one of our own series."""
    return _OWN_NUMBER.fullmatch(application_no) is not None


async def used_numbers(session: AsyncSession, numbers: Sequence[str]) -> set[str]:
    """Which of these application numbers exist already, in whatever county."""
    statement = "SELECT application_no FROM application WHERE application_no = ANY(:numbers)"
    return set(await fetch(session, str, statement, numbers=list(numbers)))
