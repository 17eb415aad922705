"""What every Temporal of this product must agree on: the dev server's flags, the cluster's files and compose.yaml.

The first two are made from here; the compose file is held against it by tests/test_stack_compose.py.
"""

from datetime import timedelta

NAMESPACE = "onecard"
TASK_QUEUE = "onecard"
# Where a run a minute shows that runs end: neither the watch nor people see it, and a day is enough.
CANARY_NAMESPACE, CANARY_RETENTION = "onecard-canary", timedelta(days=1)
# Links to closed runs live as long.
RETENTION = timedelta(days=90)
SEARCH_ATTRIBUTES = {"County": "Keyword", "Batch": "Keyword", "FundYear": "Int", "Stage": "Keyword"}

# Which run is whose is worked out by this number: it can never be changed once a run has been stored.
SHARDS = 512
PLUGIN = "postgres12_pgx"
SERVER_VERSION, UI_VERSION = "1.32.0", "2.54.0"
DATABASES = {"temporal": "postgresql/v12/temporal", "temporal_visibility": "postgresql/v12/visibility"}

DYNAMIC_CONFIG: dict[str, object] = {
    # PostgreSQL keeps ids in columns of 255 characters: refused at the door rather than at the insert.
    "limit.maxIDLength": 255,
    # Off by default. Fairness is kept per partition of a queue, so each has one.
    "matching.enableFairness": True,
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # Beyond a hundred counties it counts by a sketch of so many places, a hundred by itself: 3,000 counties would share
    # them, and one that has had nothing yet would pay for what thirty others had.
    "matching.fairnessCounter": {"CMS": {"W": 10_000}},
    # Off by default. A worker that is told to end takes no further work, and no longer counts as one that polls: else
    # what it is still given waits until it is given to somebody else, and a build whose last worker has gone can't be
    # deleted for five minutes.
    "frontend.enableCancelWorkerPollsOnShutdown": True,
}
# Only where nodes speak with each other: what they say of who is there is closed to strangers, too, and a node
# that is told to end hands on what it has first. A frontend then waits for the workers' open questions, which end by
# themselves sooner than that: cut off, what had just been given out to one would wait until its worker counts as dead.
BETWEEN_NODES: dict[str, object] = {
    "system.enableRingpopTLS": True,
    "matching.longPollExpirationInterval": "10s",
    "frontend.shutdownDrainDuration": "15s",
    "history.shutdownDrainDuration": "1s",
    "matching.shutdownDrainDuration": "1s",
}

# Connections of each node to each database: all nodes together must fit beside the product's.
CONNECTIONS = {"temporal": 14, "temporal_visibility": 5}
# How many processes of each role.
REPLICAS = {"frontend": 2, "history": 2, "matching": 2, "worker": 1}

# What the certificates are for, by name: an address may change, and every node of a role has another one.
SERVER_NAME = "temporal.onecard.internal"
