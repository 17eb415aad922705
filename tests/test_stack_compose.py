"""The compose file and the image fit the product: its settings, its folders, the stack's Temporal."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from deploy.stack import temporal
from models.settings import Settings

OWNER_URL = "database_owner_url"
DEPLOY = Path(__file__).resolve().parents[1] / "deploy"


class Dependency(BaseModel):
    condition: str


class Service(BaseModel):
    model_config = ConfigDict(extra="ignore")

    image: str
    # a name alone hands on what `deploy/.env` says, and nothing where it says nothing
    environment: dict[str, str | None] = {}
    depends_on: dict[str, Dependency] = {}
    command: list[str] = []
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
    assert services["temporal"].environment["POSTGRES_USER"] == "temporal"


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


def test_namespace_has_the_stacks_search_attributes_and_retention(services: dict[str, Service]) -> None:
    script = " ".join(services["temporal-namespace"].command)
    assert dict(re.findall(r"--name (\w+)\s+--type (\w+)", script)) == temporal.SEARCH_ATTRIBUTES
    assert set(re.findall(r"--retention (\w+)", script)) == {f"{temporal.RETENTION.days}d"}


def test_temporal_is_the_server_on_postgres(services: dict[str, Service]) -> None:
    assert services["temporal"].image.startswith("temporalio/server:")
    assert services["temporal"].environment["POSTGRES_SEEDS"] == "postgres"


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
