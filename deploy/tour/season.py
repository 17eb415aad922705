"""Going live and the twelve steps as a person does them: by what the pages say, and nothing else."""

from datetime import timedelta
from pathlib import Path

from deploy.demo.drawings import drawing, form_pdf
from deploy.tour.player import PATIENCE_MS, Player
from models.words.calendar import china_today

DATA = Path(__file__).parents[1] / "demo" / "data"
FILE = "batch-500003-60.csv"
TOTAL_YUAN = "1000000"


def play(player: Player, county: str) -> None:
    """Each step begins at the start page, at its own button."""
    for part, steps in (("going-live", GOING_LIVE), ("season", SEASON)):
        for place, (title, act) in enumerate(steps):
            with player.step(title):
                player.become(part, place)
                act(player, county)


def _going_live(player: Player, county: str) -> None:
    """The platform's lists are there, and it answers."""
    player.confirm("更新", exact=True)
    player.open("/console/going-live")
    player.confirm("试连平台", exact=True)
    player.see("平台应答正常")


def _first_load(player: Player, county: str) -> None:
    """What the platform has already, handed in by one, asked at the bank, confirmed by another."""
    accounts = player.download("示例账号文件")
    player.hand_in("文件", "accounts.csv", accounts, "text/csv")
    player.confirm("上传并校对")
    player.see("待复核")
    player.hand_over(1)
    player.confirm("保存")
    player.see("已登记")


def _policy(player: Player, county: str) -> None:
    player.press("设置政策单位")
    player.choose("政策单位")
    player.confirm("保存")
    player.press("上传补贴政策")
    player.write("名称", f"{china_today().year} 年惠农补贴政策")
    for item in player.page.locator("input[name=item_codes]").all():
        item.check()
    player.hand_in("政策文件", "policy.pdf", form_pdf("policy"), "application/pdf")
    player.confirm("上传", exact=True)
    player.see("审核通过")


def _indicator(player: Player, county: str) -> None:
    for what in ("预算单位", "预算项目", "指标文号"):
        player.press(f"设置{what}")
        player.page.locator("main input[type=checkbox]").first.check()
        player.confirm("保存")
    player.press("登记指标")
    for field in ("指标文号", "预算单位", "预算项目"):
        player.choose(field)
    player.write("总额（元）", TOTAL_YUAN)
    player.write("中央（元）", TOTAL_YUAN)
    for part in ("省级（元）", "市级（元）", "县级（元）"):
        player.write(part, "0")
    player.confirm("保存")
    player.press("提交指标")
    player.confirm("确认办理")
    player.page.locator("table a").first.click()
    player.see("审核通过")


def _import(player: Player, county: str) -> None:
    player.open("/console/batches")
    player.press("新建批次")
    player.write("批次名称", "一季的演示批次")
    player.confirm("保存")
    player.open("/console/imports")
    player.press("新的导入")
    player.choose("申请结算批次")
    player.press("下一步")
    player.hand_in("文件", FILE, (DATA / FILE).read_bytes(), "text/csv")
    player.confirm("上传并校对")
    player.see("已导入")


def _review(player: Player, county: str) -> None:
    """The operator hands in, the reviewer passes, the operator publicises."""
    player.become_somebody(f"operator-{county}")
    _all_at(player, "/console/applications?stage=draft", "提交资料审核")
    player.become_somebody(f"reviewer-{county}")
    _all_at(player, "/console/applications?stage=in_review", "通过")
    player.become_somebody(f"operator-{county}")
    _all_at(player, "/console/applications?stage=in_review", "公示")


def _initialisation(player: Player, county: str) -> None:
    player.press("数据初始化")
    _all(player, "数据初始化")
    player.page.locator("table a").first.click()
    player.see("平台已审核")


def _all_at(player: Player, list_: str, act: str) -> None:
    player.open(list_)
    _all(player, act)


def _all(player: Player, act: str) -> None:
    """Everything that the list's conditions find; looked at before it is confirmed."""
    player.tick("选择符合条件的全部")
    player.press(act, exact=True)
    player.confirm("确认办理")


