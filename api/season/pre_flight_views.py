"""How a pre-flight is told: what is foreseen of how many lines, what to do about it, and how right it was before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.person import id_number_of, name_of
from api.counter.names import Names
from models.store.pre_flight.foreseen import KindSum
from models.store.pre_flight.kept import SENT_BY, AnsweredList, BorneOut, answered_lists, borne_out, word_of
from models.store.pre_flight.opened import OpenedLines
from models.store.vault import Vault
from models.words.flow_words import REJECTIONS, Foreseen, PreFlightAct

LINE_HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "village": "村",
    "bank": "一卡通开户行",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
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

    batch_no: str
    act: PreFlightAct
    act_label: str
    count: Annotated[int, Field(description="将要送出的份数")]
    total_fen: Annotated[int, Field(description="将要送出的金额（分）")]
    foreseen: list[ForeseenKind]
    opened: Annotated[int, Field(description="逐份核对了合约和账号位数的份数，最多两万")]
    answered: Annotated[list[ListBorneOut], Field(description="本批次已送出的名单：预计与平台答复对照")]


class ForeseenApplication(TypedDict):
    application_no: str
    name: Annotated[str, Field(description="姓名或组织名称，已遮掩")]
    id_number: Annotated[str, Field(description="证件号，已遮掩")]
    town: str
    village: str
    bank: str
    item: str
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]


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


FORESEEN_LINES = """
SELECT a.id, a.application_no, a.name_sealed, a.id_number_sealed, a.town_code, a.village_code, a.bank_code, a.item_code,
  a.amount_fen FROM application a
"""


def foreseen_kinds(act: PreFlightAct, sums: Iterable[KindSum], opened: OpenedLines) -> list[ForeseenKind]:
    """Those of which there is one, in the order of the vocabulary."""
    told = {Foreseen(each.kind): (each.lines, each.fen) for each in sums if each.lines}
    for kind, lines in opened.found.items():
        told[kind] = len(lines), sum(fen for _, fen in lines)
    return [_kind(act, kind, *told[kind]) for kind in Foreseen if kind in told]


def _kind(act: PreFlightAct, kind: Foreseen, count: int, fen: int) -> ForeseenKind:
    word = word_of(SENT_BY[act], kind)
    foretells = _OUTCOMES.get(word) if word else None
    return {"kind": kind, "label": kind.label, "count": count, "total_fen": fen, "foretells": foretells}


async def lists_borne_out(session: AsyncSession, batch_id: int, act: PreFlightAct) -> list[ListBorneOut]:
    kind = SENT_BY[act]
    lists = await answered_lists(session, batch_id, kind)
    return [_list(each, await borne_out(session, each.id, kind)) for each in lists]


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
    }
