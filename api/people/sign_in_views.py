"""Answers to somebody who signs in: what is asked next, and at the end the session."""

import io
from typing import Annotated, NotRequired

import segno
from pydantic import Field
from typing_extensions import TypedDict

from models.store.people.codes import uri_of
from models.tables.people import Person
from models.words.staff import Role, SessionEnd, SignInStep

_QR_SCALE = 6


class AuthenticatorView(TypedDict):
    """验证器（手机上的动态码应用）。"""

    secret: Annotated[str, Field(description="密钥，不能扫码时手工输入")]
    uri: Annotated[str, Field(description="二维码的内容")]
    qr: Annotated[str, Field(description="二维码，SVG")]


class RoleChoice(TypedDict):
    role: Role
    role_label: str


class SignInStepView(TypedDict):
    """登录的下一步；办完时给出 session。"""

    step: Annotated[SignInStep | None, Field(description="下一步；null：已登录")]
    step_label: str | None
    ticket: Annotated[str | None, Field(description="下一步须带上的凭据，十五分钟内有效")]
    authenticator: NotRequired[Annotated[AuthenticatorView, Field(description="首次登录须绑定的验证器")]]
    roles: NotRequired[Annotated[list[RoleChoice], Field(description="可以选择的身份")]]
    session: NotRequired[Annotated[str, Field(description="会话的凭据，只给这一次")]]


class SignInWays(TypedDict):
    """工作人员怎样登录。"""

    passwords: Annotated[bool, Field(description="true：登录名和密码；false：本省统一身份认证，本地密码停用")]


class OidcBegun(TypedDict):
    """到统一身份认证去登录。"""

    address: Annotated[str, Field(description="统一身份认证的登录地址")]
    attempt: Annotated[str, Field(description="本次登录的凭据，只给发起的浏览器；回来时带上，十五分钟内有效")]


class SessionEndView(TypedDict):
    """一次登录因何结束。"""

    over_by: Annotated[SessionEnd | None, Field(description="null：没有结束，或没有这次登录")]
    over_by_label: str | None


def session_end(over_by: SessionEnd | None) -> SessionEndView:
    return {"over_by": over_by, "over_by_label": over_by.label if over_by else None}


def asked(step: SignInStep, ticket: str) -> SignInStepView:
    return {"step": step, "step_label": step.label, "ticket": ticket}


def opened(session: str) -> SignInStepView:
    return {"step": None, "step_label": None, "ticket": None, "session": session}


def authenticator_view(secret: str, person: Person) -> AuthenticatorView:
    uri, picture = uri_of(secret, person), io.BytesIO()
    segno.make(uri, error="m", micro=False).save(picture, kind="svg", scale=_QR_SCALE, xmldecl=False, title="验证器")
    return {"secret": secret, "uri": uri, "qr": picture.getvalue().decode()}


def role_choices(person: Person) -> list[RoleChoice]:
    return [{"role": role, "role_label": role.label} for role in Role if role.value in person.roles]
