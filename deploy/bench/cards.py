"""Card changes: how fast they come to 待审核 beside a bare workflow, and many that wait while everything is killed."""

from dataclasses import dataclass

from deploy.bench import card_speed, card_waiting
from deploy.bench.card_speed import Speed
from deploy.bench.card_waiting import Waiting
from deploy.stack.stack import Stack


@dataclass(frozen=True)
class Cards:
    """All that was measured of card changes in one go."""

    speed: Speed
    waiting: Waiting


def measure(stack: Stack, count: int, waiting: int) -> Cards:
    """The speed's requests stay open in Temporal and weigh on nobody: the worker is a new one after it."""
    return Cards(card_speed.measure(stack, count), card_waiting.measure(stack, waiting))
