"""Who is asking: what the head of each page shows."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from typing_extensions import TypedDict

from api.counter.roles import Everyone
from models.words.counties import county_name, county_words
from models.words.stages import Role

router = APIRouter(tags=["人员"])


class StaffView(TypedDict):
    """令牌所代表的人。"""

    person: Annotated[str, Field(description="经办人")]
    role: Role
    role_label: str
    county_code: str
    county_name: Annotated[str, Field(description="区县名称")]
    county: Annotated[str, Field(description="区县名称和代码")]


@router.get("/staff/me", summary="本人、身份和区县")
async def show_me(desk: Everyone) -> StaffView:
    """The token's person, role and county, with the county's name."""
    return {
        "person": desk.person,
        "role": desk.role,
        "role_label": desk.role.label,
        "county_code": desk.county,
        "county_name": county_name(desk.county),
        "county": county_words(desk.county),
    }
