"""A code of the second factor beside an act, where the API wants one first: the form comes back with a field for it."""

from collections.abc import Awaitable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from api.pages.asking import Refused
from api.pages.door import STAFF_COOKIE
from models.words.refusals import Refusal

if TYPE_CHECKING:
    from api.pages.window import Window

FIELD = "step_code"


class StepUpCode:
    """What was typed into the field, if the form had one."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._refused: Refused | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether the form that is shown again has to ask for a code."""
        return (self._window.problem or {}).get("code") == Refusal.CODE_NEEDED or self._refused is not None

    def typed_beside(self) -> Mapping[str, list[str]]:
        """What the act had brought, for a form that sends it again with a code."""
        if not self._window.is_act:
            return {}
        return {name: values for name, values in self._window.form.typed().items() if name != FIELD}

    async def check(self) -> None:
        """From here the person's token tells of it; a wrong one is told at its field."""
        code = self._window.form.text(FIELD).replace(" ", "") if self._window.is_act else ""
        if not code:
            return
        try:
            await self._window.ask.post("/staff/codes", {"code": code}, part="code")
        except Refused as refused:
            for error in refused.document.get("errors") or ():
                error["pointer"] = f"/{FIELD}"
            self._refused = refused
            return
        door, cookies = self._window.door, self._window.request.cookies
        signed = await door.who(cookies.get(STAFF_COOKIE, ""), prolong=False)
        if signed is not None:
            self._window.ask.speak_as(door.token(signed))

    async def then(self, asked: Awaitable[Any]) -> Any:
        """The act's answer; nothing is asked after a wrong code."""
        if self._refused is not None:
            if isinstance(asked, Coroutine):
                asked.close()
            raise self._refused
        return await asked
