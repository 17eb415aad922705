"""Pages that decide about money or identity, as one table: a page joins it by a row, and is tried like all the others.

What each is tried against stands in tests/test_decision_pages.py: two persons at once, a doubled click, a cut line, an
ended session, a stale page, another county, a foreign origin.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from models.store.events.contradictions import Claim, keep_claim
from models.store.register.entries import EntryForm, open_entry
from models.wire.words import CardType
from models.words.staff import Role
from tests.browser import Browser, Page, Values
from tests.card_ground import Cards, card
from tests.card_ground import person as citizen_of
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    REVIEWER,
    SECOND,
    SECOND_ADMIN,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_file,
    add_flow,
    add_ground,
    add_summary,
    citizen_id,
    set_lines,
)

# One page without anything: what a scanner would give.
SCAN = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n" + (
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n"
    b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n101\n%%EOF\n"
)


@dataclass(frozen=True)
class DecisionPage:
    """One page with one decision on it.

    `ground` lays the rows under it and gives its address; `button` sends its form, filled with `fields`.
    `done` is SQL that counts how often it was done; `moved` changes what the page shows, so that its form is stale and
    is answered with one of the codes of `stale`. `who` may do it, and so may `second`.
    """

    name: str
    ground: Callable[[Office], Awaitable[str]]
    button: str
    done: str
    moved: str
    stale: tuple[str, ...]
    who: str = REVIEWER
    second: str = SECOND
    role: Role = Role.REVIEWER
    fields: Mapping[str, Values | str | bool] = field(default_factory=dict)
    # 303 to the thing's page, or 200 where the answer is shown once and never again
    done_status: int = 303
    # from the page at the address to the one with the decision, where a preview stands between
    through: Callable[[Browser, Page], Awaitable[Page]] | None = None


async def _flow(office: Office) -> str:
    ground = await add_ground(office, [Line(amount_fen=123_456), Line(amount_fen=200)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted")
    await add_summary(office, flow_no)
    return flow_no


async def review_ground(office: Office) -> str:
    flow_no = await _flow(office)
    async with office.database.transaction() as session:
        scan = await add_file(session)
    return f"/console/summaries/{flow_no}/review?file={scan}&as=pdf"


async def _passed(office: Office) -> str:
    """Reviewed by somebody third."""
    flow_no = await _flow(office)
    code = (await office.get(f"/flows/{flow_no}/summary")).json()["check_code"]
    async with office.database.transaction() as session:
        scan = await add_file(session)
    review = {"passed": True, "opinion": "同意发放", "form_file_id": scan, "check_code": code}
    answer = await office.post(f"/flows/{flow_no}/summary/review", review, "rev.third", role=Role.REVIEWER)
    assert answer.status_code == 200, answer.text
    return flow_no


async def submission_ground(office: Office) -> str:
    return f"/console/summaries/{await _passed(office)}/submission"


async def confirmation_ground(office: Office) -> str:
    flow_no = await _passed(office)
    submitted = await office.post(f"/flows/{flow_no}/summary/submission", None, "op.third", role=Role.OPERATOR)
    assert submitted.status_code == 200, submitted.text
    await office.run("UPDATE summary SET stage = 'approved' WHERE submitted_at IS NOT NULL")
    await office.run("UPDATE flow SET stage = 'summary_approved' WHERE stage = 'summary_submitted'")
    return f"/console/summaries/{flow_no}/payment-confirmation"


async def settlement_ground(office: Office) -> str:
    ground = await add_ground(office, [Line(amount_fen=123_456), Line(amount_fen=200)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted", payment="unresolved")
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :no", no=flow_no)
    return f"/console/payments/{flow_no}/acts/settlement"


async def settlement_preview(browser: Browser, page: Page) -> Page:
    numbers = [row["申请编号"] for row in page.rows()]
    proof = ("proof.pdf", SCAN, "application/pdf")
    return await browser.submit(page, "预览", chosen=numbers, status="paid", reason="银行回单", proof_file_id=proof)


async def card_ground(office: Office) -> str:
    citizen, cards = citizen_of(office.vault, 1), Cards(office.database, office.vault)
    await cards.settle(citizen, card(1), COUNTY)
    request = await cards.in_review(citizen, card(2), COUNTY)
    return f"/console/card-changes/{request.request_no}.{COUNTY}"


async def entry_ground(office: Office) -> str:
    citizen = citizen_of(office.vault, 1)
    async with office.database.transaction() as session:
        photo = await add_file(session, content_type="image/png")
        form = EntryForm(CardType.BANK_CARD, "BANK-A", photo, citizen.name, citizen.id_number, card(1))
        entry_no = (await open_entry(session, office.vault, COUNTY, form, OPERATOR)).entry_no
    await office.run("UPDATE village_entry SET stage = 'entered'")
    return f"/console/village-entries/{entry_no}"


async def claim_ground(office: Office) -> str:
    flow_no = await _flow(office)
    async with office.database.transaction() as session:
        sides = {"applied": {"status": "approved"}, "claimed": {"status": "rejected"}}
        await keep_claim(
            session, office.vault, Claim(COUNTY, flow_no, "flow.summary.reviewed", "", **sides, inbox_id=None)
        )
    [(number,)] = await office.rows("SELECT id FROM contradiction")
    return f"/console/contradictions/{number}"


async def application_ground(office: Office) -> str:
    async with office.database.transaction() as session:
        await add_catalogs(session)
        [number] = await add_applications(session, office.vault, [Line(stage="in_review")], None)
    return f"/console/applications/{number}/review"


async def order_ground(office: Office) -> str:
    ground = await add_ground(office, [Line(), Line()])
    flow_no = await add_flow(office, ground)
    body = {"flow_no": flow_no, "kind": "withdrawal", "reason": "已去世"}
    answer = await office.post("/orders", {**body, "selection": {"application_nos": ground.numbers[:1]}})
    assert answer.status_code == 201, answer.text
    return f"/console/orders/{answer.json()['order_no']}"


async def person_ground(office: Office) -> str:
    """A reviewer is invited by one administrator; the others may confirm it."""
    invited = {"subject": "rev.new", "name": "新审核", "id_number": citizen_id(77), "roles": ["reviewer"]}
    answer = await office.post("/staff/invitations", invited, "adm.first", role=Role.COUNTY_ADMIN)
    assert answer.status_code == 201, answer.text
    return "/console/people/rev.new"


DECISIONS = (
    DecisionPage(
        "审核申请资料",
        application_ground,
        "通过，打开下一份",
        "trail_entry WHERE act = 'applications.approved'",
        # what an operator's edit does while it lies before a reviewer
        "UPDATE application SET bank_code = 'BANK-B', version = version + 1",
        ("SELECTION_CHANGED",),
    ),
    DecisionPage(
        "复核指令",
        order_ground,
        "复核通过",
        "trail_entry WHERE act = 'orders.confirmed'",
        "UPDATE flow SET stage = 'paying'",
        ("FLOW_STAGE_UNFIT",),
    ),
    DecisionPage(
        "确认人员变更",
        person_ground,
        "确认",
        "trail_entry WHERE act = 'person.invited' AND actor <> 'adm.first'",
        "UPDATE person_change SET decided_by = 'adm.third', decided_at = now(), is_confirmed = false",
        ("CHANGE_DECIDED",),
        who=ADMIN,
        second=SECOND_ADMIN,
        role=Role.COUNTY_ADMIN,
        done_status=200,
    ),
    DecisionPage(
        "审核账号变更",
        card_ground,
        "保存(S)",
        "trail_entry WHERE act = 'card_change.decided'",
        "UPDATE card_change_part SET stage = 'withdrawn', ended_at = now()",
        ("NOT_IN_REVIEW",),
        fields={"passed": "true"},
    ),
    DecisionPage(
        "复核村社申报",
        entry_ground,
        "保存(S)",
        "trail_entry WHERE act = 'village_entry.decided'",
        "UPDATE village_entry SET stage = 'failed', ended_at = now()",
        ("ENTRY_NOT_WAITING",),
        fields={"passed": "true"},
    ),
    DecisionPage(
        "裁定矛盾来件",
        claim_ground,
        "裁定",
        "trail_entry WHERE act = 'contradiction_decided'",
        "UPDATE contradiction SET state = 'settled', taken = 'applied', decided_by = 'rev.third', decided_at = now()",
        ("CONTRADICTION_DECIDED",),
        fields={"take": "claimed", "reason": "已电话核实"},
    ),
    DecisionPage(
        "审核发放汇总",
        review_ground,
        "确认办理",
        "trail_entry WHERE act = 'summaries.reviewed'",
        "UPDATE flow_line SET amount_fen = amount_fen - 1",
        ("FIGURES_MOVED",),
        fields={"passed": "true", "compared": True, "opinion": "同意"},
    ),
    DecisionPage(
        "提交发放汇总",
        submission_ground,
        "提交平台审核",
        "trail_entry WHERE act = 'summaries.submitted'",
        "UPDATE flow SET stage = 'county_review'",
        ("FLOW_STAGE_UNFIT",),
        who=OPERATOR,
        second="op.second",
        role=Role.OPERATOR,
    ),
    DecisionPage(
        "确认发放",
        confirmation_ground,
        "确认发放",
        "trail_entry WHERE act = 'payments.confirmed'",
        "UPDATE flow_line SET amount_fen = amount_fen - 1",
        ("FIGURES_MOVED",),
        fields={"application_count": "2", "total_fen": "1,236.56"},
    ),
    DecisionPage(
        "核实无结果的发放",
        settlement_ground,
        "确认办理",
        "trail_entry WHERE act = 'payments.settled'",
        "UPDATE flow_line SET payment = 'paid', money = 'paid' WHERE amount_fen = 200",
        ("SELECTION_CHANGED",),
        through=settlement_preview,
    ),
)
