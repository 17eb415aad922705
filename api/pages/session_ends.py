"""Why somebody is signed out, in words: of staff, and of citizens."""

from collections.abc import Mapping

from fastapi import Request

from api.pages.door import STAFF_COOKIE, Door
from models.words.staff import SessionEnd

Why = tuple[str, str]
WHY_OVER: Mapping[str, Why] = {
    SessionEnd.SIGNED_OUT: ("您已退出。", "You have signed out."),
    SessionEnd.IDLE: ("您长时间没有操作，已自动退出。", "You were signed out because nothing was done for a while."),
    SessionEnd.LONGEST: (
        "登录时间已满，已自动退出。",
        "You were signed out because the longest time was over.",
    ),
    SessionEnd.ELSEWHERE: (
        "您的账号已在别处登录，这里已退出。",
        "You have signed in elsewhere, so you were signed out here.",
    ),
    SessionEnd.LOCKED: (
        "您的登录已被锁定或停用，请联系本区县的县管理员。",
        "Your login was locked or stopped: ask a county administrator.",
    ),
    SessionEnd.CHANGED: (
        "您的角色、密码或登录方式已变更，请重新登录。",
        "Your roles, password or way of signing in were changed: sign in again.",
    ),
}
_LONGEST_COOKIE = 200


async def why_over(door: Door, request: Request) -> Why | None:
    """Of the session that this browser had; None where it had none, or it lives."""
    secret = request.cookies.get(STAFF_COOKIE, "")
    if not (secret.isascii() and 0 < len(secret) <= _LONGEST_COOKIE):
        return None
    said = await door.ask(request, {}).mark("/staff/sign-ins/ended", {"session": secret})
    return WHY_OVER.get(said["over_by"])
