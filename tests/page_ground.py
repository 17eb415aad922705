"""What tests of pages with files stand on: an office whose files are stored, and the platform's catalogs as fetched."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.stack.objects import Access
from models.store.texts import seal_text
from tests.api_server import seed_catalogs
from tests.browser import Browser
from tests.rows import COUNTY, Office, open_office

ITEM, TOWN, VILLAGE, BANK = "BT1001", f"{COUNTY}100", f"{COUNTY}100001", "ICBC"
UNIT = f"{COUNTY}101"
PDF = ("政策.pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n", "application/pdf")


@asynccontextmanager
async def office_with_files(database_url: str, folder: Path, s3: Access, **knobs: object) -> AsyncIterator[Office]:
    stored = {
        "s3_endpoint_url": s3.endpoint_url,
        "s3_bucket": s3.bucket,
        "s3_region": s3.region,
        "s3_access_key_id": SecretStr(s3.access_key_id),
        "s3_secret_access_key": SecretStr(s3.secret_access_key),
    }
    async with open_office(database_url, folder, **stored, **knobs) as office:
        await seed_catalogs(office.database, COUNTY)
        yield office


async def at(office: Office, who: str) -> Browser:
    return await Browser.at(office).sign_in(who)


async def reviewed(office: Office, table: str, number: str, stage: str, opinion: str) -> None:
    """A policy or an indicator as the platform's answer leaves it."""
    changed = await office.run(
        f"UPDATE {table} SET stage = :stage, opinion_sealed = :opinion, reviewed_at = now(),"
        f" submission_id = coalesce(submission_id, 'S-1') WHERE {table}_no = :number",
        stage=stage,
        opinion=seal_text(office.vault, COUNTY, opinion),
        number=number,
    )
    assert changed == 1
