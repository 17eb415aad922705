"""`python -m deploy.simulator`: run the platform, or load what it knows of people."""

import argparse
import json
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from .app import build
from .catalog import load_catalog
from .clients import Clients
from .clock import Clock
from .faults import Faults, parse_rates
from .registers import load_bank_accounts, load_register
from .store import Store
from .world import Switches, World


def main() -> None:
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if arguments.command == "load":
        _load(arguments)
    else:
        _serve(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulator", description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/simulator"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--clients", type=Path, help="JSON list of clients (default: STATE/clients.json)")
    parser.add_argument("--time-scale", type=float, help="how much faster than real time; 0 = no delays")
    parser.add_argument("--seed", type=int, help="of the faults and delays (default: the kept one, or 1)")
    parser.add_argument("--faults", help="rates, e.g. duplicate=0.1,5xx=0.05")
    parser.add_argument("--clerk", choices=("auto", "person"), help="who reviews, for every kind")
    parser.add_argument(
        "--returns-after-end", type=int, help="how many returns of a flow come after its end (default: half)"
    )
    parser.add_argument("--link", action="append", default=[], metavar="WORDS=URL", help="what its pages also lead to")
    load = parser.add_subparsers(dest="command").add_parser(
        "load", help="load registers and bank accounts from CSV files"
    )
    load.add_argument("--register", action="append", default=[], metavar="COUNTY=FILE")
    load.add_argument("--bank-accounts", action="append", default=[], type=Path, metavar="FILE")
    return parser


def _load(arguments: argparse.Namespace) -> None:
    store = Store(arguments.state)
    for pair in arguments.register:
        county, _, name = pair.partition("=")
        print(county, load_register(store, county, Path(name).read_bytes()))
    for path in arguments.bank_accounts:
        print("bank accounts", load_bank_accounts(store, path.read_bytes()))
    store.close()


def _serve(arguments: argparse.Namespace) -> None:
    listener = socket.create_server((arguments.host, arguments.port), backlog=512, reuse_port=False)
    port = listener.getsockname()[1]
    world = _world(arguments, f"http://{arguments.host}:{port}")
    config = uvicorn.Config(
        build(world),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=3,
        timeout_keep_alive=60,
    )
    server = _AnnouncingServer(
        config,
        {
            "ready": True,
            "url": world.base_url,
            "port": port,
            "seed": world.faults.seed,
            "time_scale": world.clock.scale,
            "state": str(arguments.state),
        },
    )
    server.run(sockets=[listener])


def _world(arguments: argparse.Namespace, base_url: str) -> World:
    store = Store(arguments.state)
    kept = store.setting("seed")
    seed = arguments.seed if arguments.seed is not None else int(kept or 1)
    store.set_setting("seed", str(seed))
    world = World(
        store=store,
        clock=Clock(store, arguments.time_scale),
        clients=Clients(arguments.clients or arguments.state / "clients.json"),
        catalog=load_catalog(),
        faults=Faults(store, seed, parse_rates(arguments.faults) if arguments.faults is not None else None),
        base_url=base_url,
        switches=_switches(store, arguments),
        links=tuple(pair.partition("=")[::2] for pair in arguments.link),
    )
    world.dice.seed(f"{seed}:{store.setting('starts')}")
    world.change_switches(world.switches)
    return world


def _switches(store: Store, arguments: argparse.Namespace) -> Switches:
    kept = store.setting("switches")
    switches = Switches.model_validate_json(kept) if kept else Switches()
    if arguments.clerk is not None:
        kinds = (
            "policy",
            "indicator",
            "summary",
            "beneficiary_init",
            "verification",
            "application_submission",
            "account_change",
        )
        switches = Switches.model_validate({**switches.model_dump(), "clerk": dict.fromkeys(kinds, arguments.clerk)})
    if arguments.returns_after_end is not None:
        switches = Switches.model_validate({**switches.model_dump(), "returns_after_end": arguments.returns_after_end})
    return switches


class _AnnouncingServer(uvicorn.Server):
    """Says in one JSON line where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, said: dict[str, object]) -> None:
        super().__init__(config)
        self._said = said

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not remembered as the library would: it raises the signal again after stopping and a clean end looks killed.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(json.dumps(self._said), flush=True)


if __name__ == "__main__":
    main()
