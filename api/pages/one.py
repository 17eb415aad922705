"""One thing that may not be there yet, what its fields offer, and files that come with a form."""

from typing import Any

from api.pages.asking import Refused
from api.pages.form import bad_field
from api.pages.lists import catalog
from api.pages.window import Window


async def there_or_none(window: Window, path: str) -> Any:
    """The API's answer, or None where there is nothing yet."""
    try:
        return await window.ask.get(path)
    except Refused as refused:
        if refused.status != 404:
            raise
        return None


async def choices_of(window: Window, kind: str, **query: str) -> list[tuple[str, str]]:
    """A catalog of the platform as a field's options."""
    return [(code, name) for code, name, _ in await catalog(window, kind, **query)]


def sent_file(window: Window, name: str, wanted: str) -> list[tuple[str, Any]]:
    """The one file of a field, as the API takes it; refused (422) at the field with `wanted` where none was chosen."""
    files = window.form.files(name)
    if not files:
        raise bad_field(name, wanted)
    return [(name, (files[0].filename, files[0].file, files[0].content_type or "application/octet-stream"))]


async def stored_files(window: Window, name: str, wanted: str) -> list[int]:
    """The files of a field, stored; their ids. Refused (422) at the field with `wanted` where none was chosen."""
    if not window.form.files(name):
        raise bad_field(name, wanted)
    return await stored_if_any(window, name)


async def stored_if_any(window: Window, name: str) -> list[int]:
    """The same of a field that may be left empty."""
    return [await _stored(window, name, place, file) for place, file in enumerate(window.form.files(name))]


async def _stored(window: Window, name: str, place: int, file: Any) -> int:
    sent = [("file", (file.filename, file.file, file.content_type or "application/octet-stream"))]
    try:
        answer = await window.ask.upload("POST", "/files", {}, sent, part=f"{name}{place}")
    except Refused as refused:
        if refused.status not in (413, 422):
            raise
        raise bad_field(name, str(refused.document.get("detail", ""))) from None
    return int(answer["file_id"])
