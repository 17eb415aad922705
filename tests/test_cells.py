"""What lists put together without templates: escaped whatever stands in it, and the same in both languages' pages."""

from markupsafe import escape

from api.pages.cells import rows_of
from api.pages.conditions import conditions
from api.pages.formats import LANGUAGE, label
from api.pages.lists import Column, Filter
from api.pages.rendering import _environment
from models.store.flows.next_step import sentence_of
from models.tables.flows import Flow
from models.words.stages import FlowStage
from tests.english import HAN

HOSTILE = "\"><script>&'{{ 1 }}"
KINDS = ("text", "long", "person", "label", "day", "tag", "account", "run")


def test_whatever_stands_in_a_row_is_text() -> None:
    columns = [Column("名", HOSTILE, "name", kind=kind, tone="name") for kind in KINDS]
    linked = Column("号", "Number", "name", link="/console/flows/{name}/lines?a=1&b={name}")
    row = {"name": HOSTILE}
    made = rows_of([*columns, linked, Column("们", "Several", "names")], [row, {"name": None, **row}], "name", (), None)
    choice = Filter("x", HOSTILE, HOSTILE, ((HOSTILE, HOSTILE, HOSTILE), ("1", "一", "one")))
    options, typed = (
        conditions([choice], {"x": "1"}, {}),
        conditions([Filter("x", "名", "Name", kind="text")], {"x": HOSTILE}, {}),
    )
    for text in (made, options, typed):
        assert str(escape(HOSTILE))[:12] in text
        assert "<script" not in text
        assert "'" not in text
        assert text.count('"') % 2 == 0
    assert made.count("<td") == 2 * (1 + len(KINDS) + 2)
    assert "/console/flows/%22%3E%3Cscript%3E%26%27%7B%7B%201%20%7D%7D/lines?a=1&amp;b=%22" in made
    assert '<option value="1" selected>一</option>' in options


def test_a_wait_behind_another_county_is_said_in_english() -> None:
    flow, words = (
        Flow(holder="500104", stage=FlowStage.WAITING_COUNTY),
        "等待全省唯一的初始化名额，现由 500104 占用，前面还有 2 家",
    )
    before = LANGUAGE.set("en")
    try:
        told = [label(sentence_of(flow, flow.stage)), label(words)]
    finally:
        LANGUAGE.reset(before)
    assert [HAN.search(each) for each in told] == [None, None], told
    assert [each.partition(" (")[2] for each in told] == ["held by 500104)", "held by 500104, 2 before this county)"]


def test_several_words_are_said_in_english_each() -> None:
    columns, row = [Column("角色", "Roles", "roles", kind="label")], {"no": 1, "roles": ["县操作员", "审核人"]}
    assert ">县操作员、审核人</td>" in rows_of(columns, [row], "no", None, None)
    before = LANGUAGE.set("en")
    try:
        assert ">Operator, Reviewer</td>" in rows_of(columns, [row], "no", None, None)
    finally:
        LANGUAGE.reset(before)


def test_ticks_and_the_row_that_stands_open() -> None:
    rows = [{"no": "A-1", "fen": 123_45}, {"no": "A-2", "fen": None}]
    columns = [Column("号", "No", "no", link="/x/{no}"), Column("金额", "Sum", "fen", kind="money")]
    made = rows_of(columns, rows, "no", ["A-2"], "A-1")
    first, second = made.split("\n")
    assert first.startswith('<tr aria-current="true"><td><input')
    assert " checked" not in first
    assert 'value="A-2" aria-label="A-2" checked' in second
    assert '<a href="/x/A-1">A-1</a>' in first
    assert ">123.45</td>" in first
    assert ">—</td>" in second


def test_two_texts_are_chosen_when_a_template_is_compiled() -> None:
    """Else each page would choose several hundred times."""
    template = '<p title="{{ _(\'显示\', "Display") }}">{{ _("共 " ~ n ~ " 条", n ~ " in all") }}</p>'
    for language, said, other in (("zh", "显示", "Display"), ("en", "Display", "显示")):
        source = str(_environment(language).compile(template, raw=True))
        assert said in source
        assert other not in source
        assert "context.call(" not in source, "what is put together of values is no call either"
        assert _environment(language).from_string(template).render(n=2).startswith(f'<p title="{said}">')
