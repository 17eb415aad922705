"""What all printed forms share: figures and days as they stand on paper, and the answer that carries the PDF."""

from collections.abc import Mapping
from datetime import date, datetime

from fastapi import Response

from api.counter.desk import Desk
from api.server.file_names import attachment
from models.prints.templates import Template
from models.wire.words import MediaType
from models.words.calendar import CHINA


async def print_form(desk: Desk, template: Template, form: Mapping[str, object], *called: str) -> Response:
    """The form as PDF, to keep under the words and numbers it is `called` by. After its rows were read: setting takes
    a while, and holds no connection."""
    pdf = await desk.typesetting.pdf(desk.county, template, form)
    return Response(pdf, media_type=MediaType.PDF.value, headers=attachment("pdf", *called))


def yuan_of(fen: int) -> str:
    """1,234.56."""
    return f"{fen // 100:,}.{fen % 100:02d}"


def count_of(number: int) -> str:
    return f"{number:,}"


def date_of(at: datetime) -> str:
    """2026年11月24日, as it was in China."""
    return day_of(at.astimezone(CHINA).date())


def day_of(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def seconds_of(at: datetime) -> int:
    return int(at.timestamp())
