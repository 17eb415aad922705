"""What a person writes in own words: a reason, an opinion, a title. Kept is what others can see of it."""

import re
from typing import TypeVar

from pydantic import BeforeValidator

T = TypeVar("T")
# Unicode's format characters (U+202E turns round what follows it, U+200B shows nothing) and controls. What a text needs
# stays: tab and ends of lines. NUL stays too: it is refused, since nobody types it.
_UNSEEN = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def seen(text: T) -> T | str:
    """Without what nobody sees: it comes with what is pasted, and who typed it couldn't find it either."""
    return _UNSEEN.sub("", text) if isinstance(text, str) else text


# Goes last in a field's type, so that lengths are those of what is kept.
FREE_TEXT = BeforeValidator(seen)
