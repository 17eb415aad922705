"""What lines lack for 提交材料, and the county's own requirements (S1 2.8)."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch
from models.words.evidence import OF_ORGANIZATION, OF_PERSON

_KINDS = ", ".join(f"'{kind.value}'" for kind in OF_PERSON)
_PHOTO = "SELECT FROM application_photo p WHERE p.application_id = {alias}.application_id AND p.kind"


def required_of(alias: str) -> str:
    """SQL: the kinds that a person's flow line needs."""
    return (
        f"coalesce((SELECT r.kinds FROM evidence_requirement r WHERE r.county_code = {alias}.county_code"
        f" AND r.item_code = {alias}.item_code), ARRAY[{_KINDS}]::varchar[])"
    )


def missing_of(alias: str) -> str:
    """SQL: the kinds that a flow line lacks, empty for one that has all it needs."""
    photo = _PHOTO.format(alias=alias)
    return (
        f"CASE {alias}.applicant_kind WHEN 'organization' THEN CASE WHEN EXISTS ({photo} <> 'bank_card')"
        f" THEN '{{}}' ELSE ARRAY['{OF_ORGANIZATION.value}']::varchar[] END"
        f" ELSE ARRAY(SELECT k.kind FROM unnest({required_of(alias)}) WITH ORDINALITY AS k(kind, place)"
        f" WHERE NOT EXISTS ({photo} = k.kind) ORDER BY k.place) END"
    )


class _Lacking(NamedTuple):
    application_id: int
    missing: list[str]


async def lacking(session: AsyncSession, order_no: str) -> dict[tuple[str, ...], list[int]]:
    """The applications of an order's undone lines that lack photos, by what they lack."""
    rows = await fetch(
        session,
        _Lacking,
        f"SELECT o.application_id, {missing_of('l')} AS missing FROM order_line o JOIN flow_line l"
        " ON l.id = o.flow_line_id WHERE o.order_id = (SELECT id FROM operator_order WHERE order_no = :no)"
        " AND o.done IS NULL",
        no=order_no,
    )
    found: dict[tuple[str, ...], list[int]] = {}
    for application_id, missing in rows:
        if missing:
            found.setdefault(tuple(missing), []).append(application_id)
    return found


class _Item(NamedTuple):
    code: str
    name: str


async def item_names(session: AsyncSession, county_code: str) -> dict[str, str]:
    """The county's subsidy items by code, of whatever year: evidence is handed in long after it."""
    items = await fetch(
        session,
        _Item,
        "SELECT i ->> 'code' AS code, i ->> 'name' AS name FROM catalog_list c, jsonb_array_elements(c.items) AS i"
        " WHERE c.county_code = :county AND c.kind = 'subsidy-items' ORDER BY c.fund_year",
        county=county_code,
    )
    return {item.code: item.name for item in items}


def in_order(kinds: Sequence[str]) -> list[str]:
    """Each kind once, as people know the list."""
    return [kind.value for kind in OF_PERSON if kind.value in kinds]
