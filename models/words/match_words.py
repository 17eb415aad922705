"""The four results of an initialisation in the words of the source (S1 2.4.1)."""

from models.wire.words import Outcome


def match_words(outcome: str | None, correct_name: str | None, bank_name: str | None) -> str | None:
    """What the platform found; the correct name is known until it has been taken over."""
    match outcome:
        case Outcome.MATCHED:
            return "匹配成功"
        case Outcome.NAME_DIFFERS:
            return "身份证存在，但姓名不同" + (f"，正确姓名：{correct_name}" if correct_name else "（已更正）")
        case Outcome.NOT_FOUND:
            return "无此对象"
        case Outcome.NO_ACCOUNT:
            return f"该对象无{bank_name or '所填银行'}的惠民惠农账号"
        case _:
            return None
