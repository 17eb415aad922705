"""Codes of rows, and what stands for a code that only a newer version knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Self

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_MOST_KEPT = 1_000
_shown: ContextVar[bool] = ContextVar("unknown_words_are_shown", default=False)
_kept: set[tuple[str, str]] = set()


class UnknownWord(ValueError):
    """A row says what this version has no word for; the text names the vocabulary and the word."""


class Word(StrEnum):
    """One of a vocabulary's words, as rows have it.

    Whoever decides, sends or is sent something stops at a word that isn't there; a list shows its code.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self:
        if not isinstance(value, str) or not _shown.get():
            raise UnknownWord(f"{cls.__name__} {value}")
        if len(_kept) < _MOST_KEPT:
            _kept.add((cls.__name__, value))
        return cls._stand_in(value)

    @classmethod
    def _stand_in(cls, value: str) -> Self:
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What is asked with is one of the words; what is answered may be one that only a newer version has."""
        shape = handler(schema)
        if handler.mode == "serialization":
            known = handler.resolve_ref_schema(shape)
            newer = {"type": "string", "description": "更新版本写入、本版本不认识的代码，其 label 为〔无法读取〕"}
            words = {name: known.pop(name) for name in ("enum", "type") if name in known}
            known["anyOf"] = [words, newer]
        return shape


def unknown_words() -> int:
    """How many words this process has shown that it doesn't know."""
    return len(_kept)


def show_unknown_words() -> None:
    """From here to the end of this request: it changes nothing, its parameters have been read already."""
    _shown.set(True)


@contextmanager
def only_known_words() -> Iterator[None]:
    """While something is changed: a word of a newer version ends it with UnknownWord."""
    before = _shown.get()
    _shown.set(False)
    try:
        yield
    finally:
        _shown.set(before)
