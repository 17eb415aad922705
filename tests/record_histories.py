"""Records the histories that test_replay.py replays: `python -m tests.record_histories`, after a change on purpose."""

import asyncio
import base64
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowExecution

from deploy.demo.play import Play
from deploy.stack import Options, Stack, temporal
from deploy.stack.stack import remove_home
from models.contracts import ProvinceRef
from tests.county_files import CountyFile, personal_500001
from tests.recorded_cards import NEW_CARDS, CardSide
from tests.whole_stack import QUICK, Whole, first_round_out, match_the_rest, opened
from workflows.client import connect
from workflows.invalidation_list import InvalidationsWorkflow
from workflows.schedules import INVALIDATIONS
from workflows.trail_heads import TrailHeadsWorkflow

ROOT = Path(__file__).resolve().parents[1]
HISTORIES = Path(__file__).parent / "histories"
# A sign-in goes like another; each takes its time to replay.
MOST_OF_A_SHAPE = 2
PROVINCE = "500000"
COUNTY, LINES, EVIDENCE_LINES, TOTAL_FEN = "500001", 45, 3, 400_000_000
# Where the histories were made is nobody's business: processes, hosts and places of files go.
NOT_KEPT = {"identity": "worker", "stackTrace": "", "workerVersion": None, "binaryChecksum": ""}
PROCESS = re.compile(r"\d+@[\w.-]+")


def main() -> None:
    home = ROOT / "var" / "histories"
    remove_home(home)
    with Stack(home, Options(durable=False, env=QUICK, time_scale=5 * 86_400, seed=5)) as stack:
        stack.start()
        with opened(stack) as whole:
            _play(whole, recorded_file())
            CardSide(whole, recorded_file()).play()
            histories = asyncio.run(_histories(whole))
    remove_home(home)
    shutil.rmtree(HISTORIES, ignore_errors=True)
    HISTORIES.mkdir()
    for name, history in histories.items():
        text = json.dumps(cleaned(history), ensure_ascii=False, indent=0, sort_keys=True)
        spoken = text + "".join(opened_payloads(history))
        assert not [secret for secret in recorded_secrets() if secret in spoken], name
        (HISTORIES / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(history['events'])} events")


def recorded_file() -> CountyFile:
    return personal_500001(LINES)


def recorded_secrets() -> set[str]:
    """What nobody may read in a history: whoever was in the file, and the cards they changed to."""
    return recorded_file().secrets | set(NEW_CARDS)


def _play(whole: Whole, file: CountyFile) -> None:
    """Policy, indicator and summary are refused once; names corrected, duplicates confirmed, unverified lines sent."""
    play = whole.play(COUNTY)
    ground = play.prepare_ground(TOTAL_FEN, refused_first=True)
    batch_no = play.open_batch("批次")
    play.import_file(batch_no, file.name, file.data, file.kind)
    play.review_and_publicise(batch_no)
    play.initialise(batch_no)
    match_the_rest(play, batch_no)
    play.verify(batch_no)
    play.publicise_batch(batch_no)
    flow_no = first_round_out(play, play.start_flow(batch_no, ground))
    play.settle_lines(flow_no)
    play.confirm_payment(flow_no, play.pass_summary(flow_no, refused_first=True))
    play.wait_for_end(flow_no)
    whole.until("the returns", whole.quiet)
    play.send_evidence(flow_no, play.paid_lines(flow_no, EVIDENCE_LINES))
    _hand_in_again(play, file)
    whole.until("all applied", lambda: not whole.one("SELECT 1 FROM inbox WHERE applied_at IS NULL"), seconds=30)


def _hand_in_again(play: Play, file: CountyFile) -> None:
    """待确认, and dropped: the run has waited for a person."""
    operator = play.county.operator
    fields = {"fund_year": str(play.year), "applicant_kind": file.kind}
    path = (
        f"/application-imports/{operator.upload('/application-imports', file.name, file.data, **fields)['import_no']}"
    )
    operator.wait("批量导入", path, lambda seen: seen["stage"] == "to_confirm")
    operator.post(f"{path}/refusal", {"reason": "重复导入"})
    operator.wait("放弃导入", path, lambda seen: seen["run"]["stage"] == "refused")


async def _histories(whole: Whole) -> dict[str, dict[str, Any]]:
    """By kind of run and its place among those kept of its kind."""
    client = await connect(whole.stack.layout.temporal.environment)
    # as a tick of its Schedule starts it
    await client.execute_workflow(TrailHeadsWorkflow.run, id="trail-heads/hourly", task_queue=temporal.TASK_QUEUE)
    await client.execute_workflow(
        InvalidationsWorkflow.run,
        ProvinceRef(province_code=PROVINCE),
        id=f"{INVALIDATIONS}/{PROVINCE}",
        task_queue=temporal.TASK_QUEUE,
    )
    executions = sorted([one async for one in client.list_workflows()], key=lambda one: one.start_time)
    found: dict[str, dict[str, Any]] = {}
    shapes: Counter[str] = Counter()
    for execution in executions:
        kind, history = execution.id.partition("/")[0], await _history(client, execution)
        shape = f"{kind} {[event['eventType'] for event in history['events']]}"
        shapes[shape] += 1
        if shapes[shape] <= MOST_OF_A_SHAPE:
            number = 1 + sum(name.startswith(f"{kind}-") for name in found)
            found[f"{kind}-{number}"] = history
    return found


async def _history(client: Client, execution: WorkflowExecution) -> dict[str, Any]:
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    told: dict[str, Any] = json.loads((await handle.fetch_history()).to_json())
    return {"workflow_id": execution.id, "events": told["events"]}


def cleaned(told: Any) -> Any:
    if isinstance(told, dict):
        return {
            key: NOT_KEPT.get(key, cleaned(value)) for key, value in told.items() if NOT_KEPT.get(key, "") is not None
        }
    if isinstance(told, list):
        return list(map(cleaned, told))
    return PROCESS.sub("worker", told) if isinstance(told, str) else told


def opened_payloads(told: Any) -> list[str]:
    """What the base64 in a history says."""
    if isinstance(told, dict):
        own = [base64.b64decode(told["data"]).decode()] if isinstance(told.get("data"), str) else []
        return own + [text for value in told.values() for text in opened_payloads(value)]
    return [text for value in told for text in opened_payloads(value)] if isinstance(told, list) else []


if __name__ == "__main__":
    main()
