"""Somebody who signs in as people do: an app that shows codes, and the steps over HTTP."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pyotp

from models.tables.base import now
from tests.rows import Office

_keys = count(1)
HALF_MINUTE = timedelta(seconds=30)
PASSWORD = "correct horse battery"


@dataclass
class Phone:
    """An authenticator; `ahead` stands for the half minutes that one would wait for the next code."""

    secret: str
    ahead: int = 0

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(now() + self.ahead * HALF_MINUTE)


async def step(office: Office, path: str, **asked: str) -> httpx.Response:
    headers = {"Idempotency-Key": f"step-{next(_keys)}"}
    return await office.http.post(f"/staff/sign-ins{path}", json=asked, headers=headers)


async def first_time(office: Office, name: str, code: str, password: str = PASSWORD) -> tuple[Phone, dict[str, Any]]:
    """With the one-time code of an invitation; gives the phone and what the last step answered."""
    begun = (await step(office, "", name=name, password=code)).json()
    assert begun["step"] == "password", begun
    bound = (await step(office, "/password", ticket=begun["ticket"], password=password)).json()
    assert bound["step"] == "enrol", bound
    phone = Phone(bound["authenticator"]["secret"])
    return phone, (await step(office, "/code", ticket=bound["ticket"], code=phone.code())).json()


async def again(office: Office, name: str, phone: Phone, password: str = PASSWORD) -> dict[str, Any]:
    """With a code that hasn't been used: one of the next half minute, which is taken too."""
    begun = (await step(office, "", name=name, password=password)).json()
    phone.ahead = 1
    answer: dict[str, Any] = (await step(office, "/code", ticket=begun["ticket"], code=phone.code())).json()
    return answer
