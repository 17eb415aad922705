"""Certificates between this product and Temporal: what is wrong with them, in a sentence, and new ones taken up."""

import asyncio
import contextlib
import hashlib
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from temporalio.client import Client
from temporalio.envconfig import ClientConfigTLS, DataSource
from temporalio.service import RPCError

from models.words.calendar import CHINA
from workflows.client import DEFAULT_ADDRESS, connect, profile_of

_WITHIN_S = 2.0
# OpenSSL's numbers for what it finds wrong with a certificate.
_EXPIRED, _OTHER_NAME, _FOREIGN = {10}, {62, 63, 64}, {2, 7, 18, 19, 20, 21}
_MEND = "换好后自动重新连接，不必重启。"


async def trouble_with(given: Mapping[str, str]) -> str | None:
    """Why the certificates are in the way; None where they aren't, or nobody is at the address.

    `given` is by the SDK's own names, as for `connect`.
    """
    try:
        profile = profile_of(given)
    except (RuntimeError, OSError) as error:
        return f"Temporal 的连接设置无法读取（{error}）。请检查 TEMPORAL_CONFIG_FILE 和 TEMPORAL_PROFILE。"
    address, tls = profile.address or DEFAULT_ADDRESS, profile.tls
    if tls is None or tls.disabled:
        return None if profile.api_key else await _without_tls(address)
    try:
        context = _context(tls)
    except _Unusable as error:
        return str(error)
    return await _refusal(address, context, tls.server_name or address.rpartition(":")[0])


async def follow_certificates(
    given: Mapping[str, str], hand_on: Callable[[Client], None], every_seconds: float = 10.0
) -> None:
    """Until cancelled: whenever the files are others, a client that has connected with them is handed on."""
    seen = _fingerprint(given)
    while seen is not None:
        await asyncio.sleep(every_seconds)
        found = _fingerprint(given)
        if found in (None, seen):
            continue
        try:
            hand_on(await connect(given))
        except (RPCError, RuntimeError, OSError) as error:
            print(f"new certificates: {await trouble_with(given) or type(error).__name__}", flush=True)
        else:
            seen = found
            print("new certificates are in use", flush=True)


class _Unusable(Exception):
    """What the files themselves show; the text is the sentence."""


def _context(tls: ClientConfigTLS) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    if tls.server_root_ca_cert is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["h2"])
        authority = _read(tls.server_root_ca_cert, "签发机构证书")
        with _said("签发机构证书", tls.server_root_ca_cert):
            context.load_verify_locations(cadata=authority.decode())
    if tls.client_cert is not None and tls.client_private_key is not None:
        _load(context, tls.client_cert, tls.client_private_key)
    elif tls.client_cert is not None or tls.client_private_key is not None:
        raise _Unusable("客户端证书和私钥要一并设置，现在只有其中一个。请检查 TEMPORAL_TLS_CLIENT_…。")
    return context


