"""银行核验 page by page: a page is asked once under its key, and in smaller ones where the platform won't take it."""

from collections.abc import Sequence

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from models.wire.answers import AccountVerdict
from models.wire.requests import AccountQueries, AccountQuery
from models.wire.words import AccountReason, ProblemCode


async def bank_verdicts(
    platform: PlatformClient, place: str, queries: Sequence[AccountQuery], key: str
) -> tuple[AccountVerdict, ...] | None:
    """The bank's word on each, in order; None where the platform refuses the page for one of several at fault.

    An account that it doesn't take even alone has no other reason than that.
    """
    try:
        answer = await platform.verify_accounts(place, AccountQueries(accounts=tuple(queries)), key=key)
    except PlatformRefusal as refusal:
        if refusal.code is not ProblemCode.VALIDATION_FAILED:
            raise
        if len(queries) > 1:
            return None
        return (AccountVerdict(valid=False, reason_code=AccountReason.OTHER),)
    return answer.verdicts
