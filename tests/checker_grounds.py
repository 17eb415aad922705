"""Where the checker looks: a stack of processes (`of_stack`), or a province within the test (`of_province`)."""

import asyncio
from collections.abc import Collection, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl

from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from deploy.bench.lookups import settings_of
from deploy.demo.people import County, Json
from models.store.register.register import register_row
from models.store.vault import Field, LocalVault, Vault
from tests.checker import Ground, Rows
from tests.checker_looks import owed
from tests.checker_privacy import Heard
from tests.checker_runs import MISSING, Execution
from tests.province import Province
from tests.whole_stack import Whole, object_keys
from workflows.client import connect

Found = TypeVar("Found")
_APPLICATIONS = "SELECT application_no, id_number_sealed, account_sealed, phone_sealed FROM application"
_ACCOUNTS = "SELECT county_code, person_index, id_number_sealed, account_sealed FROM register_account"
# Accounts that are asked for stand in their rows before, and without, being anybody's.
_ASKED_FOR = """
SELECT request_no, account_sealed FROM card_change UNION ALL SELECT entry_no, account_sealed FROM village_entry
"""
_COUNTIES = "SELECT DISTINCT county_code FROM trail_head WHERE county_code NOT LIKE '__0000'"


def of_stack(whole: Whole) -> Ground:
    """Its logs, Temporal's files, the names of objects and files, and the refusals that `whole.http` has had."""
    vault = LocalVault.from_file(whole.stack.layout.vault_key)
    return Ground(
        rows=whole.rows,
        platform=partial(_platform_of_stack, whole),
        counties=lambda: whole.people,
        executions=partial(executions_of, whole),
        owed=partial(_owed_of_stack, whole),
        secrets=lambda: secrets_in(whole.rows, vault),
        written=lambda: _written(whole),
        heard=_listening(whole),
    )


def of_province(province: Province, heard: Heard | None = None) -> Ground:
    """Histories of its runs, and what `heard` has heard, or from now on hears of `province.http`."""
    if heard is None:
        heard = Heard()
        province.http.event_hooks["response"].append(heard)
    return Ground(
        rows=province.rows,
        platform=partial(_platform_of, province),
        counties=lambda: _counties_of(province),
        executions=lambda ids: province.portal.call(partial(executions, province.temporal, ids)),
        owed=lambda: province.portal.call(
            owed, province.settings.database_url.get_secret_value(), province.vault, province.settings
        ),
        secrets=lambda: secrets_in(province.rows, province.vault),
        written=lambda: _histories(province),
        heard=heard,
    )


def secrets_in(rows: Rows, vault: Vault) -> set[str]:
    """Every id, account and phone that applications, the register, card changes and entries hold."""
    found: set[str] = set()
    for number, id_number, account, phone in rows(_APPLICATIONS):
        sealed = ((Field.ID_NUMBER, id_number), (Field.ACCOUNT, account), (Field.PHONE, phone))
        found |= {vault.open(field, number, value) for field, value in sealed if value}
    for county, person, id_number, account in rows(_ACCOUNTS):
        place = register_row(county, person)
        sealed_there = ((Field.ID_NUMBER, id_number), (Field.ACCOUNT, account))
        found |= {vault.open(field, place, value) for field, value in sealed_there if value}
    return found | {vault.open(Field.ACCOUNT, number, account) for number, account in rows(_ASKED_FOR)}


async def executions(client: Client, ids: Collection[str]) -> Mapping[str, Execution]:
    return dict(zip(ids, await asyncio.gather(*(_execution(client, one) for one in ids)), strict=True))


async def _execution(client: Client, workflow_id: str) -> Execution:
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Execution(MISSING)
    tries, failure = _tries(described.raw_description)
    return Execution(described.status.name if described.status else MISSING, tries, failure)


def _tries(told: DescribeWorkflowExecutionResponse) -> tuple[int, str]:
    """Of the step that was tried most, a turn of the run's own among them; and what it failed with."""
    steps = [(one.attempt, one.last_failure.message) for one in told.pending_activities]
    return max([*steps, (told.pending_workflow_task.attempt, "its own turn")], default=(0, ""))


def _listening(whole: Whole) -> Heard:
    heard = Heard()
    whole.http.event_hooks["response"].append(heard)
    return heard


def executions_of(whole: Whole, ids: Collection[str]) -> Mapping[str, Execution]:
    async def ask() -> Mapping[str, Execution]:
        return await executions(await connect(whole.stack.layout.temporal.environment), ids)

    return _apart(ask())


def _owed_of_stack(whole: Whole) -> Collection[str]:
    layout = whole.stack.layout
    settings = settings_of(layout.database_url, layout.home)
    return _apart(owed(layout.database_url, LocalVault.from_file(layout.vault_key), settings))


def _apart(asking: Coroutine[None, None, Found]) -> Found:
    """Whoever asks may have a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asking).result()


def _written(whole: Whole) -> Iterator[tuple[str, bytes]]:
    home = whole.stack.layout.home
    for file in (*(home / "logs").iterdir(), *whole.stack.layout.temporal_store.files()):
        yield file.name, file.read_bytes()
    yield "names of objects", "\n".join(object_keys(whole)).encode()
    yield "names of files", "\n".join(_names(home)).encode()


def _names(home: Path) -> Iterator[str]:
    """Ours: a database's own files are numbered, and not everybody may read their folder."""
    for place in home.iterdir():
        yield place.name
        if place.is_dir() and place.name != "postgres":
            yield from (file.name for file in place.rglob("*"))


def _platform_of_stack(whole: Whole, path: str) -> Json:
    place, _, query = path.partition("?")
    return whole.platform("GET", place, **dict(parse_qsl(query)))


def _platform_of(province: Province, path: str) -> Json:
    """One simulator serves many provinces in turn: of others' flows and events nothing is said."""
    mark = "&" if "?" in path else "?"
    told = province.platform.ask("GET", f"{path}{mark}client_id={province.credentials.client_id}")
    for name in ("overpaid", "applications", "flows"):
        if path.startswith("/ledger"):
            told[name] = [one for one in told[name] if one["county_code"].startswith(province.code)]
    return told


def _counties_of(province: Province) -> dict[str, County]:
    codes = sorted(str(row[0]) for row in province.rows(_COUNTIES))
    return {code: province.county(int(code[2:])) for code in codes}


def _histories(province: Province) -> Iterator[tuple[str, bytes]]:
    for (workflow_id,) in province.rows("SELECT workflow_id FROM run"):
        yield str(workflow_id), province.portal.call(_history, province.temporal, str(workflow_id))


async def _history(client: Client, workflow_id: str) -> bytes:
    try:
        history = await client.get_workflow_handle(workflow_id).fetch_history()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return b""
    return b"".join(event.SerializeToString() for event in history.events)
