"""Named points at which a process of the local stack ends or freezes itself, for the fault suite; off elsewhere.

`FAULT_POINTS=after-accepted=kill@3,before-delivered=stop@1`: the third time that a call was accepted the process is
gone as by SIGKILL, and at the first delivery it stands still as by SIGSTOP. Off, a point costs one look at an empty
dictionary. Where anything else than this machine is set as an address a process with points refuses to start.
"""

import os
import re
import signal
from collections.abc import Mapping
from enum import StrEnum

from models.settings import Settings
from models.this_machine import require_this_machine
from models.wire.signing import PlatformCredentials

_WISH = re.compile(r"([a-z-]+)=(kill|stop)@([1-9][0-9]{0,5})")
_DEEDS: Mapping[str, signal.Signals] = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class FaultPoint(StrEnum):
    """Between two steps of which a fault may do the first and not the second."""

    # An instruction: its key is written down, then it is sent, then answered, then our rows follow.
    BEFORE_CALL = "before-call"
    AFTER_ACCEPTED = "after-accepted"
    BEFORE_RECORDED = "before-recorded"
    # A callback: stored, then acknowledged, then carried to its run, then applied.
    BEFORE_INBOX_COMMIT = "before-inbox-commit"
    AFTER_INBOX_COMMIT = "after-inbox-commit"
    BEFORE_DELIVERED = "before-delivered"
    BEFORE_APPLIED = "before-applied"
    # A fund year's lines: written part by part, signed for, then deleted part by part.
    AFTER_PART_WRITTEN = "after-part-written"
    AFTER_YEAR_SIGNED = "after-year-signed"
    AFTER_PART_MOVED = "after-part-moved"


_armed: dict[FaultPoint, tuple[signal.Signals, int]] = {}


def reach(point: FaultPoint) -> None:
    """This process is at the point."""
    if _armed:
        _count(point)


def arm(settings: Settings, clients: Mapping[str, PlatformCredentials]) -> None:
    """What FAULT_POINTS asks for; ValueError when it can't be read, or an address isn't on this machine."""
    if settings.fault_points is None:
        return
    require_this_machine("FAULT_POINTS", settings, clients)
    for each in settings.fault_points.split(","):
        found = _WISH.fullmatch(each)
        if found is None or found[1] not in set(FaultPoint):
            raise ValueError(f"FAULT_POINTS: {each!r} is not like {FaultPoint.BEFORE_CALL}=kill@1")
        _armed[FaultPoint(found[1])] = _DEEDS[found[2]], int(found[3])


def _count(point: FaultPoint) -> None:
    deed, left = _armed.get(point, (signal.SIGKILL, 0))
    if left == 1:
        del _armed[point]
        print(f"fault point {point}: {deed.name}", flush=True)
        os.kill(os.getpid(), deed)
    elif left:
        _armed[point] = deed, left - 1
