"""Excel files for people: words in their cells, no codes of ours."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from models.store.applications import rules as line_rules
from models.wire.words import EventType, Operation
from models.words.code_words import ACTS, CONTRADICTIONS, EFFECTS, EVENTS, OPERATIONS, ROLES, TAKEN
from models.words.staff import Role
from models.words.stages import ImportStage

ROOT = Path(__file__).parent.parent
SOURCES = [path for room in ("api", "activities", "models") for path in sorted((ROOT / room).rglob("*.py"))]
# Where each of them takes the name of an act.
PLACES = {"trail": 1, "by_system": 1, "Act": 3, "trail_of_lines": 2, "_note": 2, "_decided": 4, "LineAct": 0}
ACT = re.compile(r"[a-z_]+(?:\.[a-z_]+)?")
LATIN = re.compile(r"[A-Za-z]")


@cache
def calls() -> list[tuple[str, list[ast.expr]]]:
    """What is called in all sources, by its name, and with what."""
    nodes = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = [node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "") for node in nodes]
    return list(zip(names, (node.args for node in nodes), strict=True))


def literals(name: str, place: int) -> Iterator[str]:
    for called, arguments in calls():
        if called == name and len(arguments) > place:
            argument = arguments[place]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def test_every_act_of_the_trail_has_a_word() -> None:
    acts = {act for name, place in PLACES.items() for act in literals(name, place) if ACT.fullmatch(act)}
    assert len(acts) > 40
    assert acts <= ACTS.keys()
    assert {f"import.{stage.value}" for stage in ImportStage} | {"import.confirmed", "import.dropped"} <= ACTS.keys()
    rules = [each for each in vars(line_rules).values() if isinstance(each, line_rules.LineAct)]
    assert {each.name for each in rules} <= ACTS.keys()


def kinds_of_contradictions() -> set[str]:
    """Literals of `kind=` beside a claim, and those that the statement on payments gives."""
    sources = [path for path in SOURCES if "pages" not in path.parts]
    text = "\n".join(path.read_text() for path in sources if "contradictions" in path.read_text())
    return set(re.findall(r'kind="([a-z_]+)"', text)) | set(re.findall(r"THEN '(payment_[a-z_]+)'", text))


def test_every_code_of_the_platforms_lists_has_a_word() -> None:
    assert EVENTS.keys() == {each.value for each in EventType}
    assert OPERATIONS.keys() == {each.value for each in Operation}
    assert {each.value for each in Role} <= ROLES.keys()
    assert kinds_of_contradictions() <= CONTRADICTIONS.keys()
    assert len(kinds_of_contradictions()) > 8


def test_every_effect_that_is_given_back_has_a_word() -> None:
    given = set()
    for path in SOURCES:
        if "store" in path.parts:
            given |= set(re.findall(r'return "([a-z ]+)"$', path.read_text(), re.MULTILINE))
    assert {"again", "contradiction", "another generation"} <= given
    assert given <= EFFECTS.keys()


@pytest.mark.parametrize("words", [ROLES, EVENTS, EFFECTS, CONTRADICTIONS, TAKEN, OPERATIONS, ACTS])
def test_the_words_are_chinese(words: dict[str, str]) -> None:
    assert not [word for word in words.values() if LATIN.search(word) or not word]
