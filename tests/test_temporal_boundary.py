"""Only frozen contracts of ids cross into Temporal: what workflows and activities take and give, type by type."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from temporalio import activity, workflow
from temporalio.common import RawValue

import activities
from models import contracts
from models.contracts import Contract, Subject
from models.store.runs.runs import wake
from workflows.registered import WORKFLOWS

PLAIN = {str, int, float, bool, NoneType}
# A contract's words: numbers and codes of ours and the platform's, and stages; no other text has a field.
TEXTS = re.compile(r"number|reference|\w+_(no|code)|stage|waiting_for|broken")


def faults_of_signature(function: Callable[..., Any]) -> list[str]:
    """Parameters and results that aren't contracts, ids, numbers, None or words of a list."""
    hints = get_type_hints(function)
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return [
        f"{function.__qualname__} {name}: {hints.get(name)}"
        for name in [*names, "return"]
        if name not in hints or not _crosses(hints[name])
    ]


def faults_of_contract(shape: type[Contract]) -> list[str]:
    """What of a contract may be changed, or hold more than ids, numbers, words of a list and times."""
    fields = shape.model_fields.items()
    open_ = [] if shape.model_config.get("frozen") else [f"{shape.__name__} isn't frozen"]
    wrong = [name for name, field in fields if not _crosses(field.annotation, inside=True)]
    told = [name for name, field in fields if str in _leaves(field.annotation) and not TEXTS.fullmatch(name)]
    return open_ + [f"{shape.__name__}.{name}" for name in wrong + told]


def _crosses(hint: Any, *, inside: bool = False) -> bool:
    allowed = PLAIN | {datetime} if inside else PLAIN
    return all(
        leaf in allowed or (isinstance(leaf, type) and issubclass(leaf, (Contract, Enum))) for leaf in _leaves(hint)
    )


def _leaves(hint: Any) -> Iterator[Any]:
    """The types of a union or a tuple; anything else is one."""
    if get_origin(hint) in (Union, UnionType, tuple):
        for part in get_args(hint):
            yield from () if part is ... else _leaves(part)
    else:
        yield hint


def all_activities() -> list[Callable[..., Any]]:
    modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(activities.__path__, "activities.")]
    owners = {owner for module in modules for _, owner in inspect.getmembers(module, inspect.isclass)}
    members = {member for owner in owners for _, member in inspect.getmembers(owner, inspect.isfunction)}
    return [each for each in members if activity._Definition.from_callable(each)]


def all_contracts() -> list[type[Contract]]:
    return [each for _, each in inspect.getmembers(contracts, inspect.isclass) if issubclass(each, Contract)]


def test_activities_take_and_give_contracts_only() -> None:
    found = all_activities()
    assert len(found) > 30
    assert [fault for each in found for fault in faults_of_signature(each)] == []


@pytest.mark.parametrize("kind", WORKFLOWS, ids=lambda each: each.__name__)
def test_workflows_take_and_give_contracts_only(kind: type) -> None:
    told = workflow._Definition.must_from_class(kind)
    asked = [query.fn for query in told.queries.values()]
    signals = [signal.fn for name, signal in told.signals.items() if name is not None]
    assert [fault for each in (told.run_fn, *asked, *signals) for fault in faults_of_signature(each)] == []
    assert not told.updates
    # the one that takes whatever comes decodes nothing of it
    taken = [get_type_hints(signal.fn) for name, signal in told.signals.items() if name is None]
    assert all(hints["args"] == Sequence[RawValue] for hints in taken)


def test_signals_carry_ids_only() -> None:
    assert get_type_hints(wake)["ids"] == Sequence[str]


@pytest.mark.parametrize("shape", all_contracts(), ids=lambda each: each.__name__)
def test_contracts_are_frozen_and_hold_ids_only(shape: type[Contract]) -> None:
    assert faults_of_contract(shape) == []


class _Thawed(Contract, frozen=False):
    number: str


class _Named(Contract):
    name: str | None = None


class _Lists(Contract):
    counts: list[int]


@pytest.mark.parametrize("shape", [_Thawed, _Named, _Lists])
def test_a_contract_that_holds_more_is_seen(shape: type[Contract]) -> None:
    assert faults_of_contract(shape)


def _takes_a_row(subject: Subject, row: dict[str, str]) -> None: ...


def _gives_times(subject: Subject) -> datetime: ...


def _says_nothing(subject) -> Subject: ...  # type: ignore[no-untyped-def,empty-body]


@pytest.mark.parametrize("function", [_takes_a_row, _gives_times, _says_nothing])
def test_a_signature_of_more_is_seen(function: Callable[..., Any]) -> None:
    assert faults_of_signature(function)
