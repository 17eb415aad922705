"""What a card change does next, decided from its rows alone: no database, no clock."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from models.contracts import CardStep, PartRef
from models.tables.cards import CardChange, CardChangePart
from models.words.card_stages import PartStage, RequestStage
from models.words.waiting import CARD_PARTS, CARD_UNANSWERED, CARD_VALIDATING


class NextCardStep(NamedTuple):
    """What has to be done now, for which counties; what is waited for, and whether the platform may be asked."""

    step: CardStep
    waiting_for: str
    asks: bool = False
    to_apply: tuple[PartRef, ...] = ()


def next_card_step(request: CardChange, parts: Sequence[CardChangePart], unanswered: bool) -> NextCardStep:
    """`unanswered`: the platform hasn't said what came of a 上卡 whose part an invalidation has ended meanwhile."""
    if request.stage is RequestStage.ENDED:
        if unanswered:
            return NextCardStep(CardStep.WAIT, CARD_UNANSWERED, asks=True)
        return NextCardStep(CardStep.END, waiting_for(request, parts))
    if request.stage is RequestStage.VALIDATING:
        return NextCardStep(CardStep.VALIDATE, waiting_for(request, parts))
    to_apply = tuple(_ref(part) for part in parts if goes_to_platform(part))
    asks = unanswered or any(part.stage is PartStage.APPLYING for part in parts)
    step = CardStep.HAND_OVER if to_apply else CardStep.WAIT
    return NextCardStep(step, waiting_for(request, parts), asks, to_apply)


def goes_to_platform(part: CardChangePart) -> bool:
    """Approved, or on its way there without the platform having said that it took it."""
    return part.stage is PartStage.APPROVED or (part.stage is PartStage.APPLYING and part.submission_id is None)


def waiting_for(request: CardChange, parts: Sequence[CardChangePart]) -> str:
    """In the words of ops and clerks: how many counties wait for whom."""
    if request.stage is RequestStage.VALIDATING:
        return CARD_VALIDATING
    if request.result is not None:
        return f"已办结：{request.result.label}"
    counted = Counter(part.stage for part in parts if part.ended_at is None)
    return "；".join(f"{count} 个区县{CARD_PARTS[stage]}" for stage, count in sorted(counted.items()))


def _ref(part: CardChangePart) -> PartRef:
    return PartRef(part_no=part.part_no, county_code=part.county_code, attempt=part.attempt)
