"""What a route says of its answers: lists, files and refusals, with the shapes that all of them share.

`@router.get(..., response_model=Listed[BatchView], responses=refusals(NOT_FOUND=404, BATCH_FROZEN=409))`
What every route may answer, and the headers of answers, are written once, in `api/server/openapi.py`.
"""

from collections import defaultdict
from typing import Annotated, Any, Generic, NotRequired, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

X = TypeVar("X")
Responses = dict[int | str, dict[str, Any]]
# Where a route's own codes stand until the document is written.
CODES = "x-codes"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


_EACH_ERROR = "逐项说明：code、detail，以及位置（pointer、parameter、in）或所指事项的编号"


class Items(TypedDict, Generic[X]):
    """A list that is always given whole."""

    items: list[X]


Next = Annotated[str | None, Field(description="下一页的 after；没有下一页时为 null")]


class Listed(TypedDict, Generic[X]):
    """A page of a list, by keyset.

    A list with something beside it is a TypedDict of its own, with `items: list[X]` and `next: Next` in it: what is
    derived from a generic one would lose its X in the document.
    """

    items: list[X]
    next: Next


class ProblemDocument(TypedDict):
    """A refusal (RFC 9457): what, where, why, and what to do. It never repeats a value that was sent."""

    type: str
    title: Annotated[str, Field(description="中文标题")]
    status: int
    code: Annotated[str, Field(description="稳定的代码，供程序判断")]
    detail: Annotated[str, Field(description="中文说明：何处、为何、怎么办")]
    errors: NotRequired[Annotated[list[dict[str, object]], Field(description=_EACH_ERROR)]]


def refusals(**codes: int) -> Responses:
    """`refusals(NOT_FOUND=404, BATCH_FROZEN=409)`: the refusals of this route alone, code by code."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code, status in codes.items():
        by_status[status].append(code)
    return {status: {CODES: named} for status, named in by_status.items()}


def headers(*names: str) -> dict[str, dict[str, str]]:
    """Headers of one answer by name; what they are is told in `api/server/openapi.py`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def with_headers(status: int, *names: str) -> Responses:
    """What an answer says beside its body, where that isn't what all of its kind say."""
    return {status: {"headers": headers(*names)}}


def file_answer(*media_types: str) -> Responses:
    """A file to keep, for a route with `response_class=Response`."""
    answers = shown_file(*media_types)
    answers[200]["headers"] = headers("Content-Disposition")
    return answers


def shown_file(*media_types: str) -> Responses:
    """A picture or page that is shown where it was asked for, for a route with `response_class=Response`."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": "文件", "content": {media_type: {"schema": schema} for media_type in media_types}}}
