"""The twelve steps as a person does them: by what the pages say, and nothing else."""

from datetime import timedelta
from pathlib import Path

from deploy.demo.drawings import drawing, form_pdf
from deploy.tour.player import Player
from models.words.calendar import china_today

DATA = Path(__file__).parents[1] / "demo" / "data"
FILE = "batch-500003-60.csv"
TOTAL_YUAN = "1000000"


def play(player: Player, county: str) -> None:
    """Each step begins at the start page, at its own button."""
    for place, (title, act) in enumerate(SEASON):
        with player.step(title):
            player.become(place)
            act(player, county)


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
        player.press(f"设置 {what}")
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
    player.open("/console/indicators")
    player.page.locator("input[name=chosen]").first.check()
    player.press("提交", exact=True)
    player.confirm("确认办理")
    player.page.locator("table a").first.click()
    player.see("审核通过")


SEASON = (
    ("上传补贴政策", _policy),
    ("登记指标内容", _indicator),
)
__all__ = ["SEASON", "drawing", "play", "timedelta"]
