"""What an act on several would do, before it is done: `"preview": true` in its body.

A preview is the act's own work in a transaction that is taken back where everything is judged (`judged`): it can't say
anything else than the act would. Nothing is changed, locked or noted, and no Idempotency-Key is asked for.
"""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, NotRequired, TypeVar

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk, Reply, Work
from api.server.answers import Responses
from api.server.problems import conflict
from models.store.database import Database
from models.words.refusals import Refusal

T = TypeVar("T")


class ActOnMany(BaseModel):
    """The body of an act on several.

    With what a preview has given as `seen`, the act does just what was shown: those that were left out stay out, named
    or not, and where others would be taken by now it is refused.
    """

    model_config = ConfigDict(extra="forbid")

    preview: Annotated[bool, Field(strict=True, description="true：只预览，不作任何改动，不须 Idempotency-Key")] = False
    seen: Annotated[
        str | None,
        Field(max_length=64, description="预览答复的 seen：只办理预览所示的；现在不同的不办理（SELECTION_CHANGED）"),
    ] = None

    @property
    def shown(self) -> bool:
        """Whether what is left out is being told, or was."""
        return self.preview or self.seen is not None


IsPreview = Annotated[bool, Field(description="true：这是预览，没有办理")]
Seen = Annotated[str, Field(description="预览的回执：办理时原样提交，所办的就是所看的")]


class LeftOutLines(TypedDict):
    code: str
    title: Annotated[str, Field(description="不能办理的原因")]
    count: Annotated[int, Field(description="申请份数")]
    application_nos: Annotated[list[str], Field(description="其中的前几份；预览时最多 5000 份")]


class ActAnswer(TypedDict):
    """What every act on lines is answered with."""

    act: str
    preview: NotRequired[IsPreview]
    seen: NotRequired[Seen]
    count: Annotated[int, Field(description="办理的申请份数")]
    total_fen: Annotated[int, Field(description="办理的金额合计（分）")]
    left_out: Annotated[list[LeftOutLines], Field(description="没有办理的申请，按原因")]


# Of a route that answers its act with another status than 200.
PREVIEWED: Responses = {200: {"model": ActAnswer, "description": "预览"}}


class Previewed(Exception):
    """Everything is judged: the transaction is taken back, `told` is the answer."""

    def __init__(self, told: Mapping[str, object]) -> None:
        super().__init__("previewed")
        self.told = told


class _TakenBack(Exception):
    """Ends a transaction that was only to find something out."""


async def act_once(desk: Desk, asked: ActOnMany, work: Work) -> Response:
    """The act, once for its key; or its preview, up to its `judged`."""
    if not asked.preview:
        return await desk.once(work)
    try:
        reply = await taken_back(desk.database, work)
    except Previewed as preview:
        return Reply(200, preview.told).response()
    raise AssertionError(f"an act was answered {reply.status} that doesn't say where it has judged")


async def taken_back(database: Database, look: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """What work in a transaction finds out; whatever it changes is taken back."""
    found: list[T] = []

    async def work(session: AsyncSession) -> None:
        found[:] = [await look(session)]
        raise _TakenBack

    with contextlib.suppress(_TakenBack):
        await database.run(work)
    return found[0]


def judged(asked: ActOnMany, answer: Mapping[str, object], fit: Iterable[tuple[int, int | str]]) -> None:
    """Here an act has judged everything: its preview ends, and it itself where it would do otherwise than was shown.

    `fit`: id of each of those that it is about, and what tells it from what it was: its version and photos, else its
    fen. `answer` has their `count`.
    """
    if not asked.shown:
        return
    mark = hashlib.sha256(",".join(f"{number}:{state}" for number, state in sorted(fit)).encode()).hexdigest()[:32]
    if asked.preview:
        raise Previewed({**answer, "preview": True, "seen": mark})
    if asked.seen != mark:
        detail = (
            f"现在可以办理的是 {answer['count']} 份，与预览时所示的不同：份数有增减，或其中有的内容已被修改；"
            "没有作任何改动，请重新查看后办理"
        )
        raise conflict(Refusal.SELECTION_CHANGED, "预览之后情况有变", detail)
