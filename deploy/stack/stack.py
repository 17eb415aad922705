"""The whole local stack: started, broken and stopped part by part."""

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.cluster.plan import HOSTS, ROLES
from deploy.stack import keys, objects, postgres, programs, temporal
from deploy.stack.layout import Layout, Options
from deploy.stack.ports import LOOPBACK, assign_ports
from deploy.stack.processes import (
    RUNNER_PID_FILE,
    Identity,
    Part,
    PidFile,
    Running,
    StackError,
    end_leftovers,
    kill,
    launch,
    send,
    stop,
    wait_ready,
)

SERVERS = ("postgres", "temporal", "s3")
OURS = ("worker", "api")
PARTS = (*SERVERS, "simulator", *OURS)
_WITH_KEYS = {"simulator", *OURS}
STORED = ("keys", "logs", "run", "temporal", "s3", "simulator", "ports.json", "tokens.json")


def forget(home: Path) -> None:
    """Removes what a closed stack has stored, and leaves what else lies in `home`."""
    _remove_databases(home)
    for name in STORED:
        place = home / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def remove_home(home: Path, but: str = "") -> None:
    """Removes a closed stack's home, and what of it lies elsewhere; the folder `but` of it stays."""
    _remove_databases(home)
    if not but or not (home / but).exists():
        shutil.rmtree(home, ignore_errors=True)
        return
    for place in (one for one in home.iterdir() if one.name != but):
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def _remove_databases(home: Path) -> None:
    """The product's, and Temporal's where it is a cluster."""
    for place in (home, home / "temporal"):
        postgres.remove(place)


