"""Photos: only pictures, drawn anew; archives as hostile as they come; never a reference without its object."""

import io
import secrets
import zipfile
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from PIL import Image, PngImagePlugin

from deploy.stack.objects import Access
from models.photos.redraw import MAX_PIXELS, PhotoRefused, redraw
from models.store.applications.photos import ReviewedPhoto
from models.store.sql import execute, fetch_int
from models.wire.words import DocumentKind
from models.words.staff import Role
from models.words.stages import ApplicationStage
from tests.api_server import OTHER_COUNTY, ApiServer, api_server, seed_catalogs
from tests.application_lines import put_lines
from tests.statements import rows_of


@pytest.fixture
async def server(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, s3_settings) as running:
        await seed_catalogs(running.database)
        yield running


def picture(size: tuple[int, int] = (64, 48), kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    target = io.BytesIO()
    image = Image.effect_noise(size, 60).convert(mode)
    image.save(target, kind, **options)
    return target.getvalue()


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return target.getvalue()


async def put(server: ApiServer, number: str, data: bytes, kind: str = "bank_card", **who: object) -> httpx.Response:
    role = who.get("role", Role.OPERATOR)
    assert isinstance(role, Role)
    headers = server.bearer(role, str(who.get("county", "500001")), str(who.get("person", "operator")))
    return await server.http.put(
        f"/applications/{number}/photos/{kind}", files={"file": ("张三的卡.jpg", data)}, headers=headers
    )


async def send(server: ApiServer, data: bytes, kind: str | None = None) -> httpx.Response:
    headers = server.bearer(Role.OPERATOR) | {"Idempotency-Key": secrets.token_hex(8)}
    fields = {"kind": kind} if kind else {}
    return await server.http.post("/photo-archives", files={"file": ("x.zip", data)}, data=fields, headers=headers)


async def kept(server: ApiServer) -> int:
    async with server.database.reading() as session:
        return await fetch_int(session, "SELECT count(*) FROM application_photo")


async def test_a_photo_is_stored_shown_and_replaced(server: ApiServer) -> None:
    (number,) = await put_lines(server, 1, "draft")
    first = await put(server, number, picture())
    assert first.status_code == 200, first.text
    shown = await server.get(Role.REVIEWER, f"/applications/{number}/photos/bank_card")
    assert shown.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size == (64, 48)
    [noted] = (await server.get(Role.REVIEWER, "/disclosures", purpose="photo")).json()["items"]
    assert (noted["thing"], noted["number"], noted["within"]) == ("application", number, "bank_card")
    await put(server, number, picture((32, 32), "PNG", "RGBA"))
    again = await server.get(Role.REVIEWER, f"/applications/{number}/photos/bank_card")
    assert (again.headers["content-type"], Image.open(io.BytesIO(again.content)).size) == ("image/png", (32, 32))
    alone = (await server.get(Role.OPERATOR, f"/applications/{number}")).json()
    assert [photo["kind"] for photo in alone["photos"]] == ["bank_card"]
    assert (await server.get(Role.OPERATOR, f"/applications/{number}/photos/portrait")).status_code == 404
    assert await kept(server) == 1


def test_what_a_camera_writes_into_a_file_stays_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = "周建国 500001195602159893"
    exif[0x0112] = 6  # turned by the camera
    data = picture((60, 20), exif=exif.tobytes(), comment=b"13800001234")
    drawn = redraw(data)
    assert Image.open(io.BytesIO(drawn.data)).size == (20, 60)
    assert not dict(Image.open(io.BytesIO(drawn.data)).getexif())
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "13800001234")
    plain = redraw(picture((9, 9), "PNG", "RGBA", pnginfo=notes))
    assert b"13800001234" not in drawn.data + plain.data
    trailing = redraw(picture() + b"500001195602159893")
    assert b"500001195602159893" not in trailing.data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "PHOTO_EMPTY"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "PHOTO_KIND"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PHOTO_KIND"),
        (picture(kind="GIF", mode="P"), "PHOTO_KIND"),
        (picture()[:400], "PHOTO_KIND"),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(PhotoRefused) as refused:
        redraw(data)
    assert refused.value.code == code


def test_a_picture_of_a_billion_pixels_is_not_decoded() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    side = int(MAX_PIXELS**0.5) * 5
    header = side.to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    )
    with pytest.raises(PhotoRefused) as refused:
        redraw(bomb)
    assert refused.value.code == "PHOTO_PIXELS"


