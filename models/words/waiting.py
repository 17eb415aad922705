"""What a run waits for, in the words that ops read in Temporal UI and clerks in the console."""

from datetime import datetime

from models.words.calendar import CHINA
from models.words.card_stages import EntryStage, LoginStage, PartStage, RoundStage
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
