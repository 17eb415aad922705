"""Sixty random walks: what `tests/test_walk.py` does three times; in rounds, each on a stack of its own."""

import os
from collections.abc import Callable

import pytest
from hypothesis.internal.conjecture import engine

from deploy.stack import Stack
from tests.walk import walk
from tests.walk_ground import Ground

# The processes take a round each, again and again: short ones, so that they come to an end together.
ROUNDS, WALKS, STEPS = 15, 4, 25
# With what it takes to find it, less than a test may take.
SHRINK_SECONDS = 150
SEED = int(os.environ.get("ONECARD_FAULT_SEED", "1"))


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_random_walks(
    turn: int,
    stack_factory: Callable[..., Stack],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", SHRINK_SECONDS)
    ground = Ground(stack_factory)
    try:
        going = walk(ground, walks=WALKS, steps=STEPS, with_seed=SEED + turn, turn=turn)
        record_property("injected", {"walks": going.walks, "steps": going.steps, **going.told})
    finally:
        ground.close()
