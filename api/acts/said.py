"""What people write about what they do, and the bodies that have no more in them than that."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from models.free_text import FREE_TEXT
from models.store.selection import NO_NUL

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_NUL), FREE_TEXT]


class WithReason(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Said


class Confirmation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    remark: Said | None = None


class Refusing(BaseModel):
    """Whoever is told no reads why."""

    model_config = ConfigDict(extra="forbid")

    remark: Said
