"""Where everything of one local cluster is; written by the stack, read by the keeper."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.cluster.agreed import REPLICAS, SERVER_NAME
from deploy.cluster.certificates import Certificates
from deploy.private_files import write_private, write_private_text

ROLES = tuple(REPLICAS)
# Two machines, as it were. A node is found by address and role: all of a role have the role's ports.
HOSTS = ("127.0.0.11", "127.0.0.12")
_KINDS = ("grpc", "membership", "metrics")
PORTS = (*(f"temporal.{role}.{kind}" for role in ROLES for kind in _KINDS), "temporal.postgres")


@dataclass(frozen=True)
class Node:
    """One process of one role."""

    role: str
    number: int

    @property
    def name(self) -> str:
        return f"temporal-{self.role}-{self.number}"

    @property
    def host(self) -> str:
        return HOSTS[self.number - 1]


NODES = tuple(Node(role, number + 1) for role, replicas in REPLICAS.items() for number in range(replicas))


@dataclass(frozen=True)
class Plan:
    """`home` holds the cluster's data and files, `keys` its certificates; `ports` are by name."""

    home: Path
    keys: Path
    run: Path
    logs: Path
    programs: Path
    ports: dict[str, int]
    password: str
    durable: bool
    # dynamic configuration beyond what is agreed
    extra: dict[str, bool | int | str]

    @property
    def file(self) -> Path:
        return self.home / "plan.json"

    @property
    def certificates(self) -> Certificates:
        return Certificates(self.keys)

    def port(self, role: str, kind: str = "grpc") -> int:
        return self.ports[f"temporal.{role}.{kind}"]

    def write(self) -> Path:
        self.home.mkdir(parents=True, exist_ok=True)
        write_private(
            self.file,
            {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()},
        )
        return self.file

    @classmethod
    def read(cls, file: Path) -> "Plan":
        said = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            home=Path(said["home"]),
            keys=Path(said["keys"]),
            run=Path(said["run"]),
            logs=Path(said["logs"]),
            programs=Path(said["programs"]),
            ports=said["ports"],
            password=said["password"],
            durable=said["durable"],
            extra=said["extra"],
        )


def write_profile(file: Path, address: str, namespace: str, certificates: Certificates | None) -> None:
    """The SDK's own profile file, which Temporal's CLI reads too: TEMPORAL_CONFIG_FILE names it."""
    said = {"address": address, "namespace": namespace}
    if certificates is not None:
        said |= {
            "tls.server_name": SERVER_NAME,
            "tls.server_ca_cert_path": str(certificates.nodes_authority.certificate),
            "tls.client_cert_path": str(certificates.product.certificate),
            "tls.client_key_path": str(certificates.product.key),
        }
    lines = ["[profile.default]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said.items())]
    write_private_text(file, "\n".join(lines) + "\n")
