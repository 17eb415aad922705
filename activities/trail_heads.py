"""Hands of the hourly signing: every county's head to S3, and no new one over a trail that doesn't hold."""

import sys

from temporalio import activity

from models.contracts import HeadsSigned
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.trail.check import Break
from models.store.trail.heads import counties, sign_head
from models.store.vault import Vault


class TrailActivities:
    def __init__(self, database: Database, vault: Vault, objects: ObjectStore) -> None:
        self._database = database
        self._vault = vault
        self._objects = objects

    @activity.defn
    async def sign_heads(self) -> HeadsSigned:
        signed, broken = 0, []
        codes = await counties(self._database, self._objects)
        for code in codes:
            found = await sign_head(self._database, self._vault, self._objects, code)
            if isinstance(found, Break):
                broken.append(f"{code} 第 {found.sequence} 条起：{found.kind.label}")
            else:
                signed += found
        for words in broken:
            print(f"trail broken: {words}", file=sys.stderr, flush=True)
        return HeadsSigned(counties=len(codes), signed=signed, broken=tuple(broken))
