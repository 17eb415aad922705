"""How worker and API speak to Temporal: one data converter, one way to connect."""

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import TLSConfig

COUNTY = SearchAttributeKey.for_keyword("County")
BATCH = SearchAttributeKey.for_keyword("Batch")
FUND_YEAR = SearchAttributeKey.for_int("FundYear")
STAGE = SearchAttributeKey.for_keyword("Stage")


async def connect(
    address: str, namespace: str, *, api_key: str | None = None, tls: bool = False, lazy: bool = False
) -> Client:
    """A client with the product's data converter; payloads are plain since they hold ids only.

    A lazy one is given at once and connects with its first call.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        api_key=api_key,
        tls=TLSConfig() if tls else False,
        data_converter=pydantic_data_converter,
        lazy=lazy,
    )
