"""`python -m deploy.token zhang.san operator 500001`: a token for one person, where the API listens on loopback only.

Whoever may run it may be anybody: it is for trying out and the demo. The person is written as a row of DATABASE_URL,
and acts as if a code of the second factor had just been typed. Keys come from the settings' files; the id of a person
who is a beneficiary too is read from standard input, where no list of processes shows it.
"""

import argparse
import sys
from ipaddress import ip_address
from pathlib import Path

import psycopg
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from deploy.local_people import LocalPerson, driver_url, put_local_people
from deploy.spoken import spoken
from models import tokens
from models.forms.identity import parse_citizen_id
from models.store.vault import Field, LocalVault
from models.words.calendar import china_today
from models.words.faults import Fault
from models.words.staff import Role


class KeySettings(BaseSettings):
    """Those of worker and API that a token needs, by the same names."""

    token_key_file: Path
    vault_key_file: Path
    database_url: SecretStr
    api_host: str = "127.0.0.1"


class NotMinted(Exception):
    """Why not, and what to do."""

    said_fully = True


def main(argv: list[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    settings = _settings()
    if not _is_loopback(settings.api_host):
        raise NotMinted(f"API 监听 {settings.api_host}，不是本机环境；这个命令只用于本机试用和演示")
    role = Role(asked.role)
    try:
        vault = LocalVault.from_file(settings.vault_key_file)
        index = _person_index(vault, sys.stdin.readline()) if asked.own_id else None
        token = tokens.mint(settings.token_key_file, asked.subject, role, asked.county, asked.hours)
        person = LocalPerson(asked.county, asked.subject, (role,), asked.name or asked.subject, index)
        with psycopg.connect(driver_url(settings.database_url.get_secret_value())) as connection:
            put_local_people(connection, vault, [person])
        print(token)
    except psycopg.Error:
        raise NotMinted("没有签发：写不进 DATABASE_URL 指明的数据库，请确认它已启动并已迁移") from None
    except ValidationError:
        raise NotMinted("人员标识只能用字母、数字和 . _ @ -（至多 80 个），区县代码须为 6 位数字，请更正") from None
    except (ValueError, OSError) as error:
        raise NotMinted(f"没有签发：{error}") from None
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.token", description=__doc__)
    parser.add_argument("subject", help="人员标识，例如 zhang.san")
    parser.add_argument("role", choices=[role.value for role in Role], help="角色")
    parser.add_argument("county", help="区县代码，6 位；运维查看全省的运行时用省代码")
    parser.add_argument("--name", help="姓名，首次签发时写入人员名单")
    parser.add_argument("--hours", type=float, default=12, help=f"有效小时数，至多 {tokens.LONGEST_HOURS}")
    parser.add_argument("--own-id", action="store_true", help="从标准输入读本人的身份证号：不能审核本人的账号")
    return parser


def _settings() -> KeySettings:
    try:
        return KeySettings()
    except ValidationError:
        raise NotMinted(
            "请用环境变量 TOKEN_KEY_FILE、VAULT_KEY_FILE、DATABASE_URL 指明密钥文件和数据库，如 make up 的 var/keys/"
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _person_index(vault: LocalVault, line: str) -> str:
    number = parse_citizen_id(line, china_today())
    if isinstance(number, Fault):
        raise NotMinted(number.message)
    return vault.index(Field.ID_NUMBER, number)


if __name__ == "__main__":
    sys.exit(spoken("token", main))
