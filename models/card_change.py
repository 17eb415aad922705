"""The contracts that cross the Temporal boundary on the card-change side: numbers and stages, never a person."""

from models.subsidy import Contract, Look


class ProvinceRef(Contract):
    """A province, by its code."""

    province_code: str


class PartRef(Contract):
    """One county's part that a reviewer has approved: 上卡 under this attempt."""

    part_no: str
    county_code: str
    attempt: int


class CardLook(Look):
    """Where a request stands; `to_apply` are the parts that have to be handed to the platform now."""

    to_apply: tuple[PartRef, ...] = ()


class Handed(Contract):
    """What came of handing a part over: taken, refused for good, or to be tried again after a while."""

    try_again_seconds: float = 0.0
