"""Pages that many look at, drawn once and packed: kept by what they are drawn of, and by how they look."""

_MOST = 500
# Its path with conditions, the version of what is shown, language and look.
Name = tuple[str, str, str]


class DrawnPages:
    """The oldest goes when there are too many."""

    def __init__(self) -> None:
        self._drawn: dict[Name, bytes] = {}

    def get(self, name: Name) -> bytes | None:
        return self._drawn.get(name)

    def keep(self, name: Name, packed: bytes) -> None:
        if len(self._drawn) >= _MOST:
            del self._drawn[next(iter(self._drawn))]
        self._drawn[name] = packed
