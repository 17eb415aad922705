"""完整信息查看记录: who was given whose data in clear, when and what for, by person, thing and time."""

from fastapi import APIRouter

from api.pages.lists import FROM_TO, Column, Filter, ListPage, labelled, serve_list
from models.words.stages import DisclosedThing, DisclosurePurpose

router = APIRouter(prefix="/console/disclosures", include_in_schema=False)
LIST = ListPage(
    chinese="完整信息查看记录",
    english="Disclosures",
    path="/console/disclosures",
    api="/disclosures",
    key="id",
    columns=(
        Column("序号", "Number", "id", kind="number"),
        Column("时间", "Time", "at", kind="when"),
        Column("查看人", "Who", "actor", kind="person"),
        Column("身份", "Role", "role_label", kind="label"),
        Column("用途", "Purpose", "purpose_label", kind="label"),
        Column("类别", "Kind", "thing_label", kind="label"),
        Column("编号", "Number of the thing", "number", kind="thing"),
        Column("所在名单", "Within", "within", kind="thing"),
    ),
    filters=(
        Filter("actor", "查看人", "Who", catalog="people"),
        Filter("thing", "类别", "Kind", labelled(DisclosedThing)),
        Filter("number", "编号", "Number of the thing", kind="text"),
        *FROM_TO,
        Filter("purpose", "用途", "Purpose", labelled(DisclosurePurpose)),
    ),
    help=(
        "姓名、证件号、账号、手机号平时都遮盖；每一次完整显示（审核、编辑、导出、照片、显示完整信息）都先记在这里，只增不改。这里只有编号，没有任何人的信息。",
        "Personal data are masked. Each time they are shown whole (review, edit, export, photos, disclosure) a row is"
        " added here first. It has numbers only, nobody's data.",
    ),
)
serve_list(router, LIST)
