"""What a face recognition came to: the attempt to sign in ends, and a passed one knows its person."""

from collections.abc import Sequence

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.identity import parse_citizen_id
from models.store.citizens.logins import OPEN_STAGES
from models.store.lock_order import Rank
from models.store.locking import lock_row
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.wire.answers import FaceSession
from models.wire.words import FaceStatus
from models.words.calendar import china_today
from models.words.card_stages import LoginStage
from models.words.faults import Fault

NO_PERSON = "no_person"
_ENDS = {FaceStatus.FAILED: LoginStage.FAILED, FaceStatus.EXPIRED: LoginStage.EXPIRED}


async def apply_faces(session: AsyncSession, vault: Vault, taken: Sequence[tuple[int, FaceSession]]) -> dict[int, str]:
    """Effects by inbox id; the first result of an attempt stands, whatever comes after it."""
    return {inbox_id: await apply_face(session, vault, data) for inbox_id, data in taken}


async def apply_face(session: AsyncSession, vault: Vault, data: FaceSession) -> str:
    statement = select(FaceLogin).where(FaceLogin.login_no == data.client_reference)
    login = await lock_row(session, Rank.RUN, statement)
    if login is None:
        return "unknown attempt"
    if login.face_session_id not in (None, data.face_session_id):
        return "other session"
    if login.stage not in OPEN_STAGES:
        return "late"
    if data.status in (FaceStatus.WAITING, FaceStatus.SCANNED):
        return "not decided"
    _end(vault, login, data)
    await session.flush()
    return login.stage.value


def _end(vault: Vault, login: FaceLogin, data: FaceSession) -> None:
    login.ended_at = now()
    # the deep link is of no use any more
    login.url_sealed = None
    login.reason_code = data.reason_code.value if data.reason_code else None
    id_number = parse_citizen_id(data.id_number or "", china_today())
    known = not isinstance(id_number, Fault)
    if known:
        login.person_index = vault.index(Field.ID_NUMBER, str(id_number))
    if data.status is not FaceStatus.PASSED:
        login.stage = _ENDS[data.status]
    elif known and data.name:
        login.stage = LoginStage.PASSED
        login.name_sealed = vault.seal(Field.NAME, login.login_no, data.name)
        login.id_number_sealed = vault.seal(Field.ID_NUMBER, login.login_no, str(id_number))
    else:
        login.stage, login.reason_code = LoginStage.FAILED, NO_PERSON
