"""What a page in English still says in Chinese: texts, attributes and options that nothing marks as data.

Data (names, places, what people and the platform wrote) stays Chinese, and says so by `lang`; a sentence of ours around
names has `translate="no"`. A word of ours is no data, whatever it is marked as.
"""

import re
from collections.abc import Iterator

from lxml import html

from api.pages.words import ENGLISH

# With the punctuation, which is as foreign there.
HAN = re.compile(r"[㐀-鿿\U00020000-\U0003ffff，。；：、（）！？]")
# What is read out or shown of an element beside its text.
_READ = ("alt", "aria-label", "data-cut", "data-label", "label", "placeholder", "title")
_UNREAD = {"script", "style", "template"}
# What the grounds of tests call things: data, although it is spelled as a word of ours.
_NAMES = {"补贴政策", "预算单位", "预算项目", "渝快办"}
_OURS = ENGLISH.keys() - _NAMES
_SEVERAL = re.compile("、|, ")


def chinese_left(document: html.HtmlElement) -> list[str]:
    """In order; the start of each."""
    return [
        " ".join(text.split())[:60]
        for text, quoted in _said(document, quoted=False)
        if HAN.search(text) and (not quoted or _OURS.issuperset(_SEVERAL.split(text.strip())))
    ]


def _said(element: html.HtmlElement, *, quoted: bool) -> Iterator[tuple[str, bool]]:
    """Each text, and whether it is marked as data."""
    if not isinstance(element.tag, str) or element.tag in _UNREAD:
        return
    language = element.get("lang")
    quoted = element.get("translate") == "no" or (quoted if language is None else language.startswith("zh"))
    yield element.text or "", quoted
    yield from ((element.get(name, ""), quoted) for name in _READ)
    for child in element:
        yield from _said(child, quoted=quoted)
        yield child.tail or "", quoted
