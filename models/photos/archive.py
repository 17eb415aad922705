"""A zip of photos whose member names are application numbers, read as if it were hostile."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from models.photos.redraw import PhotoRefused
from models.sheets.zip_entries import count_entries
from models.wire.words import DocumentKind
from models.words.refusals import Refusal, RefusalCode

MAX_MEMBERS = 10_000
# Pictures hardly get smaller in a zip; what unpacks to much more than it may weigh holds something else.
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
# Some 80 photos of a camera's 12 million pixels, or 500 of a size that is good enough.
MAX_ARCHIVE_PIXELS = 1_000_000_000
MAX_RATIO = 200
_KINDS = "|".join(kind.value for kind in DocumentKind)
_NAME = re.compile(rf"([A-Za-z0-9-]{{1,40}})(?:_({_KINDS}))?\.(?:jpg|jpeg|png)", re.IGNORECASE)
# Folders and the droppings of file managers hold no photos and do no harm.
_IGNORED = re.compile(r"(?:__MACOSX/.*|(?:.*/)?\.DS_Store|(?:.*/)?Thumbs\.db)")


# Of a name that somebody made up: what may be a person's name or number is blotted out.
_MAYBE_PERSONAL = re.compile(r"[^\x20-\x7e]+|[0-9]{8,}[0-9Xx]*")
_LONGEST_NAME = 80


@dataclass(frozen=True)
class MemberFault:
    """`place` is the member's position from 1, `file` its name as far as that names an application and no person."""

    place: int
    file: str
    code: RefusalCode
    message: str
    application_no: str | None = None
    kind: DocumentKind | None = None


@dataclass(frozen=True)
class Member:
    place: int
    application_no: str
    kind: DocumentKind
    info: zipfile.ZipInfo

    def fault(self, code: RefusalCode, message: str) -> MemberFault:
        return MemberFault(self.place, _shown(self.info), code, message, self.application_no, self.kind)


@dataclass
class Contents:
    members: list[Member] = field(default_factory=list)
    faults: list[MemberFault] = field(default_factory=list)


class ArchiveRefused(Exception):
    """The archive as a whole can't be read."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code)


class PhotoArchive:
    """An opened archive; nothing is unpacked before its names and sizes were looked at."""

    def __init__(self, source: BinaryIO, default_kind: DocumentKind | None, max_photo_bytes: int) -> None:
        self._default_kind = default_kind
        self._max_photo_bytes = max_photo_bytes
        try:
            if count_entries(source, MAX_MEMBERS) > MAX_MEMBERS:
                raise ArchiveRefused(Refusal.ARCHIVE_MEMBERS, f"压缩包超过 {MAX_MEMBERS} 个文件，请分几个压缩包上传")
            self._zip = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
            raise ArchiveRefused(Refusal.ARCHIVE_KIND, "不是完好的 zip 压缩包，请重新打包后上传") from None
        if sum(info.file_size for info in self._zip.infolist()) > MAX_UNPACKED_BYTES:
            raise ArchiveRefused(Refusal.ARCHIVE_TOO_LARGE, "压缩包解开后过大，请缩小照片或分几个压缩包上传")

    def contents(self) -> Contents:
        """What the names promise; a photo named twice is a fault of the second."""
        found = Contents()
        seen: set[tuple[str, DocumentKind]] = set()
        for place, info in self._files():
            member = self._member(place, info)
            if isinstance(member, MemberFault):
                found.faults.append(member)
            elif (member.application_no, member.kind) in seen:
                found.faults.append(member.fault(Refusal.PHOTO_TWICE, "同一申请的同一种照片出现两次，请只留一张"))
            else:
                seen.add((member.application_no, member.kind))
                found.members.append(member)
        if not found.members and not found.faults:
            raise ArchiveRefused(Refusal.ARCHIVE_EMPTY, "压缩包里没有照片，请检查后重新打包")
        return found

    def read(self, member: Member) -> bytes:
        """A member's bytes: at most the cap is unpacked, whatever the archive says; PhotoRefused where it can't be."""
        try:
            with self._zip.open(member.info) as source:
                data = source.read(self._max_photo_bytes + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError):
            raise PhotoRefused(Refusal.MEMBER_DAMAGED, "压缩包中这一项已损坏或加了密码，请重新打包") from None
        if len(data) > self._max_photo_bytes:
            raise PhotoRefused(Refusal.PHOTO_TOO_LARGE, self._too_large())
        return data

    def _files(self) -> Iterator[tuple[int, zipfile.ZipInfo]]:
        for place, info in enumerate(self._zip.infolist(), start=1):
            if not info.is_dir() and not _IGNORED.fullmatch(info.filename):
                yield place, info

    def _member(self, place: int, info: zipfile.ZipInfo) -> Member | MemberFault:
        matched = _NAME.fullmatch(info.filename)
        if matched is None:
            words = "文件名应为“申请编号.jpg”或“申请编号_照片种类.jpg”，且不在文件夹内"
            return MemberFault(place, _shown(info), Refusal.MEMBER_NAME, words)
        number, given = matched.group(1), matched.group(2)
        kind = DocumentKind(given.lower()) if given else self._default_kind
        if kind is None:
            words = "看不出照片种类，请在文件名中写明或上传时选择种类"
            return MemberFault(place, _shown(info), Refusal.KIND_MISSING, words, number)
        member = Member(place, number, kind, info)
        if info.file_size > self._max_photo_bytes:
            return member.fault(Refusal.PHOTO_TOO_LARGE, self._too_large())
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            return member.fault(Refusal.MEMBER_RATIO, "压缩比异常，不像照片，请重新打包")
        return member

    def _too_large(self) -> str:
        return f"照片超过 {self._max_photo_bytes // (1024 * 1024)} MiB，请缩小后重新打包"


def _shown(info: zipfile.ZipInfo) -> str:
    name = _MAYBE_PERSONAL.sub("*", info.filename)
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
