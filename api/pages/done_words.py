"""What a page says after an act: `?done=entered` in its address, the words from here."""

from collections.abc import Mapping
from typing import NamedTuple

# What was done, never how things stand: the page beside it says that, and goes on saying it as they change.
DONE: Mapping[str, tuple[str, str]] = {
    "authenticator_changed": ("已改用新的验证器", "The new authenticator is in use"),
    "change_asked": ("已提出，待另一名县管理员确认", "Asked; a second administrator confirms it"),
    "change_decided": ("已办理", "Done"),
    "password_changed": ("密码已更改，请重新登录", "Password changed; sign in again"),
    "person_changed": ("已办理，其登录随之结束", "Done; their session is over"),
    "person_invited": ("已邀请", "Invited"),
    "roles_given": ("角色已变更，其须重新登录", "Roles changed; they sign in anew"),
    "approved": ("已通过", "Approved"),
    "asked": ("申请已收到，办理结果见下", "Your request has been received; its result is below"),
    "batch_opened": ("已新建批次", "Batch opened"),
    "card_decided": ("上一件的审核结果已保存", "The decision on the former one was saved"),
    "card_retried": ("已再次上卡", "Applied again"),
    "check_asked": ("核验已发起", "Check begun"),
    "claims_decided": ("裁定已提交，随后执行", "Decided; it is carried out now"),
    "catalogs_asked": ("已向平台获取名单", "The lists are being fetched"),
    "closed": ("已关闭", "Closed"),
    "deferred": ("已转入下批", "Deferred to the next batch"),
    # at a desk the next one is open by then
    "former_approved": ("上一份已通过", "The former one was approved"),
    "former_returned": ("上一份已退回", "The former one was sent back"),
    "trial_asked": ("已请平台应答，结果见下", "The platform was asked; the result is below"),
    "trail_checked": ("已逐条校验，结果见下", "Checked; the result is below"),
    "flow_started": ("已启动补贴流程", "The flow has been started"),
    "import_confirmed": ("已确认导入", "Confirmed"),
    "import_dropped": ("已放弃导入", "The import was dropped"),
    "import_handed_in": ("文件已上传", "File uploaded"),
    "load_confirmed": ("已确认，接着向银行核验", "Confirmed; the bank is asked next"),
    "load_decided": ("复核结果已保存", "Decision saved"),
    "load_dropped": ("已放弃这次初始导入", "The load was dropped"),
    "load_handed_in": ("文件已上传", "File uploaded"),
    "import_noted": ("已知悉，不再列入待办", "Noted; it is no to-do any more"),
    "indicators_submitted": ("已提交指标", "Indicators submitted"),
    "corrected": ("已保存修改", "Changes saved"),
    "draft_begun": ("新申请已建立，每填一步就保存", "A new application: each step is kept"),
    "entered": ("已录入", "Entered"),
    "initialised": ("已提交数据初始化", "Handed in to be matched"),
    "joined": ("已加入批次", "Added to the batch"),
    "left_batch": ("已移出批次", "Taken out of the batch"),
    "entry_decided": ("复核结果已保存", "Decision saved"),
    "entry_entered": ("申报已录入", "Entered"),
    "material": ("已提交结算资料", "Materials handed in"),
    "objection_decided": ("已裁定", "Decided"),
    "objection_entered": ("已录入，须由另一人裁定", "Entered; another person has to decide it"),
    "order_confirmed": ("复核通过", "Confirmed"),
    "order_entered": ("已录入，须由另一人复核", "Entered; another person has to confirm it"),
    "order_refused": ("复核不通过", "Refused"),
    "payment_confirmed": ("已确认发放", "Released"),
    "photos_stored": ("已保存照片", "Pictures stored"),
    "policy_uploaded": ("政策已上传", "Policy uploaded"),
    "publicised": ("已公示", "Publicised"),
    "registered": ("已登记", "Registered"),
    "removed": ("已删除", "Removed"),
    "returned": ("已退回", "Sent back"),
    "saved": ("已保存", "Saved"),
    "scan_stored": ("审批表已上传，请对照右边的数字审核", "The form is here: compare it with the figures and decide"),
    "settled": ("已核实", "Settled"),
    "submitted": ("已提交资料审核", "Handed in for review"),
    "summary_reviewed": ("汇总已审核", "The summary was reviewed"),
    "summary_submitted": ("汇总已提交平台审核", "The summary was submitted to the platform"),
    "taken_back": ("已撤销", "Taken back"),
    "verification_asked": ("已提交大数据校验", "Sent to verification"),
    "withdrawn": ("已撤回", "Withdrawn"),
}


class Said(NamedTuple):
    chinese: str
    english: str
    lines: int | None


def said(done: str) -> Said | None:
    """The words of `?done=approved.1998`, with the count; None for what isn't in the list."""
    act, _, count = done.partition(".")
    words = DONE.get(act)
    return (
        Said(*words, int(count) if count.isascii() and count.isdigit() and len(count) < 10 else None) if words else None
    )
