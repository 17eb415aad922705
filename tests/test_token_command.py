"""A token is minted by a command where the API listens on loopback: roles and names checked, keys from the settings."""

import io
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from deploy.spoken import spoken
from deploy.token import main
from models import tokens
from models.store.vault import Field, LocalVault, create_vault_key_file
from models.words.staff import Role
from tests.rows import COUNTY, citizen_id

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(database_url: str, tmp_path: Path) -> dict[str, str]:
    files = {"TOKEN_KEY_FILE": tmp_path / "token.key", "VAULT_KEY_FILE": tmp_path / "vault.json"}
    tokens.create_token_key_file(files["TOKEN_KEY_FILE"])
    create_vault_key_file(files["VAULT_KEY_FILE"])
    return {name: str(path) for name, path in files.items()} | {"DATABASE_URL": database_url}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: its exit code, and what it wrote."""

    def ran(env: dict[str, str], *words: str, typed: str = "") -> tuple[int, str, str]:
        for name in ("TOKEN_KEY_FILE", "VAULT_KEY_FILE", "DATABASE_URL", "API_HOST"):
            monkeypatch.delenv(name, raising=False)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            code = spoken("token", lambda: main(list(words)))
        except SystemExit as ended:  # argparse says what is wrong with the words
            code = int(str(ended.code))
        return code, *capsys.readouterr()

    return ran


def test_a_token_opens_what_it_names(keys: dict[str, str], run: Run, owner: psycopg.Connection) -> None:
    key = tokens.load_key(Path(keys["TOKEN_KEY_FILE"]))
    _, token, _ = run(keys, "Zhang.San", "operator", COUNTY)
    who = tokens.read(key, token.strip())
    assert (who.subject, who.role, who.county_code) == ("zhang.san", Role.OPERATOR, COUNTY)
    assert who.code_at is not None
    assert who.code_at > datetime.now(UTC)
    number = citizen_id(7)
    _, token, errors = run(keys, "li.si", "reviewer", COUNTY, "--hours", "1", "--own-id", typed=f"{number}\n")
    vault = LocalVault.from_file(Path(keys["VAULT_KEY_FILE"]))
    assert tokens.read(key, token.strip()).subject == "li.si"
    assert run(keys, "li.si", "operator", COUNTY)[0] == 0
    rows = owner.execute("SELECT subject, roles, person_index, state, is_local FROM person ORDER BY id").fetchall()
    index = vault.index(Field.ID_NUMBER, number)
    assert rows == [
        ("zhang.san", ["operator"], None, "active", True),
        ("li.si", ["operator", "reviewer"], index, "active", True),
    ]
    assert number not in token + errors


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (("li.si", "boss", COUNTY), {}, "invalid choice"),
        (("li.si", "operator", "5001"), {}, "6 位数字"),
        (("李四", "operator", COUNTY), {}, "字母、数字"),
        (("system", "operator", COUNTY), {}, "保留"),
        (("li.si", "operator", COUNTY, "--hours", "25"), {}, "24 小时"),
        (("li.si", "operator", COUNTY, "--own-id"), {}, "身份证号"),
        (("li.si", "operator", COUNTY), {"API_HOST": "0.0.0.0"}, "只用于本机"),
        (("li.si", "operator", COUNTY), {"TOKEN_KEY_FILE": "/nowhere/token.key"}, "没有签发"),
        (("li.si", "operator", COUNTY), {"DATABASE_URL": "postgresql+psycopg://x@127.0.0.1:9/x"}, "没有签发"),
    ],
)
def test_what_is_not_minted_is_said_in_one_line(
    keys: dict[str, str], run: Run, words: tuple[str, ...], env: dict[str, str], says: str
) -> None:
    code, token, errors = run(keys | env, *words, typed="50010119800101\n")
    assert (code != 0, token) == (True, "")
    assert says in errors
    assert "Traceback" not in errors
    assert "50010119800101" not in errors


def test_the_key_file_comes_from_the_settings() -> None:
    command = [sys.executable, "-m", "deploy.token", "li.si", "operator", COUNTY]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "TOKEN_KEY_FILE" in done.stderr
