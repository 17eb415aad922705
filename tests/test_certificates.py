"""A wrong, ended or foreign certificate between the product and Temporal is a sentence that says what to do."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.cluster.agreed import SERVER_NAME
from deploy.cluster.certificates import Certificates, hand_out, sign
from deploy.stack.condition import examine
from models.settings import Settings
from tests.api_server import api_server, settings_for
from tests.tls_server import speaking_tls
from workflows.certificates import trouble_with
from workflows.client import connect, profile_of

Given = dict[str, str]
ENDED = datetime.now(UTC) - timedelta(days=3)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    (tmp_path / "own").mkdir()
    found = Certificates(tmp_path / "own")
    found.make()
    return found


@pytest.fixture
def foreign(tmp_path: Path) -> Certificates:
    (tmp_path / "foreign").mkdir()
    found = Certificates(tmp_path / "foreign")
    found.make()
    return found


def given_of(made: Certificates) -> Given:
    return {
        "TEMPORAL_TLS_SERVER_NAME": SERVER_NAME,
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(made.nodes_authority.certificate),
        "TEMPORAL_TLS_CLIENT_CERT_PATH": str(made.product.certificate),
        "TEMPORAL_TLS_CLIENT_KEY_PATH": str(made.product.key),
    }


def _unchanged(given: Given, made: Certificates, foreign: Certificates) -> None:
    pass


def _ended(given: Given, made: Certificates, foreign: Certificates) -> None:
    sign(made.clients_authority, made.product, "product", CLIENT, ENDED)


def _foreign(given: Given, made: Certificates, foreign: Certificates) -> None:
    sign(foreign.clients_authority, made.product, "product", CLIENT)


def _of_two_pairs(given: Given, made: Certificates, foreign: Certificates) -> None:
    given["TEMPORAL_TLS_CLIENT_KEY_PATH"] = str(made.ui.key)


def _no_certificate(given: Given, made: Certificates, foreign: Certificates) -> None:
    made.product.certificate.write_text("nothing")


def _not_there(given: Given, made: Certificates, foreign: Certificates) -> None:
    made.product.key.unlink()


def _none_shown(given: Given, made: Certificates, foreign: Certificates) -> None:
    del given["TEMPORAL_TLS_CLIENT_CERT_PATH"], given["TEMPORAL_TLS_CLIENT_KEY_PATH"]


def _without_tls(given: Given, made: Certificates, foreign: Certificates) -> None:
    given.clear()


def _other_authority(given: Given, made: Certificates, foreign: Certificates) -> None:
    given["TEMPORAL_TLS_SERVER_CA_CERT_PATH"] = str(foreign.nodes_authority.certificate)


def _other_name(given: Given, made: Certificates, foreign: Certificates) -> None:
    given["TEMPORAL_TLS_SERVER_NAME"] = "temporal.province.cn"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_unchanged, None),
        (_ended, "已于 {day} "),
        (_foreign, "不接受这里的客户端证书"),
        (_of_two_pairs, "不是一对"),
        (_no_certificate, "无法识别"),
        (_not_there, "读不到"),
        (_none_shown, "要求客户端证书，而这里没有设置"),
        (_without_tls, "只接受 TLS，而这里没有设置证书"),
        (_other_authority, "不是这里所信任的机构签发的"),
        (_other_name, "不是给 temporal.province.cn 的"),
    ],
)
async def test_each_trouble_is_a_sentence(
    made: Certificates,
    foreign: Certificates,
    spoil: Callable[[Given, Certificates, Certificates], None],
    sentence: str | None,
) -> None:
    given = given_of(made)
    with speaking_tls(made.node, made.clients_authority.certificate) as address:
        spoil(given, made, foreign)
        said = await trouble_with(given | {"TEMPORAL_ADDRESS": address})
    if sentence is None:
        assert said is None
    else:
        day = (ENDED + timedelta(hours=8)).strftime("%Y-%m-%d")
        assert said is not None
        assert sentence.format(day=day) in said


async def test_their_ended_certificate_and_no_tls_at_all(made: Certificates) -> None:
    given = given_of(made)
    sign(made.nodes_authority, made.node, SERVER_NAME, (ExtendedKeyUsageOID.SERVER_AUTH,), ENDED)
    with speaking_tls(made.node, made.clients_authority.certificate) as address:
        assert "证书已到期" in str(await trouble_with(given | {"TEMPORAL_ADDRESS": address}))

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        assert "不使用 TLS" in str(await trouble_with(given | {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}"}))
    assert await trouble_with(given | {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}"}) is None, (
        "nobody there: another trouble"
    )


async def test_doctor_and_health_say_it(
    made: Certificates, foreign: Certificates, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = given_of(made)
    with speaking_tls(made.node, made.clients_authority.certificate) as address:
        given["TEMPORAL_ADDRESS"] = address
        _foreign(given, made, foreign)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        found = await asyncio.to_thread(lambda: list(examine(tmp_path / "home")))
        assert ["不接受这里的客户端证书" in one.mend for one in found if one.what.startswith("Temporal")] == [True]
        client = await connect(given, lazy=True)
        settings = {name.lower(): value for name, value in given.items()}
        async with api_server(database_url, tmp_path, temporal=client, **settings) as server:
            health = (await server.http.get("/health")).json()
    assert (health["status"], health["temporal"]) == ("degraded", False)
    assert "不接受这里的客户端证书" in health["temporal_trouble"]


def test_only_the_named_profile_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's own profile lies where the SDK would look for it by itself."""
    own = tmp_path / ".config" / "temporalio" / "temporal.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[profile.default]\naddress = "person.example:7233"\n')
    for name, value in {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}.items():
        monkeypatch.setenv(name, value)
    assert profile_of({}).address is None
    named = tmp_path / "named.toml"
    named.write_text('[profile.province]\naddress = "temporal.province.cn:7233"\nnamespace = "season"\n')
    settings = of(tmp_path, temporal_config_file=named, temporal_profile="province")
    assert (settings.temporal_address, settings.temporal_namespace) == ("temporal.province.cn:7233", "season")
    assert profile_of(settings.temporal_environment).address == "temporal.province.cn:7233"
    assert of(tmp_path, temporal_config_file=named).temporal_address == "127.0.0.1:7233"
    nearer = of(tmp_path, temporal_config_file=named, temporal_profile="province", temporal_address="127.0.0.1:1")
    assert profile_of(nearer.temporal_environment).address == nearer.temporal_address == "127.0.0.1:1"


async def test_a_named_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    settings = of(tmp_path, temporal_config_file=tmp_path / "gone.toml")
    assert "TEMPORAL_CONFIG_FILE" in str(await trouble_with(settings.temporal_environment))


def test_whoever_asks_is_given_its_own_pair_alone(tmp_path: Path) -> None:
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    made = Certificates(nodes)
    made.make()
    hand_out(made, tmp_path)
    names = {path.name for path in (tmp_path / "product").iterdir()}
    assert names == {"temporal-product.crt", "temporal-product.key", "temporal-nodes-ca.crt"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.key")} == {0o600}


def of(tmp_path: Path, **given: object) -> Settings:
    return settings_for("postgresql+psycopg://a:b@127.0.0.1:1/none", tmp_path, **given)
