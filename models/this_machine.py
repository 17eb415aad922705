"""What is for the local stack alone: a process with an address anywhere else refuses to start with it."""

import re
from collections.abc import Mapping

from models.settings import Settings
from models.wire.signing import PlatformCredentials

_ON_LOOPBACK = re.compile(r"^([a-z0-9+]+://([^@/]*@)?)?(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/.*)?$")


def require_this_machine(what: str, settings: Settings, clients: Mapping[str, PlatformCredentials]) -> None:
    """ValueError where database, Temporal, S3, the platform or this process itself is reached anywhere else."""
    ours = settings.database_url.get_secret_value(), settings.temporal_address, settings.api_host
    here = (*ours, settings.s3_endpoint_url or "", *(client.base_url for client in clients.values()))
    if not all(_ON_LOOPBACK.match(one) for one in here):
        raise ValueError(f"{what} is for the local stack: every address has to be on 127.0.0.1")
