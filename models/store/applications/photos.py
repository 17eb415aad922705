"""Photos of applications that a reviewer has passed: they stay as they were seen (S1 2.2)."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.makers import add_editor
from models.store.locking import lock_applications
from models.store.objects import save_file
from models.store.sql import execute, fetch, scratch
from models.tables.policies import StoredFile
from models.wire.words import DocumentKind
from models.words.stages import ApplicationStage

# Once the money is out the further photos are evidence, which may be handed in again; the card's picture isn't.
_REVIEWED = """
SELECT a.application_no, p.kind, a.stage FROM application a JOIN application_photo p ON p.application_id = a.id
WHERE a.county_code = :county AND a.application_no = ANY(:numbers) AND a.reviewed_by IS NOT NULL
  AND p.stored_at <= coalesce(a.reviewed_at, 'infinity')
  AND NOT (p.kind <> 'bank_card' AND a.stage IN ('paid', 'evidence_sent'))
"""


class ReviewedPhoto(NamedTuple):
    application_no: str
    kind: DocumentKind
    stage: ApplicationStage

    @property
    def why_fixed(self) -> str:
        """Why it can't be replaced, and what to do."""
        return f"这张照片在资料审核通过时已经看过，不能直接更换；{_WHAT_TO_DO.get(self.stage, _OVER)}"


_OVER = "申请已经办理完毕，不再更换"
_WHAT_TO_DO = {
    ApplicationStage.IN_FLOW: "流程中被退回的，请在“修改申请提交”中一并更正照片",
    ApplicationStage.FAILED: "补发使用登记账号，不须更换",
} | dict.fromkeys(
    (
        ApplicationStage.IN_REVIEW,
        ApplicationStage.PUBLICISED,
        ApplicationStage.UNMATCHED,
        ApplicationStage.MATCHED,
        ApplicationStage.PENDING_SETTLEMENT,
        ApplicationStage.IN_BATCH,
    ),
    "请先由审核人审核退回，更换后重新提交资料审核",
)


async def reviewed_photos(session: AsyncSession, county: str, numbers: Collection[str]) -> list[ReviewedPhoto]:
    """What stood at the review of each of these applications, and is fixed since."""
    rows = await fetch(session, ReviewedPhoto, _REVIEWED, county=county, numbers=sorted(set(numbers)))
    return [ReviewedPhoto(row.application_no, DocumentKind(row.kind), ApplicationStage(row.stage)) for row in rows]


async def fixed_among(
    session: AsyncSession, county: str, photos: Collection[tuple[str, DocumentKind]]
) -> list[ReviewedPhoto]:
    """Those of the new photos that would take the place of a reviewed one; no review comes in between any more."""
    numbers = sorted({number for number, _ in photos})
    which = "SELECT a.id FROM application a WHERE a.application_no = ANY(:numbers)"
    await lock_applications(session, which, numbers=numbers)
    return [each for each in await reviewed_photos(session, county, numbers) if each[:2] in photos]


async def save_photos(
    session: AsyncSession, photos: Iterable[tuple[str, DocumentKind, StoredFile]], editor: str
) -> None:
    """Refer to photos that are in S3 already; a photo of the same kind is replaced, which counts as an edit."""
    rows = []
    for application_no, kind, stored in photos:
        saved = await save_file(session, stored)
        assert saved.id is not None
        rows.append((application_no, kind.value, saved.id))
    numbers = sorted({number for number, *_ in rows})
    await add_editor(session, editor, "a.application_no = ANY(:numbers)", numbers=numbers)
    await scratch(session, "new_photo", {"application_no": "text", "kind": "text", "file_id": "bigint"}, rows)
    await execute(
        session,
        "INSERT INTO application_photo (application_id, kind, file_id, stored_at)"
        " SELECT a.id, n.kind, n.file_id, clock_timestamp() FROM new_photo n JOIN application a USING (application_no)"
        " ON CONFLICT (application_id, kind) DO UPDATE"
        " SET file_id = excluded.file_id, stored_at = excluded.stored_at",
    )
