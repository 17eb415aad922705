"""Evidence for paid lines; sent again it replaces."""

import json

from .flows import need_flow
from .problems import Fault, Problem
from .shapes import EvidenceBody
from .store import listed
from .world import Answer, Call, World


def submit_evidence(world: World, call: Call) -> Answer:
    flow_id = need_flow(world, call.client.client_id, call.path["flow_id"])["flow_id"]
    body = EvidenceBody.model_validate_json(call.body)
    numbers = [item.application_no for item in body.items]
    if len(set(numbers)) != len(numbers):
        raise Problem("VALIDATION_FAILED", "同一申请在请求中出现多次")
    files = {document.file_id for item in body.items for document in item.documents}
    known = world.store.rows(
        "SELECT file_id FROM file WHERE client_id = ? AND file_id IN (SELECT value FROM json_each(?))",
        call.client.client_id,
        listed(files),
    )
    if len(known) != len(files):
        raise Problem("VALIDATION_FAILED", "有材料引用的文件尚未上传", faults=_unknown(body, {row[0] for row in known}))
    paid = world.store.rows(
        "SELECT application_no FROM flow_line WHERE flow_id = ? AND status = 'accepted' AND pay_status = 'paid'"
        " AND application_no IN (SELECT value FROM json_each(?))",
        flow_id,
        listed(numbers),
    )
    unpaid = set(numbers) - {row[0] for row in paid}
    if unpaid:
        faults = [Fault("NOT_PAID", "该申请在本流程中没有发放成功", application_no=no) for no in sorted(unpaid)]
        raise Problem("LINE_NOT_PAID", "只有发放成功的申请才能提交材料，整个请求没有受理", faults=faults)
    world.store.run_many(
        "INSERT INTO evidence (flow_id, application_no, documents) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET documents = excluded.documents, times = times + 1",
        ((flow_id, item.application_no, json.dumps([d.model_dump() for d in item.documents])) for item in body.items),
    )
    return Answer(204)


def _unknown(body: EvidenceBody, known: set[str]) -> list[Fault]:
    return [
        Fault("UNKNOWN_FILE", "文件尚未上传", f"/items/{place}/documents/{at}/file_id", item.application_no)
        for place, item in enumerate(body.items)
        for at, document in enumerate(item.documents)
        if document.file_id not in known
    ]
