"""What a run waits for, in the words that ops read in Temporal UI and clerks in the console."""

from collections.abc import Mapping
from datetime import datetime

from models.words.calendar import CHINA
from models.words.card_stages import EntryStage, LoadStage, LoginStage, PartStage, RoundStage
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
# Of a flow whose summary a reviewer has refused, until its run has made the next one.
SUMMARY_REFUSED = "汇总审核不通过，正在生成下一次汇总"
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
LOAD = {
    LoadStage.CHECKING: "正在逐行校对文件",
    LoadStage.TO_CONFIRM: "等待操作员确认或放弃",
    LoadStage.ASKING: "正在向银行逐页核验账号",
    LoadStage.ENTERED: "银行核验完毕，等待审核人复核",
    LoadStage.TAKING: "复核通过，正在登记",
    LoadStage.LOADED: "已登记，已办结",
    LoadStage.REFUSED: "没有登记任何行，已办结",
    LoadStage.NOT_TAKEN: "复核不通过，没有登记任何行，已办结",
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


class ToDoKind(Labelled):
    """What is to be done by somebody of the county, or should be known."""

    # an operator's, or an applicant's
    RETURNED_DRAFTS = "returned_drafts", "审核退回、待修改的申请"
    DRAFTS = "drafts", "待提交资料审核的草稿"
    TO_PUBLICISE = "to_publicise", "资料审核通过、待公示的申请"
    TO_INITIALISE = "to_initialise", "已公示、待数据初始化的申请"
    UNMATCHED_NAME_DIFFERS = "unmatched_name_differs", "姓名不同、可按平台更正姓名的申请"
    UNMATCHED_NOT_FOUND = "unmatched_not_found", "平台无此对象的申请"
    UNMATCHED_NO_ACCOUNT = "unmatched_no_account", "在所填银行没有惠民惠农账号的申请"
    SETTLEMENT_MATERIAL = "settlement_material", "匹配成功、待提交结算资料的申请"
    TO_BATCH = "to_batch", "待结算、待加入批次的申请"
    TO_VERIFY = "to_verify", "待提交大数据校验的批次"
    TO_VERIFY_AGAIN = "to_verify_again", "有申请可补校验的批次"
    PUBLICITY_MISSING = "publicity_missing", "缺少公示信息的批次"
    PUBLICITY_RUNNING = "publicity_running", "公示未满天数的批次"
    FLOW_READY = "flow_ready", "可以启动补贴流程的批次"
    LINES_REJECTED = "lines_rejected", "平台审核不通过、待修改或撤回"
    LINES_DUPLICATE = "lines_duplicate", "一人多条申请、待确认需发放"
    LINES_UNVERIFIED = "lines_unverified", "大数据校验不通过、待提交或撤回"
    LINES_REPAYMENT = "lines_repayment", "待补发提交"
    LINES_HELD = "lines_held", "暂缓、可转入下批"
    SUMMARY_TO_SUBMIT = "summary_to_submit", "待提交平台的发放汇总"
    EVIDENCE = "evidence", "发放成功、材料待提交的申请"
    REPAYABLE = "repayable", "已有新账号、可补发的申请"
    IMPORT_TO_CONFIRM = "import_to_confirm", "待确认的批量导入"
    IMPORT_REFUSED = "import_refused", "未导入的批量导入"
    LOAD_TO_CONFIRM = "load_to_confirm", "待确认的初始导入"
    LOAD_REFUSED = "load_refused", "未导入的初始导入"
    INDICATOR_DRAFT = "indicator_draft", "待提交的指标"
    INDICATOR_REJECTED = "indicator_rejected", "审核不通过的指标"
    # a reviewer's
    MATERIAL_REVIEW = "material_review", "待资料审核的申请"
    ORDERS_TO_CONFIRM = "orders_to_confirm", "待复核的指令"
    OBJECTIONS = "objections", "待裁定的公示异议"
    SUMMARY_TO_REVIEW = "summary_to_review", "待审核的发放汇总"
    PAYMENT_TO_CONFIRM = "payment_to_confirm", "待确认发放"
    CARD_CHANGES = "card_changes", "待审核的账号变更"
    CARDS_FAILED = "cards_failed", "上卡失败、可再次上卡的账号变更"
    VILLAGE_ENTRIES = "village_entries", "待复核的村社申报"
    LOADS_TO_DECIDE = "loads_to_decide", "待复核的初始导入"
    LINES_UNRESOLVED = "lines_unresolved", "流程结束后仍无发放结果"
    CONTRADICTIONS = "contradictions", "待裁定的矛盾来件"
    CALLBACKS_QUARANTINED = "callbacks_quarantined", "已隔离的平台来件"
    # a county administrator's
    POLICY_REJECTED = "policy_rejected", "审核不通过的政策"
    POLICY_UNIT_MISSING = "policy_unit_missing", "尚未设置政策单位"
    RUNS_OVERDUE = "runs_overdue", "超期的流程运行"
    # of ops and auditors
    RUNS_RESTARTED = "runs_restarted", "重启过的流程运行"
    CALLBACKS_PARKED = "callbacks_parked", "待对应的平台来件"
    CALLBACKS_UNKNOWN = "callbacks_unknown", "无法对应的平台来件"
    ODD_ANSWERS = "odd_answers", "近七天的平台异常应答"
    OUTBOX = "outbox", "未能送达工作流引擎的启动和信号"
    TRAIL_CHECKED = "trail_checked", "最近一次留痕校验"
    TRAIL_UNCHECKED = "trail_unchecked", "留痕从未校验"
    FLOWS_WITH_DIFFERENCE = "flows_with_difference", "结束时与平台不符的流程"
    # what others have, by kind of run
    RUNS = "runs", "等平台或银行的流程运行"
