"""How a summary is shown: three answers beside each other, figures frozen or live, opinions (S1 second 2.7)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.money import format_yuan
from models.store.flows.figures import summaries_now
from models.store.selection import Word
from models.store.sql import Row
from models.store.texts import open_text
from models.store.vault import Vault
from models.words.flow_words import status_of
from models.words.stages import CountyReview, FlowStage, PlatformReview, Submission

View = dict[str, object]
# The source's ten columns in its order, then what is ours.
HEADERS: Mapping[str, str] = {
    "fund_year": "年份",
    "batch_no": "申请结算批次",
    "status_label": "发放流程状态",
    "total_fen": "流程汇总金额（元）",
    "household_count": "流程总户数",
    "towns_words": "乡镇汇总",
    "banks_words": "银行汇总",
    "review_label": "审核状态",
    "opinion": "审核意见",
    "submission_label": "提交状态",
    "platform_review_label": "平台审核",
    "platform_opinion": "平台审核意见",
    "application_count": "流程总笔数",
    "number": "第几次汇总",
    "reviewed_by": "审核人",
    "submitted_by": "提交人",
    "confirmed_by": "确认发放人",
    "flow_no": "流程编号",
}
# A row's own columns, as they stand.
_PLAIN = (
    *("number", "stage", "form_file_id", "reviewed_by", "reviewed_at", "submitted_by", "submitted_at"),
    *("submission_id", "platform_reviewed_at", "confirmed_by", "confirmed_at", "confirmation_sent_at"),
)
# What the list shows of the figures.
_FIGURES = ("total_fen", "application_count", "household_count", "towns", "banks")


class SummaryFilter(BaseModel):
    """年份, 申请结算批次, 发放流程状态, 审核状态, 提交状态, 平台审核; all given ones hold at once."""

    model_config = ConfigDict(extra="ignore")

    fund_year: Annotated[int, Field(ge=2000, le=2099)] | None = None
    batch_no: Word | None = None
    status: Literal["active", "ended"] | None = None
    review: CountyReview | None = None
    submission: Submission | None = None
    platform_review: PlatformReview | None = None

    @property
    def criteria(self) -> dict[str, str | int]:
        return self.model_dump(mode="json", exclude_none=True)


async def listed_summaries(session: AsyncSession, vault: Vault, rows: Sequence[Row]) -> list[tuple[int, View]]:
    """Flows with their newest summary; figures that aren't frozen are read in one statement for all of them."""
    live = await summaries_now(session, [row.id for row in rows if row.figures is None])
    return [(row.id, _listed(vault, row, row.figures or live[row.id])) for row in rows]


def _listed(vault: Vault, row: Row, figures: Mapping[str, object]) -> View:
    kept = {field: figures[field] for field in _FIGURES}
    words = {f"{field}_words": _shares(figures[field]) for field in ("towns", "banks")}
    return {**head(row), **summary_view(vault, row), **kept, **words}


def head(row: Row) -> View:
    """Which flow, and its 发放流程状态."""
    stage = FlowStage(row.flow_stage)
    names = {"flow_no": row.flow_no, "fund_year": row.fund_year, "batch_no": row.batch_no}
    return {**names, **status_of(stage), "flow_stage": stage, "flow_stage_label": stage.label}


def summary_view(vault: Vault, row: Row) -> View:
    """One summary without its figures; nothing but the answers' fields where there is none yet."""
    return {
        **{field: getattr(row, field) for field in _PLAIN},
        **three_answers(row),
        "opinion": open_text(vault, row.county_code, row.opinion_sealed),
        "platform_opinion": open_text(vault, row.county_code, row.platform_opinion_sealed),
        "frozen": row.figures is not None,
    }


def three_answers(row: Row) -> View:
    """审核状态, 提交状态 and 平台审核."""
    return {
        "review": row.review,
        "review_label": CountyReview(row.review).label if row.review else None,
        "submission": row.submission,
        "submission_label": Submission(row.submission).label,
        "platform_review": row.platform_review,
        "platform_review_label": PlatformReview(row.platform_review).label if row.platform_review else None,
    }


def _shares(shares: object) -> str:
    """红岩镇 2 笔 300.00 元；青山乡 1 笔 100.00 元."""
    assert isinstance(shares, list)
    return "；".join(
        f"{each['name']} {each['application_count']} 笔 {format_yuan(each['total_fen'])} 元" for each in shares
    )
