"""What the API is given once, by main or by a test: every client and key it works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fastapi import Request
from joserfc.jwk import OctKey
from temporalio.client import Client

from api.counter.shown_vault import ShownVault
from api.oidc.provider import Provider
from api.relay.broadcast import Broadcast
from api.relay.canary import Canary
from api.relay.relay import Relay
from api.server.bearer import Standings
from api.server.drawing import Drawing
from api.server.limits import Room
from api.server.open_requests import OpenRequests
from api.server.typesetting import Typesetting
from models.places import Places
from models.settings import Settings
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.vault import Vault
from models.wire.signing import PlatformCredentials


@dataclass(frozen=True)
class Parts:
    database: Database
    vault: Vault
    objects: ObjectStore
    settings: Settings
    token_key: OctKey
    clients: Mapping[str, PlatformCredentials]
    temporal: Client | None
    relay: Relay | None
    # where staff sign in, in a province that has one
    provider: Provider | None = None
    # whether runs still end, where the settings give it a namespace
    canary: Canary | None = None
    open_requests: OpenRequests = field(default_factory=OpenRequests)
    drawing: Drawing = field(default_factory=Drawing)
    typesetting: Typesetting = field(default_factory=Typesetting)
    # large files that are held whole, of up to 20 MiB and some copies each
    whole_files: Places = field(default_factory=lambda: Places(1, wait_seconds=1.5))
    # pictures of ours made smaller, up to 48 MB each while that is done
    shrinking: Places = field(default_factory=lambda: Places(2, wait_seconds=5))
    # a password's hash takes 19 MiB and a core
    hashing: Places = field(default_factory=lambda: Places(2, wait_seconds=5))
    callback_room: Room = field(default_factory=Room)

    @cached_property
    def shown(self) -> ShownVault:
        """For lists and details: a value that can't be opened is shown as such."""
        return ShownVault(self.vault)

    @cached_property
    def standings(self) -> Standings:
        return Standings(self.database)

    @cached_property
    def stages(self) -> Broadcast:
        """Whose stage is told; without a relay nobody tells."""
        return self.relay.stages if self.relay else Broadcast()


def parts_of(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


def only_looks(request: Request) -> bool:
    """A list, a detail, a search or somebody's whole data: nothing is decided by what it says."""
    return request.method == "GET" or request.url.path.endswith(("/search", "/disclosures"))
