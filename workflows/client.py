"""How worker and API speak to Temporal: one data converter, one way to connect."""

from temporalio.client import Client
from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import TLSConfig

from models.contracts import RunKind, Subject
from models.words.counties import county_words

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


def summary_of(subject: Subject) -> str:
    """What ops read beside a run's id in Temporal UI: whose, what, of which year; never anything about a person."""
    year = f"（{subject.fund_year} 年）" if subject.fund_year else ""
    return f"{county_words(subject.county_code)} {subject.kind.label}{year}"


# Whose runs have somebody before a screen: their turns come before those of all others.
_PEOPLE_WAIT = {RunKind.FACE_LOGIN, RunKind.CARD_CHANGE, RunKind.VILLAGE_ENTRY}
_FIRST, _USUAL = 1, 3


def priority_of(subject: Subject) -> Priority:
    """Whose turn it is where work waits for a place: people first, then county by county, however much one has."""
    return Priority(priority_key=_FIRST if subject.kind in _PEOPLE_WAIT else _USUAL, fairness_key=subject.county_code)


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
