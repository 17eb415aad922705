"""How worker and API speak to Temporal: one data converter, one way to connect."""

from collections.abc import Mapping
from pathlib import Path

from temporalio.client import Client
from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfigProfile

from models.contracts import RunKind, Subject
from models.words.counties import county_words

DEFAULT_ADDRESS = "127.0.0.1:7233"
COUNTY = SearchAttributeKey.for_keyword("County")
BATCH = SearchAttributeKey.for_keyword("Batch")
FUND_YEAR = SearchAttributeKey.for_int("FundYear")
STAGE = SearchAttributeKey.for_keyword("Stage")


class OneConverter(PydanticPayloadConverter):
    """The same for all: the toolkit makes one for each run and each of its turns, which learns every type anew."""

    _one: "OneConverter | None" = None

    def __new__(cls) -> "OneConverter":
        if cls._one is None:
            cls._one = super().__new__(cls)
            PydanticPayloadConverter.__init__(cls._one)
        return cls._one

    def __init__(self) -> None:
        """Done once."""


CONVERTER = DataConverter(payload_converter_class=OneConverter)


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


def profile_of(given: Mapping[str, str]) -> ClientConfigProfile:
    """What `given`, by the SDK's own names, and the profile file it may name say together.

    No other file is read: a person's own profile on this machine is nobody's setting. RuntimeError where the file
    isn't there or can't be read.
    """
    named = given.get("TEMPORAL_CONFIG_FILE")
    if named and not Path(named).is_file():
        raise RuntimeError(f"TEMPORAL_CONFIG_FILE: {named} is not there")
    return ClientConfigProfile.load(
        config_source=Path(named) if named else None, disable_file=not named, override_env_vars=dict(given)
    )


async def connect(given: Mapping[str, str], *, lazy: bool = False) -> Client:
    """A client with the product's data converter; payloads are plain since they hold ids only.

    `given` is by the SDK's own names (Settings.temporal_environment). A lazy client is given at once and connects
    with its first call; certificates are read here.
    """
    where = profile_of(given).to_client_connect_config()
    return await Client.connect(
        where.get("target_host", DEFAULT_ADDRESS),
        namespace=where.get("namespace", "default"),
        api_key=where.get("api_key"),
        tls=where.get("tls", False),
        rpc_metadata=where.get("rpc_metadata", {}),
        data_converter=CONVERTER,
        lazy=lazy,
    )
