"""Files under their own hash; a stored one is never half there."""

import hashlib
import re

from .problems import Problem
from .store import write_file
from .world import Answer, Call, World

_KINDS: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK\x03\x04",),
}


def upload_file(world: World, call: Call) -> Answer:
    sha256 = call.path["sha256"]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Problem("VALIDATION_FAILED", "路径应为文件的 sha256，小写十六进制")
    _judge(call, sha256)
    file_id = f"file_{sha256[:40]}"
    known = world.store.row("SELECT 1 FROM file WHERE client_id = ? AND file_id = ?", call.client.client_id, file_id)
    if known is not None:
        return Answer(200, {"file_id": file_id})
    path = world.store.files / sha256[:2] / sha256
    path.parent.mkdir(exist_ok=True)
    write_file(path, call.body)
    kind = call.content_type
    world.store.run(
        "INSERT INTO file VALUES (?, ?, ?, ?, ?)", call.client.client_id, file_id, sha256, kind, len(call.body)
    )
    return Answer(201, {"file_id": file_id})


def _judge(call: Call, sha256: str) -> None:
    starts = _KINDS.get(call.content_type)
    if starts is None:
        raise Problem("FILE_REFUSED", "只接受 PDF、PNG、JPEG 和 XLSX 文件")
    if not call.body:
        raise Problem("FILE_REFUSED", "文件是空的")
    if not call.body.startswith(starts):
        raise Problem("FILE_REFUSED", "文件内容与声明的类型不符")
    if hashlib.sha256(call.body).hexdigest() != sha256:
        raise Problem("FILE_REFUSED", "文件内容与路径中的 sha256 不符")