class Stack:
    """Servers and programs under one home folder; whatever was started is stopped when the block ends.

    `start("postgres", "s3")` starts what is named and not running, everything by default. `kill("worker")` is SIGKILL;
    `start("worker")` brings it back at the same address with its data. `add_worker` and `add_api` start further
    copies with settings of their own.
    """

    def __init__(self, home: Path, options: Options | None = None) -> None:
        home = home.resolve()
        (home / "run").mkdir(parents=True, exist_ok=True)
        self._lock = (home / "run" / "lock").open("a")
        self._claim(home)
        me = Identity.of(os.getpid())
        self._pid_file = PidFile("runner", me, me).write(home / "run" / RUNNER_PID_FILE)
        self.leftovers = end_leftovers(home)
        self.layout = Layout(home, options or Options())
        self._running: dict[str, Running] = {}
        self._needs_schema = False
        self._has_schema = False
        self._has_keys = False
        self._is_closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, *names: str) -> None:
        """Starts the named parts, what worker and API lean on before them, the rest side by side."""
        wanted = [name for name in names or PARTS if not self.is_running(name)]
        ours = [name for name in wanted if name in OURS]
        self._needs_schema = self._needs_schema or bool(ours)
        if not _WITH_KEYS.isdisjoint(wanted):
            self._write_keys()
        self._together(self._start_server, [name for name in wanted if name not in OURS])
        if ours:
            self._migrate()
            self._together(self._start_ours, ours)

    def add_worker(self, name: str, env: Mapping[str, str] | None = None) -> None:
        settings = self.layout.environment() | dict(env or {})
        self._launch(programs.worker(name, self.layout.temporal.environment, settings))

    def add_api(self, name: str, env: Mapping[str, str] | None = None) -> str:
        """A further API process on a port of its own; its URL."""
        port = assign_ports(self.layout.home / f"ports-{name}.json", [name])[name]
        self._launch(programs.api(name, port, self.layout.environment() | dict(env or {})))
        return f"http://{LOOPBACK}:{port}"

    def start_with(self, name: str, env: Mapping[str, str]) -> None:
        """Worker or API where it always is, with some settings of its own."""
        self._start_ours(name, env)

    def kill(self, name: str) -> None:
        """SIGKILL, for the part and what it started."""
        kill(self._running.pop(name))
        self._end_orphans()

    def stop(self, name: str) -> None:
        """The orderly end of one part."""
        stop(self._running.pop(name))
        self._end_orphans()

    def _end_orphans(self) -> None:
        """What a cluster's killed keeper has left: nothing where the kernel takes it along, but its pid files."""
        if self.layout.is_cluster:
            end_leftovers(self.layout.home)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Any other signal, such as SIGSTOP and SIGCONT."""
        send(self._running[name], number)

    def is_running(self, name: str) -> bool:
        return name in self._running and self._running[name].is_alive

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def log(self, name: str) -> Path:
        return self._running[name].log

    def ended(self) -> list[str]:
        """Names of parts that ended although nobody asked them to."""
        return [name for name, running in self._running.items() if not running.is_alive]

    def create_database(self, name: str, template: str | None = None) -> str:
        return postgres.create_database(self.layout.cluster, name, template)

    def create_migrated_database(self, name: str) -> str:
        url = self.create_database(name)
        programs.migrate(self.layout.cluster.url(name, postgres.OWNER), self.layout.base_environment())
        return url

    def drop_database(self, name: str) -> None:
        postgres.drop_database(self.layout.cluster, name)

    def close(self) -> None:
        """Ends everything, those first that lean on others; never raises halfway."""
        last = [name for name in PARTS if name in self._running and name not in OURS]
        for group in ([name for name in self._running if name not in last], last):
            self._together(self._end, group)
        objects.remove_sockets(self.layout.objects)
        self._pid_file.unlink(missing_ok=True)
        self._lock.close()

    def _end(self, name: str) -> None:
        # Servers whose data nobody will read again need no orderly end, which takes seconds.
        if name in SERVERS and not self.layout.options.durable:
            self.kill(name)
        else:
            self.stop(name)

    def remove(self) -> None:
        """Removes everything this stack has stored; only after `close`."""
        remove_home(self.layout.home)

    def _claim(self, home: Path) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise StackError(f"{home} 的本地环境已在运行。请先在那个窗口按 Ctrl-C，或运行 make down。") from None

    def _start_server(self, name: str) -> None:
        layout = self.layout
        match name:
            case "postgres":
                self._launch(postgres.part(layout.cluster))
                postgres.create_roles(layout.cluster)
                self.create_database(postgres.DATABASE)
                self._migrate()
            case "temporal":
                self._launch(self._cluster() if layout.is_cluster else self._dev_server())
            case "s3":
                self._launch(objects.part(layout.objects, layout.home / "s3", layout.base_environment()))
            case "simulator":
                self._start_simulator()
            case _:
                raise StackError(f"没有名为 {name} 的部件，可用：{'、'.join(PARTS)}。")

    def _dev_server(self) -> Part:
        layout = self.layout
        data, env = layout.home / "temporal", layout.base_environment()
        return temporal.part(layout.temporal, data, env, layout.options.durable, layout.options.temporal_config)

    def _cluster(self) -> Part:
        layout = self.layout
        plan = layout.temporal_plan()
        temporal.require_membership_ports({name: plan.port(name, "membership") for name in ROLES})
        layout.certificates.make()
        return temporal.cluster_part(layout.temporal, plan.write(), HOSTS, layout.base_environment())

    def _start_simulator(self) -> None:
        layout = self.layout
        state, env, options = layout.home / "simulator", layout.base_environment(), layout.options
        programs.load_simulator(state, env, options.simulator_knowledge())
        port, clients = layout.ports["simulator"], layout.simulator_clients
        flags = [*options.simulator_flags(), *layout.simulator_links()]
        self._launch(programs.simulator(port, state, clients, env, flags))

    def _start_ours(self, name: str, env: Mapping[str, str] | None = None) -> None:
        if name == "worker":
            self.add_worker(name, env)
        else:
            settings = self.layout.environment() | dict(env or {})
            self._launch(programs.api(name, self.layout.ports["api"], settings))

    def _launch(self, part: Part) -> None:
        # Noted before it is waited for: a start that fails or is broken off still ends it.
        running = launch(part, self.layout.run, self.layout.logs)
        self._running[part.name] = running
        if self._is_closing:
            kill(running)
        wait_ready(running)

    def _together(self, step: Callable[[str], None], names: list[str]) -> None:
        with ThreadPoolExecutor(max_workers=len(PARTS)) as pool:
            try:
                for done in [pool.submit(step, name) for name in names]:
                    done.result()
            except KeyboardInterrupt:
                self._is_closing = True
                for running in list(self._running.values()):
                    kill(running)
                raise

    def _migrate(self) -> None:
        """While the other servers are still starting, when PostgreSQL is just being started for worker or API."""
        if self._needs_schema and not self._has_schema:
            programs.migrate(self.layout.owner_url, self.layout.base_environment())
            keys.put_demo_people(self.layout.database_url, self.layout.vault_key)
            self._has_schema = True

    def _write_keys(self) -> None:
        layout = self.layout
        if self._has_keys:
            return
        self._has_keys = True
        keys.create_key_files(layout.vault_key, layout.token_key)
        keys.write_platform_clients(layout.platform_clients, layout.secrets, f"{layout.simulator_url}/v1")
        keys.write_simulator_clients(layout.simulator_clients, layout.secrets, layout.api_url)
        keys.write_demo_tokens(layout.tokens, layout.token_key)
