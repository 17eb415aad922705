"""提交材料: photos of paid lines go to the platform; what lacks photos is listed, not sent (S1 2.8)."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from sqlmodel import select
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.files import PlatformFiles
from activities.platform.tries import TROUBLES, for_each, with_retries
from models.contracts import EvidenceResult, Subject
from models.store.database import Database
from models.store.flows.evidence import lacking, required_of
from models.store.runs.runs import close_run
from models.store.sql import execute, fetch, fetch_one
from models.tables.flows import Flow, Order
from models.wire.answers import EVIDENCE_LIMIT
from models.wire.requests import Document, Evidence, EvidenceItem
from models.wire.words import DocumentKind, ProblemCode
from models.words.errors import ADVICE
from models.words.evidence import is_complete, missing_words

EvidenceItems = tuple[EvidenceItem, ...]
# While one page is being taken the photos of the next are sent.
PAGES_AT_ONCE = 2


class _Line(NamedTuple):
    """`done` is NULL until it is sent or left out; `required`: kinds of photos that a person's line needs."""

    application_id: int
    application_no: str
    flow_line_id: int
    done: bool | None
    applicant_kind: str
    required: list[str]


class _Photo(NamedTuple):
    application_id: int
    kind: str
    file_id: int


class _Figures(NamedTuple):
    sent: int
    rest: int


