"""A flow's history in the words of the way: one entry a fact, with who, when, how many and what was said."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.pages.formats import label, number, person, when, words, yuan
from models.words.flow_words import FlowEvent

Entry = Mapping[str, Any]


def way_of(history: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of `GET /flows/{flow_no}/history` for the part `way`; what is still to come is one entry."""
    steps = [_step(entry) for entry in history["entries"]]
    if history["later"]:
        title = " → ".join(label(each["label"]) for each in history["later"])
        steps.append({"mark": "later", "title": title})
    return steps


def _step(entry: Entry) -> dict[str, Any]:
    order = entry["order"]
    return {
        "mark": entry["mark"],
        "title": _title(entry),
        "figure": _figure(entry["count"], entry["fen"]),
        "at": entry["at"],
        "until": entry["until"],
        "by": entry["by"],
        "texts": [_parts(entry), _meaning(entry["event"])],
        "people": _order(order),
        "quotes": [text for text in (_quoted(entry["said"]), _reason(order)) if text],
        "link": f"/console/orders/{order['order_no']}" if order else "",
        "link_words": order["order_no"] if order else "",
    }


def _title(entry: Entry) -> str:
    title = label(entry["label"])
    if entry["event"] == "round":
        return words(f"第 {entry['number']} 轮：{title}", f"Round {entry['number']}: {title}")
    if entry["event"] == "order":
        return words(f"指令：{title}", f"Order: {title}")
    return title


def _meaning(event: str) -> str:
    """Of a word that nobody knows who hasn't met it."""
    if event != FlowEvent.AFTER_END:
        return ""
    return words(
        "流程结束以后平台才送来的发放结果：照样逐笔记入，流程仍是结束",
        "Results that the platform sent after the flow had ended: each is booked, the flow stays ended",
    )


def _figure(count: int | None, fen: int | None) -> str:
    if count is None:
        return ""
    lines = words(f"{number(count)} 笔", f"{number(count)} lines")
    return lines if fen is None else words(f"{lines}，{yuan(fen)} 元", f"{lines}, {yuan(fen)} yuan")


def _parts(entry: Entry) -> str:
    """通过 1,890（1,962,000.00 元），平台审核不通过 60（56,000.00 元；一人多条申请 22，账号无效 38）."""
    together: dict[str, list[Entry]] = {}
    for part in entry["parts"]:
        together.setdefault(part["label"], []).append(part)
    return words("，", ", ").join(_part(name, parts) for name, parts in together.items())


def _part(name: str, parts: Sequence[Entry]) -> str:
    count, fen = sum(part["count"] for part in parts), sum(part["fen"] or 0 for part in parts)
    reasons = [f"{label(part['reason'])} {number(part['count'])}" for part in parts if part["reason"]]
    money = [words(f"{yuan(fen)} 元", f"{yuan(fen)} yuan")] if fen else []
    # two figures side by side would read as one
    beside = words("；", "; ").join([*money, *([words("，", ", ").join(reasons)] if reasons else [])])
    return f"{label(name)} {number(count)}" + (words(f"（{beside}）", f" ({beside})") if beside else "")


def _order(order: Entry | None) -> str:
    if order is None:
        return ""
    entered = words(
        f"{person(order['entered_by'])} 录入 {when(order['entered_at'])}", _by("entered by", order, "entered")
    )
    state = label(order["state_label"])
    if order["confirmed_by"] is None:
        return words(f"{entered}，{state}", f"{entered}, {state}")
    decided = words(
        f"{person(order['confirmed_by'])} 复核 {when(order['confirmed_at'])}", _by("decided by", order, "confirmed")
    )
    return words(f"{entered}，{decided}，{state}", f"{entered}, {decided}, {state}")


def _by(did: str, order: Entry, act: str) -> str:
    return f"{did} {person(order[f'{act}_by'])} {when(order[f'{act}_at'])}"


def _reason(order: Entry | None) -> str:
    if order is None:
        return ""
    return words("；", "; ").join(_quoted(said) for said in (order["reason"], order["remark"]) if said)


def _quoted(said: str | None) -> str:
    return f"“{said}”" if said else ""
