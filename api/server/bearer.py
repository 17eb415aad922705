"""The token that comes with a request, looked at before its body is; and whether its person may still act."""

import time
from collections.abc import Mapping

from joserfc.jwk import OctKey

from api.server.problems import Problem
from models.store.database import Database
from models.store.people.persons import Standing, may_act, standing_of
from models.tokens import LONGEST_HOURS, BadToken, Principal, TokenRefused, read

_SCHEME = "bearer "
# Whoever is locked or loses a role by another process's act is out after this at the latest.
STANDING_SECONDS = 30.0
_MOST_KEPT = 10_000
_TOKEN_WORDS: Mapping[BadToken, str] = {
    BadToken.UNUSABLE: "请在请求头 Authorization 中带上有效的 Bearer 令牌；令牌过期请重新登录",
    BadToken.EXPIRED: "令牌已过期，请重新登录或请运维重新签发",
    BadToken.CLAIMS: "令牌缺少必要内容，或不是签发给本系统的；请运维用本系统的签发命令重新签发",
    BadToken.TOO_LONG: f"令牌有效期超过 {LONGEST_HOURS} 小时，请运维重新签发",
    BadToken.BARRED: "本区县没有此人，或其已锁定、停用、不再有此角色；请向本区县的县管理员核对后重新登录",
    BadToken.NOT_FOLDED: "令牌中的人员标识须为小写半角，否则同一个人会被当作两个人；请运维用本系统的签发命令重新签发",
    BadToken.RESERVED: "令牌中的人员标识是系统保留的名称，请运维以本人的标识重新签发",
}


def principal_in(token_key: OctKey, authorization: str) -> Principal:
    """Who the header Authorization names; 401 for whatever is wrong with it."""
    scheme, token = authorization[: len(_SCHEME)], authorization[len(_SCHEME) :]
    try:
        if scheme.lower() != _SCHEME:
            raise TokenRefused
        return read(token_key, token.strip())
    except TokenRefused as refused:
        raise refusal_of(refused.why) from None


def refusal_of(why: BadToken) -> Problem:
    headers = {"WWW-Authenticate": "Bearer"}
    return Problem(401, why, "未登录或令牌无效", _TOKEN_WORDS[why], headers=headers)


class Standings:
    """What this process has read of people, each for half a minute; who isn't there is looked for every time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[tuple[str, str], tuple[float, Standing]] = {}

    async def check(self, principal: Principal) -> Standing:
        """401 for whoever isn't, or is no more, what the token says."""
        whose = principal.county_code, principal.subject
        standing = self._known(whose)
        if standing is None or not may_act(standing, principal.role):
            # a role may have been given since
            standing = await self._read(whose)
        if standing is None or not may_act(standing, principal.role):
            raise refusal_of(BadToken.BARRED)
        return standing

    def forget(self, county_code: str, subject: str) -> None:
        """The row has just been changed here."""
        self._kept.pop((county_code, subject), None)

    def _known(self, whose: tuple[str, str]) -> Standing | None:
        until, standing = self._kept.get(whose, (0.0, None))
        return standing if time.monotonic() < until else None

    async def _read(self, whose: tuple[str, str]) -> Standing | None:
        async with self._database.share_of(whose[0]).reading() as session:
            standing = await standing_of(session, *whose)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        if standing is not None:
            self._kept[whose] = time.monotonic() + STANDING_SECONDS, standing
        return standing
