"""Seeded faults, drawn per kind and switchable at run time; each one done is written down."""

import random
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .clock import stamp
from .store import Store


class Kind(StrEnum):
    DUPLICATE = "duplicate"
    REPEATED = "repeated"
    REORDERED = "reordered"
    EARLY = "early"
    LATE = "late"
    LOST = "lost"
    CONTRADICTING = "contradicting"
    MISSING_PAGE = "missing_page"
    OVERLAPPING = "overlapping"
    SERVER_ERROR = "5xx"
    RATE_LIMITED = "429"
    TIMEOUT_AFTER_ACCEPT = "timeout_after_accept"
    HTML_200 = "html_200"
    HALF_JSON = "half_json"
    REDIRECT = "redirect"


class Plan(BaseModel):
    """`rates` is a chance per opportunity; `next` forces that many coming ones; `only` narrows a kind to
    operations (`commitDataset`) or event types (`flow.payments`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rates: dict[Kind, Annotated[float, Field(ge=0, le=1)]] = {}
    next: dict[Kind, Annotated[int, Field(ge=0)]] = {}
    only: dict[Kind, list[str]] = {}


class Faults:
    def __init__(self, store: Store, seed: int, given: Plan | None) -> None:
        self._store = store
        self.seed = seed
        kept = store.setting("faults")
        self.plan = given or (Plan.model_validate_json(kept) if kept else Plan())
        store.set_setting("faults", self.plan.model_dump_json())
        starts = int(store.setting("starts") or 0)
        # Another stream of draws after each start: the same faults again would hit the same retries again.
        self._draws = {kind: random.Random(f"{seed}:{starts}:{kind}") for kind in Kind}
        store.set_setting("starts", str(starts + 1))

    def change(self, plan: Plan) -> None:
        self.plan = plan
        self._store.set_setting("faults", plan.model_dump_json())

    def strikes(self, kind: Kind, target: str) -> bool:
        """Whether this opportunity is hit. The caller writes it down with `note` when it really did it."""
        only = self.plan.only.get(kind)
        if only is not None and target not in only:
            return False
        forced = self.plan.next.get(kind, 0)
        if forced:
            self.change(self.plan.model_copy(update={"next": {**self.plan.next, kind: forced - 1}}))
            return True
        rate = self.plan.rates.get(kind, 0.0)
        return rate > 0 and self._draws[kind].random() < rate

    def note(self, kind: Kind, target: str, ref: str | None) -> None:
        self._store.run("INSERT INTO fault_log (at, kind, target, ref) VALUES (?, ?, ?, ?)", stamp(), kind, target, ref)


def parse_rates(text: str) -> Plan:
    """`duplicate=0.1,5xx=0.05` from the command line."""
    pairs = (part.split("=", 1) for part in text.split(",") if part)
    return Plan.model_validate({"rates": {name.strip(): float(rate) for name, rate in pairs}})
