"""The demo data of `make up` beside people who are at work already: their things are left alone, its own completed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.demo.people import Json
from deploy.demo.seed import DATA, FILES, LARGE, SMALL, TITLES
from deploy.stack import Stack
from tests.county_files import personal_500001
from tests.whole_stack import QUICK, Whole, opened

ROOT = Path(__file__).resolve().parents[1]


def test_a_users_imports_before_it_was_ready_are_theirs_and_a_broken_off_start_is_gone_on_with(
    stack_factory: Callable[..., Stack],
) -> None:
    with opened(stack_factory(env=QUICK, time_scale=5 * 86_400, seed=5)) as whole:
        mine = _a_user_imports(whole, SMALL, FILES[SMALL], (DATA / FILES[SMALL]).read_bytes())
        own_file = personal_500001(50)
        theirs = _a_user_imports(whole, LARGE, own_file.name, own_file.data)
        _break_off(whole)
        _seed(whole)
        small, large = _batch(whole, SMALL), _batch(whole, LARGE)
        assert (small["line_count"], large["line_count"]) == (60, 2_000)
        assert {row["stage"] for row in small["stages"]} <= {"matched", "unmatched"}
        assert {row["stage"] for row in large["stages"]} == {"draft"}
        for county, batch_no, lines in ((SMALL, mine, 60), (LARGE, theirs, 50)):
            left = whole.people[county].operator.get(f"/batches/{batch_no}")
            assert [(row["stage"], row["count"]) for row in left["stages"]] == [("draft", lines)]
        before = _counts(whole)
        _seed(whole)
        assert _counts(whole) == before


def _a_user_imports(whole: Whole, county: str, name: str, data: bytes) -> str:
    play = whole.play(county)
    batch_no = play.open_batch("我的批次")
    play.import_file(batch_no, name, data)
    return batch_no


def _break_off(whole: Whole) -> None:
    """A start that ended after it had handed its file in: the same rows are there, so the import waits for a word."""
    play = whole.play(SMALL)
    play.choose_policy_unit()
    batch_no = play.open_batch(TITLES[SMALL])
    play.hand_in(batch_no, FILES[SMALL], (DATA / FILES[SMALL]).read_bytes())


def _seed(whole: Whole) -> None:
    layout = whole.stack.layout
    told = {"API_URL": layout.api_url, "TOKENS_FILE": str(layout.tokens), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo", "seed"],
        env={**os.environ, **told},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def _batch(whole: Whole, county: str) -> Json:
    operator = whole.people[county].operator
    (batch,) = [each for each in operator.pages("/batches") if each["title"] == TITLES[county]]
    return operator.get(f"/batches/{batch['batch_no']}")


def _counts(whole: Whole) -> list[int]:
    return [
        int(whole.one("SELECT count(*) FROM application")),
        int(whole.one("SELECT count(*) FROM application_import")),
        int(whole.one("SELECT count(*) FROM policy")),
        int(whole.one("SELECT count(*) FROM indicator")),
        int(whole.one("SELECT count(*) FROM beneficiary_list")),
    ]