def _load(context: ssl.SSLContext, certificate: DataSource, key: DataSource) -> None:
    content, private = _read(certificate, "客户端证书"), _read(key, "客户端私钥")
    with _said("客户端证书", certificate):
        read = x509.load_pem_x509_certificate(content)
    with _said("客户端私钥", key):
        fits = load_pem_private_key(private, None).public_key() == read.public_key()
    if not fits:
        raise _Unusable(f"客户端证书{_place(certificate)}与私钥{_place(key)}不是一对。请放上成对的两个文件，{_MEND}")
    if read.not_valid_after_utc < datetime.now(UTC):
        raise _Unusable(
            f"客户端证书{_place(certificate)}已于 {_day(read.not_valid_after_utc)} 到期。请换上新的证书和私钥，{_MEND}"
        )
    with tempfile.TemporaryDirectory() as folder, _said("客户端证书", certificate):
        files = Path(folder, "certificate"), Path(folder, "key")
        for file, one in zip(files, (content, private), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(one)
        context.load_cert_chain(*files)


@contextlib.contextmanager
def _said(what: str, source: DataSource) -> Iterator[None]:
    try:
        yield
    except (ssl.SSLError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _Unusable(f"{what}{_place(source)}无法识别：须是 PEM 格式，私钥不加密；{_MEND}") from error


def _read(source: DataSource, what: str) -> bytes:
    if not isinstance(source, Path):
        return source.encode() if isinstance(source, str) else source
    try:
        return source.read_bytes()
    except OSError as error:
        raise _Unusable(f"{what} {source} 读不到（{error.strerror}）。请检查路径和权限。") from error


def _place(source: DataSource) -> str:
    return f" {source} " if isinstance(source, Path) else ""


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M}（北京时间）"


async def _without_tls(address: str) -> str | None:
    """Somebody who wants TLS says so to whoever tries it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        await _exchange(address, context, None)
    except ssl.SSLError as error:
        if "ALERT" not in (error.reason or ""):
            return None
    except (OSError, TimeoutError, ValueError):
        return None
    return f"Temporal {address} 只接受 TLS，而这里没有设置证书。请设置 TEMPORAL_TLS_… 或 TEMPORAL_CONFIG_FILE。"


async def _refusal(address: str, context: ssl.SSLContext, name: str) -> str | None:
    try:
        await _exchange(address, context, name)
    except ssl.SSLCertVerificationError as error:
        return _of_theirs(address, name, error.verify_code)
    except ssl.SSLError as error:
        return _of_ours(address, error.reason or "")
    except (OSError, TimeoutError, ValueError):
        return None
    return None


def _of_theirs(address: str, name: str, code: int) -> str:
    if code in _EXPIRED:
        return f"Temporal {address} 的证书已到期。请在 Temporal 一侧换上新的证书。"
    if code in _OTHER_NAME:
        return f"Temporal {address} 的证书不是给 {name} 的。请核对 TEMPORAL_TLS_SERVER_NAME 和地址。"
    if code in _FOREIGN:
        return f"Temporal {address} 的证书不是这里所信任的机构签发的。请核对 TEMPORAL_TLS_SERVER_CA_CERT_PATH 和地址。"
    return f"Temporal {address} 的证书无效（OpenSSL {code}）。请在 Temporal 一侧检查证书。"


def _of_ours(address: str, reason: str) -> str:
    if "CERTIFICATE_REQUIRED" in reason:
        return (
            f"Temporal {address} 要求客户端证书，而这里没有设置。请设置 TEMPORAL_TLS_CLIENT_CERT_PATH 和 …_KEY_PATH。"
        )
    if "CERTIFICATE_EXPIRED" in reason:
        return f"Temporal {address} 认为客户端证书已到期。请换上新的证书，并核对两边的时钟；{_MEND}"
    if "ALERT" in reason:
        return f"Temporal {address} 不接受这里的客户端证书：不是它所信任的机构签发的。请换上它的机构签发的证书，{_MEND}"
    return f"Temporal {address} 不使用 TLS，或对方不是 Temporal（{reason}）。请核对地址和 TEMPORAL_TLS。"


async def _exchange(address: str, context: ssl.SSLContext, name: str | None) -> None:
    """Handshake, and the first word of theirs: in TLS 1.3 what is thought of our certificate comes after the handshake.

    Nothing is written: on a connection that is closed with something unread the word would be lost.
    """
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(_WITHIN_S):
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name or host)
        try:
            await reader.read(1)
        finally:
            writer.transport.abort()


def _fingerprint(given: Mapping[str, str]) -> bytes | None:
    """Of everything that is read when connecting; None where that is no file, or one can't be read."""
    try:
        tls = profile_of(given).tls
        sources = (tls.server_root_ca_cert, tls.client_cert, tls.client_private_key) if tls else ()
        files = [source for source in sources if isinstance(source, Path)]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest() if files else None
    except (OSError, RuntimeError):
        return None
