"""Own words (reasons, opinions, titles) are kept as others see them: nothing invisible, nothing that turns round."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.acts.said import Said
from api.orders.order_preview import OrderPreview
from api.routers import ROUTERS
from models.free_text import FREE_TEXT, seen

TURNED = "\u202e"
# What isn't own words: it is looked up, or has an own check that refuses what nobody sees.
LOOKED_UP = {
    *("applicant_kind", "attempt", "card_type", "code", "corrects", "document_no", "fund_nature"),
    *("household_registration", "kind", "number", "seen", "session", "source", "state", "ticket"),
}
CHECKED = {"account_no", "amount", "family_size", "group", "id_number", "name", "new", "old", "password", "phone"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("银行卡照片不清\r\n\t请重拍 A-1", "银行卡照片不清\r\n\t请重拍 A-1"),
        ("通过\u202e退不", "通过退不"),
        ("\ufeff不符\u200b合\u2060条件\u200f", "不符合条件"),
        ("\x1b[31m红\x7f\x85", "[31m红"),
        ("𬶋\U0001f600é\ufffd", "𬶋\U0001f600é\ufffd"),
        ("空\x00", "空\x00"),
    ],
)
def test_what_nobody_sees_is_dropped_and_all_else_stays(typed: str, kept: str) -> None:
    assert seen(typed) == kept
    assert seen(None) is None


def test_lengths_are_those_of_what_is_kept() -> None:
    reason = TypeAdapter(Said)
    assert reason.validate_python(f" {TURNED}{'甲' * 500} ") == "甲" * 500
    with pytest.raises(ValidationError):
        reason.validate_python(f" {TURNED}\u200b ")


def test_no_body_of_any_route_keeps_what_turns_a_text() -> None:
    """Every text field of every body, however deep: dropped, refused, or known not to be own words."""
    kept = {f"{where}.{name}" for where, name, field in _fields() if _keeps(field) and not _is_known(name)}
    assert not kept, sorted(kept)


def test_the_walk_finds_the_own_words() -> None:
    own = {name for _, name, field in _fields() if FREE_TEXT in field.metadata or FREE_TEXT in _inner(field)}
    assert own >= {"reason", "remark", "opinion", "title", "address", "name"}


def _is_known(name: str) -> bool:
    return name in LOOKED_UP | CHECKED or name.endswith(("_no", "_nos", "_code", "_codes", "_id"))


def _keeps(field: Any) -> bool:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(field.annotation, None, *field.metadata)])
    try:
        return TURNED in str(adapter.validate_python(f"甲{TURNED}乙"))
    except ValidationError:
        return False


def _inner(field: Any) -> list[Any]:
    return [each for part in get_args(field.annotation) for each in get_args(part)[1:]]


def _fields() -> Iterator[tuple[str, str, Any]]:
    done: set[type[BaseModel]] = {OrderPreview}  # its reason is never kept
    waiting = [_body(route) for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    while waiting:
        found = waiting.pop()
        for model in _models(found):
            if model not in done:
                done.add(model)
                for name, field in model.model_fields.items():
                    yield model.__name__, name, field
                    waiting.append(field.annotation)


def _body(route: APIRoute) -> Any:
    return route.body_field.field_info.annotation if route.body_field else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
