"""How a load of the register is shown: progress, what is wrong, and what it would do to the register, row by row."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.counter.names import Names
from api.counter.run_block import RunBlock, run_of
from api.imports.handed_in import Corrections, Faults, HandedInView, corrections, faults_in, handed_in_view, said_in
from api.server.problems import not_found
from models.contracts import RunKind
from models.forms.account_numbers import CARD_TYPES
from models.forms.identity import mask_account_no, mask_id_number, mask_name
from models.store.register.loads import locked_load
from models.store.register.register import register_row
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.tables.loads import RegisterLoad
from models.wire.words import CardType
from models.words.card_stages import LoadOutcome, LoadStage
from models.words.card_words import reason_words
from models.words.faults import FaultCode
from models.words.labelled import label_of
from models.words.refusals import Refusal
from models.words.staff import Role
from models.words.stages import AccountStatus

LOAD_HEADERS: Mapping[str, str] = {
    "load_no": "初始导入编号",
    "as_of": "数据日期",
    "stage_label": "状态",
    "rows_total": "总行数",
    "rows_asked": "银行已核验",
    "rows_refused": "被拒行数",
    "new": "新登记",
    "changed": "有变动",
    "same": "与登记相同",
    "refused": "银行未通过",
    "left_out": "不登记",
    "problem": "未导入原因",
    "entered_by": "导入人",
    "created_at": "提交时间",
    "confirmed_by": "复核人",
    "confirmed_at": "复核时间",
    "finished_at": "完成时间",
}
ROW_HEADERS: Mapping[str, str] = {
    "row": "行号",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "card_type_label": "卡类型",
    "outcome_label": "结果",
    "why": "原因",
    "old_bank": "现登记开户行",
    "old_account_no": "现登记账号",
    "old_status_label": "现登记状态",
}
# Why a row is left as the register has it; of a bank's no its own words are told.
_WHY: Mapping[str, str] = {
    FaultCode.ACCOUNT_LOCKED: "此人在本县的账号变更或村社申报尚未办结，不覆盖；办结后可再导入",
    FaultCode.ACCOUNT_NEWER: "登记的账号在数据日期当天或以后另有变动，以登记为准",
    Refusal.OWN_ACCOUNT: "复核人本人的账号，须由他人复核的导入登记",
}
# The alias `a` is what lists page over.
LOAD_ROWS = (
    "SELECT a.id, a.file_row, a.person_index, a.name_sealed, a.id_number_sealed, a.bank_code, a.account_sealed,"
    " a.card_type, a.outcome, a.code, a.old_bank_code, a.old_account_sealed, a.old_status FROM register_load_row a"
)


class LoadRow(NamedTuple):
    id: int
    file_row: int
    person_index: str
    name_sealed: str
    id_number_sealed: str
    bank_code: str
    account_sealed: str
    card_type: CardType
    outcome: str | None
    code: str | None
    old_bank_code: str | None
    old_account_sealed: str | None
    old_status: str | None


class LoadView(HandedInView):
    load_no: Annotated[str, Field(description="初始导入编号")]
    as_of: Annotated[date, Field(description="数据日期：文件所述情况的日期")]
    stage: LoadStage
    stage_label: str
    rows_asked: Annotated[int, Field(description="银行已核验的行数")]
    new: Annotated[int, Field(description="新登记的账号数")]
    changed: Annotated[int, Field(description="与登记不同、将改为文件所述的账号数")]
    same: Annotated[int, Field(description="与登记相同的账号数")]
    refused: Annotated[int, Field(description="银行核验未通过的账号数")]
    left_out: Annotated[int, Field(description="不登记、以现登记为准的账号数")]
    confirmed_by: Annotated[str | None, Field(description="复核人")]
    confirmed_at: datetime | None


class WholeLoad(LoadView, Corrections):
    faults: Faults
    warnings: Faults
    to_confirm: Faults
    decision_reason: Annotated[str | None, Field(description="确认或放弃的原因")]
    remark: Annotated[str | None, Field(description="复核意见")]
    refused_rows_url: Annotated[str | None, Field(description="被拒行文件的地址")]
    why_no_decision: Annotated[str | None, Field(description="现在不能由本人复核的原因；能复核的为空")]
    run: RunBlock | None


class LoadRowView(TypedDict):
    row: Annotated[int, Field(description="文件中的行号")]
    name: Annotated[str, Field(description="姓名/组织名称")]
    id_number: Annotated[str, Field(description="身份证号/信用代码")]
    bank: Annotated[str, Field(description="一卡通开户行")]
    account_no: Annotated[str, Field(description="一卡通账号")]
    card_type_label: str
    outcome: Annotated[LoadOutcome | None, Field(description="银行核验完毕前为空")]
    outcome_label: str | None
    why: Annotated[str | None, Field(description="银行未通过或不登记的原因")]
    old_bank: Annotated[str | None, Field(description="比对时登记的开户行")]
    old_account_no: Annotated[str | None, Field(description="比对时登记的账号")]
    old_status_label: Annotated[str | None, Field(description="比对时登记的状态")]


class LoadTaken(TypedDict):
    load_no: Annotated[str, Field(description="初始导入编号")]
    stage: LoadStage
    run: RunBlock | None


async def find_load(desk: Desk, session: AsyncSession, load_no: str, *, changing: bool = False) -> RegisterLoad:
    if changing:
        found = await locked_load(session, load_no, desk.county)
    else:
        statement = select(RegisterLoad).where(
            RegisterLoad.load_no == load_no, col(RegisterLoad.county_code) == desk.county
        )
        found = (await session.exec(statement)).first()
    if found is None:
        raise not_found("初始导入")
    return found


def load_view(load: RegisterLoad) -> LoadView:
    figures: Mapping[str, int] = load.figures
    return {
        **handed_in_view(load),
        "load_no": load.load_no,
        "as_of": load.as_of,
        "stage": load.stage,
        "stage_label": load.stage.label,
        "rows_asked": load.rows_asked,
        "new": figures.get("new", 0),
        "changed": figures.get("changed", 0),
        "same": figures.get("same", 0),
        "refused": figures.get("refused", 0),
        "left_out": figures.get("left_out", 0),
        "confirmed_by": load.confirmed_by,
        "confirmed_at": load.confirmed_at,
    }


async def whole_load(desk: Desk, session: AsyncSession, load: RegisterLoad) -> WholeLoad:
    """With its faults (refused) or warnings, and what is to be confirmed; no value of the file is repeated."""
    told, refused = faults_in(desk, load.load_no, load.faults_sealed), load.stage is LoadStage.REFUSED
    return {
        **load_view(load),
        "faults": told if refused and load.decision is None else [],
        "warnings": [] if refused else told,
        "to_confirm": faults_in(desk, load.load_no, load.findings_sealed),
        "decision_reason": said_in(desk, load.load_no, load.decision_reason_sealed),
        "remark": said_in(desk, load.load_no, load.remark_sealed),
        "refused_rows_url": f"/register-loads/{load.load_no}/refused-rows" if load.refused_file_id else None,
        **await corrections(session, load, "register_load", "load_no"),
        "why_no_decision": _why_no_decision(desk, load),
        "run": await run_of(desk, session, RunKind.REGISTER_LOAD, load.load_no),
    }


def _why_no_decision(desk: Desk, load: RegisterLoad) -> str | None:
    if desk.role is not Role.REVIEWER:
        return f"由{Role.REVIEWER.label}办理"
    if desk.person in (load.entered_by, load.decided_by):
        return "导入人不能复核"
    return None if load.stage is LoadStage.ENTERED else f"此件现为“{load.stage.label}”，不在待复核"


class LoadRowViews:
    """Opens and shows rows of a load, masked."""

    def __init__(self, vault: Vault, names: Names, county_code: str) -> None:
        self._vault = vault
        self._names = names
        self._county = county_code

    def view(self, row: LoadRow) -> LoadRowView:
        place = register_row(self._county, row.person_index)
        outcome = LoadOutcome(row.outcome) if row.outcome else None
        return {
            "row": row.file_row,
            "name": mask_name(self._vault.open(Sealed.NAME, place, row.name_sealed)),
            "id_number": mask_id_number(self._vault.open(Sealed.ID_NUMBER, place, row.id_number_sealed)),
            "bank": self._names.bank(row.bank_code),
            "account_no": self._account(place, row.account_sealed),
            "card_type_label": label_of(CARD_TYPES, row.card_type),
            "outcome": outcome,
            "outcome_label": outcome.label if outcome else None,
            "why": _why(row.code),
            "old_bank": self._names.bank(row.old_bank_code),
            "old_account_no": self._account(place, row.old_account_sealed) if row.old_account_sealed else None,
            "old_status_label": AccountStatus(row.old_status).label if row.old_status else None,
        }

    def _account(self, place: str, sealed: str) -> str:
        return mask_account_no(self._vault.open(Sealed.ACCOUNT, place, sealed))


def _why(code: str | None) -> str | None:
    return None if code is None else _WHY.get(code) or reason_words(code)
