"""Amounts in the capital figures of cheques and approval forms: 贰佰叁拾肆元伍角整 (支付结算办法, annex 1)."""

_FIGURES = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ("万亿", "亿", "万", "")


def in_capitals(fen: int) -> str:
    """Of an amount of at least zero fen: 整 after yuan or jiao, one 零 for any zeros between figures."""
    yuan, rest = divmod(fen, 100)
    jiao, odd_fen = divmod(rest, 10)
    words = f"{_whole(yuan)}元" if yuan or not rest else ""
    if jiao:
        words += f"{_FIGURES[jiao]}角"
    elif odd_fen and yuan:
        words += "零"
    return words + (f"{_FIGURES[odd_fen]}分" if odd_fen else "整")


def _whole(yuan: int) -> str:
    if not yuan:
        return "零"
    words = ""
    groups = f"{yuan:016d}"
    for place, name in enumerate(_GROUPS):
        group = groups[4 * place : 4 * place + 4]
        if group == "0000":
            continue
        # zeros before a group's first figure, in it or of the whole group before it, are one 零
        if words and (group[0] == "0" or groups[4 * place - 4 : 4 * place] == "0000"):
            words += "零"
        words += _group(group) + name
    return words


def _group(figures: str) -> str:
    words = ""
    for figure, place in zip(figures, _PLACES, strict=True):
        if figure != "0":
            words += _FIGURES[int(figure)] + place
        elif words and not words.endswith("零"):
            words += "零"
    return words.removesuffix("零")
