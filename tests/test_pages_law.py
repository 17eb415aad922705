"""What the pages' files keep: words in two languages, no inline style or script, styles that old browsers know."""

import ast
import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from api.pages.done_words import DONE

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "api" / "pages"
TEMPLATES = sorted((PAGES / "templates").rglob("*.html"))
STATIC = PAGES / "static"
VENDOR = STATIC / "vendor"
HAN = re.compile(r"[㐀-鿿\U00020000-\U0003ffff]")
HAN_OR_SIGN = re.compile(rf"{HAN.pattern}|[，。；：、（）！？]")
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
# _("中文", "English"), each perhaps put together of texts and values
_TWO = re.compile(rf"_\(\s*({_QUOTED})((?:\s*~[^,]*?)*)\s*,\s*({_QUOTED})")
# What the API has put together is taken apart.
_SPLIT = re.compile(r"split\(\"[（、]\"\)")
# A word of the API's that nothing translates.
_AS_IT_CAME = re.compile(r"_label\s*\}\}")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
# Unknown to Chromium 109, the last for Windows 7.
TOO_NEW = ("oklch(", "color-mix(", "light-dark(", "@layer", "@container", ":has(")


def said_twice(text: str) -> list[tuple[str, str]]:
    """Each Chinese text of a template with the English beside it."""
    return [(match[1][1:-1], match[3][1:-1]) for match in _TWO.finditer(text)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_everything_that_is_read_is_said_in_both_languages(template: Path) -> None:
    text = _COMMENT.sub("", template.read_text("utf-8"))
    for chinese, english in said_twice(text):
        assert english.strip(), f"{template.name}: no English for {chinese!r}"
        assert not HAN_OR_SIGN.search(english), f"{template.name}: Chinese in the English {english!r}"
    rest = _SPLIT.sub("", re.sub(r"_\((?:[^()]|\([^()]*\))*\)", "", text))
    alone = [line.strip() for line in rest.splitlines() if HAN_OR_SIGN.search(line) or _AS_IT_CAME.search(line)]
    assert alone == [], f"{template.name}: Chinese without English: {alone}"


def test_one_text_has_one_english() -> None:
    english_of: dict[str, set[str]] = defaultdict(set)
    for template in TEMPLATES:
        for chinese, english in said_twice(_COMMENT.sub("", template.read_text("utf-8"))):
            english_of[chinese].add(english.removesuffix("s"))  # one or several, Chinese doesn't tell
    unsure = {chinese: sorted(english) for chinese, english in english_of.items() if len(english) > 1}
    assert unsure == {}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_style_or_script_of_its_own(template: Path) -> None:
    text = _COMMENT.sub("", template.read_text("utf-8"))
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text), template.name
    assert "|safe" not in text, f"{template.name}: what is shown is always escaped"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_part_that_asks_by_itself_is_left_as_it_is_when_refused(template: Path) -> None:
    """`part=1`, or `live=1` where it asks again and again: else the answer is a whole page, put into the part."""
    tags = re.findall(r"<[^<]*?hx-trigger=[^<]*", _COMMENT.sub("", template.read_text("utf-8")))
    assert [tag for tag in tags if "hx-get" in tag and not re.search("(live|part)=1", tag)] == [], template.name


def test_lengths_are_rem_and_old_browsers_know_the_style() -> None:
    own = "".join(sheet.read_text("utf-8") for sheet in STATIC.glob("*.css"))
    # hairlines may be one pixel; the root sizes are what everything else is measured by
    sizes = re.findall(r"(?<![\w.-])(\d+(?:\.\d+)?)px", own)
    assert set(sizes) <= {"1", "14", "18", "22", "27"}, sizes
    for sheet in STATIC.rglob("*.css"):
        found = [word for word in TOO_NEW if word in sheet.read_text("utf-8")]
        assert found == [], sheet.name


def test_what_pages_bring_along_stays_small() -> None:
    assert sum(len(sheet.read_bytes()) for sheet in STATIC.glob("*.css")) <= 25 * 1024
    assert len((STATIC / "console.js").read_bytes()) <= 4 * 1024
    assert sum(len(path.read_bytes()) for path in STATIC.rglob("*.js")) <= 60 * 1024


def test_what_comes_from_elsewhere_is_named_and_as_it_came() -> None:
    listed = json.loads((VENDOR / "VENDOR.json").read_text())
    digests = {name: digest for package in listed for name, digest in package["sha256"].items()}
    assert {path.name for path in VENDOR.iterdir()} == {*digests, "VENDOR.json"}
    for name, digest in digests.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    assert all(package["version"] and package["licence"] for package in listed)


def test_a_module_of_pages_is_short() -> None:
    for path in PAGES.glob("*.py"):
        text = path.read_text("utf-8")
        assert text.count("\n") <= (150 if "APIRouter(" in text else 250), f"{path.name}: {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.AsyncFunctionDef) and any("router" in ast.unparse(d) for d in node.decorator_list):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = sum((part.end_lineno or 0) - part.lineno + 1 for part in body)
                assert lines <= 10, f"{path.name}:{node.lineno} {node.name}: {lines} lines"


def test_what_was_done_says_nothing_of_how_things_stand() -> None:
    """It stays on the page while the rest goes on: a platform that has answered is not waited for any more."""
    unsure = [name for name, (chinese, _) in DONE.items() if re.search("正在|等待", chinese)]
    assert unsure == []
