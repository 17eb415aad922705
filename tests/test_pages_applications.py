"""申请录入与审核 in a browser without scripts: lists, acts by selection with their preview, entry, review, detail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.pages.words import ENGLISH
from models.store.applications import rules
from models.store.selection import Rule
from models.words.flow_words import FAILURES, REJECTIONS
from models.words.staff import Role
from models.words.stages import ApplicationStage, Channel, LineState, Verification
from tests.browser import Browser, Page
from tests.rows import OPERATOR, REVIEWER, SECOND, Line, Office, add_applications, add_catalogs, citizen_id, open_office
from tests.test_pages_law import HAN

LIST = "/console/applications"
OPERATOR_ROLE = Role.OPERATOR


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            await add_catalogs(session)
        yield opened


async def put(office: Office, *lines: Line) -> list[str]:
    async with office.database.transaction() as session:
        return await add_applications(session, office.vault, lines, None)


async def desk(office: Office, who: str = OPERATOR) -> Browser:
    return await Browser.at(office).sign_in(who)


def shown(rows: list[dict[str, str]]) -> list[str]:
    return [row["编号"] for row in rows]


async def test_a_list_opens_with_what_waits_and_finds_by_conditions_and_by_person(office: Office) -> None:
    draft, paid = await put(office, Line(12_345_67, stage="draft", person=901), Line(stage="paid", person=902))
    browser = await desk(office)
    page = await browser.open(LIST)
    assert shown(page.rows()) == [draft]
    assert page.rows()[0]["金额（元）"] == "12,345.67"
    everything = await browser.open(page.link("全部"))
    assert shown(everything.rows()) == [paid, draft]
    found = await browser.submit(page, "查询", stage="paid", to_do="")
    assert found.path.count("stage=paid")
    # who is sought never stands in an address
    sought = await browser.submit(everything, "查找", id_number=citizen_id(902))
    assert shown(sought.rows()) == [paid]
    assert citizen_id(902) not in "".join(browser.seen)
    # the foot is of what the list opened with
    (foot,) = page.document.cssselect(".sums")
    assert ">12,345.67<" in (await browser.get(foot.get("hx-get"))).text
    book = await browser.get(f"{LIST}/export?stage=paid")
    assert book.headers["content-type"].startswith("application/vnd.openxmlformats")
    towns = await browser.submit(page, "查询", to_do="", town_code="500001100")
    assert [option.text for option in towns.document.cssselect("#q-village_code option")] == ["全部", "前进村"]


@pytest.mark.journey(11)
async def test_what_is_chosen_is_previewed_and_then_done(office: Office) -> None:
    """Journey 11: 2,000 by filter; the preview names what is left out, and the figures agree."""
    matched = await put(office, *[Line(1_000, stage="matched")] * 2_000)
    (draft,) = await put(office, Line(stage="draft"))
    browser = await desk(office)
    page = await browser.open(LIST)
    form = page.form("提交结算资料")
    shown_first = await browser.send(page, form, "提交结算资料", {"everything": True})
    assert shown_first.document.get_element_by_id("preview-count").text == "2,000"
    assert shown_first.document.get_element_by_id("preview-sum").text == "20,000.00"
    [group] = shown_first.document.cssselect("details.left-out")
    assert group.get("data-code") == "NOT_MATCHED"
    assert draft in group.text_content()
    assert (await office.rows("SELECT count(*) FROM application WHERE stage = 'pending_settlement'"))[0] == (0,)
    # meanwhile somebody else changes one: it is shown anew, and nothing was done
    await office.run("UPDATE application SET stage = 'withdrawn' WHERE application_no = :no", no=matched[0])
    again = await browser.submit(shown_first, "确认办理")
    assert (again.status, again.code) == (409, "SELECTION_CHANGED")
    assert again.document.get_element_by_id("preview-count").text == "1,999"
    done = await browser.submit(again, "确认办理")
    assert "已提交结算资料 1,999 份" in done.done
    assert (await office.rows("SELECT count(*) FROM application WHERE stage = 'pending_settlement'"))[0] == (1_999,)
    # pressed twice is done once: the stored answer comes again
    twice = await browser.submit(again, "确认办理")
    assert "已提交结算资料 1,999 份" in twice.done


async def test_rows_that_are_ticked(office: Office) -> None:
    first, second = await put(office, Line(stage="draft"), Line(stage="draft"))
    browser = await desk(office)
    page = await browser.open(LIST)
    none = await browser.submit(page, "撤回")
    assert (none.status, none.code) == (422, "NOTHING_CHOSEN")
    preview = await browser.send(page, page.form("撤回"), "撤回", {"chosen": [first]})
    missing = await browser.submit(preview, "确认办理")
    assert (missing.status, "须说明原因" in missing.problem or "请填写原因" in missing.problem) == (422, True)
    done = await browser.submit(missing, "确认办理", usual="申请人放弃", reason="电话确认")
    assert "已撤回 1 份" in done.done
    assert (await office.rows("SELECT stage FROM application WHERE application_no = :no", no=second))[0] == ("draft",)


def above(page: Page) -> list[str]:
    return [str(link.get("href")) for link in page.document.cssselect(".crumbs a")]


async def test_one_comes_back_to_the_list_as_it_was(office: Office) -> None:
    """Conditions, size and page, after an act on several, on one that was opened there, and after looking at one."""
    await put(office, *[Line(stage="draft")] * 70, Line(stage="matched"))
    browser = await desk(office)
    page = await browser.open((await browser.open(f"{LIST}?stage=draft&town_code=500001100&limit=50")).link("下一页"))
    rows = shown(page.rows())
    assert (len(rows), "after=" in page.path) == (20, True)
    preview = await browser.send(page, page.form("撤回"), "撤回", {"chosen": rows[:1]})
    assert preview.link("返回") == page.path
    refused = await browser.submit(preview, "确认办理")
    assert (refused.status, refused.link("返回")) == (422, page.path)
    done = await browser.submit(refused, "确认办理", usual="申请人放弃")
    assert (done.path, "已撤回 1 份" in done.done) == (f"{page.path}&done=withdrawn.1", True)
    assert shown(done.rows()) == rows[1:]

    one = await browser.open(page.link(rows[1]))
    assert above(one) == [page.path]
    edited = await browser.open(one.link("编辑"))
    assert above(await browser.open(above(edited)[1])) == [page.path]
    preview = await browser.submit(one, "撤回")
    done = await browser.submit(preview, "确认办理", usual="申请人放弃")
    assert (done.path, shown(done.rows())) == (f"{page.path}&done=withdrawn.1", rows[2:])

    # the last page is emptied: the first one is shown, with what was done
    everyone = await browser.send(done, done.form("撤回"), "撤回", {"chosen": rows[2:]})
    done = await browser.submit(everyone, "确认办理", usual="申请人放弃")
    assert ("after=" in done.path, len(done.rows()), "已撤回 18 份" in done.done) == (False, 50, True)
    # whom one has sought stands in no address
    found = await browser.submit(page, "查找", name="王小梅")
    preview = await browser.send(found, found.form("撤回"), "撤回", {"chosen": shown(found.rows())[:1]})
    assert preview.link("返回") == LIST


async def test_a_role_has_its_own_acts(office: Office) -> None:
    mine, other = await put(office, Line(stage="in_review"), Line(stage="in_review"))
    await office.run("UPDATE application SET edited_by = ARRAY['rev.zhao'] WHERE application_no = :no", no=mine)
    browser = await desk(office, SECOND)
    page = await browser.open(LIST)
    assert shown(page.rows()) == [other]
    assert [button.text for button in page.form("通过").cssselect("button")] == ["通过", "审核退回"]
    all_of_them = await browser.open(f"{LIST}?stage=in_review")
    preview = await browser.send(all_of_them, all_of_them.form("通过"), "通过", {"chosen": [mine, other]})
    assert "由本人录入，须由另一人审核" in preview.main
    done = await browser.submit(preview, "确认办理")
    assert "已通过 1 份" in done.done
    # a button that isn't there can't be pressed either
    stolen = await browser.post(all_of_them, all_of_them.form("通过"), "通过", {"chosen": [other]})
    assert stolen.status_code == 200
    key = all_of_them.form("通过").cssselect("[name=form_key]")[0].get("value")
    headers = {"Sec-Fetch-Site": "same-origin"}
    asked = await browser.http.post(f"{LIST}/acts", data={"form_key": key, "act": "publicise"}, headers=headers)
    assert asked.status_code == 404
    assert REVIEWER != SECOND


def entry(person: int, **more: str) -> dict[str, str]:
    return {
        "form.name": "王小梅",
        "form.id_number": citizen_id(person),
        "form.phone": "13312345835",
        "form.town_code": "500001100",
        "form.village_code": "V-01",
        "form.group": "6组",
        "form.bank_code": "BANK-A",
        "form.account_no": f"{person:012d}",
        "form.household_registration": "agricultural",
        "form.family_size": "3",
        "form.item_code": "ITEM-01",
        "form.amount_fen": "1,234.56",
        **{f"form.{name}": value for name, value in more.items()},
    }


@pytest.mark.journey(5, 7)
async def test_an_entry_on_pc(office: Office) -> None:
    """Journeys 5 and 7: stars left empty are told with links to their fields, nothing typed is lost; a second
    application of the same person and item is saved with a reminder."""
    browser = await desk(office)
    page = await browser.open((await browser.open(LIST)).link("录入申请"))
    page = await browser.open(page.link("个人"))
    wrong = await browser.submit(page, "保存", **{"form.name": "王小梅", "form.amount_fen": "十元"})
    assert wrong.status == 422
    assert wrong.problem.startswith("还不能办理，请改正")
    links = [a.get("href") for a in wrong.document.cssselect("section.notice.bad a")]
    assert {"#field-form.id_number", "#field-form.amount_fen", "#field-form.bank_code"} <= set(links)
    assert all(wrong.document.get_element_by_id(link[1:]) is not None for link in links if link.startswith("#field"))
    assert wrong.form("保存").fields["form.name"] == "王小梅"
    # a choice left open is named, where it stands, and in no program's words
    open_ = {**entry(701), "form.household_registration": ""}
    unsaid = await browser.submit(wrong, "保存", **open_)
    assert unsaid.problem.startswith("还不能办理，请改正 1 处 户口性质未填写")
    assert unsaid.document.get_element_by_id("error-form.household_registration") is not None
    # what a page was shown before is no leave to send a word that nobody knows; and the place is the field's
    unknown = await browser.submit(unsaid, "保存", **{**open_, "form.household_registration": "farmer"})
    assert (unknown.status, "户口性质：只能是以下之一" in unknown.problem) == (422, True)
    done = await browser.submit(unsaid, "保存", **entry(701))
    assert done.done == "已录入"
    assert "1,234.56" in done.main
    assert citizen_id(701) not in done.text
    again = await browser.submit(await browser.open(f"{LIST}/new/personal"), "保存", **entry(701))
    [reminder] = again.document.cssselect(".reminders li")
    assert reminder.get("data-code") == "SAME_ITEM"
    number = done.path.split("/")[-1].split("?")[0]
    assert number in reminder.text_content()
    assert (await office.rows("SELECT count(*), sum(amount_fen) FROM application"))[0] == (2, 246_912)
    # the same form sent twice is one application
    page = await browser.open(f"{LIST}/new/personal")
    for _ in range(2):
        await browser.submit(page, "保存", **entry(702))
    assert (await office.rows("SELECT count(*) FROM application"))[0] == (3,)
    part = await browser.get(f"{LIST}/villages?form.town_code=500001100")
    assert "前进村" in part.text


async def test_a_detail_masks_until_it_is_asked_and_tells_its_life(office: Office) -> None:
    browser = await desk(office)
    page = await browser.submit(await browser.open(f"{LIST}/new/personal"), "保存", **entry(711))
    assert citizen_id(711) not in page.text
    assert "录入申请" in page.document.get_element_by_id("way").text_content()
    assert (
        "缺银行卡照片，请先上传银行卡照片，再提交资料审核" in page.document.get_element_by_id("hindered").text_content()
    )
    whole = await browser.submit(page, "显示完整信息")
    assert citizen_id(711) in whole.text
    assert (await office.rows("SELECT purpose FROM disclosure"))[-1] == ("look",)
    foreign = await (await Browser.at(office).sign_in("op.far", "500003", OPERATOR_ROLE)).open(page.path.split("?")[0])
    assert (foreign.status, foreign.code) == (404, "NOT_FOUND")


@pytest.mark.journey(9)
async def test_two_clerks_edit_one_application(office: Office) -> None:
    """Journey 9: the second is told whose change came between, what is so now, and nothing typed is lost."""
    browser = await desk(office)
    page = await browser.submit(await browser.open(f"{LIST}/new/personal"), "保存", **entry(721))
    number = page.path.split("/")[-1].split("?")[0]
    first = await browser.open(f"{LIST}/{number}/edit")
    second = await browser.open(f"{LIST}/{number}/edit")
    assert second.form("保存").fields["form.id_number"] == citizen_id(721)
    saved = await browser.submit(first, "保存", **{"form.group": "8组"})
    assert saved.done == "已保存修改"
    late = await browser.submit(second, "保存", **{"form.phone": "13912345678"})
    assert (late.status, late.code) == (409, "VERSION_CHANGED")
    between = late.document.get_element_by_id("between").text_content()
    assert "李操作" in between or OPERATOR in between
    assert "现在是 8组" in late.main
    assert late.form("保存").fields["form.phone"] == "13912345678"
    kept = await browser.submit(late, "保存", **{"form.group": "8组"})
    assert kept.done == "已保存修改"
    [(group, version)] = await office.rows("SELECT group_name, version FROM application")
    assert (group, version) == ("8组", 3)
    # pressed twice it is saved once, and nobody is told of a stranger
    once = await browser.open(f"{LIST}/{number}/edit")
    for _ in range(2):
        twice = await browser.submit(once, "保存", **{"form.group": "9组"})
    assert twice.done == "已保存修改"
    assert await office.rows("SELECT group_name, version FROM application") == [("9组", 4)]


def place_of(page: Page) -> str:
    return "".join(each.text_content() for each in page.document.cssselect("#queue strong"))


@pytest.mark.journey(8)
async def test_a_reviewer_goes_from_one_to_the_next(office: Office) -> None:
    """Journey 8: passes one, returns one with a reason; the own entry is skipped with why; the clerk corrects."""
    first, second, own = await put(office, *[Line(stage="in_review")] * 3)
    await office.run("UPDATE application SET edited_by = ARRAY['rev.wang'] WHERE application_no = :no", no=own)
    browser = await desk(office, REVIEWER)
    page = await browser.open((await browser.open(LIST)).link("逐份审核"))
    assert page.path == f"{LIST}/{first}/review"
    assert "待我审核 2 份" in page.document.get_element_by_id("queue").text_content()
    assert "1 份" in page.document.get_element_by_id("queue").text_content()
    assert place_of(page) == "第 1 件，共 2 件"
    # skipped it still waits, and the walk begins anew where it ends
    skipped = await browser.open(page.link("跳过"))
    assert place_of(skipped) == "第 2 件，共 2 件"
    assert place_of(await browser.open(skipped.link("跳过"))) == "第 1 件，共 2 件"
    following = await browser.submit(page, "通过，打开下一份")
    assert place_of(following) == "第 2 件，共 2 件"
    assert following.path.startswith(f"{LIST}/{second}/review")
    assert following.done == "上一份已通过"
    silent = await browser.submit(following, "退回，打开下一份")
    assert (silent.status, place_of(silent)) == (422, "第 2 件，共 2 件")
    ended = await browser.submit(silent, "退回，打开下一份", usual="账号与银行卡不符", reason="请核对")
    assert ended.path.startswith(LIST)
    assert ended.done == "上一份已退回"
    assert "这一栏现在没有记录" in ended.main
    mine = await browser.open(f"{LIST}/{own}/review")
    assert mine.button("通过，打开下一份").get("disabled") is not None
    assert place_of(mine) == ""
    assert "由本人录入，须由另一人审核" in mine.main
    clerk = await desk(office)
    # which ones can be publicised is read in the list
    states = {row["编号"]: row["状态"] for row in (await clerk.open(f"{LIST}?stage=in_review")).rows()}
    assert (states[first], states[own]) == ("资料审核通过", "资料审核中")
    returned = await clerk.open(f"{LIST}/{second}")
    assert "审核退回：账号与银行卡不符；请核对" in returned.main
    form = await clerk.open(f"{LIST}/{second}/edit")
    assert (await clerk.submit(form, "保存", **{"form.account_no": "000000009999"})).done == "已保存修改"
    await office.run("UPDATE application SET channel = 'import'")
    submitted = await clerk.submit(await clerk.open(f"{LIST}/{second}"), "提交资料审核")
    await clerk.submit(submitted, "确认办理")
    marked = await browser.open(f"{LIST}/{second}/review")
    assert [mark.text_content() for mark in marked.document.cssselect("mark")] == ["000000009999"]


WRONG_ID = "500101199001010010"
LAST = {name: entry(801)[name] for name in ("form.item_code", "form.amount_fen")}


async def applicant(office: Office, who: str = "app.zhou") -> Browser:
    return await Browser.at(office).sign_in(who, role=Role.APPLICANT)


async def test_an_applicant_fills_four_steps_and_goes_on_later(office: Office) -> None:
    """Kept at each step, also by whom it is wrong; nobody else's; entered once, and shown in plain words."""
    browser = await applicant(office)
    page = await browser.open(LIST)
    assert "还没有申请" in page.main
    first = await browser.submit(await browser.open(page.link("新申请")), "个人")
    later = await browser.submit(first, "以后再填", **{"form.name": "王小梅", "form.id_number": "123"})
    assert "王小梅" in later.main
    sealed = str(await office.rows("SELECT form_sealed FROM application_draft"))
    assert "王小梅" not in sealed
    step = await browser.open(later.link("继续填写"))
    assert step.form("下一步").fields["form.id_number"] == "123"
    await enter_once(office, browser, await filled_to_the_last(browser, step))
    [(number,)] = await office.rows("SELECT application_no FROM application")
    other = await applicant(office, "app.wu")
    assert "还没有申请" in (await other.open(LIST)).main
    assert (await other.open(f"{LIST}/{number}")).status == 404
    reviewer = await desk(office, REVIEWER)
    await office.run("UPDATE application SET stage = 'in_review', channel = 'import'")
    returned = await reviewer.submit(await reviewer.open(f"{LIST}/{number}/review"), "退回", usual="账号与银行卡不符")
    assert returned.done == "上一份已退回"
    mine = await browser.open(LIST)
    assert "审核退回：账号与银行卡不符" in mine.main
    assert mine.has_link("修改")


