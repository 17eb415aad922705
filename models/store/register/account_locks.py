"""The lock on a person's account in a county: from saving a change until the county's part has ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Signal, workflow_id
from models.store.runs.runs import wake
from models.store.sql import execute, fetch, one_of


def account_locked_sql(alias: str) -> str:
    """True in SQL where the person of a row (`county_code`, `person_index`) has an account change under way."""
    return one_of(
        f"FROM account_lock k WHERE k.county_code = {alias}.county_code AND k.person_index = {alias}.person_index"
        " AND k.ended_at IS NULL"
    )


def account_unusable(alias: str) -> str:
    """True in SQL where a person can't be paid for now: the account is being changed, or there is none any more.

    An account that was cleared is never replaced by an application's older copy: the person may have given it up.
    """
    cleared = one_of(
        f"FROM register_account c WHERE c.county_code = {alias}.county_code AND c.person_index = {alias}.person_index"
        " AND c.status = 'cleared'"
    )
    return f"({account_locked_sql(alias)} OR {cleared})"


async def lock_accounts(session: AsyncSession, counties: Sequence[str], person_index: str, number: str) -> list[str]:
    """Lock a person's account in counties for a request; gives those where another change holds it already."""
    taken = await fetch(
        session,
        str,
        "INSERT INTO account_lock (county_code, person_index, request_no, since)"
        " SELECT county, :person, :number, now() FROM unnest(CAST(:counties AS text[])) AS county ORDER BY county"
        " ON CONFLICT (county_code, person_index) WHERE ended_at IS NULL DO NOTHING RETURNING county_code",
        counties=list(counties),
        person=person_index,
        number=number,
    )
    await wake_flows(session, sorted(taken), person_index, number)
    return [county for county in counties if county not in taken]


async def unlock_accounts(session: AsyncSession, counties: Sequence[str], person_index: str, number: str) -> None:
    """The change has ended here: lines that were held for it join their flow again by themselves."""
    ended = await execute(
        session,
        "UPDATE account_lock SET ended_at = now() WHERE county_code = ANY(:counties) AND person_index = :person"
        " AND request_no = :number AND ended_at IS NULL",
        counties=list(counties),
        person=person_index,
        number=number,
    )
    if ended:
        await wake_flows(session, counties, person_index, number)


async def wake_flows(session: AsyncSession, counties: Sequence[str], person_index: str, number: str) -> None:
    """Tell the open flows that have a line of this person on its way.

    Those under review too: one may come back and be held, by a look that doesn't see yet what is told here.
    """
    flows = await fetch(
        session,
        str,
        "SELECT DISTINCT f.flow_no FROM application a JOIN flow_line l ON l.application_id = a.id"
        " JOIN flow f ON f.id = l.flow_id WHERE a.county_code = ANY(:counties) AND a.person_index = :person"
        " AND l.state IN ('unsent', 'held', 'rejected', 'under_review') AND f.stage <> 'ended'",
        counties=list(counties),
        person=person_index,
    )
    for flow_no in flows:
        await wake(session, workflow_id(RunKind.SUBSIDY_FLOW, flow_no), Signal.LINES_CHANGED, [number])


@dataclass(frozen=True, slots=True)
class Lock:
    """By which request, and what the register has of the person now: bank and account, and the name beside them."""

    request_no: str
    account: tuple[str | None, str | None]
    name_sealed: str | None


class _LockedPerson(NamedTuple):
    """The register's columns are NULL for who has no row there."""

    person_index: str
    request_no: str
    bank_code: str | None
    account_index: str | None
    name_sealed: str | None


async def locked_people(
    session: AsyncSession, county_code: str, people: Sequence[str] | None = None
) -> dict[str, Lock]:
    """Whose account is being changed in a county, of these people or of all, by the person's index."""
    rows = await fetch(
        session,
        _LockedPerson,
        "SELECT k.person_index, k.request_no, r.bank_code, r.account_index, r.name_sealed FROM account_lock k LEFT JOIN"
        " register_account r USING (county_code, person_index) WHERE k.county_code = :county AND k.ended_at IS NULL"
        " AND (CAST(:people AS text[]) IS NULL OR k.person_index = ANY(:people))",
        county=county_code,
        people=None if people is None else list(people),
    )
    return {row.person_index: Lock(row.request_no, (row.bank_code, row.account_index), row.name_sealed) for row in rows}
