"""Lines of a page that say something else than what stands: what both sides say, in one shape for all who keep it."""

from dataclasses import dataclass

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events.inbox import open_event
from models.store.vault import SealBroken, Vault
from models.tables.records import Inbox
from models.wire import answers
from models.wire.answers import ResultLine
from models.wire.events import Event

Content = dict[str, object]
PaymentKey = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class ContraryLine:
    """A line of a list's results; `said` is None where a copy leaves it out, `first` is what its page first said."""

    inbox_id: int
    page: int
    application_no: str
    said: ResultLine | None
    first: ResultLine | None


@dataclass(frozen=True, slots=True)
class ContraryPayment:
    """The same of a payment, told apart by line, attempt and sequence."""

    inbox_id: int
    page: int
    key: PaymentKey
    kind: str
    said: answers.Payment | None
    first: answers.Payment | None


def payment_key(payment: answers.Payment) -> PaymentKey:
    return payment.application_no, payment.attempt, payment.sequence


def line_content(application_no: str, said: ResultLine | None, page: int) -> Content:
    plain = said.model_dump(mode="json") if said else {"application_no": application_no, "outcome": None}
    return plain | {"page": page}


def payment_content(key: PaymentKey, said: answers.Payment | None, page: int) -> Content:
    if said is not None:
        return said.model_dump(mode="json") | {"page": page}
    return {"application_no": key[0], "attempt": key[1], "sequence": key[2], "status": None, "page": page}


async def event_before(session: AsyncSession, vault: Vault, inbox_id: int) -> Event | None:
    """An event that was applied earlier; None where its row can't be read any more."""
    row = await session.get(Inbox, inbox_id)
    try:
        return open_event(vault, row) if row is not None else None
    except (SealBroken, ValidationError):
        return None
