"""What a run waits for, in the words that ops read in Temporal UI and clerks in the console."""

from collections.abc import Mapping
from datetime import datetime

from models.words.calendar import CHINA
from models.words.card_stages import EntryStage, LoginStage, PartStage, RoundStage
from models.words.labelled import Labelled
from models.words.stages import DatasetStage, FlowStage, ImportStage, ReviewStage

REVIEW = {
    ReviewStage.IN_REVIEW: "已提交平台，等待平台审核",
    ReviewStage.APPROVED: "平台审核通过，已办结",
    ReviewStage.REJECTED: "平台审核不通过，等待本县修改后重新提交",
}
LIST = {
    DatasetStage.PREPARED: "正在向平台推送名单",
    DatasetStage.WAITING_SLOT: "等待全省唯一的初始化名额",
    DatasetStage.UNDER_REVIEW: "名单已提交，等待平台反馈结果",
    DatasetStage.REVIEWED: "平台已反馈全部结果，已办结",
    DatasetStage.REFUSED: "平台拒收名单，已办结，请查看原因",
}
FLOW = {
    FlowStage.STARTING: "正在向平台启动补贴流程",
    FlowStage.WAITING_COUNTY: "平台上本县另有流程未结束，等待其结束后自动启动",
    FlowStage.SETTLING: "等待操作员处理未通过、未提交或暂缓的申请",
    FlowStage.UNDER_REVIEW: "申请已提交，等待平台审核",
    FlowStage.COUNTY_REVIEW: "等待审核人上传汇总审批表并审核",
    FlowStage.COUNTY_PASSED: "汇总审核通过，等待操作员提交平台",
    FlowStage.SUMMARY_SUBMITTED: "汇总已提交，等待平台审核",
    FlowStage.SUMMARY_APPROVED: "平台审核通过，等待第二位审核人确认发放",
    FlowStage.PAYING: "已确认发放，等待平台发放结果",
    FlowStage.CANCELLING: "已申请撤销，等待平台结束流程",
    FlowStage.ENDED: "流程已结束",
}
IMPORT = {
    ImportStage.CHECKING: "正在逐行校对文件",
    ImportStage.TO_CONFIRM: "等待操作员确认或放弃导入",
    ImportStage.REFUSED: "没有导入任何行，已办结",
    ImportStage.IMPORTED: "已导入，已办结",
}
IMPORT_CONFIRMED = "操作员已确认，正在导入"
# Beside what a list or a round waits for, while the platform is busy with something else.
PLATFORM_BUSY = "平台正忙于其他审核，稍后自动再试"
CARD_VALIDATING = "等待银行验证新账号"
CARD_UNANSWERED = "已办结，等待平台答复办结前已提交的上卡"
CARD_PARTS = {
    PartStage.VALIDATING: "等待银行验证",
    PartStage.IN_REVIEW: "等待审核人审核",
    PartStage.APPROVED: "审核通过，正在提交上卡",
    PartStage.APPLYING: "等待平台上卡结果",
}
ROUND = {
    RoundStage.CHECKING: "正在向银行逐页核验账号",
    RoundStage.DONE: "本轮核验已完成，已办结",
}
ENTRY = {
    EntryStage.VALIDATING: "等待银行验证账号",
    EntryStage.ENTERED: "银行验证通过，等待审核人复核",
    EntryStage.APPLYING: "复核通过，等待平台上卡结果",
    EntryStage.APPLIED: "上卡成功，已办结",
    EntryStage.FAILED: "申报失败，已办结，请查看原因",
    EntryStage.REFUSED: "复核不通过，已办结",
}
LOGIN = {
    LoginStage.OPENING: "正在向平台申请人脸识别",
    LoginStage.WAITING: "等待本人用手机扫码或打开人脸识别，300 秒内有效",
    LoginStage.SCANNED: "本人已扫码，等待人脸识别结果",
    LoginStage.PASSED: "人脸识别通过，已办结",
    LoginStage.FAILED: "人脸识别未通过，已办结",
    LoginStage.EXPIRED: "超过时限无人识别，已办结",
}


def since_when(waiting_for: str, since: datetime) -> str:
    """`since` comes in whatever zone the database has; people read it in theirs."""
    return f"{waiting_for}（自北京时间 {since.astimezone(CHINA):%Y-%m-%d %H:%M} 起）"


class Party(Labelled):
    """Whom a run waits for: people of one role, or somebody outside the county."""

    COUNTY_ADMIN = "county_admin", "县管理"
    OPERATOR = "operator", "县操作员"
    REVIEWER = "reviewer", "审核人"
    PLATFORM = "platform", "平台"
    BANK = "bank", "银行"
    CITIZEN = "citizen", "本人"
    SYSTEM = "system", "本系统"


class Wait(Labelled):
    """What is waited for, as far as it has its own number of working days (`WAIT_DAYS`)."""

    COUNTY_ADMIN = "county_admin", "县管理办理"
    OPERATOR = "operator", "县操作员办理"
    REVIEWER = "reviewer", "审核人办理"
    PLATFORM_ANSWER = "platform_answer", "平台受理"
    PLATFORM_REVIEW = "platform_review", "平台审核"
    PLATFORM_TURN = "platform_turn", "平台上的先后次序"
    PLATFORM_PAYMENT = "platform_payment", "平台发放"
    BANK = "bank", "银行验证"
    CITIZEN = "citizen", "本人办理"
    SYSTEM = "system", "本系统处理"


PARTIES: Mapping[Wait, Party] = {
    Wait.COUNTY_ADMIN: Party.COUNTY_ADMIN,
    Wait.OPERATOR: Party.OPERATOR,
    Wait.REVIEWER: Party.REVIEWER,
    Wait.PLATFORM_ANSWER: Party.PLATFORM,
    Wait.PLATFORM_REVIEW: Party.PLATFORM,
    Wait.PLATFORM_TURN: Party.PLATFORM,
    Wait.PLATFORM_PAYMENT: Party.PLATFORM,
    Wait.BANK: Party.BANK,
    Wait.CITIZEN: Party.CITIZEN,
    Wait.SYSTEM: Party.SYSTEM,
}
# Working days until a wait is overdue, where the settings say nothing else; the manuals name no term [ours].
WAIT_DAYS: Mapping[Wait, int] = {
    Wait.COUNTY_ADMIN: 5,
    Wait.OPERATOR: 3,
    Wait.REVIEWER: 2,
    Wait.PLATFORM_ANSWER: 1,
    Wait.PLATFORM_REVIEW: 5,
    Wait.PLATFORM_TURN: 10,
    Wait.PLATFORM_PAYMENT: 10,
    Wait.BANK: 2,
    Wait.CITIZEN: 1,
    Wait.SYSTEM: 1,
}
