"""Events as rows: what the platform said by itself, and what it answered when it was asked."""

import json
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import number_of
from models.store.lock_order import Rank
from models.store.locking import lock_rows
from models.store.sql import execute, fetch_one
from models.store.vault import Vault
from models.tables.records import Inbox
from models.wire.answers import Wire, province_of
from models.wire.events import Event, parse_event
from models.wire.words import EventType
from models.words.stages import InboxState

ASKED = "asked"
EVENTS_AT_ONCE = 8


def body_row(province_code: str, event_id: str) -> str:
    """The row key under which an event's body is sealed."""
    return f"{province_code}/{event_id}"


def open_event(vault: Vault, row: Inbox) -> Event:
    """The event in a stored row; raises pydantic.ValidationError for one outside the contract."""
    return parse_event(vault.open_body(body_row(row.province_code, row.event_id), row.body))


async def put_asked(
    session: AsyncSession, vault: Vault, county_code: str, kind: EventType, reference: str, data: Wire, now: datetime
) -> bool:
    """Store an answer of the platform as if it had been an event; False when the same one is here already."""
    content = data.model_dump_json()
    digest = vault.digest(content.encode())
    event_id = f"{ASKED}/{reference}/{digest[:32]}"
    body = json.dumps({"type": kind.value, "timestamp": now.isoformat(), "data": json.loads(content)})
    province = province_of(county_code)
    rows = await execute(
        session,
        "INSERT INTO inbox (province_code, event_id, source, event_type, county_code, reference, number, body_sha256,"
        " body, state, received_at, next_try_at, tries) VALUES (:province, :event_id, :source, :type, :county,"
        " :reference, :number, :digest, :body, 'delivered', :now, :now, 0) ON CONFLICT DO NOTHING",
        province=province,
        event_id=event_id,
        source=ASKED,
        type=kind.value,
        county=county_code,
        reference=reference,
        number=number_of(reference),
        digest=digest,
        body=vault.seal_body(body_row(province, event_id), body.encode()),
        now=now,
    )
    return rows == 1


async def anything_new(session: AsyncSession, number: str) -> bool:
    """Whether an event or a reviewer's decision waits for its effect: most looks find neither."""
    found = await fetch_one(
        session,
        bool,
        "SELECT EXISTS (SELECT FROM inbox WHERE number = :number AND applied_at IS NULL)"
        " OR EXISTS (SELECT FROM contradiction WHERE number = :number AND state = 'decided')",
        number=number,
    )
    return bool(found)


async def pending(session: AsyncSession, number: str, county_code: str, after: int = 0) -> list[Inbox]:
    """The events of a run that have had no effect yet, oldest first, locked.

    Only those of the run's own province and county: a parked event that names a number of somebody else's is left
    to the relay, which quarantines it. A run of a whole province takes those of all its counties. At most
    EVENTS_AT_ONCE: pages of 500 lines each, so that a long list takes no more memory than a short one.
    """
    statement = (
        select(Inbox)
        .where(Inbox.number == number, col(Inbox.applied_at).is_(None), col(Inbox.id) > after)
        .where(Inbox.province_code == province_of(county_code))
        .where(col(Inbox.state).in_([InboxState.RECEIVED, InboxState.DELIVERED, InboxState.PARKED]))
        .order_by(col(Inbox.id))
        .limit(EVENTS_AT_ONCE)
    )
    if county_code != province_of(county_code):
        statement = statement.where(Inbox.county_code == county_code)
    return list(await lock_rows(session, Rank.RUN, statement))


async def mark_applied(session: AsyncSession, effects: dict[int, str]) -> None:
    for effect in set(effects.values()):
        ids = [inbox_id for inbox_id, each in effects.items() if each == effect]
        await execute(
            session,
            "UPDATE inbox SET state = 'applied', applied_at = now(), effect = :effect WHERE id = ANY(:ids)",
            effect=effect,
            ids=ids,
        )
