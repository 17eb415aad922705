"""The bare script: pays a batch by the same pages, callbacks and COPYs in one go; no Temporal, no API, no workflow.

`python -m deploy.bench.bare CONFIG.json`. What it leaves out on purpose is what the product adds: it can't be stopped
in the middle, asks nobody for a decision, checks no cell of the file and keeps no journal. Its figure is the floor.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psycopg
import python_calamine
import uvloop
from psycopg_pool import AsyncConnectionPool

from deploy.bench import bare_rows as sql
from deploy.bench.bare_ground import Ground, about, prepare
from deploy.bench.bare_platform import Callbacks, Json, Platform
from deploy.bench.bare_records import account_row, application_row, payment_row, record_of, result_row
from deploy.bench.lines import COUNTY
from deploy.demo.drawings import drawing, form_pdf
from models.store.vault import LocalVault
from models.wire.answers import PAGE_LIMIT
from models.wire.signing import PlatformCredentials, parse_clients
from models.words.calendar import china_today

PROVINCE = "500000"


class Run:
    """One batch from its file to flow.ended."""

    def __init__(
        self,
        platform: Platform,
        callbacks: Callbacks,
        db: psycopg.AsyncConnection,
        vault: LocalVault,
        ground: Ground,
        number: int,
    ) -> None:
        self.platform = platform
        self.callbacks = callbacks
        self.db = db
        self.vault = vault
        self.number = number
        self.ground = ground
        self.records: dict[str, Json] = {}
        self.lists = 0

    async def pay(self, file: bytes) -> tuple[int, int]:
        """The timed part; paid lines and fen."""
        await self._import_file(file)
        for statement in sql.REVIEWED:
            await self._do(statement)
        await self._list("beneficiary_init", list(self.records.values()), "publicised")
        await self._do(sql.NAMES_CORRECTED)
        await self._list("beneficiary_init", self._of("name_differs"), "publicised")
        for statement in sql.SETTLED:
            await self._do(statement)
        await self._list("verification", self._of("matched"), "in_batch", batch_no=f"bare-batch-{self.number}")
        flow_id = await self._start_flow()
        for statement in sql.FLOW:
            await self._do(statement)
        await self._rounds(flow_id)
        await self._summary(flow_id)
        return await self._payments()

    async def _import_file(self, file: bytes) -> None:
        _, *rows = python_calamine.CalamineWorkbook.from_filelike(BytesIO(file)).get_sheet_by_index(0).to_python()
        for place, cells in enumerate(rows):
            number = f"{COUNTY}-B{self.number}-{place:07d}"
            self.records[number] = record_of(self.ground, number, cells)
        values = [application_row(self.vault, one, self.number, self.ground.year) for one in self.records.values()]
        await sql.copy(self.db, "bare.application", sql.APPLICATION, values)
        await self.db.commit()

    def _of(self, *outcomes: str) -> list[Json]:
        return [record for record in self.records.values() if record.get("_outcome") in outcomes]

    async def _do(self, statement: str, **values: object) -> None:
        await self.db.execute(statement, {"batch": self.number} | values)
        await self.db.commit()

    async def _list(self, kind: str, records: list[Json], stage: str, **more: str) -> None:
        """An initialisation or a verification: its lines, its pages, its results."""
        await self._do(sql.LIST, dataset=self._next_list(), stage=stage)
        await self._hand_over(kind, records, more)

    def _next_list(self) -> int:
        self.lists += 1
        return self.number * 1_000 + self.lists

    async def _hand_over(self, kind: str, records: list[Json], more: dict[str, str]) -> None:
        opening = {"client_reference": f"bare-{self.number}-{self.lists}", "kind": kind, "county_code": COUNTY} | more
        dataset_id = (await self.platform.send("POST", "/datasets", opening))["dataset_id"]
        pages = [records[start : start + PAGE_LIMIT] for start in range(0, len(records), PAGE_LIMIT)]
        for page, part in enumerate(pages, start=1):
            wire = [{name: value for name, value in record.items() if name[0] != "_"} for record in part]
            await self.platform.send("PUT", f"/datasets/{dataset_id}/pages/{page}", {"records": wire})
        totals = {"page_count": len(pages), "record_count": len(records)}
        total_fen = sum(record["amount_fen"] for record in records)
        await self.platform.send("POST", f"/datasets/{dataset_id}/commit", totals | {"total_fen": total_fen})
        await self._results(kind)

    async def _results(self, kind: str) -> None:
        pages = 1
        here = 0
        while here < pages:
            data = await self.callbacks.next("dataset.results")
            pages, here = data["result_pages"], here + 1
            for result in data["results"]:
                self._note(kind, result)
            await sql.incoming(self.db, sql.INCOMING, [result_row(self.vault, result) for result in data["results"]])
            values = {"dataset": self.number * 1_000 + self.lists, "batch": self.number}
            await self.db.execute(sql.RESULTS, values)
            await self.db.execute(sql.EFFECTS[kind], values)
            if kind == "beneficiary_init":
                await self._fill_register(data["results"])
            await self.db.commit()

    def _note(self, kind: str, result: Json) -> None:
        record = self.records[result["application_no"]]
        record["_outcome"] = result["outcome"]
        record["_duplicate"] = result.get("reason_code") == "duplicate_person"
        if result["outcome"] == "name_differs":
            record["name"] = result["correct_name"]
        if kind == "verification":
            record["verification"] = record["_verified"] = result["outcome"]

    async def _fill_register(self, results: list[Json]) -> None:
        """One row per person; who has one already keeps it."""
        matched = [self.records[each["application_no"]] for each in results if each["outcome"] == "matched"]
        rows = [
            account_row(self.vault, record) for record in {record["id_number"]: record for record in matched}.values()
        ]
        await self.db.execute(
            "CREATE TEMPORARY TABLE filling ON COMMIT DROP AS SELECT * FROM bare.register_account LIMIT 0"
        )
        await sql.copy(self.db, "filling", sql.REGISTER, rows)
        columns = ", ".join(sql.REGISTER)
        await self.db.execute(
            f"INSERT INTO bare.register_account ({columns}) SELECT {columns} FROM filling ON CONFLICT DO NOTHING"
        )
        await self.db.execute(
            "INSERT INTO bare.register_change (register_account_id, source, actor, new_bank_code, new_account_sealed,"
            " new_status, at) SELECT r.id, 'x', 'bare', r.bank_code, r.account_sealed, 'valid', now() FROM filling f"
            " JOIN bare.register_account r USING (county_code, person_index)"
        )

    async def _start_flow(self) -> str:
        image = await self.platform.upload(drawing("notice", str(self.number)), "image/jpeg")
        start = (china_today() - timedelta(days=8)).isoformat()
        body = about("flow", self.number, self.ground.year) | {
            "batch_no": f"bare-batch-{self.number}",
            "policy_unit_code": self.ground.unit,
            "policy_ids": [self.ground.policy],
            "indicator_ids": [self.ground.indicator],
            "publicity": {"start_date": start, "address": "公示栏", "image_file_ids": [image]},
        }
        return str((await self.platform.send("POST", "/flows", body))["flow_id"])

    async def _rounds(self, flow_id: str) -> None:
        """What passed, then what is to be confirmed, then what failed the verification, until all is accepted."""
        for record in self.records.values():
            record["indicator_id"] = self.ground.indicator
        await self._round(flow_id, "initial", [one for one in self._of("passed") if one["_verified"] == "passed"])
        await self._confirm(flow_id)
        await self._round(flow_id, "unverified", [one for one in self._of("failed") if one["_verified"] == "failed"])
        await self._confirm(flow_id)

    async def _confirm(self, flow_id: str) -> None:
        duplicates = [record for record in self._of("rejected") if record["_duplicate"]]
        if duplicates:
            await self._round(flow_id, "confirmed", duplicates)

    async def _round(self, flow_id: str, mode: str, records: list[Json]) -> None:
        await self._do(sql.ROUND.format(which=sql.WHICH[mode]), dataset=self._next_list())
        await self._do(f"{sql.SENT} AND {sql.WHICH[mode]}")
        more = {"batch_no": f"bare-batch-{self.number}", "flow_id": flow_id, "mode": mode}
        await self._hand_over("application_submission", records, more)

    async def _summary(self, flow_id: str) -> None:
        count, total, households = (await self._rows(sql.TOTAL))[0]
        form = await self.platform.upload(form_pdf(f"bare summary {self.number}"), "application/pdf")
        body = {"client_reference": f"bare-summary-{self.number}", "total_fen": total, "application_count": count}
        shares = {
            "towns": await self._shares("town_code", {town["code"]: name for name, town in self.ground.towns.items()}),
            "banks": await self._shares("bank_code", {code: name for name, code in self.ground.banks.items()}),
        }
        more = {"household_count": households, "approval_form_file_id": form, "opinion": "同意发放"}
        await self.platform.send("POST", f"/flows/{flow_id}/summary", body | shares | more)
        assert (await self.callbacks.next("flow.summary.reviewed"))["status"] == "approved"
        figures = {"application_count": count, "total_fen": total}
        await self.platform.send("POST", f"/flows/{flow_id}/payment-confirmation", figures)

    async def _shares(self, column: str, names: dict[str, str]) -> list[Json]:
        rows = await self._rows(sql.SHARES.format(column=column))
        return [
            {"code": code, "name": names[code], "application_count": count, "total_fen": fen}
            for code, count, fen in rows
        ]

    async def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = await self.db.execute(statement, {"batch": self.number})
        return await cursor.fetchall()

    async def _payments(self) -> tuple[int, int]:
        while (data := await self.callbacks.next("flow.payments", "flow.ended"))["type"] != "flow.ended":
            await sql.incoming(
                self.db, sql.PAYMENTS, [payment_row(self.vault, data["page"], one) for one in data["payments"]]
            )
            for statement in sql.PAID:
                await self.db.execute(statement, {"batch": self.number})
            await self.db.commit()
        for statement in sql.ENDED:
            await self._do(statement)
        count, fen = (await self._rows(sql.FIGURES))[0]
        assert (count, fen) == (data["paid_count"], data["paid_fen"])
        return int(count), int(fen)


async def run(config: Json, credentials: PlatformCredentials, vault: LocalVault, file: bytes) -> Json:
    pool = AsyncConnectionPool(config["database"], min_size=4, max_size=10, open=False)
    async with pool, httpx.AsyncClient(trust_env=False, timeout=60.0) as http:
        callbacks = Callbacks(pool, credentials)
        serving = asyncio.create_task(callbacks.serve(config["port"]))
        async with pool.connection() as db:
            await sql.make_tables(db)
            platform, number = Platform(http, credentials), config["number"]
            one = Run(platform, callbacks, db, vault, await prepare(platform, callbacks, number), number)
            begun = time.perf_counter()
            paid, fen = await one.pay(file)
            seconds = time.perf_counter() - begun
        serving.cancel()
    return {"seconds": seconds, "paid_lines": paid, "paid_fen": fen}


def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    credentials = parse_clients(Path(config["clients"]).read_bytes())[PROVINCE]
    vault = LocalVault.from_file(Path(config["vault"]))
    file = Path(config["file"]).read_bytes()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(config, credentials, vault, file))))


if __name__ == "__main__":
    main()
