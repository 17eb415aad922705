"""Nodes that live and no longer count: their heartbeats don't come to the database although it is there.

Such a node answers that it serves, and has lost the others: a ring of one.
"""

import time

import psycopg

from deploy.cluster.plan import NODES, Node, Plan
from deploy.stack import postgres

# A heartbeat comes every 10 to 15 seconds, and counts for 20.
SILENT_S = 45.0
_AGES = (
    "SELECT rpc_address, rpc_port,"
    " extract(epoch FROM (now() AT TIME ZONE 'UTC') - max(last_heartbeat))::float"
    " FROM cluster_membership GROUP BY 1, 2"
)


class Heartbeats:
    """Asks the cluster's own database."""

    def __init__(self, cluster: postgres.Cluster, plan: Plan) -> None:
        self._cluster, self._plan = cluster, plan
        self._there_since: float | None = None

    def silent(self) -> list[Node]:
        """Whose last heartbeat is old; none while the database was away lately, for then it is all of them."""
        try:
            with self._cluster.connect("temporal") as connection:
                ages = {(row[0], row[1]): float(row[2]) for row in connection.execute(_AGES)}
        except psycopg.Error:
            self._there_since = None
            return []
        now = time.monotonic()
        self._there_since = self._there_since or now
        if now - self._there_since < SILENT_S:
            return []
        return [node for node in NODES if ages.get(self._place(node), SILENT_S) >= SILENT_S]

    def _place(self, node: Node) -> tuple[str, int]:
        return node.host, self._plan.port(node.role, "membership")
