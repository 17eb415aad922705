"""The English of all that the API says in words: every vocabulary, role, act and refusal has its own."""

import re
from collections.abc import Iterator

import api.main  # noqa: F401 - with it every vocabulary is there
from api.pages.formats import LANGUAGE, label, title_of
from api.pages.words import ENGLISH, title_in_english
from api.policies.catalogs import CATALOG_WORDS
from models.words import card_words, code_words, evidence, flow_words, waiting
from models.words.labelled import Labelled
from models.words.refusals import Refusal

HAN = re.compile(r"[㐀-鿿]")


def vocabularies(kind: type[Labelled] = Labelled) -> Iterator[type[Labelled]]:
    for below in kind.__subclasses__():
        if not below.__module__.startswith("tests"):
            yield below
        yield from vocabularies(below)


def said() -> Iterator[str]:
    """Members, and the words of codes; what a run waits for."""
    for kind in vocabularies():
        yield from (word.label for word in kind)
    for module in (card_words, code_words, evidence, flow_words, waiting):
        for name, words in vars(module).items():
            if name.isupper() and isinstance(words, dict):
                yield from (str(word) for word in words.values() if type(word) is str)
            elif name.isupper() and type(words) is str and HAN.search(words):
                yield words
    yield from CATALOG_WORDS.values()


def test_no_word_is_without_its_english() -> None:
    words = set(said())
    assert len(words) > 500
    assert sorted(words - ENGLISH.keys()) == []


def test_the_english_is_english() -> None:
    assert {
        chinese: english for chinese, english in ENGLISH.items() if HAN.search(english) or not english.strip()
    } == {}


def test_a_refusal_is_titled_by_its_code() -> None:
    """Whoever refuses gives it a title of its own in Chinese; in English it has the code's."""
    for refusal in Refusal:
        assert not HAN.search(title_in_english(refusal.value, "某个标题"))
    assert title_in_english("SOMETHING_NEWER", "某个标题") == "某个标题"
    before = LANGUAGE.set("en")
    try:
        assert title_of({"code": "SAME_PERSON", "title": "须换人办理"}) == "Another person must do this"
        assert label("县操作员") == "Operator"
    finally:
        LANGUAGE.reset(before)
    assert title_of({"code": "SAME_PERSON", "title": "须换人办理"}) == "须换人办理"
