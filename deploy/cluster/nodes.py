"""A node's configuration and how it is started; the UI's, too. JSON is YAML, so the standard library writes it."""

import os
from pathlib import Path

from deploy.cluster import agreed
from deploy.cluster.certificates import Pair
from deploy.cluster.plan import ROLES, Node, Plan
from deploy.cluster.programs import Programs
from deploy.private_files import write_private
from deploy.stack.ports import LOOPBACK, is_listening
from deploy.stack.processes import Part

DATABASE_USER = "temporal"
_REFRESH_CERTIFICATES = "5s"


def write_dynamic(plan: Plan) -> Path:
    file = plan.home / "dynamic.yaml"
    values = agreed.DYNAMIC_CONFIG | agreed.BETWEEN_NODES | plan.extra
    write_private(file, {key: [{"value": value, "constraints": {}}] for key, value in values.items()})
    return file


def node_part(plan: Plan, node: Node, dynamic: Path, env: dict[str, str]) -> Part:
    file = plan.home / f"{node.name}.yaml"
    write_private(file, node_config(plan, node, dynamic))
    server = str(Programs(plan.programs).server)
    return Part(
        name=node.name,
        argv=[server, "--config-file", str(file), "--allow-no-auth", "start", "--service", node.role],
        env=env,
        cwd=plan.home,
        is_ready=lambda _: is_listening(plan.port(node.role), node.host),
        # when all end at once nobody is left whom a frontend could wait for
        stop_within_s=8,
        dies_with_starter=True,
    )


def ui_part(plan: Plan, env: dict[str, str]) -> Part:
    folder, port = plan.home / "ui", plan.ports["temporal.ui"]
    folder.mkdir(exist_ok=True)
    write_private(folder / "onecard.yaml", ui_config(plan))
    return Part(
        name="temporal-ui",
        argv=[str(Programs(plan.programs).ui), "--root", str(plan.home), "--config", "ui", "--env", "onecard", "start"],
        env=env,
        cwd=plan.home,
        is_ready=lambda _: is_listening(port),
        stop_within_s=3,
        dies_with_starter=True,
    )


def node_config(plan: Plan, node: Node, dynamic: Path) -> dict[str, object]:
    frontend = f"{node.host}:{plan.port('frontend')}"
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": _persistence(plan),
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": node.host},
            "tls": _tls(plan),
            "metrics": {"prometheus": {"listenAddress": f"{node.host}:{plan.port(node.role, 'metrics')}"}},
        },
        "services": {role: {"rpc": _rpc(plan, node, role)} for role in ROLES},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": frontend,
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "10s"},
    }


def ui_config(plan: Plan) -> dict[str, object]:
    own, authority = plan.certificates.ui, plan.certificates.nodes_authority
    return {
        "temporalGrpcAddress": f"{LOOPBACK}:{plan.ports['temporal.frontend']}",
        "host": LOOPBACK,
        "port": plan.ports["temporal.ui"],
        "enableUi": True,
        "defaultNamespace": agreed.NAMESPACE,
        "notifyOnNewVersion": False,
        "cors": {"allowOrigins": [f"http://{LOOPBACK}:{plan.ports['temporal.ui']}"], "cookieInsecure": True},
        "tls": {
            **_files(own),
            "caFile": str(authority.certificate),
            "serverName": agreed.SERVER_NAME,
            "enableHostVerification": True,
        },
    }


def _rpc(plan: Plan, node: Node, role: str) -> dict[str, object]:
    return {
        "grpcPort": plan.port(role),
        "membershipPort": plan.port(role, "membership"),
        "bindOnIP": node.host,
    }


def _persistence(plan: Plan) -> dict[str, object]:
    names = list(agreed.DATABASES)
    return {
        "defaultStore": names[0],
        "visibilityStore": names[1],
        "numHistoryShards": agreed.SHARDS,
        "datastores": {
            name: {
                "sql": {
                    "pluginName": agreed.PLUGIN,
                    "databaseName": name,
                    "connectAddr": f"{LOOPBACK}:{plan.ports['temporal.postgres']}",
                    "connectProtocol": "tcp",
                    "user": DATABASE_USER,
                    "password": plan.password,
                    "maxConns": agreed.CONNECTIONS[name],
                    "maxIdleConns": agreed.CONNECTIONS[name],
                    "maxConnLifetime": "1h",
                }
            }
            for name in names
        },
    }


def _tls(plan: Plan) -> dict[str, object]:
    """Whoever speaks with a node shows a certificate: of the nodes' authority; at the frontend, of the clients' too."""
    made = plan.certificates
    nodes, clients = str(made.nodes_authority.certificate), str(made.clients_authority.certificate)
    client = {"serverName": agreed.SERVER_NAME, "rootCaFiles": [nodes]}
    server: dict[str, object] = {**_files(made.node), "requireClientAuth": True}
    return {
        "refreshInterval": _REFRESH_CERTIFICATES,
        "internode": {"server": server | {"clientCaFiles": [nodes]}, "client": client},
        "frontend": {"server": server | {"clientCaFiles": [nodes, clients]}, "client": client},
        "systemWorker": {**_files(made.node), "client": client},
    }


def _files(pair: Pair) -> dict[str, str]:
    return {"certFile": str(pair.certificate), "keyFile": str(pair.key)}


def environment() -> dict[str, str]:
    """Nothing of this shell but where programs are: a TEMPORAL_… of somebody's would be read by the programs."""
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}
