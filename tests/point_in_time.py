"""A stack's databases brought back to a point in time: PostgreSQL by base backup and archived WAL, Temporal with it.

The dev server's file is copied at the point; the cluster's own PostgreSQL is brought back as the product's is.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import LiteralString

from psycopg import sql

from deploy.cluster import database as cluster_database
from deploy.stack import Stack
from deploy.stack.postgres import SUPERUSER, Cluster
from deploy.stack.processes import ROOT
from tests.checker import Checker
from tests.whole_stack import Whole


@dataclass(frozen=True)
class Archive:
    """A server whose WAL is archived, and a base backup of it."""

    cluster: Cluster

    @property
    def wal(self) -> Path:
        return self.cluster.data.parent / "archived-wal"

    @property
    def base(self) -> Path:
        return self.cluster.data.parent / "base-backup"

    def switch_on(self) -> None:
        """Takes effect when the server starts next."""
        self.wal.mkdir()
        if self.cluster.account:
            shutil.chown(self.wal, self.cluster.account)
            # it makes the backup's folder itself
            shutil.chown(self.wal.parent, self.cluster.account)
        command = f'test ! -f "{self.wal}/%f" && cp "%p" "{self.wal}/%f"'
        with self.cluster.connect() as connection:
            connection.execute("ALTER SYSTEM SET archive_mode = 'on'")
            connection.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(command)))

    def back_up(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)
        where = ("-h", "127.0.0.1", "-p", str(self.cluster.port), "-U", SUPERUSER, "-D", str(self.base))
        subprocess.run(
            [str(self.cluster.binaries / "pg_basebackup"), *where, "-X", "none", "-c", "fast", "--no-sync"],
            env={"PGPASSWORD": self.cluster.passwords[SUPERUSER], "PATH": os.environ["PATH"], "LC_ALL": "C"},
            cwd="/",
            user=self.cluster.account,
            check=True,
            capture_output=True,
        )

    def now(self) -> datetime:
        """By the server's own clock, which is the one that is restored to."""
        with self.cluster.connect() as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment

    def close_segment(self) -> str:
        """The segment that holds all that was written until now."""
        return self._told("SELECT pg_walfile_name(pg_switch_wal())")

    def has(self, segment: str) -> bool:
        return self._told("SELECT coalesce(max(last_archived_wal), '') FROM pg_stat_archiver") >= segment

    def _told(self, statement: LiteralString) -> str:
        with self.cluster.connect() as connection:
            row = connection.execute(statement).fetchone()
        assert row is not None
        return str(row[0])

    def bring_back(self, moment: datetime) -> None:
        """It starts next as it was at the moment; to be called while it is down."""
        data = self.cluster.data
        shutil.rmtree(data)
        subprocess.run(["/bin/cp", "-a", str(self.base), str(data)], check=True)
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f'restore_command = \'cp "{self.wal}/%f" "%p"\'\n'
                # else it would answer before it has come to the moment
                "hot_standby = 'off'\n"
                f"recovery_target_time = '{moment.isoformat()}'\nrecovery_target_action = 'promote'\n"
            )
        signal = data / "recovery.signal"
        signal.touch()
        if self.cluster.account:
            shutil.chown(signal, self.cluster.account)


@dataclass
class PointInTime:
    """Backed up from the beginning; `mark()` is the moment that `bring_back()` brings all of it back to."""

    whole: Whole
    checker: Checker
    moment: datetime = field(init=False)
    lost_until: datetime = field(init=False)
    _told: set[str] = field(init=False)
    _done: set[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._archives = [Archive(self.stack.layout.cluster)]
        if self.stack.layout.is_cluster:
            self._archives.append(Archive(cluster_database.prepare(self.stack.layout.temporal_plan())))
        if not all(archive.wal.exists() for archive in self._archives):
            for archive in self._archives:
                archive.switch_on()
            self._down()
            self.stack.start()
        for archive in self._archives:
            archive.back_up()

    @property
    def stack(self) -> Stack:
        return self.whole.stack

    @property
    def _kept(self) -> Path:
        return self.stack.layout.home / "temporal-kept"

    def mark(self) -> None:
        """Temporal's copy first: it may be older than the rows, never younger."""
        if not self.stack.layout.is_cluster:
            self.stack.stop("temporal")
            shutil.rmtree(self._kept, ignore_errors=True)
            self.stack.layout.temporal_store.keep(self._kept)
            self.stack.start("temporal")
        ground = self.checker.ground
        self._told, self._done = self._delivered(), set(ground.heard.done)
        self.moment = self._archives[0].now()

    def bring_back(self) -> str:
        """All of it is lost but the archives, the bucket and the keys; then the command says what it has done."""
        lost = self._delivered() - self._told
        self.lost_until = self._archives[0].now()
        for archive in self._archives:
            self.whole.until("archived", partial(archive.has, archive.close_segment()))
        self._down()
        for archive in self._archives:
            archive.bring_back(self.moment)
        if not self.stack.layout.is_cluster:
            self.stack.layout.temporal_store.bring_back(self._kept)
        self.stack.start("postgres", "temporal", "s3")
        self.checker.ground.lost.update(lost)
        self.checker.ground.heard.done.intersection_update(self._done)
        said = self.command("--to", self.moment.isoformat(), "--until", self.lost_until.isoformat())
        assert said.returncode == 0, said.stderr
        return said.stdout

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "deploy.restored", *words, "--by", "li.wei", "--reason", "磁盘损坏"]
        env = self.stack.layout.environment()
        return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)

    def _down(self) -> None:
        for name in ("api", "worker", "temporal", "postgres"):
            self.stack.stop(name)

    def _delivered(self) -> set[str]:
        """Callbacks that were acknowledged, by the platform's own account."""
        events = self.whole.platform("GET", "/events", status="delivered")["items"]
        return {event["webhook_id"] for event in events}
