"""The token that comes with a request; looked at before its body is, and again where its work begins."""

from collections.abc import Mapping

from joserfc.jwk import OctKey

from api.server.problems import Problem
from models.tokens import LONGEST_HOURS, BadToken, Principal, TokenRefused, read

_SCHEME = "bearer "
_TOKEN_WORDS: Mapping[BadToken, str] = {
    BadToken.UNUSABLE: "请在请求头 Authorization 中带上有效的 Bearer 令牌；令牌过期请重新登录",
    BadToken.EXPIRED: "令牌已过期，请重新登录或请运维重新签发",
    BadToken.CLAIMS: "令牌缺少必要内容，或不是签发给本系统的；请运维用本系统的签发命令重新签发",
    BadToken.TOO_LONG: f"令牌有效期超过 {LONGEST_HOURS} 小时，请运维重新签发",
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
        headers = {"WWW-Authenticate": "Bearer"}
        words = _TOKEN_WORDS[refused.why]
        raise Problem(401, refused.why, "未登录或令牌无效", words, headers=headers) from None
