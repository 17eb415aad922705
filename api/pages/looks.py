"""How a person likes the pages: language, size of type and colours, in one cookie that says nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

COOKIE = "onecard_look"
LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "EN"}
SIZES: Mapping[str, tuple[str, str]] = {
    "normal": ("标准", "Standard"),
    "large": ("大字", "Large"),
    "huge": ("特大", "Largest"),
}
COLOURS: Mapping[str, tuple[str, str]] = {
    "light": ("浅色", "Light"),
    "dark": ("深色", "Dark"),
    "contrast": ("高对比", "High contrast"),
}


@dataclass(frozen=True)
class Look:
    language: str = "zh"
    size: str = "normal"
    colours: str = "light"

    def written(self) -> str:
        return f"{self.language}.{self.size}.{self.colours}"


def look_of(request: Request) -> Look:
    return look(*request.cookies.get(COOKIE, "").split("."))


def look(language: str = "", size: str = "", colours: str = "", *_: str) -> Look:
    """What isn't known is the usual one."""
    return Look(
        language if language in LANGUAGES else "zh",
        size if size in SIZES else "normal",
        colours if colours in COLOURS else "light",
    )