async def test_photos_are_the_countys_and_the_applicants_own_and_fixed_in_time(server: ApiServer) -> None:
    (number,) = await put_lines(server, 1, "draft", entered_by="wang")
    (sent,) = await put_lines(server, 1, "closed")
    assert (await put(server, number, picture(), county=OTHER_COUNTY)).status_code == 404
    assert (await put(server, number, picture(), role=Role.APPLICANT, person="li")).status_code == 404
    assert (await put(server, number, picture(), role=Role.APPLICANT, person="wang")).status_code == 200
    assert (await put(server, sent, picture())).json()["code"] == "PHOTOS_FIXED"
    mine = {"role": Role.APPLICANT, "person": "wang"}
    # what was reviewed is changed by editing only; what the county still wants to see may be added
    for stage, kind, status in (("matched", "bank_card", 409), ("matched", "portrait", 200), ("paid", "portrait", 409)):
        await at_stage(server, number, stage)
        answer = await put(server, number, picture(), kind=kind, **mine)
        assert (answer.status_code, answer.json().get("code", "PHOTOS_FIXED")) == (status, "PHOTOS_FIXED")
    assert (await put(server, number, picture(), kind="invoice")).status_code == 200
    assert (await put(server, number, picture(), kind="selfie")).status_code == 422


async def test_what_a_reviewer_has_passed_stays_as_it_was_seen(server: ApiServer) -> None:
    """Replaced by nobody, one by one or in an archive, until it is sent back; what wasn't there may still be added."""
    (number,) = await put_lines(server, 1, "in_review")
    chosen = {"selection": {"application_nos": [number]}}
    for kind in ("bank_card", "id_card_front"):
        assert (await put(server, number, picture(), kind=kind)).status_code == 200
    assert (await put(server, number, picture())).status_code == 200, "nobody has passed it yet"
    assert (await server.post(Role.REVIEWER, "/application-approvals", chosen)).status_code == 200

    async def refused(kind: str) -> str:
        answer = await put(server, number, picture(), kind=kind)
        packed = await send(server, archive({f"{number}_{kind}.jpg": picture()}))
        assert (answer.status_code, packed.status_code) == (409, 422)
        assert (answer.json()["code"], packed.json()["errors"][0]["code"]) == ("PHOTOS_FIXED", "PHOTOS_FIXED")
        detail = str(answer.json()["detail"])
        assert detail.partition("：")[2] in packed.json()["errors"][0]["detail"]
        return detail

    for stage in ("in_review", "publicised", "matched"):
        await at_stage(server, number, stage)
        assert "请先由审核人审核退回" in await refused("bank_card")
        assert "请先由审核人审核退回" in await refused("id_card_front")
    assert (await put(server, number, picture(), kind="invoice")).status_code == 200
    assert (await put(server, number, picture(), kind="invoice")).status_code == 200, "nobody has reviewed that one"
    in_flow = ReviewedPhoto(number, DocumentKind.INVOICE, ApplicationStage.IN_FLOW)
    assert "修改申请提交" in in_flow.why_fixed
    await at_stage(server, number, "paid")
    assert "不再更换" in await refused("bank_card")
    assert (await put(server, number, picture(), kind="id_card_front")).status_code == 200, "evidence, sent again"
    await at_stage(server, number, "matched")
    returned = await server.post(Role.REVIEWER, "/application-returns", {**chosen, "reason": "照片不清"})
    assert returned.status_code == 200, returned.text
    assert (await put(server, number, picture())).status_code == 200


async def at_stage(server: ApiServer, number: str, stage: str) -> None:
    async with server.database.transaction() as session:
        await execute(session, "UPDATE application SET stage = :s WHERE application_no = :no", s=stage, no=number)


async def test_an_archive_named_by_application_numbers(server: ApiServer) -> None:
    numbers = await put_lines(server, 30, "draft")
    members = {f"{number}.jpg": picture() for number in numbers}
    members |= {f"{numbers[0]}_portrait.PNG": picture(kind="PNG"), "__MACOSX/._x.jpg": b"junk", "Thumbs.db": b"junk"}
    answer = await send(server, archive(members), "bank_card")
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"photos": 31, "applications": 30, "kinds": {"bank_card": 30, "portrait": 1}}
    async with server.database.reading() as session:
        stored = await rows_of(session, "SELECT object_key FROM stored_file")
        assert await fetch_int(session, "SELECT count(*) FROM trail_entry") == 1
    assert all(row.object_key.startswith("500001/") and "S2026" not in row.object_key for row in stored)
    for number in numbers[:3]:
        shown = await server.get(Role.OPERATOR, f"/applications/{number}/photos/bank_card")
        assert shown.status_code == 200


