"""人员: the county's people, and an administrator's acts on them; what lets one decide is confirmed by a second."""

from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.columns import NAME
from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.window import Again, Staff, Window
from models.words.staff import PersonState, Role

router = APIRouter(prefix="/console/people", include_in_schema=False)
LIST = ListPage(
    chinese="人员",
    english="People",
    path="/console/people",
    api="/staff/people",
    key="subject",
    columns=(
        Column("登录名", "Login", "subject", link="/console/people/{subject}"),
        NAME,
        Column("角色", "Roles", "role_labels", kind="label"),
        Column("状态", "State", "state_label", kind="tag", tone="state"),
        Column("待确认", "Waits for a second", "change.kind_label", kind="label"),
        Column("最近登录", "Last sign-in", "last_signed_in_at", kind="when"),
    ),
    filters=(
        Filter("state", "状态", "State", labelled(PersonState)),
        Filter("role", "角色", "Role", labelled(Role)),
    ),
    help=(
        "邀请工作人员、给角色、锁定、停用、重置登录；审核人和县管理员由两名县管理员办理，谁也不办理本人的。",
        "Inviting people, giving roles, locking, stopping, resetting; reviewers and administrators take two"
        " administrators, and nobody does it for the own row.",
    ),
    template="people.html",
)


serve_list(router, LIST)


@router.get("/invite")
async def invite_page(window: Staff) -> Response:
    return window.show("person_invite.html", roles=list(Role))


@router.post("/invite")
async def invite_somebody(window: Staff) -> Response:
    body = {name: window.form.text(name) for name in ("subject", "name", "id_number")}
    asked = window.ask.post("/staff/invitations", {**body, "roles": window.form.all("roles")})
    return await _handed_over(window, asked, "person_invited", lambda: invite_page(window))


@router.get("/{subject}")
async def show_staff(window: Staff, subject: str) -> Response:
    who, me = await window.ask.get(f"/staff/people/{subject}"), window.signed
    may = me.role is Role.COUNTY_ADMIN
    return window.show("person.html", who=who, may=may, mine=subject == me.subject, roles=list(Role))


@router.post("/{subject}/roles")
async def change_roles(window: Staff, subject: str) -> Response:
    asked = window.ask.post(f"/staff/people/{subject}/roles", {"roles": window.form.all("roles")})
    return await _handed_over(window, asked, "roles_given", lambda: show_staff(window, subject))


@router.post("/{subject}/{act}")
async def act_on_person(window: Staff, subject: str, act: str) -> Response:
    asked = window.ask.post(f"/staff/people/{subject}/{act}")
    return await _handed_over(window, asked, "person_changed", lambda: show_staff(window, subject))


@router.post("/{subject}/changes/{change_id}/{decision}")
async def decide_on_change(window: Staff, subject: str, change_id: str, decision: str) -> Response:
    asked = window.ask.post(f"/staff/people/{subject}/changes/{change_id}/{decision}")
    return await _handed_over(window, asked, "change_decided", lambda: show_staff(window, subject))


async def _handed_over(window: Window, asked: Awaitable[Any], done: str, again: Again) -> Response:
    """A one-time code is shown at once and never again; it stands in no address."""
    try:
        handed = await window.code.then(asked)
    except Refused as refused:
        return await window.shown_again(refused, again)
    if handed["code"]:
        return window.show("person_code.html", handed=handed)
    said = "change_asked" if handed["waiting"] else done
    return window.done(said, f"/console/people/{handed['person']['subject']}")
