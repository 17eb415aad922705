"""Lists of lines sent page by page: open, page, commit, results. What a list means is judged elsewhere."""

import time

import orjson

from .catalog import towns_of
from .clock import DAY
from .flows import need_flow
from .problems import Fault, Problem, refuse_field
from .results import dataset_wire
from .rounds import hand_over_round, need_round_open
from .shapes import ApplicantRecord, CommitBody, DatasetBody, PageBody
from .store import Row
from .world import Answer, Call, World, new_id

REVIEW_AFTER = {"beneficiary_init": 2 * DAY, "verification": 3 * DAY, "application_submission": 2 * DAY}


def open_dataset(world: World, call: Call) -> Answer:
    body = DatasetBody.model_validate_json(call.body)
    world.need_county(call.client, body.county_code)
    _judge_kind(world, call, body)
    dataset = new_id("set")
    world.store.run(
        "INSERT INTO dataset (dataset_id, client_id, county_code, kind, client_reference, batch_no, flow_id,"
        " mode, opened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        dataset,
        call.client.client_id,
        body.county_code,
        body.kind,
        body.client_reference,
        body.batch_no,
        body.flow_id,
        body.mode,
        time.time(),
    )
    return Answer(201, dataset_wire(_find(world, call, dataset)))


def put_page(world: World, call: Call) -> Answer:
    found = _need_open(world, call)
    page = _page(call)
    body = PageBody.model_validate_json(call.body)
    faults = [
        fault for place, record in enumerate(body.records) for fault in _judge_record(world, found, record, place)
    ]
    numbers = [record.application_no for record in body.records]
    if len(set(numbers)) != len(numbers):
        faults.append(Fault("DUPLICATE_APPLICATION", "同一页内申请编号重复", "/records"))
    if faults:
        raise Problem("VALIDATION_FAILED", "请按 errors 逐条更正后重发本页", faults=faults)
    dataset = found["dataset_id"]
    world.store.run("DELETE FROM record WHERE dataset_id = ? AND page = ?", dataset, page)
    world.store.run_many(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                dataset,
                page,
                place,
                r.application_no,
                r.attempt,
                r.repays_flow_id,
                r.indicator_id,
                r.applicant_kind,
                r.name,
                r.id_number,
                r.town_code,
                r.item_code,
                r.amount_fen,
                r.bank_code,
                r.account_no,
                r.group,
            )
            for place, r in enumerate(body.records)
        ),
    )
    return Answer(204)


def commit_dataset(world: World, call: Call) -> Answer:
    found = _need_open(world, call)
    body = CommitBody.model_validate_json(call.body)
    dataset, kind = found["dataset_id"], found["kind"]
    _judge_totals(world, dataset, body)
    if kind == "beneficiary_init":
        _take_province(world, found["county_code"])
    elif kind == "application_submission":
        hand_over_round(world, found)
    world.store.run(
        "UPDATE dataset SET status = 'under_review', record_count = ?, total_fen = ? WHERE dataset_id = ?",
        body.record_count,
        body.total_fen,
        dataset,
    )
    world.later(kind, dataset, REVIEW_AFTER[kind])
    return Answer(202, dataset_wire(_find(world, call, dataset)), started=dataset)


def get_dataset(world: World, call: Call) -> Answer:
    return Answer(200, dataset_wire(_find(world, call, call.path["dataset_id"])))


def get_result_page(world: World, call: Call) -> Answer:
    found = _find(world, call, call.path["dataset_id"])
    if found["status"] != "reviewed":
        raise Problem("NOT_READY", "平台尚未审核完成")
    row = world.store.row(
        "SELECT body FROM result_page WHERE dataset_id = ? AND page = ?", found["dataset_id"], _page(call)
    )
    if row is None:
        raise Problem("NOT_FOUND", "没有这一页结果")
    return Answer(200, orjson.Fragment(row["body"]))


def _judge_kind(world: World, call: Call, body: DatasetBody) -> None:
    if body.kind == "verification" and body.batch_no is None:
        refuse_field("/batch_no", "MISSING", "大数据校验须指明结算批次")
    if body.kind != "application_submission":
        return
    if body.flow_id is None or body.batch_no is None or body.mode is None:
        raise Problem("VALIDATION_FAILED", "申请提交须指明流程、批次和方式")
    flow = need_flow(world, call.client.client_id, body.flow_id)
    if flow["county_code"] != body.county_code or flow["batch_no"] != body.batch_no:
        raise Problem("VALIDATION_FAILED", "区县或批次与流程不一致")
    need_round_open(world, flow)


