"""PDFs as scanners and gateways leave them: taken from head to end, every place in them still right."""

import re
import time

import pytest

from models.pdf_files import HEAD_WITHIN, clean_pdf, is_pdf


def pdf(counted_from: int = 0, revision: bytes = b"") -> bytes:
    body = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    table = b"xref\n0 2\n0000000000 65535 f \n%010d 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\n" % (15 + counted_from)
    return body + table + b"startxref\n%d\n%%%%EOF\n" % (len(body) + counted_from) + revision


def table_at_its_place(data: bytes) -> bool:
    place = int(re.findall(rb"startxref\n([0-9]+)", data)[-1])
    object_place = int(re.findall(rb"([0-9]{10}) 00000 n", data)[-1])
    return data[place:].startswith(b"xref") and data[object_place:].startswith(b"1 0 obj")


def test_a_whole_one_stays_as_it_is() -> None:
    for data in (pdf(), pdf() + b"\r\n", pdf().rstrip()):
        assert clean_pdf(data) == data
    assert table_at_its_place(pdf())


@pytest.mark.parametrize(
    "junk", [b"\0" * 4845, b"\x1a", b"PK\x03\x04 hidden", b"<script>", b"500001195602159893", b"\1 obj \2"]
)
def test_what_follows_the_end_is_not_kept(junk: bytes) -> None:
    assert clean_pdf(pdf() + junk) == pdf()


@pytest.mark.parametrize("size", [1, 2, 3, 100, HEAD_WITHIN])
def test_what_precedes_the_head_is_not_kept_and_places_stay_right(size: int) -> None:
    junk = (b"\xef\xbb\xbfHTTP/1.1 200 OK\r\n" * 60)[:size]
    assert is_pdf(junk + pdf())
    assert clean_pdf(junk + pdf()) == pdf()
    counted = clean_pdf(junk + pdf(counted_from=size) + b"\0\0")
    assert counted is not None
    assert counted.startswith(b"%PDF-1.4\n")
    assert junk not in counted or size < 3
    assert table_at_its_place(counted)


def test_a_revision_without_its_end_is_no_whole_document() -> None:
    for tail in (b"2 0 obj\n<<>>\n", b"xref\n0 1\n", b"1 0 obj <</A 1>> endobj startxref"):
        assert clean_pdf(pdf() + tail) is None
    assert clean_pdf(pdf()[:-10]) is None
    assert clean_pdf(b"%%EOF" + b"%PDF-1.4\n") is None


@pytest.mark.parametrize("junk", [b"1 1 1 1 ", b"1    1   ", b"startxref 1", b" "])
def test_what_is_made_to_be_slow_is_looked_at_in_no_time(junk: bytes) -> None:
    """A search of 20 MiB keeps all threads of the process waiting, not its own only."""
    much = junk * (20 * 1024 * 1024 // len(junk))
    begun = time.thread_time()
    clean_pdf(pdf() + much)
    clean_pdf(b"\0" + pdf()[:-7] + much + b"%%EOF")
    assert time.thread_time() - begun < 0.5


def test_a_head_that_comes_too_late_is_none() -> None:
    assert not is_pdf(b"\0" * (HEAD_WITHIN + 1) + pdf())
    assert clean_pdf(b"\0" * (HEAD_WITHIN + 1) + pdf()) is None
