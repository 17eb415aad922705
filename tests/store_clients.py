"""Clients of object stores: boto3 takes longer to make one than many a test, so each store has one in a process."""

from api.main import build_s3
from models.settings import Settings
from models.store.objects import S3, s3_arguments

_made: dict[tuple[object, ...], S3] = {}


def s3_of(settings: Settings) -> S3:
    where = tuple(s3_arguments(settings).values())
    if where not in _made:
        _made[where] = build_s3(settings)
    return _made[where]
