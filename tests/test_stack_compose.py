"""The compose file and the image fit the product: its settings, its folders, the stack's Temporal."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from deploy.cluster import agreed
from models.settings import Settings

OWNER_URL = "database_owner_url"
DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
# What each node is told by the names of the server's own image.
AGREED = {
    "DB": agreed.PLUGIN,
    "NUM_HISTORY_SHARDS": str(agreed.SHARDS),
    "SQL_MAX_CONNS": str(agreed.CONNECTIONS["temporal"]),
    "SQL_VIS_MAX_CONNS": str(agreed.CONNECTIONS["temporal_visibility"]),
    "TEMPORAL_TLS_REQUIRE_CLIENT_AUTH": "true",
    "TEMPORAL_TLS_INTERNODE_SERVER_NAME": agreed.SERVER_NAME,
    "TEMPORAL_TLS_FRONTEND_SERVER_NAME": agreed.SERVER_NAME,
}.items()


class Dependency(BaseModel):
    condition: str


class Service(BaseModel):
    model_config = ConfigDict(extra="ignore")

    image: str
    # a name alone hands on what `deploy/.env` says, and nothing where it says nothing
    environment: dict[str, str | None] = {}
    depends_on: dict[str, Dependency] = {}
    command: list[str] = []
    volumes: list[str] = []
    deploy: dict[str, int] = {}
    stop_grace_period: str = "10s"
    restart: str


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    read = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return {name: Service.model_validate(service) for name, service in read["services"].items()}


@pytest.mark.parametrize("program", ["worker", "api", "prepare"])
def test_programs_get_settings_that_exist_and_every_required_one(services: dict[str, Service], program: str) -> None:
    given = {name.lower() for name in services[program].environment} - {OWNER_URL}
    required = {name for name, field in Settings.model_fields.items() if field.is_required()}
    assert given <= set(Settings.model_fields)
    assert required <= given


def test_only_the_migrations_are_given_the_owner(services: dict[str, Service]) -> None:
    assert [name for name, service in services.items() if OWNER_URL.upper() in service.environment] == ["prepare"]
    for name in ("worker", "api", "prepare"):
        assert "://onecard_app:" in str(services[name].environment["DATABASE_URL"])
    assert "://onecard_owner:" in str(services["prepare"].environment[OWNER_URL.upper()])
    assert {services[f"temporal-{role}"].environment["POSTGRES_USER"] for role in agreed.REPLICAS} == {"temporal"}


def test_the_api_alone_is_handed_the_sign_in_provider(services: dict[str, Service]) -> None:
    """Where `deploy/.env` says nothing of them they aren't there: an empty one would be no address."""
    wanted = {name.upper() for name in Settings.model_fields if name.startswith("oidc_")}
    assert len(wanted) == 4
    given = {
        name: {key: value for key, value in each.environment.items() if key in wanted}
        for name, each in services.items()
    }
    assert {name: found for name, found in given.items() if found} == {"api": dict.fromkeys(wanted)}


def test_every_dependency_is_a_service(services: dict[str, Service]) -> None:
    assert {name for service in services.values() for name in service.depends_on} <= set(services)


def test_it_keeps_to_the_compose_specification() -> None:
    """Its schema comes with the tool: nothing is fetched."""
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*tool, str(COMPOSE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_namespace_has_the_agreed_search_attributes_and_retention(services: dict[str, Service]) -> None:
    script = " ".join(services["temporal-namespace"].command)
    assert dict(re.findall(r"--name (\w+)\s+--type (\w+)", script)) == agreed.SEARCH_ATTRIBUTES
    canary = f"{agreed.CANARY_RETENTION.days * 24}h"
    assert set(re.findall(r"--retention (\w+)", script)) == {f"{agreed.RETENTION.days}d", canary}
    assert services["worker"].environment["TEMPORAL_CANARY_NAMESPACE"] == agreed.CANARY_NAMESPACE
    assert services["temporal-namespace"].environment["NAMESPACE"] == agreed.NAMESPACE


def test_temporals_roles_run_apart_and_as_agreed(services: dict[str, Service]) -> None:
    for role, replicas in agreed.REPLICAS.items():
        node = services[f"temporal-{role}"]
        assert node.image == f"temporalio/server:${{TEMPORAL_VERSION:-{agreed.SERVER_VERSION}}}"
        assert node.deploy == {"replicas": replicas}
        assert node.environment.items() >= AGREED
        assert node.environment["TEMPORAL_SERVICES"] == role
    assert services["temporal-ui"].image.endswith(f":-{agreed.UI_VERSION}}}")
    content = yaml.safe_load(COMPOSE.read_text())["configs"]["temporal_dynamic"]["content"]
    dynamic = {key: values[0]["value"] for key, values in yaml.safe_load(content).items()}
    assert dynamic == agreed.DYNAMIC_CONFIG | agreed.BETWEEN_NODES
    question, drained, grace = (
        float(each.removesuffix("s"))
        for each in (
            dynamic["matching.longPollExpirationInterval"],
            dynamic["frontend.shutdownDrainDuration"],
            services["temporal-frontend"].stop_grace_period,
        )
    )
    assert question < drained < grace, "a frontend that ends cuts off what it has just given to a worker"


def test_whoever_asks_temporal_has_its_own_pair_and_no_authority(services: dict[str, Service]) -> None:
    """The folder with the authorities' keys is the nodes' and the maker's."""
    mounted = {name: {each.split(":")[0] for each in service.volumes} for name, service in services.items()}
    makers = {f"temporal-{role}" for role in agreed.REPLICAS} | {"temporal-certificates"}
    assert {name for name, volumes in mounted.items() if "temporal-nodes" in volumes} == makers
    for name in ("worker", "api", "temporal-namespace"):
        assert services[name].environment["TEMPORAL_TLS_SERVER_NAME"] == agreed.SERVER_NAME
        assert "temporal-product" in mounted[name]


def test_no_secret_is_written_down(services: dict[str, Service]) -> None:
    secret = {
        value
        for service in services.values()
        for name, value in service.environment.items()
        if value is not None and re.search("PASSWORD|PWD|SECRET|ACCESS_KEY", name)
    }
    assert secret
    assert [value for value in secret if not re.fullmatch(r"\$\{[A-Z0-9_]+:\?[^}]+\}", value)] == []


def test_image_holds_every_part_of_the_product_and_no_root() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line}
    assert copied >= {"worker.py", "models", "activities", "workflows", "api", "deploy/migrations"}
    shown = set((DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines())
    assert {f"!{path}" for path in copied} <= shown
    assert "USER 10001" in lines
