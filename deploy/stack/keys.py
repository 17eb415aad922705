"""What a local stack needs of secrets: random, made at its first start, readable by their owner only."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.stack.processes import StackError

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


def load_or_create(path: Path) -> StackSecrets:
    if path.exists():
        try:
            return StackSecrets(**json.loads(path.read_text()))
        except TypeError as error:
            raise StackError("这里的数据是较早的版本存下的。请运行 make clean 清除后重新启动。") from error
    made = StackSecrets(
        postgres_passwords={role: secrets.token_urlsafe(24) for role in POSTGRES_ROLES},
        s3_access_key_id=secrets.token_hex(10),
        s3_secret_access_key=secrets.token_urlsafe(30),
        client_secrets={province: secrets.token_urlsafe(32) for province in PROVINCES},
        callback_secrets={province: _webhook_secret() for province in PROVINCES},
    )
    write_private(path, asdict(made))
    return made


def write_private(path: Path, content: object) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)


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


def write_demo_tokens(path: Path, token_key: Path, vault_key: Path) -> None:
    """{county: {role: token}}; `second_reviewer` is another person in the reviewer's role.

    A reviewer's token says who the person is, as in production: nobody decides about the own account.
    """
    from models import tokens
    from models.store.vault import Field, LocalVault
    from models.words.stages import Role

    everyone = {county: {role.value: (role, role.value) for role in Role} for county in COUNTIES}
    for people in everyone.values():
        people["second_reviewer"] = (Role.REVIEWER, "second_reviewer")
    vault = LocalVault.from_file(vault_key)
    minted: dict[str, dict[str, str]] = {}
    for county, people in everyone.items():
        named = {
            name: vault.index(Field.ID_NUMBER, _invented_id(county, place))
            for place, name in enumerate(("reviewer", "second_reviewer"))
        }
        minted[county] = {
            name: tokens.mint(token_key, f"{subject}-{county}", role, county, person_index=named.get(name))
            for name, (role, subject) in people.items()
        }
    write_private(path, minted)


def _invented_id(county: str, place: int) -> str:
    """The id of a demo reviewer, older than anybody in the demo's data."""
    from models.forms.identity import citizen_id_check_digit

    start = f"{county}19370101{place:03d}"
    return start + citizen_id_check_digit(start + "0")


def _client_id(province: str) -> str:
    return f"onecard-{province}"


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
