"""Where everything of one stack is: folders, ports, addresses, and the environment its programs are given."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy.cluster import programs
from deploy.cluster.agreed import CANARY_NAMESPACE
from deploy.cluster.certificates import Certificates
from deploy.cluster.plan import PORTS, Plan, write_profile
from deploy.simulator.catalog import load_catalog
from deploy.stack import keys, objects, postgres, temporal
from deploy.stack.ports import LOOPBACK, assign_ports
from deploy.stack.processes import ROOT
from deploy.stack.temporal import Kind, chosen
from deploy.stack.temporal_store import TemporalStore
from models.settings import Settings

_PORTS = (
    *("postgres", "simulator", "api", "start_page"),
    *("temporal.frontend", "temporal.ui", "temporal.http", "temporal.metrics"),
    *objects.LISTENERS,
)
_DATA = ROOT / "deploy" / "demo" / "data"
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
# The product's own list, and one that the simulator refuses: how a refused indicator can be tried.
FUND_NATURES = f"{Settings.model_fields['fund_natures'].default},一般公共预算资金【退回】"


@dataclass(frozen=True)
class Options:
    """How this stack differs from a plain one; `env` goes to worker and API."""

    # Business seconds per second: a day of the simulator's platform takes a second. 0: no delays at all.
    time_scale: float = 86_400
    seed: int | None = None
    # Rates per kind, as in "duplicate=0.1,5xx=0.05".
    faults: str | None = None
    # What the platform and the banks know of people: (county, file), and files.
    registers: tuple[tuple[str, Path], ...] = (
        ("500001", _DATA / "register-500001-2000.csv"),
        ("500001", _DATA / "register-500001-org-24.csv"),
        ("500003", _DATA / "register-500003-60.csv"),
    )
    bank_accounts: tuple[Path, ...] = (_DATA / "bank-accounts-500001-2000.csv",)
    env: Mapping[str, str] = field(default_factory=dict)
    # Whether it is served, so that pages lead back to it.
    start_page: bool = False
    # Off: PostgreSQL and Temporal don't wait for the disk. That survives kill -9, not a power cut; for tests.
    durable: bool = True
    # The dev server, or the cluster (ONECARD_TEMPORAL).
    temporal: Kind = field(default_factory=chosen)
    # Beyond what is agreed: a test's own limits.
    temporal_config: Mapping[str, bool | int | str] = field(default_factory=dict)

    def simulator_flags(self) -> list[str]:
        given = {"--time-scale": self.time_scale, "--seed": self.seed, "--faults": self.faults}
        return [word for flag, value in given.items() if value is not None for word in (flag, str(value))]

    def simulator_knowledge(self) -> list[str]:
        registers = [word for county, file in self.registers for word in ("--register", f"{county}={file}")]
        return registers + [word for file in self.bank_accounts for word in ("--bank-accounts", str(file))]


class Layout:
    """The addresses and files of the stack whose home is `home`."""

    def __init__(self, home: Path, options: Options) -> None:
        self.home = home
        self.options = options
        for folder in ("run", "logs", "keys"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "keys").chmod(0o700)
        cluster = PORTS if self.is_cluster else ()
        self.ports = assign_ports(home / "ports.json", (*_PORTS, *cluster))
        self.secrets = keys.load_or_create(home / "keys" / "stack.json")
        write_profile(
            self.temporal.profile,
            self.temporal.address,
            temporal.NAMESPACE,
            self.certificates if self.is_cluster else None,
        )

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def platform_clients(self) -> Path:
        return self.home / "keys" / "platform-clients.json"

    @property
    def simulator_clients(self) -> Path:
        return self.home / "keys" / "simulator-clients.json"

    @property
    def vault_key(self) -> Path:
        return self.home / "keys" / "vault.key"

    @property
    def token_key(self) -> Path:
        return self.home / "keys" / "token.key"

    @property
    def tokens(self) -> Path:
        return self.home / "tokens.json"

    @property
    def api_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['api']}"

    @property
    def simulator_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['simulator']}"

    @property
    def start_page_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['start_page']}"

    def simulator_links(self) -> list[str]:
        """Where the simulator's pages lead on to: it knows nothing of the product."""
        pages = {"享受人的账号": "account", "办理中": "matters", "办理完结": "finished"}
        links = {words: f"{self.api_url}/citizen/m/{page}" for words, page in pages.items()}
        if self.options.start_page:
            links["本机起始页"] = self.start_page_url
        return [flag for words, at in links.items() for flag in ("--link", f"{words}={at}")]

    @cached_property
    def temporal(self) -> temporal.Addresses:
        names = ("frontend", "ui", "http", "metrics")
        return temporal.Addresses(
            **{name: self.ports[f"temporal.{name}"] for name in names},
            profile=self.home / "keys" / "temporal.toml",
        )

    @property
    def is_cluster(self) -> bool:
        return self.options.temporal is Kind.CLUSTER

    @property
    def certificates(self) -> Certificates:
        return Certificates(self.home / "keys")

    @property
    def temporal_store(self) -> TemporalStore:
        return TemporalStore(self.home / "temporal", self.is_cluster)

    def temporal_plan(self) -> Plan:
        """What the cluster's keeper is told."""
        return Plan(
            home=self.home / "temporal",
            keys=self.home / "keys",
            run=self.run,
            logs=self.logs,
            programs=programs.find().folder,
            ports={name: port for name, port in self.ports.items() if name.startswith("temporal.")},
            password=self.secrets.temporal_password,
            durable=self.options.durable,
            extra=dict(self.options.temporal_config),
        )

    @cached_property
    def objects(self) -> objects.ObjectStore:
        listeners = {name: self.ports[name] for name in objects.LISTENERS}
        return objects.ObjectStore(listeners, self.secrets.s3_access_key_id, self.secrets.s3_secret_access_key)

    @cached_property
    def cluster(self) -> postgres.Cluster:
        return postgres.prepare(
            self.home, self.ports["postgres"], self.secrets.postgres_passwords, self.options.durable
        )

    @property
    def database_url(self) -> str:
        """The database as worker and API use it."""
        return self.cluster.url(postgres.DATABASE)

    @property
    def owner_url(self) -> str:
        """The same as the migrations use it."""
        return self.cluster.url(postgres.DATABASE, postgres.OWNER)

    def base_environment(self) -> dict[str, str]:
        """What every part gets of ours: no proxy, no setting of this shell leaks into the stack."""
        return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"TZ": "UTC"}

    def environment(self, database_url: str | None = None) -> dict[str, str]:
        """The settings of worker and API."""
        return self.base_environment() | {
            "DATABASE_URL": database_url or self.database_url,
            **self.temporal.environment,
            "TEMPORAL_TASK_QUEUE": temporal.TASK_QUEUE,
            "TEMPORAL_UI_URL": self.temporal.ui_url,
            "TEMPORAL_CANARY_NAMESPACE": CANARY_NAMESPACE,
            "S3_ENDPOINT_URL": self.objects.endpoint_url,
            "S3_BUCKET": objects.BUCKET,
            "S3_REGION": objects.REGION,
            "S3_ACCESS_KEY_ID": self.secrets.s3_access_key_id,
            "S3_SECRET_ACCESS_KEY": self.secrets.s3_secret_access_key,
            "PLATFORM_CLIENTS_FILE": str(self.platform_clients),
            "VAULT_KEY_FILE": str(self.vault_key),
            "TOKEN_KEY_FILE": str(self.token_key),
            "API_HOST": LOOPBACK,
            "API_PORT": str(self.ports["api"]),
            # plain HTTP on loopback: a browser would keep a secure cookie to itself
            "CITIZEN_COOKIES_SECURE": "false",
            "FUND_NATURES": FUND_NATURES,
            **({"START_PAGE_URL": self.start_page_url} if self.options.start_page else {}),
            "COUNTY_NAMES": json.dumps(load_catalog().counties, ensure_ascii=False),
            **self.options.env,
        }
