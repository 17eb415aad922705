"""Who is asking: what the head of each page shows."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.counter.desk import EVERYONE, Desk, for_roles
from models.words.counties import county_name, county_words

router = APIRouter(tags=["人员"])


@router.get("/staff/me", summary="本人、身份和区县")
async def show_me(desk: Annotated[Desk, Depends(for_roles(*EVERYONE))]) -> dict[str, object]:
    """The token's person, role and county, with the county's name."""
    return {
        "person": desk.person,
        "role": desk.role,
        "role_label": desk.role.label,
        "county_code": desk.county,
        "county_name": county_name(desk.county),
        "county": county_words(desk.county),
    }
