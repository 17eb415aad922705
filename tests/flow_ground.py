"""What stands before a flow, laid quickly: reviews asked of the platform directly, and the rows they leave here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from activities.platform.client import PlatformClient
from models.forms.application_form import build_form
from models.store.applications.rows import Entered, insert_rows, new_rows
from models.store.database import Database
from models.store.numbers import Series, take, take_one
from models.store.texts import seal_text
from models.store.vault import LocalVault
from models.tables.base import now
from models.tables.batches import Batch
from models.tables.catalogs import CatalogList
from models.tables.policies import Indicator, Policy, PolicyUnit, StoredFile
from models.wire import requests
from models.wire.answers import CatalogItem
from models.wire.requests import PolicySubmission
from models.wire.signing import PlatformCredentials
from models.wire.words import ApplicantKind, MediaType, ReviewStatus
from models.words.stages import Channel, ReviewStage
from tests.scripted_platform import MemoryJournal

ITEMS = ("BT1001", "BT1002")
PAPER = b"%PDF-1.4 policy"


@dataclass(frozen=True, slots=True)
class Laid:
    policy_no: str
    indicator_no: str


class Surveyor:
    """One county at its platform."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        clients: Mapping[str, PlatformCredentials],
        database: Database,
        vault: LocalVault,
        county: str,
    ) -> None:
        self._platform = PlatformClient(http, clients, MemoryJournal(), total_seconds=20)
        self._database = database
        self._vault = vault
        self._county = county

    async def lay(self, year: int, total_fen: int) -> Laid:
        """Lists fetched, a policy of all items and one indicator approved; the county's unit chosen."""
        await self._fetch_lists(year)
        policy, indicator = await self._policy(year), await self._indicator(year, total_fen)
        async with self._database.transaction() as session:
            policy.policy_no = await take_one(session, Series.POLICY, self._county, year)
            indicator.indicator_no = await take_one(session, Series.INDICATOR, self._county, year)
            paper = self._paper(year)
            session.add(paper)
            await session.flush()
            policy.file_id = int(paper.id or 0)
            unit = PolicyUnit(
                county_code=self._county, code=policy.policy_unit_code, name=policy.policy_unit_name, chosen_by="x"
            )
            session.add_all([policy, indicator])
            await session.merge(unit)
            return Laid(policy.policy_no, indicator.indicator_no)

    async def put_batch(self, year: int, forms: Sequence[dict[str, object]]) -> tuple[str, list[str]]:
        """Lines in a batch that is still to be verified, as initialisation and settlement material leave them."""
        entered = Entered(self._county, year, Channel.IMPORT, "operator")
        built = [
            build_form(
                ApplicantKind(str(form["kind"])), {name: value for name, value in form.items() if name != "kind"}
            )
            for form in forms
        ]
        async with self._database.transaction() as session:
            batch = Batch(
                batch_no=await take_one(session, Series.BATCH, self._county, year),
                county_code=self._county,
                fund_year=year,
                title_sealed=seal_text(self._vault, self._county, "测试批次"),
                created_by="operator",
            )
            session.add(batch)
            await session.flush()
            numbers = list(await take(session, Series.APPLICATION, self._county, year, len(built)))
            rows = new_rows(self._vault, entered, zip(numbers, built, strict=True))
            await insert_rows(session, [{**row, "stage": "in_batch", "batch_id": batch.id} for row in rows])
            return batch.batch_no, numbers

    async def _fetch_lists(self, year: int) -> None:
        county, platform = self._county, self._platform
        kept: dict[tuple[str, int], tuple[CatalogItem, ...]] = {
            ("policy-units", 0): (await platform.list_policy_units(county)).items,
            ("budget-units", 0): (await platform.list_budget_units(county)).items,
            ("budget-projects", year): (await platform.list_budget_projects(county, year)).items,
            ("indicator-documents", year): (await platform.list_indicator_documents(county, year)).items,
            ("subsidy-items", year): (await platform.list_subsidy_items(county, year)).items,
            ("banks", 0): (await platform.list_banks(county)).items,
        }
        self._lists = kept
        towns = (await platform.list_towns(county)).items
        every = [*kept.items(), (("towns", 0), towns)]
        async with self._database.transaction() as session:
            for (kind, fund_year), items in every:
                words = [item.model_dump(mode="json") for item in items]
                await session.merge(CatalogList(county_code=county, kind=kind, fund_year=fund_year, items=words))

    async def _policy(self, year: int) -> Policy:
        unit = self._lists["policy-units", 0][0]
        sent = await self._platform.upload_file(self._county, PAPER, MediaType.PDF)
        reference = f"{self._county}-laid-policy-{year}.1"
        request = PolicySubmission(
            client_reference=reference,
            county_code=self._county,
            fund_year=year,
            policy_unit_code=unit.code,
            title="惠农补贴政策",
            item_codes=ITEMS,
            file_id=sent.file_id,
        )
        answer = await self._platform.submit_policy(request, key=f"{reference}/submit")
        await self._approved(answer.submission_id)
        return Policy(
            policy_no="",
            county_code=self._county,
            fund_year=year,
            policy_unit_code=unit.code,
            policy_unit_name=unit.name,
            title_sealed=seal_text(self._vault, self._county, request.title),
            item_codes=list(ITEMS),
            file_id=0,
            stage=ReviewStage.APPROVED,
            submission_id=answer.submission_id,
            reviewed_at=now(),
            entered_by="county_admin",
        )

    async def _indicator(self, year: int, total_fen: int) -> Indicator:
        unit, project = self._lists["budget-units", 0][0], self._lists["budget-projects", year][0]
        document = self._lists["indicator-documents", year][0].name
        row = Indicator(
            indicator_no="",
            county_code=self._county,
            fund_year=year,
            document_no=document,
            budget_unit_code=unit.code,
            budget_unit_name=unit.name,
            budget_project_code=project.code,
            budget_project_name=project.name,
            total_fen=total_fen,
            central_fen=total_fen,
            provincial_fen=0,
            municipal_fen=0,
            county_fen=0,
            stage=ReviewStage.APPROVED,
            round=1,
            reviewed_at=now(),
            entered_by="operator",
        )
        reference = f"{self._county}-laid-indicator-{year}.1"
        known = row.model_dump(include=set(requests.IndicatorSubmission.model_fields))
        request = requests.IndicatorSubmission.model_validate({"client_reference": reference, **known})
        answer = await self._platform.submit_indicator(request, key=f"{reference}/submit")
        await self._approved(answer.submission_id)
        row.submission_id = answer.submission_id
        return row

    async def _approved(self, submission_id: str) -> None:
        """Without delays the platform decides at once, but not in the same moment."""
        for _ in range(1_000):
            if (await self._platform.get_review(self._county, submission_id)).status is ReviewStatus.APPROVED:
                return
        raise AssertionError("the platform decides nothing")

    def _paper(self, year: int) -> StoredFile:
        return StoredFile(
            county_code=self._county,
            object_key=f"laid/{self._county}-{year}",
            sha256="0" * 64,
            content_type="application/pdf",
            size=len(PAPER),
            stored_by="county_admin",
        )
