"""显示完整信息: somebody's whole data, asked for once and noted by the API each time."""

from typing import Any

from api.pages.window import Window


async def whole_of(window: Window, path: str, purpose: str = "look") -> Any:
    """What `GET path` shows masked, in clear; `purpose` is look, edit or review."""
    return await window.ask.search(f"{path}/disclosures", {"purpose": purpose})
