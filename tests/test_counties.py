"""Counties are called as the province's own list has them, and otherwise by GB/T 2260."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.stack.layout import Layout, Options
from models.settings import Settings
from models.words.counties import county_name, county_words
from tests.rows import COUNTY, OTHER_COUNTY, open_office

OWN = {COUNTY: "开发测试1", OTHER_COUNTY: "演示", "500104": "大渡口（新区）"}
NOWHERE = "500009"


async def test_the_provinces_list_lies_over_the_standard_in_every_answer(database_url: str, tmp_path: Path) -> None:
    folders = tmp_path / "own", tmp_path / "none"
    for folder in folders:
        folder.mkdir()
    async with open_office(database_url, folders[0], county_names=OWN) as office:
        assert [county_words(code) for code in (COUNTY, OTHER_COUNTY)] == ["[500001] 开发测试1", "[500003] 演示"]
        assert [county_name(code) for code in ("500104", "500105", "500000")] == ["大渡口（新区）", "江北区", "重庆市"]
        for county, asked in ((NOWHERE, "2026-01-01"), (COUNTY, "2026-01-02")):
            await office.run(
                "INSERT INTO province_slot (province_code, county_code, list_no, asked_at, outside_holder)"
                " VALUES ('500000', :county, :list, CAST(:asked AS date), '500104')",
                county=county,
                list=f"L-{county}",
                asked=asked,
            )
        seen = (await office.get("/province-slot")).json()
    assert (seen["province_name"], seen["outside_holder_name"]) == ("重庆市", "大渡口（新区）")
    # one that neither list has is called by its code
    assert [entry["county_name"] for entry in seen["queue"]] == [NOWHERE, "开发测试1"]
    async with open_office(database_url, folders[1]):
        assert county_words(COUNTY) == "[500001]"


def test_the_local_stack_calls_counties_as_the_seed_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Layout(tmp_path, Options()).environment()["COUNTY_NAMES"]
    assert json.loads(names) | {"500001": "开发测试1", "500003": "演示"} == json.loads(names)
    given: dict[str, Any] = {
        "database_url": "x",
        "platform_clients_file": "x",
        "vault_key_file": "x",
        "token_key_file": "x",
    }
    monkeypatch.setenv("COUNTY_NAMES", names)
    assert Settings(**given).county_names["500003"] == "演示"
    for wrong in ({"5001": "甲"}, {"500001": " "}):
        with pytest.raises(ValidationError):
            Settings(**(given | {"county_names": wrong}))
