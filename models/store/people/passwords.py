"""Passwords of staff: argon2id, ten characters or more, none that everybody tries first."""

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from models.tokens import fold
from models.words.faults import Fault, FaultCode

SHORTEST, LONGEST = 10, 200
# 19 MiB and two passes, the least that OWASP advises: 30 ms, and a county's clerks sign in at the same minute.
_HASH = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
# Of ten characters or more, among the first of every list of stolen ones; compared folded.
_COMMON_WORDS = """
1234567890 0123456789 12345678910 0987654321 9876543210 1122334455 1234512345 1357924680 123123123123 1472583690
password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123 administrator admin12345 admin123456
admin@123456 administrator1 root123456 qwertyuiop qwerty12345 qwerty123456 qwer123456 qwer1234567 1qaz2wsx3edc
1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 zaq12wsxcde3 asdfghjkl1 asdfghjkl; zxcvbnm123 abcd123456 abc1234567 abcdefghij
a123456789 aa123456789 a1b2c3d4e5 woaini1314 woaini1314520 woaini520520 5201314520 iloveyou123 iloveyou1314
welcome123 letmein123 changeme123 football123 sunshine123 princess123 monkey12345 dragon12345 test123456 user123456
guest123456 caizheng123 caizhengju yikatong123 onecard123 chongqing123
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_FEWEST_CHARACTERS = 4


def hash_of(password: str) -> str:
    return _HASH.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Whether it is the one whose hash is kept; takes as long where none is."""
    right = _HASH.verify(password, kept or _nobodys())
    return right and kept is not None


def weakness(password: str, subject: str) -> Fault | None:
    """Why it may not be a password of this person's."""
    folded = fold(password)
    if not SHORTEST <= len(password) <= LONGEST:
        return _fault(f"密码须为 {SHORTEST} 至 {LONGEST} 个字符")
    if subject in folded or folded in subject:
        return _fault("密码不能是登录名，也不能包含登录名")
    if folded in _COMMON or len(set(folded)) < _FEWEST_CHARACTERS or folded in "01234567890123456789":
        return _fault("这个密码太常见，很容易被猜中，请换一个；可用几个不相关的词连在一起")
    return None


@cache
def _nobodys() -> str:
    return hash_of("nobody's password")


def _fault(words: str) -> Fault:
    return Fault(FaultCode.WEAK, words)
