"""Random walks over two counties (`tests/walk.py`): by hypothesis, on one real stack, in rough weather, parts dying.

`WALKS`, `WALK_STEPS`, `WALK_SEED` and `WALK_TURN` make them more, longer and others; a failing one is made shorter for
`WALK_SHRINK_SECONDS`, and told.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis.internal.conjecture import engine

from deploy.stack import Stack
from tests.walk import walk
from tests.walk_ground import Ground

GIVEN = {"WALKS": 3, "WALK_STEPS": 25, "WALK_SEED": 141, "WALK_TURN": 2, "WALK_SHRINK_SECONDS": 150}
WALKS, STEPS, SEED, TURN, SHRINK_SECONDS = (int(os.environ.get(name, usual)) for name, usual in GIVEN.items())


def test_whatever_is_done_in_whatever_order_the_laws_hold(
    stack_factory: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", SHRINK_SECONDS)
    ground = Ground(stack_factory)
    try:
        print(walk(ground, walks=WALKS, steps=STEPS, with_seed=SEED, turn=TURN).report())
    finally:
        ground.close()
