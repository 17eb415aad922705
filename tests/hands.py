"""How somebody works a page: with mouse and keyboard as most do, or with the keyboard alone."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from playwright.async_api import Error, Locator

_UNFOLD = """each => { for (let fold = each.closest('details'); fold; fold = fold.parentElement.closest('details'))
  fold.open = true; }"""
_OFFERS = "(field, value) => [...field.options].some((each) => each.value === value)"
_OFFER = "(field, value) => { field.add(new Option(value, value)); }"
_IS_AT = "element => element === document.activeElement"
_IS_AT_ITS_GROUP = """radio => document.activeElement.type === 'radio' && document.activeElement.name === radio.name
  && document.activeElement.form === radio.form"""
_MOST_STEPS = 500


class Hands:
    """Mouse and keyboard."""

    async def unfold(self, one: Locator) -> None:
        """What is folded away is opened."""
        await one.evaluate(_UNFOLD)

    async def go_to(self, one: Locator) -> None:
        """So that it can be pushed at once."""
        await self.unfold(one)

    async def push(self, button: Locator, times: int = 1) -> None:
        await button.click(click_count=times)

    async def write(self, field: Locator, text: str) -> None:
        await field.fill(text)

    async def choose(self, field: Locator, value: str) -> None:
        await field.select_option(value)

    async def tick(self, box: Locator, wanted: bool) -> None:
        await box.set_checked(wanted)

    async def upload(self, field: Locator, files: Sequence[Any]) -> None:
        await field.set_input_files(files)

    async def fill(self, fields: Locator, name: str, value: object) -> None:
        """By what kind of field it is."""
        assert await fields.count(), f"the form has no field {name}"
        await self.unfold(fields.first)
        kind = await fields.first.evaluate("field => field.type")
        if kind in ("checkbox", "radio"):
            await self._tick_those(fields, name, value)
        elif kind == "file":
            files = value if isinstance(value, list) else [value]
            await self.upload(fields.first, [_upload(each) for each in files])
        else:
            texts = [str(value)] if isinstance(value, str | bool) else [str(each) for each in value]  # type: ignore[attr-defined]
            for place, text in enumerate(texts):
                await self._put(fields.nth(place), kind, text)

    async def _put(self, one: Locator, kind: str, text: str) -> None:
        if kind.startswith("select"):
            if not await one.evaluate(_OFFERS, text):
                # what isn't offered is chosen all the same, in a page that somebody has altered
                await one.evaluate(_OFFER, text)
            await self.choose(one, text)
        elif kind == "hidden":
            await one.evaluate("(field, value) => { field.value = value; }", text)
        else:
            await self.write(one, text)

    async def _tick_those(self, boxes: Locator, name: str, value: object) -> None:
        wanted: Sequence[str] = (
            ["true"] if value is True else [] if value is False else [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]
        )
        offered = [str(each) for each in await boxes.evaluate_all("all => all.map(each => each.value)")]
        assert set(wanted) <= set(offered), f"{name}: {wanted} of {offered}"
        for place, one in enumerate(offered):
            if one in wanted or await boxes.nth(place).evaluate("box => box.type") == "checkbox":
                await self.tick(boxes.nth(place), one in wanted)


class Keyboard(Hands):
    """Tab until one is there; letters, arrows, space and Enter. The mouse is never touched."""

    async def reach(self, one: Locator, is_there: str = _IS_AT) -> None:
        for _ in range(_MOST_STEPS):
            if await one.evaluate(is_there):
                return
            await one.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {await one.evaluate('element => element.outerHTML.slice(0, 200)')}")

    async def unfold(self, one: Locator) -> None:
        folds = one.locator("xpath=ancestor::details[not(@open)]")
        while await folds.count():
            await self._press(folds.first.locator("xpath=./summary"), "Enter")

    async def go_to(self, one: Locator) -> None:
        await self.unfold(one)
        await self.reach(one)

    async def push(self, button: Locator, times: int = 1) -> None:
        await self.go_to(button)
        for _ in range(times):
            await button.page.keyboard.press("Enter")

    async def write(self, field: Locator, text: str) -> None:
        await self._press(field, "Control+A")
        await field.page.keyboard.press("Delete")
        await field.page.keyboard.type(text)

    async def choose(self, field: Locator, value: str) -> None:
        await self._press(field, "Home")
        for _ in range(_MOST_STEPS):
            if await field.evaluate("field => field.value") == value:
                return
            await field.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow leads to {value}")

    async def tick(self, box: Locator, wanted: bool) -> None:
        if await box.is_checked() == wanted:
            return
        if await box.evaluate("box => box.type") == "radio":
            await self.reach(box, _IS_AT_ITS_GROUP)
            while not await box.evaluate(_IS_AT):
                await box.page.keyboard.press("ArrowDown")
        if await box.is_checked() != wanted:
            await self._press(box, "Space")

    async def upload(self, field: Locator, files: Sequence[Any]) -> None:
        """A busy browser loses a key now and then: whoever sees no window to choose from presses again."""
        await self.reach(field)
        for key in ("Enter", "Space", "Enter"):
            with suppress(Error):
                async with field.page.expect_file_chooser(timeout=5_000) as chosen:
                    await field.page.keyboard.press(key)
                return await (await chosen.value).set_files(files)
        raise AssertionError("no key opens the window to choose a file")

    async def _press(self, one: Locator, key: str) -> None:
        await self.reach(one)
        await one.page.keyboard.press(key)


def _upload(file: tuple[str, bytes, str]) -> dict[str, Any]:
    name, content, kind = file
    return {"name": name, "mimeType": kind, "buffer": content}
