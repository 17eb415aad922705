"""帮助: nine words, a season step by step, and every problem code with what to do."""

from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.formats import title_of
from api.pages.window import Staff
from models.words.refusals import Refusal

router = APIRouter(prefix="/console/help", include_in_schema=False)
Advice = tuple[str, str]
_ANEW: Advice = ("重新登录后继续", "Sign in again and go on")
_ANOTHER: Advice = ("请本区县另一位有权限的人员办理", "Somebody else of the county does it")
_CORRECT: Advice = ("按所列各处改正后重新提交", "Correct what is listed, send it again")
_FILE: Advice = ("按提示更换文件后重新上传", "Change the file as said, upload it again")
_LATER: Advice = ("没有作任何改动，稍后再按一次", "Nothing was changed; press again in a moment")
_NUMBER: Advice = ("核对编号和区县", "Check number and county")
_OPERATIONS: Advice = ("记下时间和代码，联系运维", "Note time and code, call operations")
_OTHERWISE: Advice = ("刷新页面看现在的状态，按提示办理", "Reload to see what stands now, and do what is said")
_ROLE: Advice = ("请有此权限的人员办理，或切换身份", "Somebody with that role does it, or you change yours")
_TYPE: Advice = ("输入验证器上的六位验证码后再办理", "Type a code, then do it again")
_WAIT: Advice = ("按提示的时间以后再试", "Try again after the time that is said")
# By how a code begins; the first that fits.
_BEGINNINGS: tuple[tuple[str, Advice], ...] = (
    (Refusal.CODE_NEEDED, _TYPE),
    (Refusal.SAME_PERSON, _ANOTHER),
    (Refusal.SELF_ENTERED, _ANOTHER),
    ("OWN_", _ANOTHER),
    ("ROLE_", _ROLE),
    (Refusal.BUSY, _LATER),
    (Refusal.TOO_SLOW, _LATER),
    (Refusal.UNAVAILABLE, _LATER),
    (Refusal.CATALOG_FETCHING, _LATER),
    (Refusal.INTERNAL, _OPERATIONS),
    (Refusal.FILE_DAMAGED, _OPERATIONS),
    (Refusal.VALUE_UNREADABLE, _OPERATIONS),
    ("TOO_MANY", _WAIT),
    (Refusal.SIGN_IN_LOCKED, _WAIT),
    (Refusal.NOT_SIGNED_IN, _ANEW),
    ("SESSION", _ANEW),
    (Refusal.TICKET_OVER, _ANEW),
    (Refusal.SIGN_IN_REFUSED, _ANEW),
    ("UNKNOWN", _NUMBER),
    (Refusal.NOT_FOUND, _NUMBER),
    ("PHOTO", _FILE),
    ("ARCHIVE", _FILE),
    ("FILE", _FILE),
    ("MEMBER", _FILE),
    (Refusal.VALIDATION_FAILED, _CORRECT),
    (Refusal.REASON_MISSING, _CORRECT),
    (Refusal.REMARK_MISSING, _CORRECT),
)


class _Problem(NamedTuple):
    code: str
    means: str
    advice: Advice


@router.get("")
async def show_help(window: Staff) -> Response:
    problems = [_Problem(each.value, _means(each), advice_on(each.value)) for each in sorted(Refusal)]
    return window.show("help.html", problems=problems)


def _means(refusal: Refusal) -> str:
    return title_of({"code": refusal.value, "title": refusal.label})


def advice_on(code: str) -> Advice:
    return next((advice for start, advice in _BEGINNINGS if code.startswith(start)), _OTHERWISE)
