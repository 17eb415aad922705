"""The lists that a county's forms choose from: banks, subsidy items, towns with their villages."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from models.words.faults import Fault, FaultCode


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    code: str
    name: str


@dataclass(frozen=True)
class Town:
    code: str
    name: str
    villages: tuple[CatalogEntry, ...]

    @cached_property
    def villages_by_word(self) -> Mapping[str, tuple[CatalogEntry, ...]]:
        return _by_word(self.villages)


_Named = TypeVar("_Named", CatalogEntry, Town)


@dataclass(frozen=True)
class Catalogs:
    """Lookups by code, and by the words of a file: a name, or the code where a name is ambiguous."""

    banks: tuple[CatalogEntry, ...]
    items: tuple[CatalogEntry, ...]
    towns: tuple[Town, ...]

    @cached_property
    def _banks_by_word(self) -> Mapping[str, tuple[CatalogEntry, ...]]:
        return _by_word(self.banks)

    @cached_property
    def _items_by_word(self) -> Mapping[str, tuple[CatalogEntry, ...]]:
        return _by_word(self.items)

    @cached_property
    def _towns_by_word(self) -> Mapping[str, tuple[Town, ...]]:
        return _by_word(self.towns)

    def bank(self, word: str) -> str | Fault:
        """The code of a bank by its name or code."""
        unknown = Fault(FaultCode.BANK_UNKNOWN, "一卡通开户行不在开户行名单中，请按模板下拉框中的全称填写")
        return _only(self._banks_by_word.get(word, ()), unknown, "一卡通开户行")

    def item(self, word: str) -> str | Fault:
        """The code of a subsidy item by its name or code."""
        unknown = Fault(FaultCode.ITEM_UNKNOWN, "补贴项目不在本县本年度的项目名单中，请按模板下拉框中的名称填写")
        return _only(self._items_by_word.get(word, ()), unknown, "补贴项目")

    def place(self, town_word: str, village_word: str) -> tuple[str | Fault, str | Fault | None]:
        """Codes of town and village (None: not judged). Of several towns of one name the village decides."""
        towns = self._towns_by_word.get(town_word, ())
        if not towns:
            return Fault(FaultCode.TOWN_UNKNOWN, "乡镇不在本县名单中，请按模板中的名称填写"), None
        holding = [town for town in towns if village_word in town.villages_by_word]
        if len(towns) > 1 and len(holding) != 1:
            return _ambiguous("乡镇"), None
        town = holding[0] if holding else towns[0]
        unknown = Fault(FaultCode.VILLAGE_UNKNOWN, "该乡镇下没有这个村，请核对乡镇和村的名称")
        return town.code, _only(town.villages_by_word.get(village_word, ()), unknown, "村")

    def unknown_codes(
        self, *, bank_code: str, item_code: str, town_code: str, village_code: str
    ) -> dict[str, str | int | Fault | None]:
        """The codes of an entry that no list holds, each field with its fault."""
        town = next((town for town in self.towns if town.code == town_code), None)
        known = {
            "bank_code": any(bank.code == bank_code for bank in self.banks),
            "item_code": any(item.code == item_code for item in self.items),
            "town_code": town is not None,
            "village_code": town is None or any(village.code == village_code for village in town.villages),
        }
        return {field: _UNKNOWN_CODES[field] for field, found in known.items() if not found}


_UNKNOWN_CODES: Mapping[str, Fault] = {
    "bank_code": Fault(FaultCode.BANK_UNKNOWN, "开户行代码不在开户行名单中，请重新选择一卡通开户行"),
    "item_code": Fault(FaultCode.ITEM_UNKNOWN, "补贴项目代码不在本县本年度的项目名单中，请重新选择补贴项目"),
    "town_code": Fault(FaultCode.TOWN_UNKNOWN, "乡镇代码不在本县名单中，请重新选择乡镇"),
    "village_code": Fault(FaultCode.VILLAGE_UNKNOWN, "该乡镇下没有这个村的代码，请重新选择村"),
}


def _by_word(entries: Sequence[_Named]) -> Mapping[str, tuple[_Named, ...]]:
    """Codes win over names: they are what makes an ambiguous name sayable."""
    names: defaultdict[str, list[_Named]] = defaultdict(list)
    for entry in entries:
        names[entry.name].append(entry)
    words = {name: tuple(named) for name, named in names.items()}
    return words | {entry.code: (entry,) for entry in entries}


def _only(found: tuple[CatalogEntry, ...], unknown: Fault, label: str) -> str | Fault:
    if not found:
        return unknown
    return found[0].code if len(found) == 1 else _ambiguous(label)


def _ambiguous(label: str) -> Fault:
    return Fault(FaultCode.AMBIGUOUS, f"有多个同名的{label}，无法判断是哪一个，请改填{label}代码")
