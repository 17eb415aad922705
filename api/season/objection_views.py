"""How a 公示异议 is shown: the line it is against, masked, what was said, and where the line stands."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.said import Said
from api.applications.person import id_number_of, name_of
from api.counter.names import Names
from models.store.selection import Word
from models.store.sql import fetch
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.batches import Objection
from models.words.stages import ApplicationStage, ObjectionState

HEADERS: Mapping[str, str] = {
    "objection_no": "异议编号",
    "state_label": "结论",
    "application_no": "申请编号",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "village": "村",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "batch_no": "申请结算批次",
    "stage_label": "申请状态",
    "flow_no": "暂缓于流程",
    "reason": "异议内容",
    "opinion": "裁定意见",
    "entered_by": "录入人",
    "entered_at": "录入时间",
    "decided_by": "裁定人",
    "decided_at": "裁定时间",
}


class NewObjection(BaseModel):
    """公示期内收到的异议：针对哪一份申请，内容，可附材料。"""

    model_config = ConfigDict(extra="forbid")

    application_no: Word
    reason: Said
    file_id: Annotated[int | None, Field(strict=True, description="附件：先用 POST /files 上传 PDF、PNG 或 JPEG")] = (
        None
    )


class ObjectionDecision(BaseModel):
    """成立：申请撤回；不成立：申请照常发放。"""

    model_config = ConfigDict(extra="forbid")

    upheld: Annotated[bool, Field(strict=True, description="true 成立，false 不成立")]
    opinion: Said


class ObjectionView(TypedDict):
    objection_no: Annotated[str, Field(description="异议编号")]
    state: ObjectionState
    state_label: Annotated[str, Field(description="待裁定、成立或不成立")]
    application_no: str
    name: Annotated[str, Field(description="姓名或组织名称，已遮掩")]
    id_number: Annotated[str, Field(description="身份证号或统一社会信用代码，已遮掩")]
    town: Annotated[str, Field(description="乡镇")]
    village: Annotated[str, Field(description="村")]
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    batch_no: Annotated[str | None, Field(description="所在的申请结算批次")]
    stage: ApplicationStage
    stage_label: Annotated[str, Field(description="申请现在的状态")]
    flow_no: Annotated[str | None, Field(description="正在哪个补贴流程中暂缓；没有在流程中暂缓的为空")]
    reason: Annotated[str, Field(description="异议内容")]
    file_id: Annotated[int | None, Field(description="附件的文件编号")]
    opinion: Annotated[str | None, Field(description="裁定意见")]
    entered_by: Annotated[str, Field(description="录入人")]
    entered_at: datetime
    decided_by: Annotated[str | None, Field(description="裁定人")]
    decided_at: datetime | None


class ObjectionDetail(ObjectionView):
    why_no_decision: Annotated[str | None, Field(description="现在不能由本人裁定的原因；能裁定的为空")]


class EnteredObjection(TypedDict):
    objection_no: Annotated[str, Field(description="异议编号")]
    state: ObjectionState
    state_label: str
    application_no: str


class DecidedObjection(EnteredObjection):
    opinion: Annotated[str, Field(description="裁定意见")]
    decided_by: Annotated[str, Field(description="裁定人")]
    stage: Annotated[ApplicationStage, Field(description="申请现在的状态")]
    stage_label: str


class ObjectedLine(NamedTuple):
    """The application that an objection is against, as it stands now."""

    id: int
    application_no: str
    person_index: str
    name_sealed: str
    id_number_sealed: str
    town_code: str
    village_code: str
    item_code: str
    amount_fen: int
    stage: str
    batch_no: str | None
    flow_no: str | None


_LINES = """
SELECT a.id, a.application_no, a.person_index, a.name_sealed, a.id_number_sealed, a.town_code, a.village_code,
  a.item_code, a.amount_fen, a.stage, b.batch_no, (SELECT f.flow_no FROM flow_line l JOIN flow f ON f.id = l.flow_id
    WHERE l.application_id = a.id AND l.state = 'held' AND f.stage <> 'ended') AS flow_no
FROM application a LEFT JOIN batch b ON b.id = a.batch_id WHERE a.id = ANY(:ids)
"""


async def objected_lines(session: AsyncSession, objections: Iterable[Objection]) -> dict[int, ObjectedLine]:
    ids = [objection.application_id for objection in objections]
    return {line.id: line for line in await fetch(session, ObjectedLine, _LINES, ids=ids)}


def objection_views(vault: Vault, names: Names) -> Callable[[Objection, ObjectedLine], ObjectionView]:
    def view(objection: Objection, line: ObjectedLine) -> ObjectionView:
        stage = ApplicationStage(line.stage)
        return {
            "objection_no": objection.objection_no,
            "state": objection.state,
            "state_label": objection.state.label,
            "application_no": line.application_no,
            "name": name_of(vault, line.application_no, line.name_sealed),
            "id_number": id_number_of(vault, line.application_no, line.id_number_sealed),
            "town": names.place(line.town_code),
            "village": names.place(line.village_code),
            "item": names.item(line.item_code),
            "amount_fen": line.amount_fen,
            "batch_no": line.batch_no,
            "stage": stage,
            "stage_label": stage.label,
            "flow_no": line.flow_no,
            "reason": open_text(vault, objection.county_code, objection.reason_sealed),
            "file_id": objection.file_id,
            "opinion": open_text(vault, objection.county_code, objection.opinion_sealed),
            "entered_by": objection.entered_by,
            "entered_at": objection.entered_at,
            "decided_by": objection.decided_by,
            "decided_at": objection.decided_at,
        }

    return view
