"""Whose is what in the database: worker and API work on rows and own nothing, the owner is no superuser."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url

from deploy.stack import Stack, postgres, programs, stack

ROOT = Path(__file__).resolve().parents[1]
# What is only ever added to.
HISTORY = ("trail_entry", "trail_line", "payment", "register_change", "disclosure")


@pytest.fixture
def app(servers: Stack, database_url: str) -> Iterator[psycopg.Connection]:
    with servers.layout.cluster.connect(str(make_url(database_url).database), postgres.APP) as connection:
        yield connection


def test_neither_role_is_a_superuser_and_the_products_owns_nothing(app: psycopg.Connection) -> None:
    roles = app.execute(
        "SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles"
        " WHERE rolname LIKE 'onecard%'"
    ).fetchall()
    assert sorted(roles) == [("onecard_app", False), ("onecard_owner", False)]
    owned = "SELECT relname FROM pg_class WHERE relowner = current_user::regrole"
    assert app.execute(owned).fetchall() == []
    assert app.execute("SELECT pg_has_role(current_user, 'onecard_owner', 'MEMBER')").fetchone() == (False,)


def test_rows_are_worked_on_everywhere_but_history_is_only_added_to(app: psycopg.Connection) -> None:
    tables = [
        str(name)
        for (name,) in app.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    ]
    assert len(tables) > 40
    allowed = {
        table: "".join(
            letter
            for letter, privilege in zip("SIUDT", ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"), strict=True)
            if app.execute("SELECT has_table_privilege(%s, %s)", [table, privilege]).fetchone() == (True,)
        )
        for table in tables
    }
    expected = dict.fromkeys(tables, "SIUD") | dict.fromkeys(HISTORY, "SI")
    only_read = dict.fromkeys(("alembic_version", "moved_year", "moved_part"), "S")
    assert allowed == expected | {"trail_head": "SIU"} | only_read


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE trail_entry DISABLE TRIGGER USER",
        "DROP TRIGGER trail_entry_history ON trail_entry",
        "TRUNCATE trail_entry",
        "CREATE TABLE of_mine (n int)",
        "SET session_replication_role = replica",
        "SET ROLE onecard_owner",
        "UPDATE alembic_version SET version_num = '0'",
        "SELECT move_out_part('500001', 2023, 1)",
    ],
)
def test_what_guards_history_cannot_be_switched_off(app: psycopg.Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        app.execute(statement)


def test_what_the_product_needs_besides_rows_is_there(app: psycopg.Connection) -> None:
    """Sets of lines go through temporary tables; relay and counters listen and hold names."""
    app.execute("CREATE TEMPORARY TABLE filling (LIKE register_account)")
    app.execute("SELECT pg_advisory_lock(1), pg_advisory_unlock(1)")
    app.execute("LISTEN outbox")
    app.execute("NOTIFY outbox")
    assert app.execute("SELECT nextval('batch_id_seq')").fetchone() is not None


def test_worker_and_api_do_not_run_as_owner_or_superuser(stack_factory: Callable[..., Stack]) -> None:
    layout = stack_factory(parts=("postgres", "temporal", "worker")).layout
    for role in (postgres.OWNER, postgres.SUPERUSER):
        env = layout.environment(layout.cluster.url(postgres.DATABASE, role))
        worker = programs.worker(f"worker-{role}", layout.temporal.address, env)
        for program in (worker, programs.api(f"api-{role}", layout.ports["api"], env)):
            ended = stack.launch(program, layout.run, layout.logs)
            assert ended.popen.wait(60) == 1
            said = ended.log.read_text(encoding="utf-8")
            assert f"数据库用户 {role} 拥有数据表或是超级用户" in said
            assert "Traceback" not in said


def test_the_compose_files_script_makes_them_all(stack_factory: Callable[..., Stack]) -> None:
    """As the image of PostgreSQL runs it at its first start."""
    stack = stack_factory(parts=("postgres",))
    cluster, compose = stack.layout.cluster, yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    stack.drop_database(postgres.DATABASE)
    script = compose["configs"]["databases"]["content"].replace("$$", "$").replace("/roles.sql", str(postgres.ROLES))
    env = {
        "PATH": f"{cluster.binaries}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(cluster.port),
        "PGPASSWORD": cluster.passwords[postgres.SUPERUSER],
        "DATABASE_OWNER_PASSWORD": cluster.passwords[postgres.OWNER],
        "TEMPORAL_PASSWORD": "temporal",
        "DATABASE_APP_PASSWORD": cluster.passwords[postgres.APP],
    }
    subprocess.run(["/bin/sh", "-ec", script], env=env, check=True)
    programs.migrate(stack.layout.owner_url, stack.layout.base_environment())
    with cluster.connect(postgres.DATABASE, postgres.APP) as connection:
        assert connection.execute("SELECT count(*) FROM trail_entry").fetchone() == (0,)
    psycopg.connect(_address(cluster, "temporal", "temporal", "temporal")).close()
    for database, user, password in (
        ("onecard", "temporal", "temporal"),
        ("temporal", postgres.APP, cluster.passwords[postgres.APP]),
    ):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(_address(cluster, database, user, password))


def _address(cluster: postgres.Cluster, database: str, user: str, password: str) -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{cluster.port}/{database}"