def _judge_record(world: World, found: Row, record: ApplicantRecord, place: int) -> list[Fault]:
    def fault(name: str, code: str, detail: str) -> Fault:
        return Fault(code, detail, f"/records/{place}/{name}", record.application_no)

    faults = []
    villages = towns_of(found["county_code"]).get(record.town_code)
    if villages is None:
        faults.append(fault("town_code", "UNKNOWN_TOWN", "乡镇不在本区县的列表中"))
    elif record.village_code not in villages:
        faults.append(fault("village_code", "UNKNOWN_VILLAGE", "村不属于该乡镇"))
    if record.item_code not in world.catalog.item_codes:
        faults.append(fault("item_code", "UNKNOWN_ITEM", "补贴项目不在列表中"))
    if record.bank_code not in world.catalog.bank_codes:
        faults.append(fault("bank_code", "UNKNOWN_BANK", "开户行不在列表中"))
    if found["kind"] == "verification" and record.applicant_kind != "personal":
        faults.append(fault("applicant_kind", "NOT_PERSONAL", "大数据校验只针对个人申请"))
    if found["kind"] == "application_submission" and not record.indicator_id:
        faults.append(fault("indicator_id", "MISSING", "申请提交须指明指标"))
    return faults


def _judge_totals(world: World, dataset: str, body: CommitBody) -> None:
    totals = world.store.row(
        "SELECT count(DISTINCT page) AS pages, coalesce(max(page), 0) AS last, count(*) AS records,"
        " coalesce(sum(amount_fen), 0) AS fen, count(DISTINCT application_no) AS numbers"
        " FROM record WHERE dataset_id = ?",
        dataset,
    )
    assert totals is not None
    if totals["pages"] != totals["last"]:
        raise Problem("CONTROL_TOTAL_MISMATCH", "页号不连续，缺少中间的页")
    if (totals["pages"], totals["records"], totals["fen"]) != (body.page_count, body.record_count, body.total_fen):
        raise Problem(
            "CONTROL_TOTAL_MISMATCH",
            f"平台收到 {totals['pages']} 页、{totals['records']} 条、{totals['fen']} 分",
        )
    if totals["records"] == 0:
        raise Problem("VALIDATION_FAILED", "清单是空的")
    if totals["numbers"] != totals["records"]:
        again = world.store.rows(
            "SELECT application_no FROM record"
            " WHERE dataset_id = ? GROUP BY application_no HAVING count(*) > 1 LIMIT 500",
            dataset,
        )
        faults = [Fault("DUPLICATE_APPLICATION", "申请编号在清单中重复", application_no=row[0]) for row in again]
        raise Problem("VALIDATION_FAILED", "同一申请在清单中出现多次", faults=faults)


def _take_province(world: World, county: str) -> None:
    province = county[:2] + "0000"
    holder = world.store.row(
        "SELECT county_code FROM province_lock WHERE province_code = ? UNION ALL"
        " SELECT county_code FROM dataset"
        " WHERE kind = 'beneficiary_init' AND status = 'under_review' AND substr(county_code, 1, 2) = ?"
        " LIMIT 1",
        province,
        county[:2],
    )
    if holder is not None:
        raise Problem("PROVINCE_BUSY", "请等该区县的数据初始化审核完成后再提交", holder=holder[0])


def _find(world: World, call: Call, dataset: str) -> Row:
    found = world.store.row(
        "SELECT * FROM dataset WHERE dataset_id = ? AND client_id = ?", dataset, call.client.client_id
    )
    expired = (
        found is not None
        and found["status"] == "open"
        and (time.time() - found["opened_at"] > world.switches.dataset_open_seconds)
    )
    if found is None or expired:
        raise Problem("NOT_FOUND", "没有此清单，或已因超过 24 小时未提交而作废")
    return found


def _need_open(world: World, call: Call) -> Row:
    found = _find(world, call, call.path["dataset_id"])
    if found["status"] != "open":
        raise Problem("DATASET_CLOSED", "清单已提交，不能再修改或重复提交")
    return found


def _page(call: Call) -> int:
    text = call.path["page"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000):
        raise Problem("VALIDATION_FAILED", "页号应为从 1 开始的整数")
    return int(text)