async def filled_to_the_last(browser: Browser, step: Page) -> Page:
    """Three steps filled in, the id number with a wrong digit; the fourth."""
    pieces = (
        ("form.name", "form.id_number"),
        ("form.town_code", "form.village_code", "form.group", "form.phone"),
        ("form.bank_code", "form.account_no", "form.household_registration", "form.family_size"),
    )
    wrong = {**entry(801), "form.id_number": WRONG_ID}
    for names in pieces:
        if "form.bank_code" in names:
            # what has to be filled in is asked for here, all of it, by its name
            step = await browser.submit(step, "下一步", **{"form.card_type": "passbook"})
            assert (step.status, "3/4" in step.main) == (422, True)
            for name in ("一卡通开户行", "一卡通账号", "户口性质", "家庭成员数"):
                assert f"{name}：还没有填写" in step.problem
        step = await browser.submit(step, "下一步", **{name: wrong[name] for name in names})
    assert "4/4" in step.main
    assert [button.text_content() for button in step.document.cssselect("form.act .btn-primary")] == ["提交审核"]
    return step


async def enter_once(office: Office, browser: Browser, step: Page) -> None:
    """From the fourth step: refused for what is wrong at the first, mended there, and entered once."""
    refused = await browser.submit(step, "提交审核", **LAST)
    # what is wrong is at the first step, and stands there as it was typed
    assert (refused.status, "1/4" in refused.main) == (422, True)
    assert refused.form("下一步").fields["form.id_number"] == WRONG_ID
    right = await browser.submit(refused, "下一步", **{"form.id_number": entry(801)["form.id_number"]})
    step = await browser.open(right.path.split("?")[0].rpartition("/")[0] + "/4")
    assert step.form("提交审核").fields["form.amount_fen"] == "1,234.56"
    entered = await browser.submit(step, "提交审核", **LAST)
    # without the picture of the card it isn't handed in: that is said first, with the way to mend it
    assert "已存为草稿，还没有提交审核" in entered.main
    assert entered.link("补齐后再提交").endswith("/edit")
    assert entered.link("我的申请") == LIST
    assert await office.rows("SELECT count(*) FROM application_draft") == [(0,)]
    assert await office.rows("SELECT channel, entered_by, amount_fen FROM application") == [
        ("mobile", "app.zhou", 123_456)
    ]
    twice = await browser.submit(step, "提交审核", **LAST)
    assert "草稿，还没有提交审核" in twice.main
    assert await office.rows("SELECT count(*) FROM application") == [(1,)]


