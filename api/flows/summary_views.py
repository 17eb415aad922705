"""How a summary is shown: three answers beside each other, figures frozen or live, opinions (S1 second 2.7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.double_views import DoublesBlock, paid_elsewhere_block
from models.forms.money import told_yuan
from models.store.flows.figures import check_code, summaries_now, summary_figures
from models.store.flows.summaries import SummaryRow, readiness, summaries_of
from models.store.selection import Word
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.flows import Flow
from models.words.flow_words import StatusWords, status_of
from models.words.stages import CountyReview, FlowStage, PlatformReview, Submission, SummaryStage

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


class ThreeAnswers(TypedDict):
    """区县审核、提交、平台审核，各有各的状态。"""

    review: Annotated[CountyReview | None, Field(description="审核状态；还没有汇总的为空")]
    review_label: str | None
    submission: Annotated[Submission, Field(description="提交状态")]
    submission_label: str
    platform_review: Annotated[PlatformReview | None, Field(description="平台审核；没有提交的为空")]
    platform_review_label: str | None


class SummaryHead(StatusWords):
    flow_no: Annotated[str, Field(description="流程编号")]
    fund_year: Annotated[int, Field(description="年份")]
    batch_no: Annotated[str, Field(description="申请结算批次")]
    flow_stage: FlowStage
    flow_stage_label: str


class OneSummary(ThreeAnswers):
    """一次汇总，不含数字；还没有汇总的只有状态。"""

    number: Annotated[int | None, Field(description="第几次汇总")]
    stage: SummaryStage | None
    opened_at: Annotated[datetime | None, Field(description="汇总生成的时间，即审批表上的日期")]
    form_file_id: Annotated[int | None, Field(description="汇总审批表")]
    reviewed_by: Annotated[str | None, Field(description="审核人")]
    reviewed_at: datetime | None
    submitted_by: Annotated[str | None, Field(description="提交人")]
    submitted_at: datetime | None
    submission_id: Annotated[str | None, Field(description="平台给的提交号")]
    platform_reviewed_at: datetime | None
    confirmed_by: Annotated[str | None, Field(description="确认发放人")]
    confirmed_at: datetime | None
    confirmation_sent_at: Annotated[datetime | None, Field(description="确认发放送达平台的时间")]
    opinion: Annotated[str | None, Field(description="审批意见")]
    platform_opinion: Annotated[str | None, Field(description="平台审核意见")]
    frozen: Annotated[bool, Field(description="数字是否已经审核定下；没有的是现时的数字")]


class ShareView(TypedDict):
    code: str
    name: Annotated[str, Field(description="乡镇或银行")]
    application_count: Annotated[int, Field(description="笔数")]
    total_fen: Annotated[int, Field(description="金额（分）")]


class SummaryTotals(TypedDict):
    total_fen: Annotated[int, Field(description="流程汇总金额（分）")]
    application_count: Annotated[int, Field(description="流程总笔数")]
    household_count: Annotated[int, Field(description="流程总户数")]
    towns: Annotated[list[ShareView], Field(description="乡镇汇总")]
    banks: Annotated[list[ShareView], Field(description="银行汇总")]
    indicators: Annotated[list[ShareView], Field(description="按指标的汇总；name 为指标文号和预算项目")]


class ListedSummary(SummaryHead, OneSummary, SummaryTotals):
    """一个流程和它最近一次的发放汇总。"""

    towns_words: Annotated[str, Field(description="乡镇汇总的一句话")]
    banks_words: Annotated[str, Field(description="银行汇总的一句话")]


class SummaryWithFigures(OneSummary):
    figures: SummaryTotals
    check_code: Annotated[str | None, Field(description="核对码：由全部数字算出，审批表上所印的须与此一致")]


class SummaryView(SummaryHead, SummaryWithFigures):
    """最近一次发放汇总，以前各次在 earlier 中。"""

    draft: Annotated[bool, Field(description="数字是否还会变；是的，审批表上印有“草稿”，不能据以审核通过")]
    paid_elsewhere: Annotated[DoublesBlock, Field(description="本年度其他流程已发放或正在发放的申请")]
    earlier: list[SummaryWithFigures]


class SummaryDecided(SummaryView):
    act: Annotated[str, Field(description="办理的操作")]


async def listed_summaries(
    session: AsyncSession, vault: Vault, rows: Sequence[SummaryRow]
) -> list[tuple[int, ListedSummary]]:
    """Flows with their newest summary; figures that aren't frozen are read in one statement for all of them."""
    live = await summaries_now(session, [row.id for row in rows if row.figures is None])
    return [(row.id, _listed(vault, row, cast(SummaryTotals, row.figures or live[row.id]))) for row in rows]


