"""A county's first two administrators are made by a command, once; they sign in as everybody does."""

import io
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.people import main
from deploy.spoken import spoken
from tests.rows import COUNTY, Office, citizen_id, open_office
from tests.sign_ins import PASSWORD, first_time, step

WORDS = (COUNTY, "Chen.Jing", "陈静", "zhou.wei", "周伟")


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def test_the_first_two_are_made_once_and_sign_in(
    office: Office,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import asyncio

    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VAULT_KEY_FILE", str(tmp_path / "vault.json"))

    async def ran(words: tuple[str, ...], *ids: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{one}\n" for one in ids)))
        code = await asyncio.to_thread(spoken, "people", lambda: main(list(words)))
        return code, *capsys.readouterr()

    two = citizen_id(1), citizen_id(2)
    for words, ids, says in (
        (WORDS, (two[0], two[0]), "须是两个人"),
        ((*WORDS[:3], "chen.jing", "周伟"), two, "须是两个人"),
        (("5001", *WORDS[1:]), two, "6 位数字"),
        ((COUNTY, "陈静", *WORDS[2:]), two, "登录名"),
        (WORDS, (two[0], "50010119800101"), "身份证号"),
    ):
        code, told, errors = await ran(words, *ids)
        assert (code, told) == (1, ""), words
        assert says in errors
        assert not {*ids} & {*errors.split()}
    code, told, _ = await ran(WORDS, *two)
    assert code == 0
    codes = [line.rpartition("：")[2] for line in told.splitlines()]
    for login, one in zip(("chen.jing", "zhou.wei"), codes, strict=True):
        assert (await first_time(office, login, one))[1]["session"]
    for logins, says in ((("chen.jing", "CHEN.jing"), "须是两个人"), (("chen.jing", "li.si"), "没有登录名为 li.si")):
        assert says in (await ran((COUNTY, "--anew", *logins)))[2]
    code, told, _ = await ran((COUNTY, "--anew", "Chen.Jing", "zhou.wei"))
    assert (code, "chen.jing的一次性登录码" in told) == (0, True)
    assert (await step(office, "", name="chen.jing", password=PASSWORD)).status_code == 401
    for login, line in zip(("chen.jing", "zhou.wei"), told.splitlines(), strict=True):
        assert (await first_time(office, login, line.rpartition("：")[2]))[1]["session"]
    assert "已有县管理员" in (await ran((COUNTY, "li.si", "李四", "wang.wu", "王五"), citizen_id(3), citizen_id(4)))[2]
