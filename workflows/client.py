"""How worker and API speak to Temporal: one data converter, one way to connect."""

from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import TLSConfig

from models.contracts import Subject

COUNTY = SearchAttributeKey.for_keyword("County")
BATCH = SearchAttributeKey.for_keyword("Batch")
FUND_YEAR = SearchAttributeKey.for_int("FundYear")
STAGE = SearchAttributeKey.for_keyword("Stage")


def attributes_of(subject: Subject, stage: str) -> TypedSearchAttributes:
    """What ops find a run by; never anything about a person."""
    words = ((COUNTY, subject.county_code), (BATCH, subject.batch_no), (STAGE, stage))
    pairs = [SearchAttributePair(key, word) for key, word in words if word]
    years = [SearchAttributePair(FUND_YEAR, subject.fund_year)] if subject.fund_year else []
    return TypedSearchAttributes([*pairs, *years])


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