async def test_one_bad_member_refuses_the_archive_and_each_is_told(server: ApiServer) -> None:
    good, other, _ = await put_lines(server, 3, "draft")
    members = {
        f"{good}.jpg": picture(),
        "../../etc/passwd.jpg": picture(),
        f"folder/{good}.jpg": picture(),
        "张三 500001195602159893.jpg": picture(),
        "A-404.jpg": picture(),
        f"{other}_selfie.jpg": picture(),
        f"{good.lower()}_portrait.jpg": picture(),
        f"{good}_bank_card.png": picture(kind="PNG"),
    }
    answer = await send(server, archive(members), "bank_card")
    assert (answer.status_code, answer.json()["code"]) == (422, "PHOTOS_REFUSED")
    found = {error["place"]: error["code"] for error in answer.json()["errors"]}
    assert found == {
        2: "MEMBER_NAME",
        3: "MEMBER_NAME",
        4: "MEMBER_NAME",
        5: "UNKNOWN_APPLICATION",
        6: "MEMBER_NAME",
        7: "UNKNOWN_APPLICATION",
        8: "PHOTO_TWICE",
    }
    assert "张三" not in answer.text
    assert "500001195602159893" not in answer.text
    files = {error["place"]: (error["file"], error["kind_label"]) for error in answer.json()["errors"]}
    assert files == {
        2: ("../../etc/passwd.jpg", None),
        3: (f"folder/{good}.jpg", None),
        4: ("* *.jpg", None),
        5: ("A-404.jpg", "银行卡照片"),
        6: (f"{other}_selfie.jpg", None),
        7: (f"{good.lower()}_portrait.jpg", "头像"),
        8: (f"{good}_bank_card.png", "银行卡照片"),
    }
    assert "第 7 个文件" in answer.json()["errors"][5]["detail"]
    assert await kept(server) == 0


async def test_a_member_that_is_no_photo_refuses_all(server: ApiServer) -> None:
    good, bad = await put_lines(server, 2, "draft")
    answer = await send(server, archive({f"{good}.jpg": picture(), f"{bad}.jpg": b"x" * 500}), "portrait")
    (error,) = answer.json()["errors"]
    assert (error["application_no"], error["code"]) == (bad, "PHOTO_KIND")
    assert (error["file"], error["kind"], error["kind_label"]) == (f"{bad}.jpg", "portrait", "头像")
    assert f"{bad}.jpg（头像）" in error["detail"]
    assert await kept(server) == 0


async def test_hostile_archives(server: ApiServer) -> None:
    (number,) = await put_lines(server, 1, "draft")
    bomb = archive({f"{number}.jpg": bytes(9_000_000)})
    big = archive({f"{number}.jpg": bytes(30_000_000)})
    assert (await send(server, bomb, "invoice")).json()["errors"][0]["code"] == "MEMBER_RATIO"
    assert (await send(server, big, "invoice")).json()["errors"][0]["code"] == "PHOTO_TOO_LARGE"
    liar = bytearray(archive({f"{number}.jpg": picture((300, 300))}, zipfile.ZIP_STORED))
    place = liar.rfind(b"PK\x01\x02")
    liar[place + 24 : place + 28] = (100).to_bytes(4, "little")  # says it is smaller than it is
    lied = await send(server, bytes(liar), "invoice")
    assert lied.json()["errors"][0]["code"] in ("MEMBER_DAMAGED", "PHOTO_KIND")
    nameless = await send(server, archive({f"{number}.jpg": picture()}))
    assert nameless.json()["errors"][0]["code"] == "KIND_MISSING"
    for data, code in (
        (b"no zip", "ARCHIVE_KIND"),
        (b"", "ARCHIVE_KIND"),
        (archive({}), "ARCHIVE_EMPTY"),
        (archive({f"A-{place}.jpg": b"" for place in range(10_001)}), "ARCHIVE_MEMBERS"),
    ):
        assert (await send(server, data, "invoice")).json()["code"] == code
    assert await kept(server) == 0


async def test_without_the_object_there_is_no_row(database_url: str, tmp_path: Path) -> None:
    nowhere = Access("http://127.0.0.1:9", "onecard", "us-east-1", "a", "b")
    async with api_server(database_url, tmp_path, nowhere) as server:
        (number,) = await put_lines(server, 1, "draft")
        answer = await put(server, number, picture())
        assert answer.status_code == 503
        assert await kept(server) == 0
        async with server.database.reading() as session:
            assert await fetch_int(session, "SELECT count(*) FROM stored_file") == 0


async def test_a_photo_comes_small_enough_for_a_slow_line(server: ApiServer) -> None:
    """Noise is the hardest to pack: its quality gives way first, then its size; what can be seen through gets white."""
    (number,) = await put_lines(server, 1, stage="draft")
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGBA")):
        data = picture((1_500, 2_000), kind, mode)
        assert (await put(server, number, data)).status_code == 200
        for width, most in ((160, 160), (1_600, 1_500)):
            answer = await server.get(Role.OPERATOR, f"/applications/{number}/photos/bank_card", width=width)
            assert answer.headers["content-type"] == "image/jpeg"
            assert len(answer.content) <= 60_000
            with Image.open(io.BytesIO(answer.content)) as shown:
                assert 40 <= shown.width <= most
                assert shown.height > shown.width
    assert (await server.get(Role.OPERATOR, f"/applications/{number}/photos/bank_card", width=9_999)).status_code == 422
    whole = await server.get(Role.OPERATOR, f"/applications/{number}/photos/bank_card")
    assert len(whole.content) > 60_000
