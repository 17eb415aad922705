"""Printed forms: figures as they stand in the rows, people masked, hostile words as words, the same bytes again."""

import asyncio
import hashlib
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pypdf
import pytest

from api.prints import village_lists
from models.forms.capitals import in_capitals
from models.prints.glyphs import printable, shown_points
from models.prints.templates import Template
from models.store.texts import seal_text
from models.store.vault import Field
from tests.rows import (
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_file,
    add_flow,
    add_ground,
    add_summary,
    citizen_id,
    open_office,
    set_lines,
)

HOSTILE = "<script>{{ #sys.inputs $x$ @a *b* =1+1 𬶋\u202e"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def pdf_of(answer: httpx.Response) -> pypdf.PdfReader:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return pypdf.PdfReader(io.BytesIO(answer.content))


def text_of(answer: httpx.Response) -> str:
    """Without blanks, which the typesetter puts between figures and Chinese."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pdf_of(answer).pages))


async def settled(office: Office) -> tuple[str, list[str]]:
    """A flow in 汇总审核: three accepted lines of two towns, banks and indicators."""
    lines = [Line(amount_fen=123_456), Line(amount_fen=200), Line(400, town_code="500001101", bank_code="BANK-B")]
    ground = await add_ground(office, lines, money=[123_456, 1_000])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted")
    await office.run("UPDATE batch SET title_sealed = :title", title=seal_text(office.vault, COUNTY, HOSTILE))
    return flow_no, ground.numbers


async def test_the_summary_form_says_the_summarys_figures_and_is_the_same_each_time(office: Office) -> None:
    flow_no, _ = await settled(office)
    path = f"/flows/{flow_no}/summary/form"
    # 草稿 until every line is settled and the summary is there
    assert "草稿" in text_of(await office.get(path))
    await add_summary(office, flow_no)
    summary = (await office.get(f"/flows/{flow_no}/summary")).json()
    first = await office.get(path)
    words = text_of(first)
    assert (summary["draft"], "草稿" in words) == (False, False)
    figures = summary["figures"]
    assert (figures["total_fen"], [each["total_fen"] for each in figures["indicators"]]) == (124_056, [123_456, 600])
    for shares in (figures["towns"], figures["banks"], figures["indicators"]):
        for each in shares:
            name = each["name"].replace(" ", "")
            assert f"{name}{each['application_count']}{each['total_fen'] / 100:,.2f}" in words
    assert words.count("合计31,240.56") == 3
    assert "壹仟贰佰肆拾元伍角陆分" in words
    assert re.sub(r"\s|\u202e", "", HOSTILE) in words
    code = " ".join(re.findall("....", summary["check_code"]))
    assert f"核对码{code}".replace(" ", "") in words
    assert "第1页，共" in words
    assert {"经办人", "审核人", "单位负责人"} <= {
        who for who in ("经办人", "审核人", "单位负责人") if f"{who}（签字）" in words
    }
    # and two prints at once, and one after the review has frozen the figures, are the same file
    again = await asyncio.gather(office.get(path), office.get(path, REVIEWER))
    await review(office, flow_no, summary["check_code"], 200)
    frozen = await office.get(path)
    assert len({hashlib.sha256(each.content).hexdigest() for each in (first, *again, frozen)}) == 1
    metadata = pdf_of(first).xmp_metadata
    assert metadata is not None
    assert (metadata.pdfaid_part, metadata.pdfaid_conformance) == ("2", "B")
    named = f"filename=\"{flow_no}-1.pdf\"; filename*=UTF-8''%E6%B1%87%E6%80%BB"
    assert named in first.headers["content-disposition"]
    assert (await office.get(path, OPERATOR, OTHER_COUNTY)).status_code == 404
    assert (await office.get(path, OPS)).status_code == 403


async def review(office: Office, flow_no: str, code: str, status: int) -> httpx.Response:
    async with office.database.transaction() as session:
        form = await add_file(session)
    said = {"passed": True, "opinion": "同意发放", "form_file_id": form, "check_code": code}
    answer = await office.post(f"/flows/{flow_no}/summary/review", said, REVIEWER)
    assert answer.status_code == status, answer.text
    return answer


async def test_what_was_signed_is_what_is_frozen(office: Office) -> None:
    flow_no, numbers = await settled(office)
    await add_summary(office, flow_no)
    signed = (await office.get(f"/flows/{flow_no}/summary")).json()["check_code"]
    # after the print a line is withdrawn: the paper in hand says other figures
    await set_lines(office, numbers[:1], "withdrawn", payment=None)
    assert (await review(office, flow_no, signed, 409)).json()["code"] == "FIGURES_MOVED"
    anew = (await office.get(f"/flows/{flow_no}/summary")).json()["check_code"]
    assert anew != signed
    # typed from paper, in groups
    await review(office, flow_no, " ".join(re.findall("....", anew.lower())), 200)


async def test_lists_for_the_notice_board_are_masked_and_a_village_a_sheet(office: Office) -> None:
    ground = await add_ground(office, [Line(12_300, person=7), Line(500), Line(700, town_code="500001101")])
    number = ground.numbers[0]
    await office.run(
        "UPDATE application SET name_sealed = :name WHERE application_no = :number",
        name=office.vault.seal(Field.NAME, number, "王𠮷"),
        number=number,
    )
    path = f"/batches/{ground.batch_no}/public-list"
    public = await office.get(path)
    pages = pdf_of(public).pages
    words = text_of(public)
    assert len(pages) == 2
    assert "第2页" not in words
    assert {"红岩镇前进村", "青山乡前进村"} <= set(re.findall(r"(?:红岩镇|青山乡)前进村", words))
    # a character without a glyph is told by its code point, nobody becomes somebody else
    assert f"1**〓20BB7*********{citizen_id(7)[-4:]}6组耕地地力保护补贴123.00" in words
    assert "合计2笔128.00元" in words
    assert "王小梅" not in words
    assert citizen_id(7) not in words
    assert (await office.get(path)).content == public.content
    assert len(pdf_of(await office.get(path, town_code="500001101")).pages) == 1
    assert (await office.get(path, town_code="500001102")).json()["code"] == "NOTHING_TO_PRINT"
    assert (await office.get(path, OPERATOR, OTHER_COUNTY)).status_code == 404
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "accepted", payment="failed")
    await set_lines(office, ground.numbers[1:], "accepted", payment="paid", money="paid")
    paid = text_of(await office.get(f"/flows/{flow_no}/payment-notice"))
    assert "合计1笔5.00元" in paid
    assert "合计1笔7.00元" in paid
    assert "合计2笔" not in paid
    assert (await office.get(f"/flows/{flow_no}/payment-notice", OPS)).status_code == 403


async def test_what_is_too_long_is_refused_and_what_hangs_is_ended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = await add_ground(office, [Line(), Line()])
    monkeypatch.setattr(village_lists, "MOST_ROWS", 1)
    answer = await office.get(f"/batches/{ground.batch_no}/public-list")
    assert (answer.status_code, answer.json()["code"]) == (422, "PRINT_TOO_LARGE")
    monkeypatch.undo()
    monkeypatch.setattr("api.server.typesetting.SECONDS_EACH", 0.01)
    assert (await office.get(f"/batches/{ground.batch_no}/public-list")).json()["code"] == "BUSY"
    monkeypatch.undo()
    typesetting = office.app.state.parts.typesetting
    with pytest.raises(RuntimeError):
        await typesetting.pdf(COUNTY, Template.SUMMARY_FORM, {"dated": 0})
    # each gives its place back
    assert (await office.get(f"/batches/{ground.batch_no}/public-list")).status_code == 200


def test_texts_keep_what_the_fonts_show_and_tell_what_they_lack() -> None:
    assert printable({"名": ["𬶋·梅", "𠮷😀", "a\tb\u202e\ufe00c\u200b", 7, None, True]}) == {
        "名": ["𬶋·梅", "〓20BB7〓1F600", "a bc", 7, None, True]
    }
    assert {*map(ord, "〓壹仟元角分整零草稿¥")} <= shown_points()


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (105, "壹元零伍分"),
        (150, "壹元伍角整"),
        (1_000_000, "壹万元整"),
        (10_000_100, "壹拾万零壹元整"),
        (100_050_010, "壹佰万零伍佰元壹角整"),
        (212_301_700, "贰佰壹拾贰万叁仟零壹拾柒元整"),
        (10_000_000_001, "壹亿元零壹分"),
        (1_000_001_000_000, "壹佰亿零壹万元整"),
        (99_999_999_999_999, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_amounts_in_capitals(fen: int, words: str) -> None:
    assert in_capitals(fen) == words
