"""The cluster's own PostgreSQL: apart from the product's, with both schemas brought to the programs' version."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace

from psycopg import sql

from deploy.cluster import agreed
from deploy.cluster.nodes import DATABASE_USER
from deploy.cluster.plan import Plan
from deploy.cluster.programs import Programs
from deploy.stack import postgres
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import Part, StackError


def prepare(plan: Plan) -> postgres.Cluster:
    passwords = {postgres.SUPERUSER: plan.password, DATABASE_USER: plan.password}
    return postgres.prepare(plan.home, plan.ports["temporal.postgres"], passwords, plan.durable)


def part(cluster: postgres.Cluster) -> Part:
    return replace(postgres.part(cluster), name="temporal-postgres", stop_within_s=10, dies_with_starter=True)


def create(cluster: postgres.Cluster, plan: Plan, env: Mapping[str, str]) -> None:
    """Role, databases and tables; what is there already is left alone, so an upgrade is another start."""
    with cluster.connect() as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (DATABASE_USER,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(DATABASE_USER), sql.Literal(plan.password)
                )
            )
        for name in agreed.DATABASES:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(DATABASE_USER)))
    for name, schema in agreed.DATABASES.items():
        if not _is_versioned(cluster, name):
            _tool(plan, env, name, "setup-schema", "-v", "0.0")
        _tool(plan, env, name, "update-schema", "--schema-name", schema)


def _is_versioned(cluster: postgres.Cluster, name: str) -> bool:
    with cluster.connect(name) as connection:
        row = connection.execute("SELECT to_regclass('schema_version') IS NOT NULL").fetchone()
    return bool(row and row[0])


def _tool(plan: Plan, env: Mapping[str, str], name: str, *command: str) -> None:
    given = {
        "SQL_PLUGIN": agreed.PLUGIN,
        "SQL_HOST": LOOPBACK,
        "SQL_PORT": str(plan.ports["temporal.postgres"]),
        "SQL_USER": DATABASE_USER,
        "SQL_PASSWORD": plan.password,
        "SQL_DATABASE": name,
    }
    argv = [str(Programs(plan.programs).sql_tool), *command]
    done = subprocess.run(argv, env={**env, **given}, cwd=plan.home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"Temporal 数据库 {name} 的表没有建好：{(done.stderr or done.stdout).strip()[-1000:]}")
