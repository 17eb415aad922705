"""The local S3: seaweedfs in one process, on loopback only."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.stack.ports import LOOPBACK, is_listening
from deploy.stack.processes import Part, StackError
from deploy.stack.temporal import find_program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "onecard"
REGION = "us-east-1"
_PROBE = ".ready"

# Every listener is named here: one left out would take its default port, on which another copy may sit.
LISTENERS = tuple(
    f"{server}.{kind}" for server in ("s3", "filer", "master", "volume", "admin") for kind in ("port", "port.grpc")
)


@dataclass(frozen=True)
class Access:
    """What a client of the store needs."""

    endpoint_url: str
    bucket: str
    region: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class ObjectStore:
    """The store's ports and keys."""

    ports: dict[str, int]
    access_key_id: str
    secret_access_key: str

    @property
    def endpoint_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['s3.port']}"

    @property
    def access(self) -> Access:
        return Access(self.endpoint_url, BUCKET, REGION, self.access_key_id, self.secret_access_key)

    def client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 1}),
        )


def part(store: ObjectStore, data: Path, env: dict[str, str]) -> Part:
    program = find_program("weed")
    if program is None:
        raise StackError("没有找到对象存储程序 (weed)。请运行 make venv 重新安装。")
    data.mkdir(parents=True, exist_ok=True)
    return Part(
        name="s3",
        argv=[
            *(str(program), "-logtostderr=true", "mini", f"-dir={data}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
            *("-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *(f"-{listener}={store.ports[listener]}" for listener in LISTENERS),
        ],
        env=env
        | {
            "HOME": str(data),
            "AWS_ACCESS_KEY_ID": store.access_key_id,
            "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        },
        cwd=data,
        is_ready=lambda _: _has_bucket(store),
    )


def remove_sockets(store: ObjectStore) -> None:
    """seaweedfs leaves its local sockets in the temporary folder."""
    for port in store.ports.values():
        for path in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
            with contextlib.suppress(OSError):
                path.unlink()


def _has_bucket(store: ObjectStore) -> bool:
    """Ready means: what was stored before can be read, and new objects can be written.

    Both come a moment after the first answer: the volumes report to the master on their own.
    """
    if not is_listening(store.ports["s3.port"]):
        return False
    client = store.client()
    try:
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=BUCKET)
        with contextlib.suppress(client.exceptions.NoSuchKey):
            client.get_object(Bucket=BUCKET, Key=_PROBE)["Body"].read()
        client.put_object(Bucket=BUCKET, Key=_PROBE, Body=b"ready")
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True
