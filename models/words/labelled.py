"""Codes with the Chinese word that people read for them."""

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """`STARTING = "starting", "启动中"`: rows, JSON and Temporal see the value alone, people read `label`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Makes the members; `Stage("starting")` finds one, for which checkers of types want the default."""
        if not label:
            raise TypeError(f"{cls.__name__} {value} has no label")
        word = str.__new__(cls, value)
        word._value_ = value
        word.label = label
        return word
