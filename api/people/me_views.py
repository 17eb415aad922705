"""What a person is shown of the own login."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.people.sign_in_views import RoleChoice
from models.store.people.sessions import OwnSession
from models.words.staff import Role, SessionEnd


class StaffView(TypedDict):
    """令牌所代表的人。"""

    person: Annotated[str, Field(description="经办人的登录名")]
    name: Annotated[str, Field(description="姓名")]
    role: Role
    role_label: str
    roles: Annotated[list[RoleChoice], Field(description="本人的全部身份")]
    county_code: str
    county_name: Annotated[str, Field(description="区县名称")]
    county: Annotated[str, Field(description="区县名称和代码")]
    code_at: Annotated[datetime | None, Field(description="最近一次输入验证码的时间")]
    passwords: Annotated[bool, Field(description="本地密码是否启用；用统一身份认证登录时为 false")]
    has_authenticator: Annotated[bool, Field(description="是否已绑定验证器")]


class OwnSignIn(TypedDict):
    """本人的一次登录。"""

    opened_at: datetime
    last_seen_at: Annotated[datetime, Field(description="最后一次操作")]
    ended_at: datetime | None
    role: Role
    role_label: str
    over_by: Annotated[SessionEnd | None, Field(description="因何退出")]
    over_by_label: str | None


class CodeTaken(TypedDict):
    """已核对的验证码。"""

    code_at: datetime


class SessionOver(TypedDict):
    """登录已结束，须重新登录。"""

    over: bool


class Token(TypedDict):
    """以本人名义办理的令牌。"""

    token: str
    seconds: Annotated[int, Field(description="有效多少秒")]


def own_sign_in(row: OwnSession) -> OwnSignIn:
    role, over = Role(row.role), SessionEnd(row.over_by) if row.over_by else None
    return {
        "opened_at": row.opened_at,
        "last_seen_at": row.last_seen_at,
        "ended_at": row.ended_at,
        "role": role,
        "role_label": role.label,
        "over_by": over,
        "over_by_label": over.label if over else None,
    }