async def test_a_draft_is_its_writers_alone(office: Office) -> None:
    browser = await applicant(office)
    page = await browser.submit(await browser.open(f"{LIST}/new"), "组织")
    path = page.path.split("?")[0]
    assert "统一社会信用代码" in page.main
    other = await (await applicant(office, "app.wu")).open(path)
    assert (other.status, other.code) == (404, "NOT_FOUND")
    gone = await browser.submit(await browser.open(LIST), "删除")
    assert gone.done == "已删除"
    assert (await browser.open(path)).status == 404
    for _ in range(20):
        await browser.submit(await browser.open(f"{LIST}/new"), "个人")
    full = await browser.submit(await browser.open(f"{LIST}/new"), "个人")
    assert (full.status, full.code) == (409, "TOO_MANY_DRAFTS")


def test_what_the_api_says_of_applications_has_english() -> None:
    """Every stage, result and rule that an act on applications may name; what is missing is shown in Chinese."""
    said = [word.label for words in (ApplicationStage, Channel, Verification, LineState) for word in words]
    said += [title for act in (*REJECTIONS.values(), *FAILURES.values()) for title in (act,)]
    for found in vars(rules).values():
        if isinstance(found, rules.LineAct):
            said += [rule.title for rule in found.rules]
        if isinstance(found, tuple) and found and isinstance(found[0], Rule):
            said += [rule.title for rule in found]
    missing = sorted({text for text in said if text not in ENGLISH})
    assert missing == []
    assert not [text for text in said if HAN.search(ENGLISH[text])]


async def test_an_auditor_reads_masked_and_has_no_acts(office: Office) -> None:
    await put(office, Line(stage="draft", person=905))
    browser = await Browser.at(office).sign_in("aud.qian", role=Role.AUDITOR)
    page = await browser.open(LIST)
    [number] = shown((await browser.open(f"{LIST}?limit=50")).rows())
    detail = await browser.open(f"{LIST}/{number}")
    assert (page.status, detail.status) == (200, 200)
    assert page.button("撤回") is None
    assert detail.button("显示完整信息") is None
    assert citizen_id(905) not in detail.text
    assert (await browser.open(f"{LIST}/{number}/edit")).status == 403