class EvidenceActivities:
    def __init__(self, database: Database, platform: PlatformClient, files: PlatformFiles) -> None:
        self._database = database
        self._platform = platform
        self._files = files

    @activity.defn
    async def list_missing_photos(self, subject: Subject) -> None:
        """Mark the order's lines that lack a photo or aren't paid any more; they are left out."""
        async with self._database.transaction() as session:
            order_id = "(SELECT id FROM operator_order WHERE order_no = :no)"
            for missing, ids in (await lacking(session, subject.number)).items():
                await execute(
                    session,
                    "UPDATE order_line o SET fault_code = 'PHOTOS_MISSING', fault = :fault, done = FALSE"
                    f" WHERE o.order_id = {order_id} AND o.done IS NULL AND o.application_id = ANY(:ids)",
                    no=subject.number,
                    fault=f"缺少材料照片：{missing_words(missing)}；请补齐后重新提交材料",
                    ids=ids,
                )
            await execute(
                session,
                f"UPDATE order_line o SET fault_code = 'LINE_NOT_PAID', fault = '该笔未发放成功', done = FALSE"
                f" FROM flow_line l WHERE o.order_id = {order_id} AND o.done IS NULL AND l.id = o.flow_line_id"
                " AND l.payment IS DISTINCT FROM 'paid'",
                no=subject.number,
            )

    @activity.defn
    async def send_evidence(self, subject: Subject) -> EvidenceResult:
        """Upload photos and name them line by line, a hundred lines a page; a sent page passes when repeated."""
        async with self._database.reading() as session:
            order = (await session.exec(select(Order).where(Order.order_no == subject.number))).one()
            flow = (await session.exec(select(Flow).where(Flow.id == order.flow_id))).one()
            lines = await fetch(
                session,
                _Line,
                "SELECT o.application_id, o.application_no, o.flow_line_id, o.done, l.applicant_kind,"
                f" {required_of('l')} AS required FROM order_line o JOIN flow_line l ON l.id = o.flow_line_id"
                " WHERE o.order_id = :order ORDER BY o.application_id",
                order=order.id,
            )
        starts = range(0, len(lines), EVIDENCE_LIMIT)
        pages = [(page, lines[start : start + EVIDENCE_LIMIT]) for page, start in enumerate(starts, start=1)]
        await for_each(pages, partial(self._send_page, order, flow), PAGES_AT_ONCE)
        return await self._finish(order, subject)

    async def _send_page(self, order: Order, flow: Flow, numbered: tuple[int, list[_Line]]) -> None:
        """A page keeps its lines; one that the platform refuses leaves the page, which then has a key of its own.

        A photo in trouble keeps back its own line only: the rest of the page goes, under a key of its own too.
        """
        page, lines = numbered
        while ready := [line for line in lines if line.done is None]:
            items, trouble = await self._items(ready)
            complete = {item.application_no for item in items}
            going = [line for line in ready if line.application_no in complete]
            if trouble is None and len(going) < len(ready):
                await self._leave_out(
                    order, {line.application_no for line in ready} - complete, ProblemCode.FILE_REFUSED
                )
                lines = going
                continue
            key = f"{order.order_no}/evidence/{page}.{len(ready)}" + (f".{_digest(items)}" if trouble else "")
            refusal = await self._submit(flow, items, key) if going else None
            if refusal is None:
                await self._sent(order, going)
                if trouble is not None:
                    raise trouble
                return
            # a no that names nobody of the page is about all of it: the same page isn't sent again
            named = complete.intersection(refusal.application_nos) or complete
            await self._leave_out(order, named, refusal.code)
            lines = [line for line in ready if line.application_no not in named]

    async def _submit(self, flow: Flow, items: EvidenceItems, key: str) -> PlatformRefusal | None:
        assert flow.platform_id is not None
        evidence = Evidence(items=items)
        submit = self._platform.submit_evidence
        try:
            await with_retries(partial(submit, flow.county_code, flow.platform_id, evidence, key=key))
        except PlatformRefusal as refusal:
            return refusal
        return None

    async def _items(self, lines: list[_Line]) -> tuple[EvidenceItems, Exception | None]:
        """The lines whose required photos the platform has all taken; and the trouble that keeps others back."""
        async with self._database.reading() as session:
            photos = await fetch(
                session,
                _Photo,
                "SELECT application_id, kind, file_id FROM application_photo WHERE application_id = ANY(:ids)"
                " ORDER BY application_id, kind",
                ids=[line.application_id for line in lines],
            )
        files = [photo.file_id for photo in photos]
        try:
            return _complete(lines, photos, await self._files.upload_what_is_taken(files)), None
        except TROUBLES as trouble:
            uploaded = await self._files.uploaded(files)
            waiting = {photo.application_id for photo in photos if photo.file_id not in uploaded}
            lines = [line for line in lines if line.application_id not in waiting]
            return _complete(lines, photos, uploaded), trouble

    async def _leave_out(self, order: Order, numbers: set[str], code: ProblemCode) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE order_line SET done = FALSE, fault_code = :code, fault = :fault WHERE order_id = :order"
                " AND application_no = ANY(:numbers)",
                order=order.id,
                numbers=sorted(numbers),
                code=code.value,
                fault=ADVICE[code],
            )

    async def _sent(self, order: Order, lines: list[_Line]) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE order_line SET done = TRUE WHERE order_id = :order AND application_id = ANY(:ids)",
                order=order.id,
                ids=[line.application_id for line in lines],
            )
            await execute(
                session,
                "UPDATE flow_line SET evidence_sent_at = now() WHERE id = ANY(:ids)",
                ids=[line.flow_line_id for line in lines],
            )
            await execute(
                session,
                "UPDATE application SET stage = 'evidence_sent', updated_at = now(), version = version + 1"
                " WHERE id = ANY(:ids) AND stage = 'paid'",
                ids=[line.application_id for line in lines],
            )

    async def _finish(self, order: Order, subject: Subject) -> EvidenceResult:
        async with self._database.transaction() as session:
            figures = await fetch_one(
                session,
                _Figures,
                "UPDATE operator_order o SET state = 'done', finished_at = now(), done_count = d.count,"
                " done_fen = d.fen, outcome = '已提交 ' || d.count || ' 笔，未提交 ' || d.rest || ' 笔'"
                " FROM (SELECT count(*) FILTER (WHERE done) AS count, count(*) FILTER (WHERE NOT done) AS rest,"
                " coalesce(sum(amount_fen) FILTER (WHERE done), 0) AS fen FROM order_line WHERE order_id = :id) AS d"
                " WHERE o.id = :id RETURNING d.count AS sent, d.rest",
                id=order.id,
            )
            await close_run(session, subject.workflow_id, "done")
        assert figures is not None
        return EvidenceResult(sent_lines=figures.sent, left_out_lines=figures.rest)


def _complete(lines: Sequence[_Line], photos: Sequence[_Photo], uploaded: Mapping[int, str]) -> EvidenceItems:
    present: dict[int, list[str]] = defaultdict(list)
    documents: dict[int, list[Document]] = defaultdict(list)
    for photo in photos:
        present[photo.application_id].append(photo.kind)
        if photo.file_id in uploaded:
            document = Document(kind=DocumentKind(photo.kind), file_id=uploaded[photo.file_id])
            documents[photo.application_id].append(document)
    return tuple(
        EvidenceItem(application_no=line.application_no, documents=tuple(documents[line.application_id]))
        for line in lines
        if is_complete(
            line.applicant_kind,
            line.required,
            present[line.application_id],
            {document.kind.value for document in documents[line.application_id]},
        )
    )


def _digest(items: EvidenceItems) -> str:
    """Which part of a page goes depends on what is in trouble just then: its key must be that of its content."""
    return hashlib.sha256(repr([item.model_dump_json() for item in items]).encode()).hexdigest()[:16]
