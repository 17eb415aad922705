"""How fast 提交材料 goes: photos of paid lines, by the product's order and by a bare script."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench import floor
from deploy.bench.ground import county_play
from deploy.demo.drawings import PHOTO_KINDS, drawing, photo_archive
from deploy.demo.play import Play
from deploy.stack.postgres import DATABASE
from deploy.stack.stack import Stack

LINES = 150
ROUNDS = 3


@dataclass(frozen=True)
class Evidence:
    """Seconds of each round for `LINES` lines with three photos each."""

    product: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.product) / statistics.median(self.bare)


def measure(stack: Stack, flow_no: str) -> Evidence:
    """Each round takes other lines, and photos that the platform hasn't seen."""
    seconds = Evidence([], [])
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        play = county_play(stack, http)
        numbers = play.paid_lines(flow_no, LINES * ROUNDS)
        for start in range(0, len(numbers), LINES):
            part = numbers[start : start + LINES]
            seconds.bare.append(_bare(stack, flow_no, part))
            seconds.product.append(product(play, flow_no, part))
    return seconds


def product(play: Play, flow_no: str, numbers: list[str]) -> float:
    """The photos are in the county's archive beforehand; the order's time is measured."""
    for kind in PHOTO_KINDS:
        play.county.operator.upload("/photo-archives", f"{kind}.zip", photo_archive(kind, numbers), kind=kind)
    begun = time.perf_counter()
    selection = {"application_nos": numbers}
    done = play.order("提交材料", "evidence", "发放成功，提交材料", flow_no=flow_no, selection=selection)
    assert done["done_count"] == len(numbers), done
    return time.perf_counter() - begun


def _bare(stack: Stack, flow_no: str, numbers: list[str]) -> float:
    folder = stack.layout.home / "photos"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        for kind in PHOTO_KINDS:
            Path(folder / f"{number}_{kind}.jpg").write_bytes(drawing(kind, f"bare {number}"))
    with stack.layout.cluster.connect(DATABASE) as connection:
        row = connection.execute("SELECT platform_id FROM flow WHERE flow_no = %s", (flow_no,)).fetchone()
    assert row is not None
    told = {"flow_id": row[0], "folder": str(folder), "numbers": numbers}
    return float(floor.run(stack, "deploy.bench.bare_evidence", told)["seconds"])
