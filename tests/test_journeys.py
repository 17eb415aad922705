"""Each of the thirty journeys of the console (CONSOLE 2.9) and of the five of a season around it is walked.

31 going live, 32 a first load, 33 an objection, 34 a pre-flight, 35 the public list; none of them only in one way.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
_MARK = re.compile(r"pytest\.mark\.journey\(([\d, ]+)\)")
# Keys, zoom, a switched-off script: what only a real browser has.
BROWSER_ALONE = {30}


def walked(files: str) -> set[int]:
    found = [_MARK.findall(path.read_text("utf-8")) for path in HERE.glob(files)]
    return {int(number) for marks in found for mark in marks for number in mark.split(",")}


def test_every_journey_is_walked_over_http_and_in_a_browser() -> None:
    assert walked("test_*.py") == set(range(1, 36)) - BROWSER_ALONE
    assert walked("chromium_*.py") >= BROWSER_ALONE
