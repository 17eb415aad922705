"""An office and a browser before it; a file of tests takes both by `pytest_plugins = ["tests.office_in_chromium"]`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api_server import serving
from tests.chromium import Chromium, chromium
from tests.rows import Office, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, citizen_cookies_secure=False) as opened:
        yield opened


@pytest.fixture
async def seen(office: Office) -> AsyncIterator[Chromium]:
    async with serving(office.app) as url, chromium(url) as opened:
        yield opened
