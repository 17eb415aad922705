"""How a person of the county's staff is shown, with what waits for a second administrator."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.store.people.persons import person_name
from models.store.sql import fetch
from models.store.vault import Vault
from models.tables.people import Person
from models.words.staff import PersonChangeKind, PersonState, Role

HEADERS = {
    "subject": "登录名",
    "name": "姓名",
    "role_labels": "角色",
    "state_label": "状态",
    "last_signed_in_at": "最近登录",
    "created_by": "邀请人",
    "created_at": "邀请时间",
}
_BESIDE = """
SELECT p.id, (SELECT max(opened_at) FROM staff_session WHERE person_id = p.id) AS last_signed_in_at,
       c.id AS change_id, c.kind::text AS kind, c.roles, c.asked_by, c.asked_at
FROM person p LEFT JOIN person_change c ON c.person_id = p.id AND c.decided_at IS NULL
WHERE p.id = ANY(:ids)
"""


class PersonChangeView(TypedDict):
    """待另一管理员确认的变更。"""

    change_id: int
    kind: PersonChangeKind
    kind_label: str
    roles: Annotated[list[Role], Field(description="变更后的角色")]
    role_labels: list[str]
    asked_by: Annotated[str, Field(description="提出人")]
    asked_at: datetime


class PersonView(TypedDict):
    """一名工作人员。"""

    subject: Annotated[str, Field(description="登录名")]
    name: Annotated[str, Field(description="姓名")]
    roles: list[Role]
    role_labels: list[str]
    state: PersonState
    state_label: str
    oidc_bound: Annotated[bool, Field(description="是否已绑定统一身份认证")]
    invitation_ends_at: Annotated[datetime | None, Field(description="一次性登录码的有效期")]
    last_signed_in_at: datetime | None
    created_by: Annotated[str, Field(description="邀请人")]
    created_at: datetime
    change: Annotated[PersonChangeView | None, Field(description="待另一管理员确认的变更")]


class HandedOver(TypedDict):
    """办理的结果；code 只给这一次，由办理人交给本人。"""

    person: PersonView
    waiting: Annotated[bool, Field(description="是否须由另一管理员确认后生效")]
    code: Annotated[str | None, Field(description="一次性登录码，72 小时内有效")]


class NamesView(TypedDict):
    """本区县工作人员的姓名。"""

    names: Annotated[Mapping[str, str], Field(description="登录名 → 姓名")]


class MoreOfPerson(NamedTuple):
    id: int
    last_signed_in_at: datetime | None
    change_id: int | None
    kind: str | None
    roles: list[str] | None
    asked_by: str | None
    asked_at: datetime | None

    def change(self) -> PersonChangeView | None:
        if self.change_id is None or self.kind is None or self.asked_by is None or self.asked_at is None:
            return None
        kind, roles = PersonChangeKind(self.kind), _roles(self.roles or [])
        return {
            "change_id": self.change_id,
            "kind": kind,
            "kind_label": kind.label,
            "roles": roles,
            "role_labels": [role.label for role in roles],
            "asked_by": self.asked_by,
            "asked_at": self.asked_at,
        }


async def more_of_people(session: AsyncSession, ids: list[int]) -> dict[int, MoreOfPerson]:
    """What isn't in the row: the last sign-in, and what waits."""
    return {row.id: row for row in await fetch(session, MoreOfPerson, _BESIDE, ids=ids)}


def person_view(vault: Vault, person: Person, more: MoreOfPerson) -> PersonView:
    roles = _roles(person.roles)
    return {
        "subject": person.subject,
        "name": person_name(vault, person.county_code, person.subject, person.name_sealed),
        "roles": roles,
        "role_labels": [role.label for role in roles],
        "state": person.state,
        "state_label": person.state.label,
        "oidc_bound": person.oidc_index is not None,
        "invitation_ends_at": person.invitation_ends_at,
        "last_signed_in_at": more.last_signed_in_at,
        "created_by": person.created_by,
        "created_at": person.created_at,
        "change": more.change(),
    }


def _roles(codes: list[str]) -> list[Role]:
    return [role for role in Role if role.value in codes]
