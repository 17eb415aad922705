"""提交材料 of paid lines: what lacks photos or isn't paid stays, the rest goes once (S1 2.8)."""

from deploy.demo.drawings import PHOTO_KINDS, photo_archive
from deploy.demo.people import Json
from tests.county_office import Line, Office, lines
from tests.province import Province
from tests.test_flow_payments import lost_end

pytest_plugins = ["tests.province_fixtures"]


def with_photos(office: Office, *numbers: str) -> None:
    for kind in PHOTO_KINDS:
        upload(office, kind, *numbers)


def upload(office: Office, kind: str, *numbers: str) -> None:
    office.operator.upload("/photo-archives", f"{kind}.zip", photo_archive(kind, numbers), kind=kind)


def lacking(office: Office, flow_no: str) -> dict[str, list[str]]:
    rows = office.operator.pages(f"/flows/{flow_no}/missing-evidence")
    return {row["application_no"]: row["missing"] for row in rows}


def sent(province: Province, flow_no: str) -> list[Json]:
    [(flow_id,)] = province.rows("SELECT platform_id FROM flow WHERE flow_no = :no", no=flow_no)
    items: list[Json] = province.platform.ask("GET", f"/evidence/{flow_id}")["items"]
    return items


def file_of(documents: list[Json], kind: str) -> str:
    [file_id] = [document["file_id"] for document in documents if document["kind"] == kind]
    return str(file_id)


def test_lines_without_photos_are_listed_and_not_sent(province: Province) -> None:
    """Each with what it lacks, before the order and after; a county may ask for less, an organization needs one."""
    office = Office(province)
    people = [*lines(3), Line(4, payment="failed:账户销户"), Line(5, organization=True), Line(6, organization=True)]
    flow_no, numbers = office.ended(people)
    with_photos(office, *numbers[:2])
    upload(office, "other", numbers[4])
    upload(office, "bank_card", numbers[5])
    for kind in ("id_card_front", "portrait"):
        upload(office, kind, numbers[2])
    assert lacking(office, flow_no) == {numbers[2]: ["invoice"], numbers[5]: ["other"]}
    done = office.order_done(office.enter_order("evidence", flow_no))
    assert (done["line_count"], done["done_count"]) == (5, 3)
    rows = office.operator.pages(f"/orders/{done['order_no']}/lines")
    faults = {row["application_no"]: (row["fault_code"], row["fault"]) for row in rows if row["fault_code"]}
    told = "缺少材料照片：{}；请补齐后重新提交材料".format
    assert faults == {
        numbers[2]: ("PHOTOS_MISSING", told("发票")),
        numbers[5]: ("PHOTOS_MISSING", told("营业执照（其他材料）")),
    }
    assert {item["application_no"] for item in sent(province, flow_no)} == {*numbers[:2], numbers[4]}
    office.county.admin.put("/evidence-requirements/BT1001", {"kinds": ["portrait", "id_card_front"]})
    assert lacking(office, flow_no) == {numbers[5]: ["other"]}
    again = office.order_done(office.enter_order("evidence", flow_no))
    assert (again["line_count"], again["done_count"]) == (2, 1)
    assert {item["application_no"] for item in sent(province, flow_no)} == {*numbers[:3], numbers[4]}
    stages = dict(province.rows("SELECT application_no, stage FROM application WHERE stage <> 'evidence_sent'"))
    assert stages == {numbers[3]: "failed", numbers[5]: "paid"}


def test_evidence_sent_again_replaces_the_former(province: Province) -> None:
    """Only of the lines that were chosen, with the photos of now; the others stay as they were sent."""
    office = Office(province)
    flow_no, numbers = office.ended(lines(2))
    with_photos(office, *numbers)
    office.order_done(office.enter_order("evidence", flow_no))
    former = {item["application_no"]: item["documents"] for item in sent(province, flow_no)}
    other = photo_archive("portrait", [numbers[1]])
    office.operator.upload("/photo-archives", "portrait.zip", other, kind="invoice")
    done = office.order_done(office.enter_order("evidence", flow_no, selection={"application_nos": [numbers[1]]}))
    assert (done["line_count"], done["done_count"]) == (1, 1)
    now = {item["application_no"]: item["documents"] for item in sent(province, flow_no)}
    changed = [kind for kind in PHOTO_KINDS if file_of(now[numbers[1]], kind) != file_of(former[numbers[1]], kind)]
    assert (now[numbers[0]], changed) == (former[numbers[0]], ["invoice"])


def test_a_page_whose_answer_was_lost_is_sent_again_and_replaces_itself(province: Province) -> None:
    province.platform.ask("PUT", "/settings", {"hang_seconds": 0.2})
    office = Office(province)
    flow_no, numbers = office.ended(lines(2))
    with_photos(office, *numbers)
    province.platform.next_fault("half_json", "submitEvidence")
    done = office.order_done(office.enter_order("evidence", flow_no))
    assert done["done_count"] == 2
    assert len(sent(province, flow_no)) == 2


def test_a_line_that_the_platform_knows_as_returned_leaves_its_page(province: Province) -> None:
    """LINE_NOT_PAID names it: the others go without it, under a key of their own."""
    province.platform.ask("PUT", "/settings", {"returns_after_end": 1})
    office = Office(province)
    flow_no, numbers = office.approved([*lines(2), Line(3, payment="returned:账户销户")])
    province.platform.lose("flow.payments", "flow.ended")
    ended = lost_end(province, office, flow_no)
    pages = province.platform.events("flow.payments", flow_no)
    province.platform.deliver(pages[0])
    province.platform.deliver(ended)
    office.at(flow_no, "ended")
    province.wait(
        "退票", lambda: {"said": province.platform.events("flow.payments", flow_no)}, lambda x: len(x["said"]) > 1
    )
    with_photos(office, *numbers)
    done = office.order_done(office.enter_order("evidence", flow_no))
    assert (done["line_count"], done["done_count"]) == (3, 2)
    rows = office.operator.pages(f"/orders/{done['order_no']}/lines")
    assert {row["application_no"]: row["fault_code"] for row in rows if row["fault_code"]} == {
        numbers[2]: "LINE_NOT_PAID"
    }
    assert len(sent(province, flow_no)) == 2
