"""What a rejected line may be corrected in beside name, account and amount: household, family, photos."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from models.store.applications.records import record_lines, record_of
from models.store.flows.rounds import open_new_round
from models.store.flows.rows import lock_flow_of_run
from models.store.orders.apply_corrections import BY_APPLICATION, CORRECTED, CorrectedLine, apply_corrections
from models.store.sql import fetch
from models.store.vault import Field, name_index
from models.tables.batches import Dataset
from models.tables.flows import Order
from models.wire.requests import ApplicantRecord
from models.wire.words import HouseholdRegistration
from tests.rows import (
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_file,
    add_flow,
    add_ground,
    count_of,
    open_office,
    set_lines,
)
from tests.statements import rows_of

PICTURE = "image/jpeg"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def rejected(office: Office, lines: Sequence[Line]) -> tuple[str, list[str]]:
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "rejected")
    return flow_no, ground.numbers


async def corrected(office: Office, flow_no: str, *corrections: dict[str, object]) -> httpx.Response:
    body = {"kind": "modified", "flow_no": flow_no, "reason": "按提交失败原因更正", "corrections": list(corrections)}
    return await office.post("/orders", body)


async def files(office: Office, *kinds: str) -> list[int]:
    async with office.database.transaction() as session:
        return [await add_file(session, content_type=kind) for kind in kinds]


async def carry_out(office: Office) -> list[ApplicantRecord]:
    """As the flow's run does it: the lines corrected, and what goes to the platform in the round."""
    async with office.database.transaction() as session:
        order = (await session.exec(select(Order))).one()
        flow = await lock_flow_of_run(session, (await rows_of(session, "SELECT flow_no FROM flow"))[0][0])
        await apply_corrections(
            session,
            office.vault,
            await fetch(session, CorrectedLine, CORRECTED + BY_APPLICATION, order=order.id),
            OPERATOR,
        )
        opened = await open_new_round(session, office.vault, flow, order)
        assert opened is not None
    async with office.database.reading() as session:
        dataset = (await session.exec(select(Dataset).where(Dataset.reference == opened.reference))).one()
        lines = await record_lines(session, dataset, 0, 500)
    return [record_of(office.vault, line, {line.photo: f"platform-{line.photo}"}) for line in lines]


async def test_household_family_group_and_photos_are_corrected_and_go_out(office: Office) -> None:
    flow_no, [number, other] = await rejected(office, [Line(), Line()])
    old, card, front = await files(office, PICTURE, PICTURE, "image/png")
    await office.run(
        "INSERT INTO application_photo (application_id, kind, file_id, stored_at)"
        " SELECT id, 'bank_card', :file, now() FROM application WHERE application_no = :no",
        file=old,
        no=number,
    )
    change: dict[str, object] = {
        "application_no": number,
        "household_registration": "non_agricultural",
        "family_size": 5,
        "group": "7组",
        "name": "欧阳 小梅",
        "photos": {"bank_card": card, "id_card_front": front},
    }
    # of the other line a photo only
    entered = await corrected(office, flow_no, change, {"application_no": other, "photos": {"bank_card": card}})
    assert entered.status_code == 201, entered.text
    seen = (await office.get(f"/orders/{entered.json()['order_no']}/lines", REVIEWER)).json()["items"]
    assert set(seen[0]["changes"]) == {
        "户口性质：农业 → 非农业",
        "家庭成员数：3 → 5",
        "组：6组 → 7组",
        "姓名：王小梅 → 欧阳小梅",
        "更换照片：银行卡照片、身份证正面",
    }
    assert seen[0]["correction"]["photos"]["after"] == {"bank_card": card, "id_card_front": front}

    sent, second = await carry_out(office)
    assert (sent.household_registration, sent.family_size) == (HouseholdRegistration.NON_AGRICULTURAL, 5)
    assert (sent.group, sent.bank_card_photo_file_id) == ("7组", f"platform-{card}")
    assert second.bank_card_photo_file_id == f"platform-{card}"
    kept = "SELECT household_registration, family_size, group_name FROM {} WHERE application_no = :no"
    for table in ("application", "flow_line"):
        assert await office.rows(kept.format(table), no=number) == [("non_agricultural", 5, "7组")]
        found = f"SELECT application_no FROM {table} WHERE name_index = :name"
        assert await office.rows(found, name=name_index(office.vault, "欧阳小梅")) == [(number,)]
        assert await office.rows(found, name=name_index(office.vault, "王小梅")) == [(other,)]
    photos = await office.rows("SELECT application_id, kind, file_id FROM application_photo ORDER BY 1, 2")
    assert [row[1:] for row in photos] == [("bank_card", card), ("id_card_front", front), ("bank_card", card)]
    assert await office.rows("SELECT version FROM application ORDER BY id") == [(3,), (3,)]
    told = await office.rows("SELECT county_code, sequence, detail FROM trail_entry WHERE subject = :no", no=number)
    [(county, sequence, detail)] = told
    written = json.loads(office.vault.open(Field.DETAIL, f"{county}/{sequence}", str(detail)))
    before = {"household_registration": "agricultural", "family_size": 3, "group": "6组", "name": "王小梅"}
    before |= {"photos": {"bank_card": old}}
    assert (written["before"], set(written["after"])) == (before, set(before))


async def test_what_is_wrong_with_a_correction_is_said_at_its_place(office: Office) -> None:
    flow_no, [person, organization] = await rejected(office, [Line(), Line(applicant_kind="organization")])
    paper, used, fine = await files(office, "application/pdf", PICTURE, PICTURE)
    async with office.database.transaction() as session:
        foreign = await add_file(session, OTHER_COUNTY, PICTURE)
    await office.run(
        "INSERT INTO application_photo (application_id, kind, file_id, stored_at)"
        " SELECT id, 'portrait', :file, now() FROM application WHERE application_no = :no",
        file=used,
        no=organization,
    )
    photos = {"bank_card": paper, "portrait": used, "invoice": foreign, "id_card_back": 10**6, "other": fine}
    answer = await corrected(
        office,
        flow_no,
        {"application_no": person, "family_size": 0, "photos": photos},
        {"application_no": organization, "household_registration": "agricultural", "family_size": 2},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "CORRECTIONS_FAULTY")
    found = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    unknown = {(f"/corrections/0/photos/{kind}", "FILE_UNKNOWN") for kind in photos if kind != "other"}
    assert found == unknown | {
        ("/corrections/0/family_size", "FAMILY_SIZE"),
        ("/corrections/1/household_registration", "PERSONS_ONLY"),
        ("/corrections/1/family_size", "PERSONS_ONLY"),
    }
    shapes: tuple[dict[str, object], ...] = (
        {"household_registration": "城镇"},
        {"family_size": "3"},
        {"photos": {"passport": fine}},
        {"photos": {}},
    )
    for wrong in shapes:
        refused = await corrected(office, flow_no, {"application_no": person} | wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_FAILED"), wrong
    assert await count_of(office, "operator_order") == 0
