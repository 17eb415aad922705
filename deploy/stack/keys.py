"""What a local stack needs of secrets: random, made at its first start, readable by their owner only."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.private_files import write_private
from deploy.stack.processes import StackError

if TYPE_CHECKING:
    from models.words.staff import Role

PROVINCES = ("500000", "430000")
POSTGRES_ROLES = ("postgres", "onecard_owner", "onecard_app")
COUNTIES = ("500001", "500003")


@dataclass(frozen=True)
class StackSecrets:
    """Passwords and keys between the parts."""

    # by role
    postgres_passwords: dict[str, str]
    s3_access_key_id: str
    s3_secret_access_key: str
    client_secrets: dict[str, str]
    callback_secrets: dict[str, str]
    # of Temporal's own PostgreSQL, where it is a cluster
    temporal_password: str = ""


def load_or_create(path: Path) -> StackSecrets:
    if path.exists():
        try:
            return _with_temporal(path, StackSecrets(**json.loads(path.read_text())))
        except TypeError as error:
            raise StackError("这里的数据是较早的版本存下的。请运行 make clean 清除后重新启动。") from error
    made = StackSecrets(
        postgres_passwords={role: secrets.token_urlsafe(24) for role in POSTGRES_ROLES},
        s3_access_key_id=secrets.token_hex(10),
        s3_secret_access_key=secrets.token_urlsafe(30),
        client_secrets={province: secrets.token_urlsafe(32) for province in PROVINCES},
        callback_secrets={province: _webhook_secret() for province in PROVINCES},
        temporal_password=secrets.token_urlsafe(24),
    )
    write_private(path, asdict(made))
    return made


def _with_temporal(path: Path, known: StackSecrets) -> StackSecrets:
    """A home of before there was a cluster has no password for it yet."""
    if known.temporal_password:
        return known
    made = replace(known, temporal_password=secrets.token_urlsafe(24))
    write_private(path, asdict(made))
    return made


def write_platform_clients(path: Path, keys: StackSecrets, base_url: str) -> None:
    """PLATFORM_CLIENTS_FILE: whom this system is at each province's platform."""
    clients = {
        province: {
            "base_url": base_url,
            "client_id": _client_id(province),
            "secrets": [keys.client_secrets[province]],
            "callback_secrets": [keys.callback_secrets[province]],
        }
        for province in PROVINCES
    }
    write_private(path, clients)


def write_simulator_clients(path: Path, keys: StackSecrets, api_url: str) -> None:
    """The same seen from the platform: who may call it, and where its callbacks go."""
    clients = [
        {
            "client_id": _client_id(province),
            "province_code": province,
            "secrets": [keys.client_secrets[province]],
            "callback_url": f"{api_url}/callbacks/{province}",
            "callback_secrets": [keys.callback_secrets[province]],
        }
        for province in PROVINCES
    ]
    write_private(path, clients)


def create_key_files(vault_key: Path, token_key: Path) -> None:
    # Read here, not at import: the servers alone start without the product.
    from models import tokens
    from models.store import vault

    vault.create_vault_key_file(vault_key)
    tokens.create_token_key_file(token_key)


# By role, with a second person in the role where a season needs two.
DEMO_PEOPLE = {
    "county_admin": "陈主任",
    "second_county_admin": "周副主任",
    "operator": "李会计",
    "second_operator": "吴会计",
    "reviewer": "王科长",
    "second_reviewer": "赵科长",
    "applicant": "刘村民",
    "ops": "孙运维",
    "auditor": "郑审计",
}


def write_demo_tokens(path: Path, token_key: Path) -> None:
    """{county: {name: token}} of DEMO_PEOPLE."""
    from models import tokens

    minted = {
        county: {name: tokens.mint(token_key, f"{name}-{county}", role_of(name), county) for name in DEMO_PEOPLE}
        for county in COUNTIES
    }
    write_private(path, minted)


def put_demo_people(database_url: str, vault_key: Path) -> None:
    """Whom the tokens name. Each has an id of their own, as in production: nobody decides about the own account."""
    import psycopg

    from deploy.local_people import LocalPerson, driver_url, put_local_people
    from models.store.vault import Field, LocalVault

    vault = LocalVault.from_file(vault_key)
    people = [
        LocalPerson(
            county,
            f"{name}-{county}",
            (role_of(name),),
            words,
            vault.index(Field.ID_NUMBER, _invented_id(county, place)),
        )
        for county in COUNTIES
        for place, (name, words) in enumerate(DEMO_PEOPLE.items())
    ]
    with psycopg.connect(driver_url(database_url)) as connection:
        put_local_people(connection, vault, people)


def role_of(name: str) -> "Role":
    from models.words.staff import Role

    return Role(name.removeprefix("second_"))


def _invented_id(county: str, place: int) -> str:
    """The id of somebody of the demo's staff, older than anybody in the demo's data."""
    from models.forms.identity import citizen_id_check_digit

    start = f"{county}19370101{place:03d}"
    return start + citizen_id_check_digit(start + "0")


def _client_id(province: str) -> str:
    return f"onecard-{province}"


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
