"""PDFs as scanners and mail gateways leave them: what stands before the head or after the end is not kept."""

import re

# Readers look for the head in the first kilobyte, hence writers put things before it (ISO 32000-1, Annex H.3).
HEAD_WITHIN = 1024
_HEAD = b"%PDF-"
_END = b"%%EOF"
_HEAD_LINE = re.compile(rb"%PDF-[^\r\n]{0,20}(?:\r\n|\r|\n)")
_STARTXREF = b"startxref"
_START = re.compile(_STARTXREF + rb"\s{1,10}([0-9]{1,10})")
_TABLE = re.compile(rb"\s{0,4}(?:xref|[0-9]{1,10}\s{1,4}[0-9]{1,5}\s{1,4}obj)")
# What follows the last end and is one of these is a later revision whose own end is missing. It begins right there: a
# search through 20 MiB of anything would keep all other threads waiting for seconds.
_REVISION_WITHIN = 64 * 1024
_REVISION = re.compile(rb"\b(?:[0-9]{1,10}\s{1,4}[0-9]{1,5}\s{1,4}obj|endobj|xref|startxref|trailer)\b")


def is_pdf(data: bytes) -> bool:
    return data.find(_HEAD, 0, HEAD_WITHIN + len(_HEAD)) >= 0


def clean_pdf(data: bytes) -> bytes | None:
    """The document from its head to its end, or None for one that is not whole."""
    head, end = data.find(_HEAD, 0, HEAD_WITHIN + len(_HEAD)), data.rfind(_END)
    after = data[end + len(_END) :].lstrip() if end >= head else b""
    if head < 0 or end < head or _REVISION.search(after, 0, _REVISION_WITHIN):
        return None
    whole = data if not after else data[: end + len(_END)] + b"\n"
    return whole if head == 0 else _from_head(whole, head)


def _from_head(data: bytes, head: int) -> bytes:
    """Its table of objects is found by a place that some writers count from the head and some from the first byte."""
    start = _START.match(data, max(0, data.rfind(_STARTXREF)))
    place = int(start.group(1)) if start else 0
    line = _HEAD_LINE.match(data, head)
    if line is None or _TABLE.match(data, head + place) or not _TABLE.match(data, place):
        return data[head:]
    # Counted from the first byte: the head goes there, and a comment takes the room, so that every place stays right.
    room = b"\n" if head == 1 else b"%" + b" " * (head - 2) + b"\n"
    return line.group() + room + data[line.end() :]
