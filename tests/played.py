"""A whole stack with a season behind it, for what walks through all pages: every list has rows, every detail a thing.

The season is the demo's own, with the simulator's faults on; beside it stand what the demo doesn't leave behind.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg

from deploy.stack import Options, Stack
from deploy.stack.__main__ import DEMO_FAULTS, DEMO_SEED, DEMO_TIME_SCALE, HURRIED, demo_environment
from deploy.stack.processes import ROOT
from deploy.stack.sign_in import DemoPerson, demo_people, open_local_session
from models.words.staff import Role

COUNTY = "500001"
# How each parameter of a page's address is found: the number of one thing that the season has left.
NUMBERS: Mapping[str, LiteralString] = {
    "account_id": "SELECT id FROM register_account WHERE county_code = %s LIMIT 1",
    "answer_id": "SELECT id FROM odd_answer LIMIT 1",
    "application_no": "SELECT application_no FROM application WHERE county_code = %s AND stage = 'paid' LIMIT 1",
    "batch_no": "SELECT batch_no FROM batch WHERE county_code = %s ORDER BY id LIMIT 1",
    "contradiction_id": "SELECT id FROM contradiction WHERE county_code = %s LIMIT 1",
    "draft_id": "SELECT id FROM application_draft LIMIT 1",
    "entry_no": "SELECT entry_no FROM village_entry WHERE county_code = %s LIMIT 1",
    "flow_no": "SELECT flow_no FROM flow WHERE county_code = %s ORDER BY id LIMIT 1",
    "import_no": "SELECT import_no FROM application_import WHERE county_code = %s LIMIT 1",
    "inbox_id": "SELECT id FROM inbox WHERE county_code = %s LIMIT 1",
    "indicator_no": "SELECT indicator_no FROM indicator WHERE county_code = %s LIMIT 1",
    "kind": "SELECT 'personal'",
    "item_code": "SELECT item_code FROM application WHERE county_code = %s LIMIT 1",
    "load_no": "SELECT load_no FROM register_load WHERE county_code = %s LIMIT 1",
    "list_no": "SELECT list_no FROM beneficiary_list WHERE county_code = %s LIMIT 1",
    "objection_no": "SELECT objection_no FROM objection WHERE county_code = %s LIMIT 1",
    "order_no": "SELECT order_no FROM operator_order WHERE county_code = %s LIMIT 1",
    "part_no": "SELECT part_no FROM card_change_part WHERE county_code = %s LIMIT 1",
    "subject": "SELECT subject FROM person WHERE county_code = %s ORDER BY subject LIMIT 1",
    "policy_no": "SELECT policy_no FROM policy WHERE county_code = %s LIMIT 1",
    "round_no": "SELECT round_no FROM check_round WHERE county_code = %s LIMIT 1",
    "step": "SELECT 1",
}


@dataclass
class Played:
    """The running stack, who its people are, and the numbers of what they left."""

    stack: Stack
    numbers: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return self.stack.layout.api_url

    def person(self, role: Role) -> DemoPerson:
        return next(p for p in demo_people([COUNTY]) if p.role is role)

    async def secret(self, role: Role) -> str:
        return await open_local_session(self.stack.layout, self.person(role))

    def address(self, pattern: str) -> str | None:
        """A page's own address; None where the season has left no such thing."""
        missing = [name for name in re.findall(r"\{(\w+)\}", pattern) if not self.number(name)]
        return None if missing else pattern.format_map(self.numbers)

    def number(self, name: str) -> str:
        if name not in self.numbers:
            url = self.stack.layout.database_url.replace("postgresql+psycopg://", "postgresql://")
            statement = NUMBERS[name]
            with psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute(statement, [COUNTY] if "%s" in statement else None).fetchone()
            self.numbers[name] = str(found[0]) if found else ""
        return self.numbers[name]


@contextmanager
def played(home: Path) -> Iterator[Played]:
    """Some two minutes until it is there; `ONECARD_PLAYED_HOME` keeps what was played for the next time."""
    options = Options(env=HURRIED, time_scale=DEMO_TIME_SCALE, faults=DEMO_FAULTS, seed=DEMO_SEED)
    with Stack(home, options) as stack:
        stack.start()
        summary = home / "demo-summary.json"
        if not summary.exists():
            environment = demo_environment(stack) | {"DEMO_SUMMARY_FILE": str(summary)}
            subprocess.run([sys.executable, "-m", "deploy.demo"], env=environment, cwd=ROOT, check=True)
        assert json.loads(summary.read_text())["paid_lines"] == 1_938
        yield Played(stack)


def home_of(given: Path) -> Path:
    return Path(os.environ.get("ONECARD_PLAYED_HOME", given))
