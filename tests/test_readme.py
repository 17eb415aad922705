"""The front door tells the truth: settings, routes, roles, stages and targets are those of the code."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from api.routers import ROUTERS
from models import tokens
from models.settings import Settings
from models.store import vault
from models.words import card_stages, stages
from models.words.staff import Role
from workflows.registered import WORKFLOWS

ROOT = Path(__file__).resolve().parents[1]
# The front door and, beside it, the page of each room, in two languages where people of both read it.
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("*/README*.md"))
}
README, CHINESE = PAGES["README.md"], PAGES["README.zh-CN.md"]
ROUTES, ROUTES_CHINESE = PAGES["api/README.md"], PAGES["api/README.zh-CN.md"]
OPERATE, OPERATE_CHINESE = PAGES["deploy/README.md"], PAGES["deploy/README.zh-CN.md"]
PICTURES = PAGES["workflows/README.md"]
ROUTE = re.compile(r"(GET|PUT|POST) (/[a-z/{}_-]+)")
BUTTONS = (
    *("政策单位", "上传", "设置预算单位 / 预算项目 / 指标文号", "登记指标", "提交", "数据初始化"),
    *("提交大数据校验", "校验结果", "公示信息设置", "申请提交", "修改申请提交", "确认需发放提交"),
    *("大数据校验不通过数据提交", "审核", "提交", "提交材料"),
)
CITIZEN = "citizen"
SCREENS = (
    *("账户自助变更", "扫一扫", "退出", "查看个人账户", "使用区县", "变更申请", "提交", "办理中", "办理完结", "撤销"),
    *("系统通知", "查询, 显示完结", "变更前, 变更后", "通过, 不通过", "再次上卡", "来源, 状态", "共用银行卡"),
    *("录入", "查询", "复核通过, 复核不通过", "手动验证", "自动定时验证"),
)
DRAWN = (
    *(stages.ApplicationStage, stages.BatchStage, stages.ReviewStage, stages.DatasetStage),
    *(stages.FlowStage, stages.FlowOutcome, stages.ImportStage),
    *(card_stages.LoginStage, card_stages.RequestStage, card_stages.RequestResult),
    *(card_stages.PartStage, card_stages.EntryStage, card_stages.RoundStage),
)


def rows(text: str, columns: int) -> list[list[str]]:
    """The cells of every table row with so many columns, headings included."""
    lines = [line.strip()[1:-1].split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines if len(line) == columns]


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def allowed() -> dict[tuple[str, str], set[Role]]:
    """Every route with the roles that its dependency lets in; none where no token is needed."""
    return {
        (method, route.path): set(roles_of(route))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def roles_of(route: APIRoute) -> Iterator[Role]:
    for dependency in route.dependant.dependencies:
        for cell in getattr(dependency.call, "__closure__", None) or ():
            if isinstance(cell.cell_contents, tuple):
                yield from cell.cell_contents


def shown(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    assert not isinstance(default, SecretStr)
    return "none" if default is None else f"`{default}`"


def fenced(text: str) -> list[str]:
    """What stands between fences without a language: commands and trees, comments aside."""
    blocks = [block for block in text.split("```")[1::2] if block.startswith("\n")]
    return [re.split(r"  +|#", line)[0].strip() for block in blocks for line in block.splitlines()]


def test_the_front_door_is_short_and_the_same_in_both_languages() -> None:
    """As many headings, the same commands and files in the same places, the same targets, walks and links."""
    assert README.count("\n") <= 200
    assert len(re.findall(r"^## ", README, flags=re.MULTILINE)) == len(re.findall(r"^## ", CHINESE, flags=re.MULTILINE))
    assert [line for line in fenced(README) if line] == [line for line in fenced(CHINESE) if line]
    for columns in (2, 3):
        assert len(rows(README.partition("<!-- bench")[0], columns)) == len(rows(CHINESE, columns))
    named = re.compile(r"`make [a-z-]+`|`[\w.]+/[\w./-]*`|`[\w.]+\.py`")
    assert set(named.findall(README)) == set(named.findall(CHINESE))


@pytest.mark.parametrize("text", [OPERATE, OPERATE_CHINESE], ids=["en", "zh"])
def test_the_configuration_table_is_the_settings(text: str) -> None:
    told = {name.strip("`"): default for name, default, _ in rows(text, 3) if re.fullmatch(r"`[A-Z0-9_]+`", name)}
    fields = Settings.model_fields.items()
    words = {"required": "必填", "none": "无"} if text is OPERATE_CHINESE else {}
    wanted = {name.upper(): shown(field.get_default()) for name, field in fields}
    assert told == {name: words.get(default, default) for name, default in wanted.items()}


def test_every_button_of_the_source_is_there_in_its_order() -> None:
    told = [button for _, button, _, _ in rows(section(ROUTES, "From the buttons to the routes"), 4)]
    assert tuple(told[2:]) == BUTTONS


def test_every_button_leads_to_a_route_that_its_person_may_use() -> None:
    routes = allowed()
    table = section(ROUTES, "From the buttons to the routes")
    told = [(row[-2], row[-1]) for columns in (3, 4) for row in rows(table, columns) if ROUTE.search(row[-2])]
    assert len(told) >= len(BUTTONS)
    for cell, people in told:
        for method, path in ROUTE.findall(cell):
            roles = {Role(word) for word in people.split(", ")}
            assert routes[method, path] & roles, f"{method} {path}: {people}"


@pytest.mark.parametrize(
    ("text", "title"),
    [(ROUTES, "From the screens to the routes"), (ROUTES_CHINESE, "换卡的界面与接口")],
    ids=["en", "zh"],
)
def test_every_screen_of_the_card_change_is_there_in_its_order(text: str, title: str) -> None:
    table = section(text, title)
    assert tuple([button for _, button, _, _ in rows(table, 4)][2:]) == SCREENS
    mine = {(method, path) for method, path in allowed() if path.startswith("/citizen/")}
    assert mine <= set(ROUTE.findall(table)), mine - set(ROUTE.findall(table))


def test_every_screen_leads_to_a_route_that_its_person_may_use() -> None:
    routes = allowed()
    for _, _, cell, people in rows(section(ROUTES, "From the screens to the routes"), 4)[2:]:
        for method, path in ROUTE.findall(cell):
            assert path.startswith("/citizen/") == (people == CITIZEN), path
            roles = set() if people == CITIZEN else {Role(word) for word in people.split(", ")}
            assert roles <= routes[method, path], f"{method} {path}: {people}"


def test_every_route_that_is_named_exists() -> None:
    named = {route for text in PAGES.values() for route in ROUTE.findall(text)}
    assert len(named) > len(BUTTONS) + len(SCREENS)
    assert named <= set(allowed()), named - set(allowed())


@pytest.mark.parametrize("text", [ROUTES, ROUTES_CHINESE], ids=["en", "zh"])
def test_every_route_stands_in_a_table(text: str) -> None:
    tables = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert set(allowed()) - set(ROUTE.findall(tables)) == set()


def test_the_other_routes_name_exactly_whom_they_let_in() -> None:
    routes = allowed()
    for _, cell, people in rows(section(ROUTES, "The other routes"), 3)[2:]:
        told = set() if people in ("no token", CITIZEN) else {Role(word) for word in people.split(", ")}
        wrong = {(method, path): routes[method, path] for method, path in ROUTE.findall(cell)}
        assert {route for route, roles in wrong.items() if roles != told} == set(), people


def test_kinds_of_orders_are_all_named() -> None:
    table = section(ROUTES, "From the buttons to the routes")
    assert [kind for kind in stages.OrderKind if f"`{kind.value}`" not in table.replace("kind: ", "` `")] == []


def test_roles_are_all_explained() -> None:
    told = {name.partition("` ")[0].strip("`") for name, _ in rows(section(ROUTES, "Who may what"), 2)}
    assert {role.value for role in Role} <= told


@pytest.mark.parametrize("vocabulary", DRAWN, ids=lambda each: each.__name__)
def test_every_stage_is_in_the_pictures(vocabulary: type[StrEnum]) -> None:
    pictures = section(PICTURES, "Pictures")
    assert [word for word in vocabulary if not re.search(rf"\b{word.value}\b", pictures)] == []


def test_every_workflow_that_the_worker_runs_is_in_the_pictures() -> None:
    pictures = section(PICTURES, "Pictures")
    files = {f"{each.__module__.rpartition('.')[2]}.py" for each in WORKFLOWS}
    assert {name for name in files if f"`{name}`" not in pictures} == set()


def test_targets_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    assert explained == set(phony.split())
    for text in (README, CHINESE):
        told = {name.removeprefix("`make ").rstrip("`") for name, _ in rows(text, 2) if name.startswith("`make ")}
        assert told == explained - {"help"}
    named = set(re.findall(r"\bmake ([a-z-]+)`", "".join(PAGES.values())))
    assert named <= explained


@pytest.mark.parametrize("place", PAGES)
def test_links_and_files_exist(place: str) -> None:
    file = ROOT / place
    text = file.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        linked = (file.parent / name) if name else file
        assert linked.exists(), target
        titles = re.findall(r"^#+ (.+)$", linked.read_text(), flags=re.MULTILINE)
        assert not anchor or anchor in {title.lower().replace(" ", "-") for title in titles}, target
    for name in re.findall(r"`((?:models|workflows|activities|api|tests|deploy)/[\w./-]+\.\w+)`", text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("place", PAGES)
def test_what_snippets_import_and_run_is_there(place: str) -> None:
    missing = [
        f"{module} {name}"
        for module, names in re.findall(r"\bfrom ([a-z][\w.]*) import (\w+(?:, \w+)*)", PAGES[place])
        for name in names.split(", ")
        if not _there(module, name)
    ]
    run = re.findall(r"\bpython -m ((?:api|deploy|tests)[\w.]*)", PAGES[place])
    assert missing + [module for module in run if importlib.util.find_spec(module) is None] == []


def _there(module: str, name: str) -> bool:
    """The name in the module, or the module of that name in the package."""
    if importlib.util.find_spec(module) is None:
        return False
    found = importlib.import_module(module)
    return hasattr(found, name) or (hasattr(found, "__path__") and bool(importlib.util.find_spec(f"{module}.{name}")))


def test_a_snippet_of_what_is_gone_is_seen() -> None:
    assert _there("models.store.events.inbox", "body_row")
    assert _there("models", "tokens")
    assert not _there("models.store.events.inbox", "row_of_body")
    assert not _there("models.store.inbox", "body_row")


def test_the_commands_that_make_keys_call_what_there_is() -> None:
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    calls = re.findall(r"\b(vault|tokens)\.(\w+)\(", compose + OPERATE)
    assert len(calls) == 4
    assert [name for module, name in calls if not hasattr({"vault": vault, "tokens": tokens}[module], name)] == []
