"""A token is minted by a command where the API listens on loopback: roles and names checked, keys from the settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models import tokens
from models.stages import Role
from models.store.vault import Field, LocalVault, create_key_file
from tests.rows import COUNTY, citizen_id

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    files = {"TOKEN_KEY_FILE": tmp_path / "token.key", "VAULT_KEY_FILE": tmp_path / "vault.json"}
    tokens.create_key_file(files["TOKEN_KEY_FILE"])
    create_key_file(files["VAULT_KEY_FILE"])
    return {name: str(path) for name, path in files.items()}


def run(env: dict[str, str], *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.token", *words]
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command, cwd=ROOT, env=inherited | env, input=said, capture_output=True, text=True, check=False
    )


def test_a_token_opens_what_it_names(keys: dict[str, str]) -> None:
    key = tokens.load_key(Path(keys["TOKEN_KEY_FILE"]))
    plain = run(keys, "Zhang.San", "operator", COUNTY)
    who = tokens.read(key, plain.stdout.strip())
    assert (who.subject, who.role, who.county_code, who.person_index) == ("zhang.san", Role.OPERATOR, COUNTY, None)
    number = citizen_id(7)
    own = run(keys, "li.si", "reviewer", COUNTY, "--hours", "1", "--own-id", said=number + "\n")
    vault = LocalVault.from_file(Path(keys["VAULT_KEY_FILE"]))
    assert tokens.read(key, own.stdout.strip()).person_index == vault.index(Field.ID_NUMBER, number)
    assert number not in own.stdout + own.stderr


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
    ],
)
def test_what_is_not_minted_is_said_in_one_line(
    keys: dict[str, str], words: tuple[str, ...], env: dict[str, str], says: str
) -> None:
    done = run(keys | env, *words, said="50010119800101\n")
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_key_file_comes_from_the_settings() -> None:
    done = run({}, "li.si", "operator", COUNTY)
    assert (done.returncode, done.stdout) == (1, "")
    assert "TOKEN_KEY_FILE" in done.stderr
