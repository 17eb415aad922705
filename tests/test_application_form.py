"""One entry by code, one row by name: every fault at once, each at its field."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from models.forms.application_form import OrganizationForm, PersonalForm, build_form, check_form
from models.forms.application_row import RowCheck
from models.forms.catalogs import CatalogEntry, Catalogs, Town
from models.sheets.cells import Cell, SpoiledCell
from models.wire.words import ApplicantKind, HouseholdRegistration
from models.words.faults import FaultCode, FormError

TODAY = date(2026, 11, 22)
CATALOGS = Catalogs(
    banks=(CatalogEntry("CRCB", "重庆农村商业银行"), CatalogEntry("ICBC", "中国工商银行")),
    items=(CatalogEntry("GRAIN", "耕地地力保护补贴"), CatalogEntry("A1", "同名补贴"), CatalogEntry("A2", "同名补贴")),
    towns=(
        Town("T1", "金江镇", (CatalogEntry("V1", "金江村"), CatalogEntry("V2", "新田村"))),
        Town(
            "T2", "双溪镇", (CatalogEntry("V3", "新田村"), CatalogEntry("V4", "上溪村"), CatalogEntry("V5", "上溪村"))
        ),
        Town("T3", "南山乡", (CatalogEntry("V6", "东村"), CatalogEntry("V8", "中村"))),
        Town("T4", "南山乡", (CatalogEntry("V7", "西村"), CatalogEntry("V9", "中村"))),
    ),
)


def entry(**changes: Any) -> PersonalForm:
    fields = {
        "name": "李娟志",
        "id_number": "50000119681210166x",
        "phone": "13339565835",
        "town_code": "T1",
        "village_code": "V1",
        "group": "6组",
        "bank_code": "ICBC",
        "account_no": "6202270601910664642",
        "household_registration": "agricultural",
        "family_size": 4,
        "item_code": "GRAIN",
        "amount_fen": 49500,
    }
    return PersonalForm.model_validate(fields | changes)


def row(**changes: Cell) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "name": "李娟志",
        "id_number": "500001195602159893",
        "phone": 13339565835.0,
        "town": "金江镇",
        "village": "新田村",
        "group": 6.0,
        "bank": "中国工商银行",
        "account_no": "6202270601910664642",
        "household_registration": "非农业",
        "family_size": 8.0,
        "item": "耕地地力保护补贴",
        "amount": 495.1,
    }
    return cells | changes


def faults_of_entry(form: PersonalForm | OrganizationForm) -> dict[str, FaultCode]:
    with pytest.raises(FormError) as refused:
        check_form(form, CATALOGS, TODAY)
    return {fault.field: fault.code for fault in refused.value.faults}


def faults_of_row(**changes: Cell) -> dict[str, FaultCode]:
    checked = RowCheck(ApplicantKind.PERSONAL, CATALOGS, TODAY).check(row(**changes))
    return {fault.field: fault.code for fault in checked.faults}


def test_an_entry_is_made_regular() -> None:
    checked = check_form(entry(name=" 李娟志 ", group=" ", application_no=" A-1 "), CATALOGS, TODAY)
    assert isinstance(checked, PersonalForm)
    assert (checked.name, checked.id_number, checked.group) == ("李娟志", "50000119681210166X", None)
    assert (checked.application_no, checked.household_registration) == ("A-1", HouseholdRegistration.AGRICULTURAL)


def test_an_entry_is_told_all_its_faults_at_once() -> None:
    assert faults_of_entry(
        entry(
            name="=1",
            id_number="500001195602159894",
            phone="",
            town_code="T9",
            bank_code="NONE",
            account_no="4.31E+17",
            family_size=0,
            item_code="NONE",
            amount_fen=0,
            application_no="编号/1",
        )
    ) == {
        "amount_fen": FaultCode.AMOUNT_NOT_POSITIVE,
        "name": FaultCode.FORMULA,
        "id_number": FaultCode.ID_CHECK_DIGIT,
        "phone": FaultCode.REQUIRED,
        "account_no": FaultCode.SCIENTIFIC,
        "application_no": FaultCode.APPLICATION_NO_FORMAT,
        "family_size": FaultCode.FAMILY_SIZE,
        "bank_code": FaultCode.BANK_UNKNOWN,
        "item_code": FaultCode.ITEM_UNKNOWN,
        "town_code": FaultCode.TOWN_UNKNOWN,
    }


def test_a_village_of_another_town_is_unknown() -> None:
    assert faults_of_entry(entry(village_code="V3")) == {"village_code": FaultCode.VILLAGE_UNKNOWN}


def test_an_organization_has_a_credit_code_and_no_household() -> None:
    fields = entry().model_dump(exclude={"kind", "household_registration", "family_size"})
    form = OrganizationForm.model_validate(fields | {"name": "金江公司01", "id_number": "91500001brnytplxga"})
    assert check_form(form, CATALOGS, TODAY).id_number == "91500001BRNYTPLXGA"
    assert faults_of_entry(form.model_copy(update={"id_number": "500001195602159893"})) == {
        "id_number": FaultCode.CREDIT_CODE_CHECK_DIGIT
    }
    with pytest.raises(ValidationError):
        OrganizationForm.model_validate(fields | {"family_size": 3})


def test_forms_are_frozen_and_strict_and_do_not_tell_whose_they_are() -> None:
    form = entry()
    with pytest.raises(ValidationError):
        form.amount_fen = 1  # type: ignore[misc]
    for wrong in ({"amount_fen": "100"}, {"amount_fen": True}, {"family_size": 4.0}, {"id_number": 500001195602159893}):
        with pytest.raises(ValidationError) as refused:
            entry(**wrong)
        assert "500001195602159893" not in str(refused.value)
    for secret in (form.name, form.id_number, form.phone, form.account_no):
        assert secret not in repr(form)
    with pytest.raises(FormError) as named:
        check_form(entry(account_no="6202270601910664643"), CATALOGS, TODAY)
    assert str(named.value) == "account_no: ACCOUNT_CHECK_DIGIT"


def test_a_row_becomes_a_form() -> None:
    form = build_form(ApplicantKind.PERSONAL, RowCheck(ApplicantKind.PERSONAL, CATALOGS, TODAY).check(row()).values)
    assert isinstance(form, PersonalForm)
    assert (form.town_code, form.village_code, form.bank_code, form.item_code) == ("T1", "V2", "ICBC", "GRAIN")
    assert (form.group, form.family_size, form.amount_fen, form.phone) == ("6", 8, 49510, "13339565835")


def test_a_row_is_told_all_its_faults_at_once() -> None:
    assert faults_of_row(
        name="",
        id_number=4.31e17,
        phone="1",
        town="无此镇",
        bank="无此银行",
        account_no=510722667712.0,
        household_registration="城镇",
        family_size=2.5,
        item="无此项目",
        amount=495.123,
    ) == {
        "name": FaultCode.REQUIRED,
        "id_number": FaultCode.SCIENTIFIC,
        "phone": FaultCode.PHONE_FORMAT,
        "bank": FaultCode.BANK_UNKNOWN,
        "account_no": FaultCode.NUMBER_CELL,
        "household_registration": FaultCode.HOUSEHOLD_UNKNOWN,
        "family_size": FaultCode.FAMILY_SIZE,
        "item": FaultCode.ITEM_UNKNOWN,
        "amount": FaultCode.AMOUNT_DECIMALS,
        "town": FaultCode.TOWN_UNKNOWN,
    }


@pytest.mark.parametrize("code", [FaultCode.FORMULA, FaultCode.MERGED_CELL, FaultCode.CELL_KIND])
def test_spoiled_cells_are_refused_in_every_column(code: FaultCode) -> None:
    assert faults_of_row(**{name: SpoiledCell(code) for name in row()}) == dict.fromkeys(row(), code)


def test_villages_of_one_name_are_told_apart_by_the_town() -> None:
    check = RowCheck(ApplicantKind.PERSONAL, CATALOGS, TODAY)
    assert check.check(row(town="双溪镇")).values["village_code"] == "V3"
    assert faults_of_row(town="双溪镇", village="金江村") == {"village": FaultCode.VILLAGE_UNKNOWN}


def test_towns_of_one_name_are_told_apart_by_the_village() -> None:
    check = RowCheck(ApplicantKind.PERSONAL, CATALOGS, TODAY)
    assert check.check(row(town="南山乡", village="西村")).values["town_code"] == "T4"
    assert faults_of_row(town="南山乡", village="中村") == {"town": FaultCode.AMBIGUOUS}
    assert check.check(row(town="T3", village="中村")).values["village_code"] == "V8"


def test_what_a_name_cannot_say_a_code_can() -> None:
    assert faults_of_row(item="同名补贴", town="双溪镇", village="上溪村") == {
        "item": FaultCode.AMBIGUOUS,
        "village": FaultCode.AMBIGUOUS,
    }
    assert faults_of_row(item="A2", town="双溪镇", village="V5") == {}
