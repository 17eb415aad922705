"""The documentation page works without any outside address."""

import re
from pathlib import Path

from tests.rows import open_office


async def test_the_page_and_its_parts_come_from_here(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path) as office:
        page = await office.http.get("/docs")
        assert page.status_code == 200
        parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(parts) >= 3
        for part in parts:
            assert part.startswith("/"), part
            assert (await office.http.get(part)).status_code == 200
