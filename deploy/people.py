"""`python -m deploy.people 500001 chen.jing 陈静 zhou.wei 周伟`: a county's first two administrators, and nobody after.

Their ids are read from standard input, one a line, where no list of processes shows them; each gets a one-time code
that is good for 72 hours, printed once. Everybody else they invite, one of them asking and the other confirming.

`python -m deploy.people 500001 --anew chen.jing zhou.wei`: fresh codes for two administrators who can't sign in any
more, by whoever has the database: both have lost their phones, or the way of signing in has changed.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings
from sqlalchemy import any_, literal
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.spoken import spoken
from models.forms.identity import parse_citizen_id
from models.store.database import Database
from models.store.people.changes import (
    NewPerson,
    add_person,
    give_code,
    hold_people,
    known_as,
    lock_person,
    login_taken,
    reset,
)
from models.store.trail.entries import by_system, record
from models.store.vault import Field, LocalVault
from models.tables.people import Person
from models.tokens import RESERVED, fold
from models.words.calendar import china_today
from models.words.faults import Fault
from models.words.staff import PersonState, Role

_LOGIN = re.compile(r"[a-z0-9._@-]{2,80}")


class PeopleSettings(BaseSettings):
    """Those of worker and API that this needs, by the same names."""

    database_url: SecretStr
    vault_key_file: Path


class NotMade(Exception):
    """Why not, and what to do."""

    said_fully = True


def main(argv: list[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    try:
        settings = PeopleSettings()
    except ValidationError:
        raise NotMade("请用环境变量 DATABASE_URL 和 VAULT_KEY_FILE 指明数据库和密钥文件") from None
    if not re.fullmatch(r"[0-9]{6}", asked.county):
        raise NotMade("区县代码须为 6 位数字，请更正")
    vault = LocalVault.from_file(settings.vault_key_file)
    if asked.anew:
        return _said(asyncio.run(_anew(settings, vault, asked.county, [fold(login) for login in asked.anew])))
    if not asked.second_name:
        raise NotMade("请写明两名县管理员的登录名和姓名，例如 500001 chen.jing 陈静 zhou.wei 周伟")
    pairs = ((asked.first, asked.first_name), (asked.second, asked.second_name))
    people = [_new(vault, asked.county, login, name, sys.stdin.readline()) for login, name in pairs]
    codes = asyncio.run(_make(settings, vault, people))
    return _said({f"{person.name}（{person.subject}）": code for person, code in zip(people, codes, strict=True)})


def _said(codes: Mapping[str, str]) -> int:
    for called, code in codes.items():
        print(f"{called}的一次性登录码，72 小时内有效：{code}")
    return 0


def _new(vault: LocalVault, county: str, login: str, name: str, id_line: str) -> NewPerson:
    number = parse_citizen_id(id_line, china_today())
    if isinstance(number, Fault):
        raise NotMade(f"{name}：{number.message}")
    subject = fold(login)
    if not _LOGIN.fullmatch(subject) or subject in RESERVED:
        raise NotMade(f"登录名 {login} 不能用：只能用字母、数字和 . _ @ -，2 至 80 个")
    return NewPerson(county, subject, name, vault.index(Field.ID_NUMBER, number), (Role.COUNTY_ADMIN,))


async def _make(settings: PeopleSettings, vault: LocalVault, people: list[NewPerson]) -> list[str]:
    engine = create_async_engine(settings.database_url.get_secret_value())
    try:
        async with Database(engine).transaction() as session:
            await hold_people(session, people[0].county_code)
            await _require_first(session, people)
            return [await _invite(session, vault, person) for person in people]
    finally:
        await engine.dispose()


async def _anew(settings: PeopleSettings, vault: LocalVault, county: str, logins: list[str]) -> dict[str, str]:
    """Both in one transaction, as a reset by two administrators would; whatever they could sign in with is void."""
    if logins[0] == logins[1]:
        raise NotMade("两名县管理员须是两个人，登录名不能相同")
    engine = create_async_engine(settings.database_url.get_secret_value())
    try:
        async with Database(engine).transaction() as session:
            await hold_people(session, county)
            return {login: await _reset(session, vault, county, login) for login in logins}
    finally:
        await engine.dispose()


async def _reset(session: AsyncSession, vault: LocalVault, county: str, login: str) -> str:
    person = await lock_person(session, county, login)
    if person is None or Role.COUNTY_ADMIN.value not in person.roles or person.state is PersonState.STOPPED:
        raise NotMade(f"{county} 没有登录名为 {login}、未停用的县管理员；其他人员由县管理员在“人员”中重置")
    code = await reset(session, person)
    await record(session, vault, by_system(county, "person.reset", login, {"roles": person.roles}))
    return code


async def _require_first(session: AsyncSession, people: list[NewPerson]) -> None:
    county = people[0].county_code
    administrators = select(func.count()).where(
        Person.county_code == county, literal(Role.COUNTY_ADMIN.value) == any_(col(Person.roles))
    )
    if (await session.exec(administrators)).one():
        raise NotMade(f"{county} 已有县管理员；新的人员由其在“人员”中邀请，由另一名县管理员确认")
    if people[0].subject == people[1].subject or people[0].person_index == people[1].person_index:
        raise NotMade("两名县管理员须是两个人，登录名也不能相同")
    for person in people:
        if await login_taken(session, county, person.subject) or await known_as(session, county, person.person_index):
            raise NotMade(f"登录名 {person.subject} 或其身份证号已在人员名单中，请核对")


async def _invite(session: AsyncSession, vault: LocalVault, new: NewPerson) -> str:
    person = await add_person(session, vault, new, "system")
    await record(session, vault, by_system(new.county_code, "person.invited", new.subject, {"roles": person.roles}))
    return await give_code(session, person)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.people", description=__doc__)
    parser.add_argument("county", help="区县代码，6 位")
    for place, words in (("first", "第一名"), ("second", "第二名")):
        parser.add_argument(place, nargs="?", help=f"{words}县管理员的登录名，例如 chen.jing")
        parser.add_argument(f"{place}_name", nargs="?", help=f"{words}县管理员的姓名")
    anew = "两名已有的县管理员都不能登录时，重置其登录，各给一个新的登录码"
    parser.add_argument("--anew", nargs=2, metavar="登录名", help=anew)
    return parser


if __name__ == "__main__":
    sys.exit(spoken("people", main))
