"""What a form brings, as the API wants it: text to types, and which field is at fault where one has none."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from api.pages.asking import Refused
from models.forms.money import parse_yuan
from models.words.faults import Fault
from models.words.refusals import Refusal

KEY = "form_key"
UNSAFE = frozenset({"POST", "PUT", "DELETE", "PATCH"})
_PASSWORDS = frozenset({"password", "old", "new", "again"})


class Form:
    """The values of a POST by name. Names are those of the API's fields, so that its errors find their field."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str) -> str:
        value = self._data.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def as_typed(self, name: str) -> str:
        """A secret, whose blanks count."""
        value = self._data.get(name, "")
        return value if isinstance(value, str) else ""

    def maybe(self, name: str) -> str | None:
        """None for what was left empty."""
        return self.text(name) or None

    def all(self, name: str) -> list[str]:
        return [value for value in self._data.getlist(name) if isinstance(value, str) and value]

    def ticked(self, name: str) -> bool:
        return self.text(name) in ("true", "on", "1", "yes")

    def whole(self, name: str) -> int | str | None:
        """A whole number; what is none is left for the API to refuse."""
        value = self.text(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else value or None

    def fen(self, name: str) -> int:
        """Yuan as people write it, in fen; raises Refused (422) at this field."""
        found = parse_yuan(self.text(name).replace(",", "").replace("，", ""))
        if isinstance(found, Fault):
            raise bad_field(name, found.message)
        return found

    def fen_or_zero(self, name: str) -> int:
        """The same of an amount that may be nothing: what is left empty is."""
        return 0 if is_nothing(self.text(name)) else self.fen(name)

    def day(self, name: str) -> str | None:
        """A date as the browser's field sends it; what is none is left for the API to refuse."""
        return self.maybe(name)

    def files(self, name: str) -> list[UploadFile]:
        """The files that were chosen; an empty file field brings none."""
        return [file for file in self._data.getlist(name) if isinstance(file, UploadFile) and file.filename]

    def beside(self, more: Mapping[str, str]) -> "Form":
        """The same with values that were filled in before, at other steps."""
        return Form(FormData([*self._data.multi_items(), *more.items()]))

    def typed(self) -> Mapping[str, list[str]]:
        """As it was typed, for the page that shows it again; never the key, and no password: it is typed anew."""
        names = set(self._data) - {KEY, *_PASSWORDS}
        return {name: [value for value in self._data.getlist(name) if isinstance(value, str)] for name in names}


def is_nothing(amount: str) -> bool:
    return re.fullmatch(r"0*(\.0{1,2})?", amount) is not None


def bad_field(name: str, detail: str) -> Refused:
    """As the API would say it, of what can't be put into its types."""
    return bad_fields({name: detail})


def bad_fields(wrong: Mapping[str, str]) -> Refused:
    """The same of several: what is wrong with each."""
    errors = [
        {"pointer": f"/{name.replace('.', '/')}", "code": "VALUE", "detail": detail} for name, detail in wrong.items()
    ]
    first = next(iter(wrong.values()))
    document = {"code": Refusal.VALIDATION_FAILED, "title": "填写的内容有误", "detail": first, "errors": errors}
    return Refused(422, document)


def field_of(error: Mapping[str, Any]) -> str:
    pointer = str(error.get("pointer") or "")
    return pointer.strip("/").replace("/", ".") or str(error.get("parameter") or "")


@asynccontextmanager
async def form_of(request: Request) -> AsyncIterator[Form | None]:
    """What a POST brings; its files are closed when it is answered."""
    async with request.form() as data:
        yield Form(data) if request.method in UNSAFE else None
