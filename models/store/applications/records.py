"""Lines as the platform wants them: opened from the vault only here, on their way out (contract: ApplicantRecord)."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch
from models.store.vault import Field, Vault
from models.tables.batches import Dataset
from models.wire.requests import ApplicantRecord
from models.wire.words import ApplicantKind, HouseholdRegistration, VerificationStatus
from models.words.stages import Verification


class RecordLine(NamedTuple):
    """A line of a list; of a flow's round also what it repays and the indicator that pays it."""

    application_no: str
    applicant_kind: str
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
    item_code: str
    amount_fen: int
    verification: str
    attempt: int
    repays: str | None
    indicator: str | None
    photo: int | None


PERSONAL = (
    "{t}.application_no, {t}.applicant_kind, {t}.name_sealed, {t}.id_number_sealed, {t}.phone_sealed, {t}.town_code,"
    " {t}.village_code, {t}.group_name, {t}.bank_code, {t}.account_sealed, {t}.household_registration,"
    " {t}.family_size, {t}.item_code, {t}.amount_fen, {t}.verification"
)
_FIRST_TIME = "1 AS attempt, NULL AS repays, NULL AS indicator"
OF_APPLICATIONS = (
    f"SELECT {PERSONAL.format(t='a')}, {_FIRST_TIME}, p.file_id AS photo"
    " FROM dataset_line d JOIN application a ON a.id = d.application_id"
    " LEFT JOIN application_photo p ON p.application_id = a.id AND p.kind = 'bank_card'"
    " WHERE d.dataset_id = :dataset AND d.position >= :start AND d.position < :stop ORDER BY d.position"
)
OF_FLOW_LINES = (
    f"SELECT {PERSONAL.format(t='l')}, l.attempt, r.platform_id AS repays, i.submission_id AS indicator,"
    " p.file_id AS photo FROM dataset_line d JOIN dataset s ON s.id = d.dataset_id"
    " JOIN flow_line l ON l.flow_id = s.flow_id AND l.application_id = d.application_id"
    " JOIN indicator i ON i.id = l.indicator_id LEFT JOIN flow r ON r.id = l.repays_flow_id"
    " LEFT JOIN application_photo p ON p.application_id = l.application_id AND p.kind = 'bank_card'"
    " WHERE d.dataset_id = :dataset AND d.position >= :start AND d.position < :stop ORDER BY d.position"
)
_BEFOREHAND = (
    f"SELECT {PERSONAL.format(t='a')}, {_FIRST_TIME}, NULL AS photo FROM application a"
    " WHERE a.id = ANY(:ids) ORDER BY a.id"
)
KNOWN_VERIFICATIONS = {Verification.PASSED.value, Verification.FAILED.value, Verification.NOT_REQUIRED.value}


async def record_lines(session: AsyncSession, dataset: Dataset, start: int, stop: int) -> Sequence[RecordLine]:
    statement = OF_APPLICATIONS if dataset.flow_id is None else OF_FLOW_LINES
    return await fetch(session, RecordLine, statement, dataset=dataset.id, start=start, stop=stop)


async def lines_beforehand(session: AsyncSession, ids: Sequence[int]) -> Sequence[RecordLine]:
    """Applications by their ids, as they would be sent the first time, without their pictures."""
    return await fetch(session, RecordLine, _BEFOREHAND, ids=ids)


def record_of(vault: Vault, line: RecordLine, photos: dict[int, str]) -> ApplicantRecord:
    number = line.application_no
    household = line.household_registration
    return ApplicantRecord(
        application_no=number,
        attempt=line.attempt,
        repays_flow_id=line.repays,
        indicator_id=line.indicator,
        applicant_kind=ApplicantKind(line.applicant_kind),
        name=vault.open(Field.NAME, number, line.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, number, line.id_number_sealed),
        phone=vault.open(Field.PHONE, number, line.phone_sealed) if line.phone_sealed else None,
        town_code=line.town_code,
        village_code=line.village_code,
        group=line.group_name,
        household_registration=HouseholdRegistration(household) if household else None,
        family_size=line.family_size,
        item_code=line.item_code,
        amount_fen=line.amount_fen,
        bank_code=line.bank_code,
        account_no=vault.open(Field.ACCOUNT, number, line.account_sealed),
        bank_card_photo_file_id=photos.get(line.photo) if line.photo else None,
        verification=VerificationStatus(line.verification) if line.verification in KNOWN_VERIFICATIONS else None,
    )
