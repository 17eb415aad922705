"""Codes with the Chinese word that people read for them."""

from collections.abc import Mapping
from typing import Self, overload

from models.wire.vocabulary import Word
from models.words.faults import UNREADABLE


class Labelled(Word):
    """`STARTING = "starting", "启动中"`: rows, JSON and Temporal see the value alone, people read `label`.

    What only a newer version knows reads 〔无法读取〕 in a list.
    """

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Makes the members; `Stage("starting")` finds one, for which checkers of types want the default."""
        if not label:
            raise TypeError(f"{cls.__name__} {value} has no label")
        word = str.__new__(cls, value)
        word._value_ = value
        word.label = label
        return word

    @classmethod
    def _stand_in(cls, value: str) -> Self:
        word = super()._stand_in(value)
        word.label = UNREADABLE
        return word


@overload
def label_of(labels: Mapping[str, str], word: str) -> str: ...
@overload
def label_of(labels: Mapping[str, str], word: str | None) -> str | None: ...
def label_of(labels: Mapping[str, str], word: str | None) -> str | None:
    """What people read for one of the platform's words, whose labels stand beside them."""
    return None if word is None else labels.get(word, UNREADABLE)