def _listed(vault: Vault, row: SummaryRow, figures: SummaryTotals) -> ListedSummary:
    return {
        **head(row),
        **one_summary(vault, row),
        "total_fen": figures["total_fen"],
        "application_count": figures["application_count"],
        "household_count": figures["household_count"],
        "towns": figures["towns"],
        "banks": figures["banks"],
        "indicators": figures["indicators"],
        "towns_words": _shares(figures["towns"]),
        "banks_words": _shares(figures["banks"]),
    }


async def whole_summary(session: AsyncSession, vault: Vault, flow: Flow) -> SummaryView:
    """The newest summary, earlier ones below; figures are live until they are frozen."""
    assert flow.id is not None
    rows = await summaries_of(session, flow.id)
    live = await summary_figures(session, flow.id)
    current, *earlier = [_with_figures(vault, row, live) for row in rows]
    return {
        **head(rows[0]),
        **current,
        "draft": await is_draft(session, rows[0]),
        "paid_elsewhere": await paid_elsewhere_block(session, flow),
        "earlier": earlier,
    }


async def is_draft(session: AsyncSession, row: SummaryRow) -> bool:
    """Whether this can't be the copy that is signed: while lines have no result, or an order is changing them.

    What freezes the figures is the county's 审核, and that takes the signed form: the copy for the signatures is
    printed before, and can't say 草稿. Until then the check code stands in for the freeze: figures that move after the
    printing (a line withdrawn during the review) have another code, and the old paper is refused (FIGURES_MOVED).
    """
    if row.figures is not None:
        return False
    return row.number is None or not (await readiness(session, row.id)).settled


def _with_figures(vault: Vault, row: SummaryRow, live: Mapping[str, object]) -> SummaryWithFigures:
    figures = row.figures or live
    code = check_code(row.flow_no, row.number, figures) if row.number else None
    return {**one_summary(vault, row), "figures": cast(SummaryTotals, figures), "check_code": code}


def head(row: SummaryRow) -> SummaryHead:
    """Which flow, and its 发放流程状态."""
    stage = FlowStage(row.flow_stage)
    return {
        "flow_no": row.flow_no,
        "fund_year": row.fund_year,
        "batch_no": row.batch_no,
        **status_of(stage),
        "flow_stage": stage,
        "flow_stage_label": stage.label,
    }


def one_summary(vault: Vault, row: SummaryRow) -> OneSummary:
    """One summary without its figures; nothing but the answers' fields where there is none yet."""
    return {
        "number": row.number,
        "stage": SummaryStage(row.stage) if row.stage else None,
        "opened_at": row.opened_at,
        "form_file_id": row.form_file_id,
        "reviewed_by": row.reviewed_by,
        "reviewed_at": row.reviewed_at,
        "submitted_by": row.submitted_by,
        "submitted_at": row.submitted_at,
        "submission_id": row.submission_id,
        "platform_reviewed_at": row.platform_reviewed_at,
        "confirmed_by": row.confirmed_by,
        "confirmed_at": row.confirmed_at,
        "confirmation_sent_at": row.confirmation_sent_at,
        **three_answers(row),
        "opinion": open_text(vault, row.county_code, row.opinion_sealed),
        "platform_opinion": open_text(vault, row.county_code, row.platform_opinion_sealed),
        "frozen": row.figures is not None,
    }


def three_answers(row: SummaryRow) -> ThreeAnswers:
    """审核状态, 提交状态 and 平台审核."""
    review = CountyReview(row.review) if row.review else None
    submission = Submission(row.submission)
    platform_review = PlatformReview(row.platform_review) if row.platform_review else None
    return {
        "review": review,
        "review_label": review.label if review else None,
        "submission": submission,
        "submission_label": submission.label,
        "platform_review": platform_review,
        "platform_review_label": platform_review.label if platform_review else None,
    }


def _shares(shares: Sequence[ShareView]) -> str:
    """红岩镇 2 笔 300.00 元；青山乡 1 笔 100.00 元."""
    return "；".join(
        f"{each['name']} {each['application_count']} 笔 {told_yuan(each['total_fen'])} 元" for each in shares
    )
