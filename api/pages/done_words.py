"""What a page says after an act: `?done=entered` in its address, the words from here."""

from collections.abc import Mapping

DONE: Mapping[str, tuple[str, str]] = {
    "saved": ("已保存", "Saved"),
}
