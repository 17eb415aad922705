"""Hands of a sign-in: open the face session at the platform, ask about it, look where the attempt stands."""

import re
from datetime import datetime, timedelta

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from models.contracts import Look, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.citizens.logins import OPEN_STAGES, VALID, ends_at
from models.store.database import Database
from models.store.events.inbox import put_asked
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.runs.look import note_stage, remember
from models.store.runs.runs import close_run
from models.store.sql import execute
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.wire.answers import FaceSession, OpenedFaceSession
from models.wire.requests import FaceSessionOpening
from models.wire.words import EventType, FaceChannel, FaceReason, FaceStatus
from models.words.card_stages import LoginStage
from models.words.waiting import LOGIN

# Events get lost: whoever stands before the screen is told within this time all the same.
ASK_SECONDS = 10.0
# The platform has the last word on a code whose time is over, for so long.
GRACE = timedelta(seconds=60)
ODD_LINK = "odd_link"
# A link with an authority, of any app's scheme: never javascript: or data:.
_LINK = re.compile(r"(?!(?i:javascript|data|vbscript|file):)[A-Za-z][A-Za-z0-9+.-]*://\S+")


class FaceLoginActivities:
    def __init__(self, database: Database, vault: Vault, platform: PlatformClient, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._settings = settings

    @activity.defn
    async def open_face_session(self, subject: Subject) -> None:
        """Ask the platform for a session under the attempt's number; one that is open or over already passes."""
        async with self._database.reading() as session:
            login = await _login(session, subject.number)
        if login.face_session_id is not None or login.stage is not LoginStage.OPENING:
            return
        if now() > login.created_at + VALID:
            await self._give_up(subject, LoginStage.EXPIRED, FaceReason.TIMEOUT.value)
            return
        opening = FaceSessionOpening(client_reference=subject.number, channel=FaceChannel(login.channel))
        try:
            opened = await self._platform.open_face_session(subject.county_code, opening, key=subject.number)
        except PlatformRefusal as refusal:
            await self._give_up(subject, LoginStage.FAILED, refusal.code.value)
            return
        if not _LINK.fullmatch(opened.url):
            await self._give_up(subject, LoginStage.FAILED, ODD_LINK)
            return
        await self._opened(subject, opened)

    @activity.defn
    async def ask_face_session(self, subject: Subject) -> None:
        """Fetch how far the person is; a result is stored like an event, the same one once."""
        async with self._database.reading() as session:
            login = await _login(session, subject.number)
        if login.face_session_id is None or login.stage not in OPEN_STAGES:
            return
        try:
            answer = await self._platform.get_face_session(subject.county_code, login.face_session_id)
        except PlatformRefusal as refusal:
            activity.logger.warning("asked about %s: %s", subject.number, refusal)
            return
        if answer.client_reference in (None, subject.number):
            await self._heard(subject, answer)

    @activity.defn
    async def look_at_login(self, subject: Subject) -> Look:
        """Apply what has come and tell where the attempt stands; one that is over closes its run."""
        at = now()
        async with self._database.transaction() as session:
            await apply_pending_events(session, self._vault, subject)
            login = await _login(session, subject.number)
            last_word = ends_at(login) + GRACE
            if login.stage in OPEN_STAGES and at > last_word:
                await _end(session, login, LoginStage.EXPIRED, FaceReason.TIMEOUT.value)
            done = login.stage not in OPEN_STAGES
            since, _ = await note_stage(session, subject.workflow_id, login.stage.value, LOGIN[login.stage])
            if done:
                await close_run(session, subject.workflow_id, login.stage.value)
        return Look(
            stage=login.stage.value,
            waiting_for=LOGIN[login.stage],
            since=since,
            ask_after_seconds=self._ask_after(login, at),
            done=done,
        )

    def _ask_after(self, login: FaceLogin, at: datetime) -> float:
        pause = min(ASK_SECONDS, self._settings.platform_ask_seconds)
        left = (login.expires_at - at).total_seconds() if login.expires_at else pause
        # a moment after the end the platform has decided too
        return min(pause, left + 0.5) if left > 0 else pause

    async def _opened(self, subject: Subject, opened: OpenedFaceSession) -> None:
        """Nothing is changed when the result was faster than the answer."""
        async with self._database.transaction() as session:
            await hold(session, Rank.RUN, subject.number)
            await execute(
                session,
                "UPDATE face_login SET face_session_id = :id, url_sealed = :url, expires_at = least(:told, :ours),"
                " stage = 'waiting' WHERE login_no = :no AND stage = 'opening'",
                id=opened.face_session_id,
                url=self._vault.seal(Field.DETAIL, subject.number, opened.url),
                told=opened.expires_at,
                ours=now() + VALID,
                no=subject.number,
            )
            await remember(session, subject.county_code, opened.face_session_id, subject.number)

    async def _heard(self, subject: Subject, answer: FaceSession) -> None:
        async with self._database.transaction() as session:
            if answer.status is FaceStatus.SCANNED:
                await execute(
                    session,
                    "UPDATE face_login SET stage = 'scanned' WHERE login_no = :no AND stage = 'waiting'",
                    no=subject.number,
                )
            elif answer.status is not FaceStatus.WAITING:
                data = answer.model_copy(update={"client_reference": subject.number})
                kind, county = EventType.FACE_COMPLETED, subject.county_code
                await put_asked(session, self._vault, county, kind, subject.number, data, now())

    async def _give_up(self, subject: Subject, stage: LoginStage, reason: str) -> None:
        async with self._database.transaction() as session:
            await hold(session, Rank.RUN, subject.number)
            await _end(session, await _login(session, subject.number), stage, reason)


async def _login(session: AsyncSession, login_no: str) -> FaceLogin:
    return (await session.exec(select(FaceLogin).where(FaceLogin.login_no == login_no))).one()


async def _end(session: AsyncSession, login: FaceLogin, stage: LoginStage, reason: str) -> None:
    """One that is over stays as it is; its name is held, so that no result comes in between."""
    if login.ended_at is None:
        login.stage, login.reason_code, login.url_sealed, login.ended_at = stage, reason, None, now()
        await session.flush()
