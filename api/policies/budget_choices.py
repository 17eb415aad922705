"""设置预算单位, 设置预算项目, 设置指标文号: what indicators are registered with (S1 2.3.1)."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.catalogs import CatalogKind, FundYear, names_in
from api.counter.desk import Desk, Reply
from api.counter.roles import Operators, Readers
from api.server.answers import refusals
from api.server.problems import field_problem
from models.store.lock_order import Rank
from models.store.locking import hold
from models.tables.policies import BudgetChoice
from models.words.refusals import Refusal

router = APIRouter(tags=["指标"])
Words = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=128)]], Field(max_length=500)]
UNITS, PROJECTS, DOCUMENTS = CatalogKind.BUDGET_UNITS, CatalogKind.BUDGET_PROJECTS, CatalogKind.INDICATOR_DOCUMENTS
_FIELDS = {UNITS: "budget_unit_codes", PROJECTS: "budget_project_codes", DOCUMENTS: "document_nos"}
_NAMES = {UNITS: "预算单位", PROJECTS: "预算项目", DOCUMENTS: "指标文号"}


class Choices(BaseModel):
    """Each list replaces the last choice of its kind; one left out stays as it is (each button saves its own)."""

    model_config = ConfigDict(extra="forbid")

    fund_year: FundYear
    budget_unit_codes: Words | None = None
    budget_project_codes: Words | None = None
    document_nos: Words | None = None

    def given(self) -> dict[CatalogKind, list[str]]:
        lists = {UNITS: self.budget_unit_codes, PROJECTS: self.budget_project_codes, DOCUMENTS: self.document_nos}
        return {kind: list(dict.fromkeys(words)) for kind, words in lists.items() if words is not None}


class ChoiceView(TypedDict):
    code: Annotated[str, Field(description="平台代码")]
    name: Annotated[str, Field(description="名称；指标文号即文号")]


class ChoicesView(TypedDict):
    fund_year: Annotated[int, Field(description="资金年度")]
    budget_units: Annotated[list[ChoiceView], Field(description="预算单位")]
    budget_projects: Annotated[list[ChoiceView], Field(description="预算项目")]
    documents: Annotated[list[ChoiceView], Field(description="指标文号")]


class ChoicesToRegister(ChoicesView):
    fund_natures: Annotated[list[str], Field(description="资金性质")]


@router.get("/budget-choices", summary="预算单位、预算项目、指标文号、资金性质")
async def read_choices(desk: Readers, fund_year: Annotated[int, Query(ge=2000, le=2099)]) -> ChoicesToRegister:
    """What an indicator is registered with: what was chosen before, and the 资金性质 of this installation."""
    async with desk.database.reading() as session:
        chosen = _view(fund_year, await choices_of(session, desk.county, fund_year))
    return {**chosen, "fund_natures": list(desk.settings.fund_nature_list)}


@router.put(
    "/budget-choices",
    summary="设置预算单位、预算项目、指标文号",
    response_model=ChoicesView,
    responses=refusals(CATALOG_FETCHING=503),
)
async def set_choices(desk: Operators, choices: Choices) -> Response:
    chosen = {kind: await _named(desk, choices.fund_year, kind, words) for kind, words in choices.given().items()}

    async def work(session: AsyncSession) -> Reply:
        await hold(session, Rank.DOOR, f"budget-choices/{desk.county}/{choices.fund_year}")
        before = await choices_of(session, desk.county, choices.fund_year)
        for kind, names in chosen.items():
            await _replace(session, desk, choices.fund_year, kind, names)
        after = await choices_of(session, desk.county, choices.fund_year)
        if before != after:
            changes = {"before": before, "after": after}
            await desk.trail(session, "budget_choices_set", f"{desk.county}-{choices.fund_year}", changes)
        return Reply(200, _view(choices.fund_year, after))

    return await desk.change(work)


async def choices_of(session: AsyncSession, county: str, fund_year: int) -> dict[CatalogKind, dict[str, str]]:
    """Chosen code -> name per kind; the wire's `document_no` of a document is its name."""
    statement = select(BudgetChoice).where(BudgetChoice.county_code == county, BudgetChoice.fund_year == fund_year)
    found: dict[CatalogKind, dict[str, str]] = {kind: {} for kind in _FIELDS}
    for row in await session.exec(statement.order_by(col(BudgetChoice.code))):
        if row.kind in found:  # a newer version may have more to choose
            found[CatalogKind(row.kind)][row.code] = row.name
    return found


async def _named(desk: Desk, fund_year: int, kind: CatalogKind, words: list[str]) -> dict[str, str]:
    """Code -> name of what was chosen; documents are chosen by number, which is their name."""
    names = await names_in(desk, kind, fund_year)
    by_word = {name: code for code, name in names.items()} if kind is DOCUMENTS else {code: code for code in names}
    unknown = [place for place, word in enumerate(words) if word not in by_word]
    if unknown:
        detail = f"{_NAMES[kind]}不在平台 {fund_year} 年度名单中，请从 /catalogs/{kind.value} 中选择"
        raise field_problem({f"/{_FIELDS[kind]}/{place}": detail for place in unknown}, Refusal.UNKNOWN_CODE)
    return {by_word[word]: names[by_word[word]] for word in words}


async def _replace(
    session: AsyncSession, desk: Desk, fund_year: int, kind: CatalogKind, names: Mapping[str, str]
) -> None:
    await session.exec(
        delete(BudgetChoice).where(
            col(BudgetChoice.county_code) == desk.county,
            col(BudgetChoice.fund_year) == fund_year,
            col(BudgetChoice.kind) == kind.value,
        )
    )
    for code, name in names.items():
        session.add(
            BudgetChoice(
                county_code=desk.county,
                kind=kind.value,
                fund_year=fund_year,
                code=code,
                name=name,
                chosen_by=desk.person,
            )
        )
    await session.flush()


def _view(fund_year: int, choices: Mapping[CatalogKind, Mapping[str, str]]) -> ChoicesView:
    def entries(kind: CatalogKind) -> list[ChoiceView]:
        return [{"code": code, "name": name} for code, name in choices[kind].items()]

    return {
        "fund_year": fund_year,
        "budget_units": entries(UNITS),
        "budget_projects": entries(PROJECTS),
        "documents": entries(DOCUMENTS),
    }
