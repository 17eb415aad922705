"""What every rule of the platform can reach: its store, clock, clients, lists and switches."""

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .catalog import Catalog
from .clients import Client, Clients
from .clock import Clock
from .faults import Faults
from .problems import Problem
from .store import Store

MARK = "【退回】"

ClerkKind = Literal[
    "policy", "indicator", "summary", "beneficiary_init", "verification", "application_submission", "account_change"
]


class Switches(BaseModel):
    """What the admin side may change while the platform runs; seconds are wall seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clerk: dict[ClerkKind, Literal["auto", "person"]] = {}
    returns_after_end: Annotated[int, Field(ge=0)] | None = None
    # what banks say of an ended flow, returns and late payments, waits until this is off
    holds_changes: bool = False
    dataset_open_seconds: float = 86_400
    face_session_seconds: float = 300
    verify_memory_seconds: float = 86_400
    answer_delay_seconds: float = 0
    # by their names; none: all that change something
    delayed_operations: tuple[str, ...] = ()
    hang_seconds: float = 5
    late_seconds: float = 3
    reorder_seconds: float = 0.5
    # by the reference of a flow, so many fen too much in what it says of its payments once it has ended
    wrong_totals: dict[str, int] = {}


@dataclass(frozen=True)
class Answer:
    """`started` names what was handed in, so that an early event can be made of it; None as body is an empty one."""

    status: int
    body: object = None
    started: str | None = None


@dataclass(frozen=True)
class Call:
    client: Client
    path: dict[str, str]
    query: dict[str, str]
    body: bytes
    content_type: str


@dataclass
class World:
    store: Store
    clock: Clock
    clients: Clients
    catalog: Catalog
    faults: Faults
    base_url: str
    # words and address of what its pages also lead to
    links: Sequence[tuple[str, str]] = ()
    switches: Switches = field(default_factory=Switches)
    agenda_wake: asyncio.Event = field(default_factory=asyncio.Event)
    delivery_wake: asyncio.Event = field(default_factory=asyncio.Event)
    dice: random.Random = field(default_factory=random.Random)

    def wake(self) -> None:
        self.agenda_wake.set()
        self.delivery_wake.set()

    def change_switches(self, switches: Switches) -> None:
        self.switches = switches
        self.store.set_setting("switches", switches.model_dump_json())

    def later(self, kind: str, ref: str, business_seconds: float, plan: int = 0) -> None:
        self.store.run(
            "INSERT INTO agenda (clock, due, kind, ref, plan) VALUES ('business', ?, ?, ?, ?)",
            self.clock.now() + business_seconds,
            kind,
            ref,
            plan,
        )

    def later_wall(self, kind: str, ref: str, seconds: float) -> None:
        self.store.run(
            "INSERT INTO agenda (clock, due, kind, ref) VALUES ('wall', ?, ?, ?)", time.time() + seconds, kind, ref
        )

    def need_county(self, client: Client, county_code: str) -> None:
        if len(county_code) != 6 or not county_code.isdigit():
            raise Problem("VALIDATION_FAILED", "区县代码应为六位数字")
        if not client.owns(county_code):
            raise Problem("FORBIDDEN_COUNTY", "该区县不属于本省")

    def need_year(self, year: int) -> None:
        if not self.catalog.has_year(year):
            raise Problem(
                "VALIDATION_FAILED",
                f"资金年度应在 {self.catalog.first_fund_year} 至 {self.catalog.last_fund_year} 之间",
            )

    def has_files(self, client: Client, file_ids: list[str]) -> bool:
        return all(
            self.store.row("SELECT 1 FROM file WHERE client_id = ? AND file_id = ?", client.client_id, file_id)
            for file_id in set(file_ids)
        )


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(9)}"
