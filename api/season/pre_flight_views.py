"""How a pre-flight is told: what is foreseen of how many lines, what to do about it, and how right it was before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.person import id_number_of, name_of
from api.counter.names import Names
from models.store.batches.held import why_kept_back
from models.store.pre_flight.foreseen import KindSum, banks_word, other_application
from models.store.pre_flight.kept import SENT_BY, AnsweredList, AnswersOf, BorneOut, answered_lists, borne_out, word_of
from models.store.vault import Vault
from models.words.calendar import CHINA
from models.words.card_words import reason_words
from models.words.flow_words import REJECTIONS, Foreseen, HeldBy, PreFlightAct

LINE_HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "village": "村",
    "bank": "一卡通开户行",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "because": "依据",
}
_OUTCOMES: Mapping[str, str] = {
    "name_differs": "身份证存在，但姓名不同",
    "not_found": "无此对象",
    "no_account": "无惠民惠农账号",
    "failed": "校验不通过",
    **{str(code): word for code, word in REJECTIONS.items()},
}


class ForeseenKind(TypedDict):
    """预计会出问题的一类。"""

    kind: Foreseen
    label: Annotated[str, Field(description="预计的原因")]
    count: Annotated[int, Field(description="份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    foretells: Annotated[str | None, Field(description="平台预计会怎样答复；没有预计的为空")]


class KindBorneOut(TypedDict):
    """一类预计说中了多少。"""

    kind: Foreseen
    label: str
    foreseen: Annotated[int, Field(description="当时预计的份数")]
    answered: Annotated[int, Field(description="平台已答复的份数")]
    came_true: Annotated[int, Field(description="平台答复与预计相同的份数")]


class ListBorneOut(TypedDict):
    """一份已送出的名单，预计与答复对照。"""

    reference: Annotated[str, Field(description="名单编号")]
    lines: int
    answered: Annotated[int, Field(description="平台已答复的份数")]
    refused: Annotated[int, Field(description="其中平台没有通过的份数")]
    unforeseen: Annotated[int, Field(description="没有通过、也没有预计到的份数")]
    kinds: list[KindBorneOut]


class PreFlight(TypedDict):
    """送平台之前已经知道的。"""

    batch_no: Annotated[str | None, Field(description="批次；按资金年度的为空")]
    fund_year: Annotated[int | None, Field(description="资金年度；按批次的为空")]
    act: PreFlightAct
    act_label: str
    count: Annotated[int, Field(description="将要送出的份数")]
    total_fen: Annotated[int, Field(description="将要送出的金额（分）")]
    foreseen: list[ForeseenKind]
    answered: Annotated[list[ListBorneOut], Field(description="已送出的名单：预计与平台答复对照")]


class ForeseenApplication(TypedDict):
    application_no: str
    name: Annotated[str, Field(description="姓名或组织名称，已遮掩")]
    id_number: Annotated[str, Field(description="证件号，已遮掩")]
    town: str
    village: str
    bank: str
    item: str
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    because: Annotated[str | None, Field(description="依据：另一份申请、账号最近一次核验，或为何暂缓；没有的为空")]


class ForeseenRow(NamedTuple):
    id: int
    application_no: str
    name_sealed: str
    id_number_sealed: str
    town_code: str
    village_code: str
    bank_code: str
    item_code: str
    amount_fen: int
    other_no: str | None
    held_by: str | None
    reason_code: str | None
    since: datetime | None


def rows_of_kind(act: PreFlightAct, kind: Foreseen) -> str:
    """Lines of a kind, each with what it is known by: another application, the bank's word, or what holds it."""
    held_by = "NULL"
    if kind is Foreseen.HELD:
        held_by = why_kept_back("a") if act is PreFlightAct.START else f"'{HeldBy.ACCOUNT_CHANGE}'"
    return (
        "SELECT a.id, a.application_no, a.name_sealed, a.id_number_sealed, a.town_code, a.village_code, a.bank_code,"
        f" a.item_code, a.amount_fen, {other_application(kind)} AS other_no, {held_by}::text AS held_by,"
        " n.reason_code, n.since FROM application a"
        f"{banks_word(kind)}"
    )


def foreseen_kinds(act: PreFlightAct, sums: Iterable[KindSum]) -> list[ForeseenKind]:
    """In the order of the vocabulary."""
    told = {Foreseen(each.kind): each for each in sums}
    return [_kind(act, kind, told[kind].lines, told[kind].fen) for kind in Foreseen if kind in told]


def _kind(act: PreFlightAct, kind: Foreseen, count: int, fen: int) -> ForeseenKind:
    word = word_of(SENT_BY[act], kind)
    foretells = _OUTCOMES.get(word) if word else None
    return {"kind": kind, "label": kind.label, "count": count, "total_fen": fen, "foretells": foretells}


async def lists_borne_out(session: AsyncSession, answers: AnswersOf, act: PreFlightAct) -> list[ListBorneOut]:
    kind = SENT_BY[act]
    lists = await answered_lists(session, answers, kind)
    kinds = await borne_out(session, [each.id for each in lists], kind)
    return [_list(each, [one for one in kinds if one.dataset_id == each.id]) for each in lists]


def _list(each: AnsweredList, kinds: Sequence[BorneOut]) -> ListBorneOut:
    return {
        "reference": each.reference,
        "lines": each.lines,
        "answered": each.answered,
        "refused": each.refused,
        "unforeseen": each.unforeseen,
        "kinds": [
            {
                "kind": Foreseen(one.kind),
                "label": Foreseen(one.kind).label,
                "foreseen": one.foreseen,
                "answered": one.answered,
                "came_true": one.came_true,
            }
            for one in kinds
        ],
    }


def foreseen_line(vault: Vault, names: Names, row: ForeseenRow) -> ForeseenApplication:
    return {
        "application_no": row.application_no,
        "name": name_of(vault, row.application_no, row.name_sealed),
        "id_number": id_number_of(vault, row.application_no, row.id_number_sealed),
        "town": names.place(row.town_code),
        "village": names.place(row.village_code),
        "bank": names.bank(row.bank_code),
        "item": names.item(row.item_code),
        "amount_fen": row.amount_fen,
        "because": _because(row),
    }


def _because(row: ForeseenRow) -> str | None:
    if row.held_by is not None:
        return HeldBy(row.held_by).label
    if row.since is not None:
        return f"{row.since.astimezone(CHINA):%Y-%m-%d} {reason_words(row.reason_code)}"
    return None if row.other_no is None else f"申请 {row.other_no}"
