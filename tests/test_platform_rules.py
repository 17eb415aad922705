"""The adapter against the simulator: lists, keys, access, accounts and faces."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal, PlatformUnavailable
from models.wire import answers as shapes
from models.wire import requests
from models.wire.words import AccountSource, CardType, DatasetKind, FaceChannel, FaceStatus, ProblemCode
from models.words.errors import PlatformTrouble
from tests.scripted_platform import credentials_at
from tests.simulated_province import COUNTY, Province, person, province


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Province]:
    async with province(tmp_path, 10.0) as ready:
        yield ready


async def test_the_lists(there: Province) -> None:
    towns = await there.client.list_towns(COUNTY)
    assert towns.items[0].villages[0].code.startswith(towns.items[0].code)
    assert {"ICBC", "CRCB"} <= {bank.code for bank in (await there.client.list_banks("500000")).items}


async def test_another_content_under_a_used_key_is_a_mismatch(there: Province) -> None:
    opening = requests.DatasetOpening(client_reference="list/1", kind=DatasetKind.BENEFICIARY_INIT, county_code=COUNTY)
    first = await there.client.open_dataset(opening, key="list/1:open")
    there.journal.kept.clear()
    assert await there.client.open_dataset(opening, key="list/1:open") == first
    there.journal.kept.clear()
    with pytest.raises(PlatformRefusal) as refused:
        await there.client.open_dataset(opening.model_copy(update={"client_reference": "x"}), key="list/1:open")
    assert refused.value.code == ProblemCode.IDEMPOTENCY_MISMATCH


async def test_a_wrong_secret_and_another_province_are_trouble_of_configuration(there: Province) -> None:
    with pytest.raises(PlatformUnavailable) as foreign:
        await there.client.get_flow("430102", "f")
    assert foreign.value.code == PlatformTrouble.PLATFORM_NOT_CONFIGURED
    forged = credentials_at(int(there.url.rpartition(":")[2])).model_copy(
        update={"secrets": (SecretStr("another-secret-altogether"),)}
    )
    stranger = PlatformClient(there.http, {"500000": forged}, there.journal)
    with pytest.raises(PlatformUnavailable) as refused:
        await stranger.list_banks(COUNTY)
    assert refused.value.code == ProblemCode.UNAUTHORIZED


async def test_what_isnt_there_yet_is_refused_by_its_own_name(there: Province) -> None:
    opening = requests.DatasetOpening(client_reference="list/1", kind=DatasetKind.BENEFICIARY_INIT, county_code=COUNTY)
    dataset = await there.client.open_dataset(opening, key="list/1:open")
    for asked, code in (
        (there.client.get_result_page(COUNTY, dataset.dataset_id, 1), ProblemCode.NOT_READY),
        (there.client.get_review(COUNTY, "nothing"), ProblemCode.NOT_FOUND),
    ):
        with pytest.raises(PlatformRefusal) as refused:
            await asked
        assert refused.value.code == code


async def test_accounts_are_checked_changed_and_invalidated(there: Province) -> None:
    client, begun = there.client, datetime.now(UTC) - timedelta(minutes=1)
    name, id_number, account_no = person(0)
    good = requests.AccountQuery(name=name, id_number=id_number, bank_code="ICBC", account_no=account_no)
    other = good.model_copy(update={"name": "王海"})
    assert (await client.verify_account(COUNTY, good, key="a")).valid
    both = await client.verify_accounts(COUNTY, requests.AccountQueries(accounts=(other, good)), key="b")
    assert [verdict.valid for verdict in both.verdicts] == [False, True]
    change = requests.AccountChangeSubmission(
        client_reference="change/1",
        attempt=1,
        county_code=COUNTY,
        name=name,
        id_number=id_number,
        card_type=CardType.BANK_CARD,
        new_bank_code="ICBC",
        new_account_no="6222020200999999999",
        source=AccountSource.CITIZEN_CHANNEL,
    )
    accepted = await client.apply_account_change(change, key="change/1:1")
    event = await there.event(lambda one: isinstance(one.data, shapes.AccountChange))
    assert event.data == await client.get_account_change(COUNTY, accepted.submission_id)
    wish = {"county_code": COUNTY, "id_number": id_number, "bank_code": "ICBC", "account_no": account_no}
    await there.admin("POST", "/invalidate", json.dumps(wish).encode())
    invalid = await there.event(lambda one: isinstance(one.data, shapes.Invalidation))
    assert (await client.list_invalidations(COUNTY, begun)).items == (invalid.data,)


async def test_a_face_session_opens_and_is_seen_through(there: Province) -> None:
    opening = requests.FaceSessionOpening(client_reference="face/1", channel=FaceChannel.PC)
    opened = await there.client.open_face_session("500000", opening, key="face/1")
    assert opened.expires_at > datetime.now(UTC)
    waiting = await there.client.get_face_session("500000", opened.face_session_id)
    assert waiting.status is FaceStatus.WAITING
    moved = {"status": "passed", "name": person(0)[0], "id_number": person(0)[1]}
    await there.admin("POST", f"/face-sessions/{opened.face_session_id}", json.dumps(moved).encode())
    event = await there.event(lambda one: isinstance(one.data, shapes.FaceSession))
    assert event.data == await there.client.get_face_session("500000", opened.face_session_id)
