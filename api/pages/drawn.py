"""Pages that many look at, drawn once and packed: kept with the tag of what they are drawn of, and by how they look."""

from hashlib import sha256
from typing import NamedTuple

_MOST = 500
# Its path with conditions, language and look.
Name = tuple[str, str]


class Drawn(NamedTuple):
    """`of` is the tag of what is shown, `tag` the page's own: another release draws the same otherwise."""

    of: str
    packed: bytes
    tag: str


class DrawnPages:
    """The oldest goes when there are too many."""

    def __init__(self) -> None:
        self._drawn: dict[Name, Drawn] = {}

    def get(self, name: Name) -> Drawn | None:
        return self._drawn.get(name)

    def keep(self, name: Name, of: str, packed: bytes) -> Drawn:
        self._drawn.pop(name, None)
        if len(self._drawn) >= _MOST:
            del self._drawn[next(iter(self._drawn))]
        return self._drawn.setdefault(name, Drawn(of, packed, f'"{sha256(packed).hexdigest()[:32]}"'))