def _material(player: Player, county: str) -> None:
    """Only who has a photo of the bank card goes on."""
    _all(player, "提交结算资料")
    player.hand_over(1)
    player.press("加入申请")
    _all(player, "加入批次")


def _verification(player: Player, county: str) -> None:
    """After a look at what is known without asking the platform."""
    player.press("预检")
    player.see("现在可以办理")
    player.press("去办理")
    player.press("提交大数据校验")
    player.confirm("确认办理")
    player.see("已校验")


def _publicity(player: Player, county: str) -> None:
    player.write("公示开始日期", (china_today() - timedelta(days=8)).isoformat())
    player.write("公示地址", "县政府网站和各村公示栏")
    player.hand_in("公示信息图片", "notice.jpg", drawing("notice", "notice"), "image/jpeg")
    player.confirm("保存")
    _objection(player, county)


def _objection(player: Player, county: str) -> None:
    """Somebody objects to what is public; another person finds that there is nothing in it."""
    player.open("/console/applications?stage=in_batch")
    player.page.locator("table a").first.click()
    player.press("录入公示异议")
    player.write("异议内容", "村民电话反映：该户承包地已经流转")
    player.confirm("录入", exact=True)
    player.become_somebody(f"reviewer-{county}")
    player.open("/console/objections")
    player.page.locator("table a").first.click()
    player.tick("不成立")
    player.write("裁定意见", "经村委会核实，仍由本户耕种")
    player.confirm("裁定", exact=True)


def _start(player: Player, county: str) -> None:
    player.press("申请提交")
    player.choose("申请结算批次")
    player.press("下一步")
    player.page.locator("input[name=policy_nos]").first.check()
    player.page.locator("select[name=indicator_nos]").first.select_option(index=1)
    player.press("核对")
    player.confirm("确认启动")
    player.see("待汇总审核")


def _summary(player: Player, county: str) -> None:
    """Printed, signed and scanned: here the form itself is handed in again."""
    with player.page.expect_download() as printed:
        player.press("下载汇总审批表")
    form = printed.value.path().read_bytes()
    player.press("审核", exact=True)
    player.hand_in("上传审批表扫描件", "signed.pdf", form, "application/pdf")
    player.press("上传", exact=True)
    player.see("打开上传的审批表")
    player.tick("通过")
    player.tick("审批表上的核对码与本页所示的一致")
    player.write("审批意见", "同意发放")
    player.confirm("确认办理")
    player.hand_over(1)
    player.press("提交", exact=True)
    player.confirm("提交平台审核")
    player.see("待确认发放")


def _payment(player: Player, county: str) -> None:
    player.press("确认发放")
    count, total = player.fact("流程总笔数"), player.fact("流程汇总金额（元）")
    player.write("发放笔数", count.replace(",", ""))
    player.write("发放金额（元）", total.replace(",", ""))
    player.confirm("确认发放")
    player.open("/console/flows")
    player.page.locator("table a").first.click()
    player.page.locator(".tag", has_text="结束").first.wait_for(timeout=PATIENCE_MS)


def _card(player: Player, county: str) -> None:
    """The phone opens a new card at the bank; the page changes to it; the reviewer agrees."""
    account = player.new_card()
    player.press("变更申请")
    player.tick("银行卡")
    player.write("银行账号", account)
    player.choose("开户行", "中国工商银行")
    player.tick("本人持有账号")
    player.press("下一步：核对")
    player.confirm("提交")
    player.see("申请中")
    player.hand_over(1)
    player.tick("通过")
    player.write("审核意见", "资料属实")
    player.confirm("保存")


GOING_LIVE = (
    ("上线准备", _going_live),
    ("初始导入", _first_load),
)
SEASON = (
    ("上传补贴政策", _policy),
    ("登记指标内容", _indicator),
    ("导入申请", _import),
    ("资料审核并公示", _review),
    ("补贴对象数据初始化", _initialisation),
    ("提交结算资料，加入批次", _material),
    ("大数据校验", _verification),
    ("补贴公示信息设置", _publicity),
    ("启动补贴流程", _start),
    ("发放汇总审核", _summary),
    ("确认发放", _payment),
    ("享受人变更银行卡", _card),
)
