"""What people are searched by, in the form in which it is stored, and how often; what can't be understood is said."""

import re
from collections.abc import Callable
from typing import Annotated, Protocol, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from api.counter.desk import Desk
from api.server.problems import Problem
from models.normal_form import regular, ungrouped, unreadable
from models.store.search_limit import TooManySearches, count_search
from models.store.selection import NO_NUL
from models.words.refusals import Refusal

Given = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_NUL)]
# A citizen's id has digits and an X, a credit code the letters without I, O, S, V and Z.
_NOT_IN_ID = re.compile(r"[^0-9A-HJ-NPQRTUWXY]", re.IGNORECASE | re.ASCII)
_NOT_IN_ACCOUNT = re.compile(r"[^0-9]")
_ID_LENGTH = 18


def _name(given: str) -> str:
    if fault := unreadable(given, "名称"):
        raise ValueError(fault.message)
    return regular(given)


def _number(label: str, strange: re.Pattern[str]) -> Callable[[str], str]:
    def understood(given: str) -> str:
        number = ungrouped(given)
        if found := strange.search(number):
            character = found.group()
            shown = f"“{character}”" if character.isprintable() else "看不见的字符"
            raise ValueError(f"{label}里有{shown}（U+{ord(character):04X}），不是{label}的字符，请核对后重新查询")
        return number.upper()

    return understood


def _whole(number: str) -> str:
    if len(number) != _ID_LENGTH:
        raise ValueError(f"证件号有 {len(number)} 位，应为 18 位（身份证号或统一社会信用代码），请核对后重新查询")
    return number


def _account(number: str) -> str:
    if not 8 <= len(number) <= 30:
        raise ValueError(f"账号有 {len(number)} 位，应为 8 至 30 位，请核对后重新查询")
    return number


SoughtName = Annotated[Given, AfterValidator(_name)]
SoughtId = Annotated[Given, AfterValidator(_number("证件号", _NOT_IN_ID)), AfterValidator(_whole)]
SoughtAccount = Annotated[Given, AfterValidator(_number("账号", _NOT_IN_ACCOUNT)), AfterValidator(_account)]


class SoughtPerson(BaseModel):
    """All given values hold at once; id and account are found by blind index, a name by its whole text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: SoughtName | None = None
    id_number: SoughtId | None = None
    account_no: SoughtAccount | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.name or self.id_number or self.account_no):
            raise ValueError("请至少给出姓名、证件号、账号中的一项")
        return self


class SoughtNumbers(Protocol):
    @property
    def id_number(self) -> str | None: ...

    @property
    def account_no(self) -> str | None: ...


async def allow_search(desk: Desk, sought: SoughtNumbers) -> None:
    """429 beyond SEARCHES_PER_PERSON_HOUR, in whichever role; the first of an hour that is refused is in the trail."""
    await allow_searches(desk, 1 if sought.id_number or sought.account_no else 0)


async def allow_searches(desk: Desk, count: int) -> None:
    """The same of a list that counts as so many."""
    if not count:
        return
    caller, most = f"{desk.county}/{desk.person}", desk.settings.searches_per_person_hour
    try:
        async with desk.database.writing_once() as session:
            await count_search(session, caller, most, count)
    except TooManySearches as refused:
        if refused.first:
            async with desk.database.transaction() as session:
                await desk.trail(session, "search.too_many", desk.person, {"most": most})
        minutes = max(1, round(refused.retry_after / 60))
        detail = f"每人每小时最多按证件号或账号查询 {most} 次，请约 {minutes} 分钟后再查；成批核对请用列表筛选或导出"
        headers = {"Retry-After": str(int(refused.retry_after) + 1)}
        raise Problem(429, Refusal.TOO_MANY_SEARCHES, "查询过于频繁", detail, headers=headers) from None
